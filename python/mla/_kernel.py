# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""A package of kernels that a library has loaded: its arguments, and its launches."""

import ctypes
import operator as operators
import struct

from . import _abi
from ._operator import operator


def is_integer(argument):
    """Whether a scalar argument is one of the integer types."""
    return _abi.DTYPES[argument.dtype].startswith("i")


def _argument_format(argument):
    if argument.isTensor:
        return _abi.TENSOR_FORMAT
    return _abi.INTEGER_FORMAT if is_integer(argument) else _abi.FLOAT_FORMAT


# The functions of the expressions of docs/Package.md.
_EXPRESSION_FUNCTIONS = {
    "__builtins__": {},
    "min": min,
    "max": max,
    "floordiv": operators.floordiv,
    "ceildiv": lambda a, b: -(-a // b),
}


class Kernel:
    """The kernels of a package, and the order and layout of their arguments."""

    def __init__(self, library, handle):
        self.library, self.handle = library, handle
        info = _abi.KernelInfo()
        library.call("mlaKernelGetInfo", handle, ctypes.byref(info))
        self.operator, *options = info.operatorName.decode().split(" ")
        self.options = dict(option.partition("=")[::2] for option in options)
        self.arguments, self.optional = {}, set()
        optional = ctypes.c_int32()
        for index in range(info.argumentCount):
            argument = _abi.ArgumentInfo()
            library.call("mlaKernelGetArgument", handle, index, ctypes.byref(argument))
            self.arguments[argument.name.decode()] = argument
            library.call(
                "mlaKernelIsArgumentOptional", handle, index, ctypes.byref(optional)
            )
            if optional.value:
                self.optional.add(argument.name.decode())
        formats = map(_argument_format, self.arguments.values())
        self._pack = struct.Struct("@" + "".join(formats)).pack

    def shape_classes(self):
        """Shape classes of the calls that it serves."""
        return operator(self.operator).shape_classes_of(
            self.arguments, self.optional, self.options
        )

    def sizes(self):
        return operator(self.operator).sizes_of(self.arguments)

    def grid(self, phase, sizes):
        """CTAs of the first kernel of a phase, for the run-time sizes, by name, that its
        grid depends on."""
        count, info = ctypes.c_int32(), _abi.EntryInfo()
        self.library.call("mlaKernelGetEntryCount", self.handle, ctypes.byref(count))
        for index in range(count.value):
            self.library.call(
                "mlaKernelGetEntry", self.handle, index, ctypes.byref(info)
            )
            if info.phase == _abi.PHASES[phase]:
                # The library has parsed it: it holds nothing but arithmetic.
                return eval(info.grid.decode(), dict(_EXPRESSION_FUNCTIONS), sizes)
        raise ValueError(f"phase: expected one that has kernels, got {phase!r}")

    def marshal(self, values):
        """Returns the fields of all arguments, and for each of `values` the index of
        the field that holds its address or number. `values` has a Tensor or a number
        for each argument, by name; optional ones may be missing."""
        fields, places = [], {}
        for name, info in self.arguments.items():
            if name in self.optional and name not in values:
                fields += (_abi.TENSOR,) + (0,) * (4 + 2 * _abi.MAX_RANK)
                continue
            value = values[name]
            places[name] = len(fields) + 2
            if info.isTensor:
                fields += (_abi.TENSOR, 0, value.data, value.dtype, value.rank)
                fields += value.shape
                fields += value.strides
            else:
                kind = _abi.INTEGER if is_integer(info) else _abi.FLOAT
                fields += (kind, 0, value)
        return fields, [places[name] for name in values]

    def workspace_bytes(self, fields):
        """Bytes of device memory that a launch with these arguments needs besides
        them. The device of the launch has to be current."""
        needed = ctypes.c_size_t()
        self.library.call(
            "mlaKernelGetWorkspaceBytes",
            self.handle,
            self._pack(*fields),
            len(self.arguments),
            ctypes.byref(needed),
        )
        return needed.value

    def launch(self, fields, stream, workspace=None, phase="all"):
        """`workspace`: a Memory, or None if none is needed."""
        arguments, count = self._pack(*fields), len(self.arguments)
        if workspace is None and phase == "all":
            self.library.call("mlaKernelLaunch", self.handle, arguments, count, stream)
            return
        options = _abi.LaunchOptions(phase=_abi.PHASES[phase])
        if workspace is not None:
            options.workspace = workspace.data
            options.workspaceBytes = workspace.bytes
        self.library.call(
            "mlaKernelLaunchProgram", self.handle, arguments, count, options, stream
        )
