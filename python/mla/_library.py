# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Loads libmla-jit.so or libmla-runtime.so, and finds or compiles kernels.

The library is the one that $MLA_LIBRARY names, the one inside this package, or
one that the system's loader finds. With libmla-jit.so a kernel is compiled for the
first call that needs it; with the runtime alone it has to be among the packages
of use_packages or $MLA_PACKAGES.
"""

import ctypes
import numbers
import os
import pathlib
import threading
import warnings
from typing import NamedTuple, Optional

from . import _abi
from ._errors import MLAError
from ._kernel import Kernel
from ._operators import OPERATORS


_MAX_LAUNCHES = 1024


class CompileOptions(NamedTuple):
    """The arguments of compile_options."""

    schedule: Optional[str] = None
    threshold: Optional[float] = None
    expect_sizes: tuple = ()


def _describe(shape_class):
    """The mlaOperator of a shape class; run-time sizes are left open."""
    op = shape_class.operator
    values = shape_class._asdict()
    sizes = [(name.encode(), values.pop(name)) for name in op.static]
    for name in op.optional:
        values[name] = "yes" if values[name] else "no"
    options = [(name.encode(), value.encode()) for name, value in values.items()]
    return _abi.Operator(
        name=op.name.encode(),
        sizes=(_abi.NamedSize * len(sizes))(*sizes),
        sizeCount=len(sizes),
        options=(_abi.NamedOption * len(options))(*options),
        optionCount=len(options),
    )


def _is_package(folder):
    """Unlike Path.exists() in Python 3.12, raises PermissionError."""
    try:
        (folder / "kernel.json").stat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    return True


class Library:
    """An open library, its kernels, and its compiler. Kernels are kept until the
    process ends: there are few, and their code must outlive the launches."""

    def __init__(self, path):
        self._dll = ctypes.CDLL(path)
        self.path = path
        self._check_version("mlaRuntimeVersion", _abi.RUNTIME_VERSION)
        self._declare(_abi.RUNTIME_FUNCTIONS)
        self.has_jit = hasattr(self._dll, "mlaCompile")
        if self.has_jit:
            self._check_version("mlaJitVersion", _abi.JIT_VERSION)
            self._declare(_abi.JIT_FUNCTIONS)
        self._compiler = None
        # Warnings of the compiler, about its cache or the assembler.
        self._warnings = []
        self._on_warning = _abi.WARNING_FUNCTION(
            lambda _, message: self._warnings.append(message.decode(errors="replace"))
        )
        self.renew_lock()
        # By operator and shape class, kernels by their sizes: those without optional
        # arguments first, then those with more fixed sizes.
        self._packages = {}
        # By operator, shape class and options.
        self._compiled = {}
        self.options = CompileOptions()
        self._launches = {}

    def renew_lock(self):
        self._lock = threading.Lock()

    def _declare(self, functions):
        for name, (result, parameters) in functions.items():
            function = getattr(self._dll, name)
            function.restype, function.argtypes = result, parameters

    def _check_version(self, name, oldest):
        version = getattr(self._dll, name)()
        if version < oldest or version // 10000 != oldest // 10000:
            text = "{}.{}".format
            raise ImportError(
                f"{self.path}: expected version {text(oldest // 10000, oldest // 100 % 100)} "
                "of its interface, or a later one of that number, got "
                f"{text(version // 10000, version // 100 % 100)}"
            )

    def call(self, name, *arguments):
        status = getattr(self._dll, name)(*arguments)
        if status == _abi.SUCCESS:
            return
        message = self._dll.mlaLastError().decode(errors="replace")
        if status == _abi.INVALID_ARGUMENT:
            raise ValueError(message)
        word = self._dll.mlaStatusName(status).decode()
        raise MLAError(status, f"{word}: {message}")

    def kernel(self, shape_class, sizes, expected=()) -> Kernel:
        """The kernel for a call: the package with the most fixed sizes that fit, else a
        compiled one. `expected` are the sizes to choose its schedule for, unless
        compile_options gives some. Raises LookupError if there is no package and no
        compiler."""
        name = shape_class.operator.name
        for (_, fixed), kernel in self._packages.get((name, shape_class), ()):
            if fixed.fit(sizes):
                return kernel
        options = self.options
        if not options.expect_sizes:
            options = options._replace(expect_sizes=expected)
        key = name, shape_class, options
        kernel = self._compiled.get(key)
        if kernel is None:
            with self._lock:
                kernel = self._compiled.get(key)
                if kernel is None:
                    if not self.has_jit:
                        raise LookupError(self._no_package(shape_class, sizes))
                    kernel = self._compiled[key] = self._compile(*key[1:])
        return kernel

    def launches(self):
        """The Launches of earlier calls, by signature. It is replaced by an empty one
        when packages or options change, because other kernels may be chosen then."""
        launches = self._launches
        # Bounded, because each prompt may have a new length.
        if len(launches) >= _MAX_LAUNCHES:
            launches = self._launches = {}
        return launches

    def set_options(self, options):
        self.options = options
        self._launches = {}

    def _no_package(self, shape_class, sizes):
        got = [
            f"{known} for {fixed}"
            for (_, known), kernels in self._packages.items()
            for (_, fixed), _ in kernels
        ]
        return (
            f"no package for {shape_class} and {sizes}; {self.path} has no compiler, so "
            "expected one in a folder of mla.use_packages or $MLA_PACKAGES, got "
            + (", ".join(got) or "none")
        )

    def _compile(self, shape_class, options):
        handle = ctypes.c_void_p()
        if self._compiler is None:
            made = _abi.CompilerOptions(warning=self._on_warning)
            self.call("mlaCompilerCreate", made, ctypes.byref(handle))
            self._compiler, handle = handle, ctypes.c_void_p()
        source = _abi.Source(op=ctypes.pointer(_describe(shape_class)))
        how = _abi.CompileOptions()
        if options.schedule is not None:
            how.schedule = options.schedule.encode()
        if options.threshold is not None:
            # 0 stands for the default in the library.
            how.threshold = options.threshold or _abi.NO_THRESHOLD
        # compile_options may name sizes of other operators.
        known = shape_class.operator.table["sizes"]
        expected = [f"{name}={n}" for name, n in options.expect_sizes if name in known]
        if expected:
            how.expectSizes = ",".join(expected).encode()
        self.call("mlaCompile", self._compiler, source, how, ctypes.byref(handle), None)
        kernel = Kernel(self, handle)
        # Not in the callback, where a warning turned into an error would be lost.
        while self._warnings:
            warnings.warn(self._warnings.pop(0), RuntimeWarning, stacklevel=2)
        return kernel

    def load(self, folder) -> Kernel:
        """The package in `folder`, of any operator or none."""
        handle = ctypes.c_void_p()
        self.call("mlaKernelLoad", os.fsencode(folder), ctypes.byref(handle))
        return Kernel(self, handle)

    def add_packages(self, folder):
        """Loads the package in `folder`, or those in its subfolders. Returns how many.
        Raises ValueError if there is none, or if one is of an unknown operator."""
        root = pathlib.Path(folder)
        found = [root] if _is_package(root) else sorted(filter(_is_package, root.iterdir()))
        if not found:
            raise ValueError(
                f"folder '{root}': expected a kernel.json in it or in a folder in it, "
                "got none"
            )
        for path in found:
            kernel = self.load(path)
            if kernel.operator not in OPERATORS:
                raise ValueError(
                    f"package '{path}': expected operator {' or '.join(OPERATORS)}, got "
                    f"'{kernel.operator}'"
                )
            options = OPERATORS[kernel.operator]["options"]
            if not kernel.options.keys() <= options.keys():
                raise ValueError(
                    f"package '{path}': expected the options {' and '.join(options)} "
                    f"of {kernel.operator}, got {', '.join(kernel.options)}"
                )
            self._add_package(kernel)
        return len(found)

    def _add_package(self, kernel):
        with self._lock:
            place = bool(kernel.optional), kernel.sizes()
            for shape_class in kernel.shape_classes():
                key = kernel.operator, shape_class
                kernels = dict(self._packages.get(key, ()))
                kernels[place] = kernel
                # A new list, because other threads may iterate over the old one.
                self._packages[key] = sorted(
                    kernels.items(),
                    key=lambda item: (
                        item[0][0],
                        item[0][1].count(_abi.DYNAMIC),
                        item[0][1],
                    ),
                )
            self._launches = {}


_library = None
_library_lock = threading.Lock()


def _open():
    named = os.environ.get("MLA_LIBRARY")
    if named:
        return Library(named)
    here = pathlib.Path(__file__).parent
    names = ("libmla-jit.so", "libmla-runtime.so.1")
    candidates = [str(here / name) for name in names if (here / name).exists()]
    faults = []
    for path in candidates + list(names):
        try:
            return Library(path)
        except OSError as error:
            faults.append(str(error))
    raise ImportError(
        "found neither libmla-jit.so nor libmla-runtime.so.1; set MLA_LIBRARY to the "
        "path of one\n  " + "\n  ".join(faults)
    )


def library() -> Library:
    """The library of this process, opened on first use."""
    global _library
    if _library is None:
        with _library_lock:
            if _library is None:
                opened = _open()
                for folder in os.environ.get("MLA_PACKAGES", "").split(os.pathsep):
                    if folder:
                        opened.add_packages(folder)
                _library = opened
    return _library


def _renew_locks():
    """Called in a forked child: threads of the parent may have held the locks."""
    global _library_lock
    _library_lock = threading.Lock()
    if _library is not None:
        _library.renew_lock()


os.register_at_fork(after_in_child=_renew_locks)


def use_packages(folder):
    """Loads the kernel package in `folder`, or those in its subfolders, and prefers
    them to compiling. Returns how many there are.

    Raises ValueError if there is none, or if one is of an unknown operator; MLAError if
    one is damaged or of another version.
    """
    return library().add_packages(folder)


def compile_options(*, schedule=None, threshold=None, expect_sizes=None):
    """Sets how kernels are compiled from now on. Arguments that are not given are the
    compiler's choice. Packages are not affected.

    Args:
        schedule: name of a schedule or a file, optionally with parameters, as in
            "seesaw:block_kv=32"
        threshold: how far, in powers of two, weights may grow before a lazy softmax
            rescales, 0 to 64; with 0 it rescales whenever the maximum grows
        expect_sizes: sizes to choose a schedule for, by name, as in {"s_kv": 8192};
            1 to 2^31 - 1

    Raises ValueError and TypeError, which name the argument, what was expected and
    what came. The next call raises an MLAError if the compiler refuses an option.
    """
    if schedule is not None and not isinstance(schedule, str):
        raise TypeError(f"schedule: expected a name, got {type(schedule).__name__}")
    if threshold is not None:
        if not isinstance(threshold, numbers.Real):
            raise TypeError(
                f"threshold: expected a number, got {type(threshold).__name__}"
            )
        if not 0 <= threshold <= 64:
            raise ValueError(f"threshold: expected 0 to 64, got {threshold}")
    sizes = dict(expect_sizes or {})
    known = {name for table in OPERATORS.values() for name in table["sizes"]}
    for name, size in sizes.items():
        if name not in known:
            raise ValueError(
                f"expect_sizes: expected some of {', '.join(sorted(known))}, got {name}"
            )
        if not isinstance(size, int):
            raise TypeError(
                f"expect_sizes: expected an integer as {name}, got {type(size).__name__}"
            )
        if not 1 <= size < 1 << 31:
            raise ValueError(
                f"expect_sizes: expected 1 to {(1 << 31) - 1} as {name}, got {size}"
            )
    library().set_options(
        CompileOptions(schedule, threshold, tuple(sorted(sizes.items())))
    )
