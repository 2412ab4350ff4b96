# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Reads addresses, shapes and strides of tensors of any library: through torch's own
calls if it is torch's, else through DLPack, else __cuda_array_interface__."""

import ctypes
import math
import sys
from typing import NamedTuple

from . import _cuda
from ._abi import DTYPES, MAX_RANK

_INDEX = {name: index for index, name in enumerate(DTYPES)}
_PADDING = tuple((0,) * (MAX_RANK - rank) for rank in range(MAX_RANK + 1))


class Tensor(NamedTuple):
    """The fields of an mlaTensor, and the ordinal of its device."""

    data: int
    dtype: int
    rank: int
    shape: tuple  # padded to MAX_RANK, as are the strides
    strides: tuple  # in elements
    device: int


def _make(name, data, dtype, shape, strides, device):
    rank = len(shape)
    if dtype is None or rank > MAX_RANK:
        raise TypeError(
            f"{name}: expected {', '.join(DTYPES)} and at most {MAX_RANK} dimensions, "
            f"got another dtype or {rank} dimensions"
        )
    padding = _PADDING[rank]
    return Tensor(data, dtype, rank, shape + padding, strides + padding, device)


class Memory(NamedTuple):
    """Contiguous device memory."""

    data: int
    bytes: int
    device: int  # the ordinal; None if it is empty


def common_device(tensors):
    """The ordinal of the device that all `tensors`, by name, are on; 0 if all are
    empty. Raises ValueError, which names the first tensor on another device."""
    device = None
    for name, tensor in tensors.items():
        # An empty tensor has no address that could tell.
        if tensor.device is None:
            continue
        if device is None:
            device, first = tensor.device, name
        if tensor.device != device:
            raise ValueError(
                f"{name}: expected a tensor on device {device}, as {first} is, got one "
                f"on device {tensor.device}"
            )
    return device or 0


def contiguous_strides(shape):
    strides, stride = [], 1
    for size in reversed(shape):
        strides.append(stride)
        stride *= size
    return tuple(reversed(strides))


# ------------------------------------------------------------------------------
# torch
# ------------------------------------------------------------------------------


def torch_of(value):
    """The module torch if `value` is one of its tensors, else None. Torch is not
    imported: if `value` is its tensor, it has been."""
    torch = sys.modules.get("torch")
    return torch if torch is not None and isinstance(value, torch.Tensor) else None


def is_traced(torch, value):
    """Whether torch records a call on its tensor `value`, or only propagates shapes:
    torch.compile, torch.export, torch.jit.trace, fake and meta tensors, dispatch
    modes. Only such calls go through torch's dispatcher, which costs several
    microseconds."""
    if torch.compiler.is_compiling() or torch.jit.is_tracing():
        return True
    kind = type(value)
    if kind is not torch.Tensor and kind is not torch.nn.Parameter:
        return True
    # Modes, such as that of make_fx, record calls on plain tensors.
    modes = getattr(torch._C, "_len_torch_dispatch_stack", None)
    return (modes is not None and modes() > 0) or value.is_meta


def half_dtype(torch, dtype):
    """The 16-bit type of results of inputs of type `dtype`."""
    return dtype if dtype == torch.float16 else torch.bfloat16


_TORCH_DTYPES = {
    "torch.bfloat16": "bf16",
    "torch.float16": "f16",
    "torch.float32": "f32",
    "torch.float64": "f64",
    "torch.int8": "i8",
    "torch.int32": "i32",
    "torch.int64": "i64",
    "torch.float8_e4m3fn": "f8E4M3FN",
}
_torch_dtypes = {}


def describe_torch(name, value, data=0):
    """A torch tensor as a Tensor at the address `data`. `value` may be fake: its memory
    is not accessed."""
    dtype = value.dtype
    index = _torch_dtypes.get(dtype)
    if index is None:
        word = _TORCH_DTYPES.get(str(dtype))
        if word is None:
            raise TypeError(f"{name}: expected {', '.join(DTYPES)}, got {dtype}")
        index = _torch_dtypes[dtype] = _INDEX[word]
    return _make(
        name,
        data,
        index,
        tuple(value.shape),
        tuple(value.stride()),
        value.device.index,
    )


def _check_torch(name, value):
    if not value.is_cuda:
        raise ValueError(f"{name}: expected a CUDA tensor, got one on {value.device}")


def _from_torch(name, value):
    _check_torch(name, value)
    return describe_torch(name, value, value.data_ptr())


# ------------------------------------------------------------------------------
# DLPack
# ------------------------------------------------------------------------------


class _DLTensor(ctypes.Structure):
    _fields_ = [
        ("data", ctypes.c_void_p),
        ("device_type", ctypes.c_int32),
        ("device_id", ctypes.c_int32),
        ("ndim", ctypes.c_int32),
        ("code", ctypes.c_uint8),
        ("bits", ctypes.c_uint8),
        ("lanes", ctypes.c_uint16),
        ("shape", ctypes.POINTER(ctypes.c_int64)),
        ("strides", ctypes.POINTER(ctypes.c_int64)),
        ("byte_offset", ctypes.c_uint64),
    ]


# By DLDataTypeCode and bits: kDLInt 0, kDLFloat 2, kDLBfloat 4,
# kDLFloat8_e4m3fn 10.
_DLPACK_DTYPES = {
    (4, 16): "bf16",
    (2, 16): "f16",
    (2, 32): "f32",
    (2, 64): "f64",
    (0, 8): "i8",
    (0, 32): "i32",
    (0, 64): "i64",
    (10, 8): "f8E4M3FN",
}
_DLPACK_CUDA = (2, 13)  # kDLCUDA, kDLCUDAManaged

