# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Functions that test_processes.py runs in other processes. They are in a module so
that every start method of multiprocessing finds them."""

import os
import pathlib
import shutil
import tempfile
import threading

import mla

# First: it adds the folder of fake_package to sys.path.
from support import arguments_of, driver

from fake_package import parameter_sizes
from fakes import CudaArray
from mla import _cuda, _library, sparse


def launch(descriptor):
    """Returns the number of launches of a call."""
    driver.reset(parameter_sizes(descriptor))
    mla.sparse_prefill(**arguments_of(CudaArray))
    return len(driver.launches)


def hold_locks():
    """Holds the locks in another thread, as one that compiles during a fork does."""
    held = threading.Event()

    def work():
        with _library._library_lock, _library._library._lock, _cuda._driver_lock:
            held.set()
            threading.Event().wait()

    threading.Thread(target=work, daemon=True).start()
    held.wait()


def become_nobody(packages):
    """Becomes a user without a name or a home who may write only in /tmp. Returns a
    folder with copies of the library and of `packages`, which that user may read."""
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
    """Returns True, or None without a compiler or an assembler."""
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
