# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""How the functions of all operators launch."""

from ._cuda import device_guard
from ._library import library
from ._tensor import tensor_of


class Launch:
    """A call but for its addresses, numbers and stream: what follows from the shapes,
    strides, dtypes and device of its tensors."""

    def __init__(self, device, kernel, values):
        self._device, self._kernel = device, kernel
        self._fields, self._places = kernel.marshal(values)

    def __call__(self, values, stream):
        """`values`: addresses and numbers, in the order of the values it was made of."""
        fields = self._fields.copy()
        for place, value in zip(self._places, values):
            fields[place] = value
        with device_guard(self._device):
            self._kernel.launch(fields, stream)


def _stream_handle(stream):
    """A stream as a number: of torch, CuPy and Numba too."""
    for attribute in ("cuda_stream", "ptr", "handle"):
        if hasattr(stream, attribute):
            stream = getattr(stream, attribute)
            break
    return int(getattr(stream, "value", stream) or 0)


def _signature(torch, make, given, options):
    """What a Launch depends on, if all tensors are torch's; else None: asking others
    costs as much as a new one."""
    if torch is None:
        return None
    plain, parameter = torch.Tensor, torch.nn.Parameter
    signature = [make, *given, options]
    for value in given.values():
        kind = type(value)
        if kind is not plain and kind is not parameter:
            return None
        signature.append((value.dtype, value.shape, value.stride(), value.device))
    return tuple(signature)


def launch(torch, make, given, options, numbers=(), stream=None):
    """Launches an operator on the tensors `given`, by name, and `numbers`. `torch` is
    the module if the first tensor is one of its, else None. make(tensors, options)
    returns the Launch of a call that is like none before."""
    first = next(iter(given.values()))
    if stream is not None:
        stream = _stream_handle(stream)
    elif torch is not None and first.is_cuda:
        stream = torch.cuda.current_stream(first.device).cuda_stream
    else:
        stream = 0
    signature, launches = _signature(torch, make, given, options), library().launches()
    known = launches.get(signature)
    if known is not None:
        addresses = [value.data_ptr() for value in given.values()]
    else:
        tensors = {name: tensor_of(name, value, stream) for name, value in given.items()}
        known = make(tensors, options)
        addresses = [tensor.data for tensor in tensors.values()]
        if signature is not None:
            launches[signature] = known
    known([*addresses, *numbers], stream)