_capsule_pointer = ctypes.pythonapi.PyCapsule_GetPointer
_capsule_pointer.restype = ctypes.c_void_p
_capsule_pointer.argtypes = [ctypes.py_object, ctypes.c_char_p]


def _open_dlpack(name, value, stream):
    """The capsule, which has to be kept alive, and the tensor in it."""
    device_type = int(value.__dlpack_device__()[0])
    if device_type not in _DLPACK_CUDA:
        raise ValueError(
            f"{name}: expected a CUDA tensor, got DLPack device type {device_type}"
        )
    # The producer makes the tensor ready for our stream; DLPack calls the
    # default stream 1.
    capsule = value.__dlpack__(stream=stream or 1)
    # The capsule is not consumed, so it frees itself. The memory is the caller's to
    # keep until the launch is done, as for any stream.
    return capsule, _DLTensor.from_address(_capsule_pointer(capsule, b"dltensor"))


def _place_dlpack(tensor):
    """Address, shape and strides."""
    shape = tuple(tensor.shape[: tensor.ndim])
    strides = (
        tuple(tensor.strides[: tensor.ndim])
        if tensor.strides
        else contiguous_strides(shape)
    )
    return (tensor.data or 0) + tensor.byte_offset, shape, strides


def _from_dlpack(name, value, stream):
    _capsule, tensor = _open_dlpack(name, value, stream)
    word = _DLPACK_DTYPES.get((tensor.code, tensor.bits)) if tensor.lanes == 1 else None
    if word is None:
        raise TypeError(
            f"{name}: expected {', '.join(DTYPES)}, got DLPack dtype (code "
            f"{tensor.code}, {tensor.bits} bits, {tensor.lanes} lanes)"
        )
    data, shape, strides = _place_dlpack(tensor)
    return _make(name, data, _INDEX[word], shape, strides, tensor.device_id)


# ------------------------------------------------------------------------------
# __cuda_array_interface__
# ------------------------------------------------------------------------------

# bf16 and e4m3 have no code in this protocol. ml_dtypes, and the libraries that use
# it, write two opaque bytes, or one.
_CAI_DTYPES = {
    "V2": "bf16",
    "f2": "f16",
    "f4": "f32",
    "f8": "f64",
    "i1": "i8",
    "i4": "i32",
    "i8": "i64",
    "V1": "f8E4M3FN",
}


def _open_cuda_array(interface, stream):
    """Address and device."""
    data = interface["data"][0]
    # As the protocol demands, wait for the stream that still writes the tensor.
    producer = interface.get("stream")
    if producer is not None and producer != (stream or 1):
        _cuda.synchronize(producer)
    return data, _cuda.device_of(data) if data else None


def _from_cuda_array(name, interface, stream):
    typestr = interface["typestr"]
    word = _CAI_DTYPES.get(typestr[1:]) if typestr[:1] in "<|=" else None
    if word is None:
        raise TypeError(f"{name}: expected {', '.join(DTYPES)}, got '{typestr}'")
    shape, strides = tuple(interface["shape"]), interface.get("strides")
    if strides is None:
        strides = contiguous_strides(shape)
    else:
        item = int(typestr[2:])
        if any(stride % item for stride in strides):
            raise ValueError(
                f"{name}: expected strides that are multiples of {item} bytes, got "
                f"{tuple(strides)}"
            )
        strides = tuple(stride // item for stride in strides)
    data, device = _open_cuda_array(interface, stream)
    return _make(name, data, _INDEX[word], shape, strides, device)


# ------------------------------------------------------------------------------
# Any library
# ------------------------------------------------------------------------------


def _fail_kind(name, value):
    raise TypeError(
        f"{name}: expected a tensor with __dlpack__ or __cuda_array_interface__, got "
        f"{type(value).__name__}"
    )


def tensor_of(name, value, stream) -> Tensor:
    """`value` as a Tensor that is ready on `stream`."""
    if torch_of(value) is not None:
        return _from_torch(name, value)
    if hasattr(value, "__dlpack__"):
        return _from_dlpack(name, value, stream)
    interface = getattr(value, "__cuda_array_interface__", None)
    if interface is not None:
        return _from_cuda_array(name, interface, stream)
    _fail_kind(name, value)


def memory_of(name, value, stream) -> Memory:
    """The memory of a tensor of any dtype and shape, ready on `stream`. Raises
    ValueError if it is not contiguous or not on a CUDA device, TypeError if `value`
    is no tensor."""
    interface = getattr(value, "__cuda_array_interface__", None)
    if torch_of(value) is not None:
        _check_torch(name, value)
        data, device = value.data_ptr(), value.device.index
        shape, strides = tuple(value.shape), tuple(value.stride())
        item = value.element_size()
    elif hasattr(value, "__dlpack__"):
        _capsule, tensor = _open_dlpack(name, value, stream)
        data, shape, strides = _place_dlpack(tensor)
        device, item = tensor.device_id, tensor.bits * tensor.lanes // 8
    elif interface is not None:
        data, device = _open_cuda_array(interface, stream)
        shape, strides = tuple(interface["shape"]), interface.get("strides")
        item = int(interface["typestr"][2:])
        if strides is None:
            strides = contiguous_strides(shape)
        else:
            strides = tuple(stride // item for stride in strides)
    else:
        _fail_kind(name, value)
    if strides != contiguous_strides(shape):
        raise ValueError(
            f"{name}: expected contiguous memory, got shape {shape} and strides {strides}"
        )
    return Memory(data, math.prod(shape) * item, device)
