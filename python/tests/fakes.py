# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Fakes for tests without a GPU: the driver, tensors of several libraries, and the
parts of torch that the package uses."""

import contextlib
import ctypes
import sys
import types

ADDRESS = 0x7F0000000000


class FakeDriver:
    """The fake libcuda.so.1 of the runtime's tests. `launches` holds the
    parameters' bytes, the stream and the current context of each launch."""

    Callback = ctypes.CFUNCTYPE(
        None, ctypes.POINTER(ctypes.c_void_p), ctypes.c_void_p, ctypes.c_void_p
    )

    def __init__(self):
        self._dll = ctypes.CDLL("libcuda.so.1")
        self._dll.mlaFakeCudaReset  # AttributeError if it is another libcuda.
        self._callback = self.Callback(self._note)
        self._pointer = ctypes.c_uint64

    def reset(self, parameter_sizes):
        """Prepares for a kernel with parameters of these sizes."""
        self.kernels = [parameter_sizes]
        self.launches = []
        self._dll.mlaFakeCudaReset()
        sizes = (ctypes.c_size_t * len(parameter_sizes))(*parameter_sizes)
        self._dll.mlaFakeCudaSetParameterSizes(sizes, len(sizes))
        self._dll.mlaFakeCudaOnLaunch(self._callback)
        self.set_context(None)

    def reset_program(self, parameter_sizes):
        """Prepares for kernels, by symbol, which are launched in this order, repeatedly."""
        self.reset([])
        self.set_program(parameter_sizes)

    def set_program(self, parameter_sizes):
        """As reset_program, but keeps devices and other settings."""
        self.kernels = list(parameter_sizes.values())
        for symbol, sizes in parameter_sizes.items():
            sizes = (ctypes.c_size_t * len(sizes))(*sizes)
            self._dll.mlaFakeCudaSetParameterSizesOf(symbol.encode(), sizes, len(sizes))

    def _note(self, parameters, stream, context):
        sizes = self.kernels[len(self.launches) % len(self.kernels)]
        values = [
            ctypes.string_at(parameters[index], size) for index, size in enumerate(sizes)
        ]
        self.launches.append((values, stream or 0, context))

    def fail(self, call, result):
        self._dll.mlaFakeCudaFail(call.encode(), result)

    def set_devices(self, count):
        self._dll.mlaFakeCudaSetDevices(count)

    def set_pointer_device(self, pointer, device):
        self._dll.mlaFakeCudaSetPointerDevice(self._pointer(pointer), device)

    def synchronizations(self):
        return self._dll.mlaFakeCudaStreamSynchronizations()

    def set_context(self, context):
        self._dll.cuCtxSetCurrent(ctypes.c_void_p(context))

    def context(self):
        current = ctypes.c_void_p()
        self._dll.cuCtxGetCurrent(ctypes.byref(current))
        return current.value


def contiguous(shape):
    strides, stride = [], 1
    for size in reversed(shape):
        strides.insert(0, stride)
        stride *= size
    return tuple(strides)


class FakeTensor:
    """Strides in elements; dtype as in mla._abi.DTYPES."""

    count = 0

    def __init__(self, dtype, shape, strides=None, device=0, data=None):
        FakeTensor.count += 1
        self.address = data or ADDRESS + FakeTensor.count * 0x1000000
        self.word, self.sizes = dtype, tuple(shape)
        self.steps = tuple(strides or contiguous(shape))
        self.ordinal = device


class CudaArray(FakeTensor):
    TYPES = {"bf16": ("<V2", 2), "f32": ("<f4", 4), "i32": ("<i4", 4), "u8": ("|u1", 1)}
    stream = None

    @property
    def __cuda_array_interface__(self):
        typestr, item = self.TYPES[self.word]
        contiguous_here = self.steps == contiguous(self.sizes)
        return {
            "version": 3,
            "shape": self.sizes,
            "typestr": typestr,
            "data": (self.address, False),
            "strides": None if contiguous_here else tuple(s * item for s in self.steps),
            "stream": self.stream,
        }


class _ManagedTensor(ctypes.Structure):
    _fields_ = [
        ("data", ctypes.c_void_p),
        ("device", ctypes.c_int32 * 2),
        ("ndim", ctypes.c_int32),
        ("dtype", ctypes.c_uint8 * 2),
        ("lanes", ctypes.c_uint16),
        ("shape", ctypes.POINTER(ctypes.c_int64)),
        ("strides", ctypes.POINTER(ctypes.c_int64)),
        ("byte_offset", ctypes.c_uint64),
        ("manager_ctx", ctypes.c_void_p),
        ("deleter", ctypes.c_void_p),
    ]


class DLPackTensor(FakeTensor):
    TYPES = {"bf16": (4, 16), "f32": (2, 32), "i32": (0, 32), "u8": (1, 8)}
    device_type = 2
    byte_offset = 0

    def __dlpack_device__(self):
        return (self.device_type, self.ordinal)

    def __dlpack__(self, stream=None):
        self.seen_stream = stream
        rank = len(self.sizes)
        sizes = (ctypes.c_int64 * rank)(*self.sizes)
        steps = (ctypes.c_int64 * rank)(*self.steps)
        null = ctypes.POINTER(ctypes.c_int64)()
        is_contiguous = self.steps == contiguous(self.sizes)
        managed = _ManagedTensor(
            self.address - self.byte_offset,
            (self.device_type, self.ordinal),
            rank,
            self.TYPES[self.word],
            1,
            ctypes.cast(sizes, ctypes.POINTER(ctypes.c_int64)),
            null if is_contiguous else ctypes.cast(steps, type(null)),
            self.byte_offset,
        )
        self.keep = (sizes, steps, managed)
        new = ctypes.pythonapi.PyCapsule_New
        new.restype = ctypes.py_object
        new.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p]
        return new(ctypes.addressof(managed), b"dltensor", None)


