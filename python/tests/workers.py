# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What test_processes.py runs in other processes: a module, so that every way to
start one finds it."""

import os
import pathlib
import shutil
import tempfile
import threading

import mla

# First: it knows where fake_package is.
from support import arguments_of, driver

from fake_package import parameter_sizes
from fakes import CudaArray
from mla import _cuda, _library, sparse


def launch(descriptor):
    """How many launches come of a call."""
    driver.reset(parameter_sizes(descriptor))
    mla.sparse_prefill(**arguments_of(CudaArray))
    return len(driver.launches)


def hold_locks():
    """As another thread that is compiling while this one forks."""
    held = threading.Event()

    def work():
        with _library._library_lock, _library._library._lock, _cuda._driver_lock:
            held.set()
            threading.Event().wait()

    threading.Thread(target=work, daemon=True).start()
    held.wait()


def become_nobody(packages):
    """A user without a name or a home, who may write nowhere but in /tmp, with
    copies of the library and of `packages` to read. The folder they are in."""
    folder = pathlib.Path(tempfile.mkdtemp())
    shutil.copytree(packages, folder / "packages")
    library = shutil.copy(os.environ["MLA_LIBRARY"], folder)
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o555 if path.is_dir() else 0o444)
    os.environ.update(HOME="/", MLA_LIBRARY=library, MLA_PACKAGES=f"{folder}/packages")
    os.environ.pop("MLA_CACHE_DIR", None)
    os.setgroups([])
    os.setgid(54321)
    os.setuid(54321)
    return folder


def compile_a_kernel():
    """True; None where there is no compiler or no assembler."""
    library = _library.library()
    if not library.has_jit:
        return None
    shape = sparse.OPERATOR.shape_class(16, 512, 512, False, False)
    try:
        return library.kernel(shape, sparse.OPERATOR.sizes(3, 100, 64)) is not None
    except mla.MLAError as error:
        if error.status == 3:
            return None
        raise
