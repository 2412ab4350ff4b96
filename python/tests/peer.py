# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Another implementation of operators, called through the interface of
include/mla/Harness/Peer.h on tensors of torch."""

import ctypes
import struct

import torch
from mla import _abi
from mla._tensor import describe_torch

VERSION = 2


class _Argument(ctypes.Structure):
    _fields_ = [
        ("name", ctypes.c_char_p),
        ("access", ctypes.c_int32),
        ("dtype", ctypes.c_int32),
        ("value", ctypes.c_uint64 * (struct.calcsize(_abi.TENSOR_FORMAT) // 8)),
    ]


class _Arguments(ctypes.Structure):
    _fields_ = [
        ("operator", ctypes.c_char_p),
        ("arguments", ctypes.POINTER(_Argument)),
        ("count", ctypes.c_int32),
    ]


def _pack(name, value):
    if isinstance(value, float):
        packed = struct.pack("@" + _abi.FLOAT_FORMAT, _abi.FLOAT, 0, value)
        return name.encode(), 0, _abi.DTYPES.index("f32"), packed
    tensor = describe_torch(name, value, value.data_ptr())
    fields = tensor.data, tensor.dtype, tensor.rank, *tensor.shape, *tensor.strides
    packed = struct.pack("@" + _abi.TENSOR_FORMAT, _abi.TENSOR, 0, *fields)
    return name.encode(), int(name in ("out", "lse")), tensor.dtype, packed


class Peer:
    """The library at `path`."""

    def __init__(self, path):
        self._dll = ctypes.CDLL(path)
        version = self._dll.mlaPeerVersion()
        if version != VERSION:
            raise ValueError(f"{path}: expected version {VERSION}, got {version}")
        self._dll.mlaPeerName.restype = ctypes.c_char_p
        self.name = self._dll.mlaPeerName().decode()

    def _call(self, function, *arguments):
        error = ctypes.create_string_buffer(512)
        if getattr(self._dll, function)(*arguments, error, ctypes.c_size_t(512)):
            raise RuntimeError(f"{self.name}: {error.value.decode()}")

    def run(self, operator, stream=0, **arguments):
        """Computes `operator`, a name followed by options as in "prefill causal=yes", on
        tensors and numbers by name."""
        packed = [_pack(*item) for item in arguments.items()]
        array = (_Argument * len(packed))()
        for argument, (name, access, dtype, value) in zip(array, packed):
            argument.name, argument.access, argument.dtype = name, access, dtype
            ctypes.memmove(argument.value, value, len(value))
        case = ctypes.c_void_p()
        given = _Arguments(operator.encode(), array, len(packed))
        self._call("mlaPeerPrepare", ctypes.byref(given), ctypes.byref(case))
        try:
            phase = _abi.PHASES["all"]
            self._call("mlaPeerLaunch", case, phase, ctypes.c_void_p(stream))
            torch.cuda.synchronize()
        finally:
            self._dll.mlaPeerRelease(case)