def fake_torch(current_streams):
    """A module `torch` with what the package uses. `current_streams` has the handle of
    the current stream of each device."""
    torch = types.ModuleType("torch")

    class DType(str):
        pass

    class Device:
        def __init__(self, index):
            self.index = index

        def __str__(self):
            return "cpu" if self.index is None else f"cuda:{self.index}"

        def __eq__(self, other):
            return self.index == other.index

        def __hash__(self):
            return hash(self.index)

    class Tensor(FakeTensor):
        dtype = property(lambda self: DTYPES[self.word])
        device = property(lambda self: Device(self.ordinal))
        is_cuda = property(lambda self: self.ordinal is not None)
        is_meta = False
        requires_grad = False
        storage = None
        is_zeros = False
        shape = property(lambda self: self.sizes)

        def data_ptr(self):
            return self.address

        def stride(self):
            return self.steps

        def dim(self):
            return len(self.sizes)

        def new_empty(self, shape, dtype=None):
            return empty(shape, dtype or self.dtype, self.device)

        def new_zeros(self, shape, dtype=None):
            tensor = self.new_empty(shape, dtype)
            tensor.is_zeros = True
            return tensor

        def new_full(self, shape, value, dtype=None):
            tensor = self.new_empty(shape, dtype)
            tensor.value = value
            return tensor

        def transpose(self, a, b):
            sizes, steps = list(self.sizes), list(self.steps)
            for layout in (sizes, steps):
                layout[a], layout[b] = layout[b], layout[a]
            return Tensor(self.word, sizes, steps, self.ordinal, self.address)

        def _view(self, sizes, steps):
            view = Tensor(self.word, sizes, steps, self.ordinal, self.address)
            view.storage = self.storage or self.address
            view.requires_grad = self.requires_grad
            return view

        def as_strided(self, sizes, steps):
            return self._view(sizes, steps)

        def unflatten(self, dim, sizes):
            step, outer = self.steps[dim], self.sizes
            steps = (step * sizes[1], step)
            return self._view(
                (*outer[:dim], *sizes, *outer[dim + 1 :]),
                (*self.steps[:dim], *steps, *self.steps[dim + 1 :]),
            )

        def unsqueeze(self, dim):
            steps = (*self.steps[:dim], 1, *self.steps[dim:])
            return self._view((*self.sizes[:dim], 1, *self.sizes[dim:]), steps)

        def squeeze(self, dim):
            sizes, steps = list(self.sizes), list(self.steps)
            if sizes[dim] == 1:
                del sizes[dim], steps[dim]
            return self._view(sizes, steps)

        def columns(self, begin, end):
            """tensor[..., begin:end] in torch."""
            part = self._view((*self.sizes[:-1], end - begin), self.steps)
            part.address += begin * self.element_size()
            return part

        def untyped_storage(self):
            start = self.storage or self.address
            return types.SimpleNamespace(data_ptr=lambda: start)

        def __getitem__(self, place):
            """A slice of the first dimension, from its beginning."""
            count = len(range(self.sizes[0])[place])
            sizes = (count, *self.sizes[1:])
            return Tensor(self.word, sizes, self.steps, self.ordinal, self.address)

        def element_size(self):
            return {"u8": 1, "bf16": 2, "f16": 2}.get(self.word, 4)

    class Parameter(Tensor):
        pass

    class Stream:
        def __init__(self, handle, device=None):
            self.cuda_stream, self.device = handle, device

    @contextlib.contextmanager
    def use_stream(stream):
        index = stream.device.index
        before, current_streams[index] = current_streams[index], stream.cuda_stream
        yield
        current_streams[index] = before

    # Each tensor allocated, with the stream that was current.
    torch.made = []

    def empty(shape, dtype, device):
        tensor = Tensor(words[dtype], shape, device=device.index)
        torch.made.append((tensor, current_streams.get(device.index)))
        return tensor

    names = {
        "bf16": "bfloat16",
        "f16": "float16",
        "f32": "float32",
        "i32": "int32",
        "i64": "int64",
        "u8": "uint8",
    }
    DTYPES = {word: DType("torch." + name) for word, name in names.items()}
    words = {dtype: word for word, dtype in DTYPES.items()}
    for word, name in names.items():
        setattr(torch, name, DTYPES[word])
    torch.zeros = empty
    torch.Tensor = Tensor
    torch.empty = empty
    torch.nn = types.SimpleNamespace(Parameter=Parameter)
    torch.compiler = types.SimpleNamespace(is_compiling=lambda: False)
    torch.jit = types.SimpleNamespace(is_tracing=lambda: False)
    torch.is_grad_enabled = lambda: True
    torch._C = types.SimpleNamespace(
        _len_torch_dispatch_stack=lambda: 0, _are_functorch_transforms_active=lambda: False
    )
    torch.autograd = types.SimpleNamespace(
        forward_ad=types.SimpleNamespace(_current_level=-1)
    )
    torch.cuda = types.SimpleNamespace(
        current_stream=lambda device: Stream(current_streams[device.index]),
        ExternalStream=Stream,
        stream=use_stream,
    )
    return torch


class installed:
    """A context in which `module` is in sys.modules."""

    def __init__(self, module):
        self.module = module

    def __enter__(self):
        name = self.module.__name__
        self.before = sys.modules.get(name)
        sys.modules[name] = self.module
        return self.module

    def __exit__(self, *_):
        name = self.module.__name__
        del sys.modules[name]
        if self.before is not None:
            sys.modules[name] = self.before
