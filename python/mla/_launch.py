# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Launches kernels on tensors: shared by the functions of all operators."""

from . import checking
from ._cuda import device_guard
from ._library import library
from ._tensor import Memory, is_traced, memory_of, tensor_of


class Launch:
    """A call without its addresses, numbers and stream: it depends only on the shapes,
    strides, dtypes and device of the tensors."""

    def __init__(self, device, kernel, values, workspace_bytes=None):
        """`workspace_bytes`: if it is known; else the library is asked."""
        self.device, self._kernel = device, kernel
        self._fields, self._places = kernel.marshal(values)
        self._workspace_bytes = workspace_bytes

    def _fill(self, values):
        """`values`: addresses and numbers, in the order of the values that it was made
        from."""
        fields = self._fields.copy()
        for place, value in zip(self._places, values):
            fields[place] = value
        return fields

    def workspace_bytes(self, values):
        """Bytes of device memory that the kernels need besides the tensors. They do
        not depend on `values`, but the library checks those."""
        if self._workspace_bytes is None:
            with device_guard(self.device):
                needed = self._kernel.workspace_bytes(self._fill(values))
            self._workspace_bytes = needed
        return self._workspace_bytes

    def __call__(self, values, stream, workspace=None, phase="all"):
        """`workspace`: a Memory, or None if none is needed."""
        with device_guard(self.device):
            self._kernel.launch(self._fill(values), stream, workspace, phase)


def _stream_handle(stream):
    """A stream as a number: of torch, CuPy and Numba too."""
    for attribute in ("cuda_stream", "ptr", "handle"):
        if hasattr(stream, attribute):
            stream = getattr(stream, attribute)
            break
    return int(getattr(stream, "value", stream) or 0)


def _signature(torch, make, given, options):
    """The key of a Launch if all tensors are torch's; else None, because reading
    tensors of other libraries costs as much as a new Launch."""
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


# ------------------------------------------------------------------------------
# Workspaces
# ------------------------------------------------------------------------------


# Of every address in a workspace: kWorkspaceAlignment in mla/Runtime/Launch.h.
_ALIGNMENT = 256


def _check_workspace(needed, device, memory):
    if memory.device is not None and memory.device != device:
        raise ValueError(
            f"workspace: expected {needed} bytes on device {device}, got "
            f"{memory.bytes} bytes on device {memory.device}"
        )
    if memory.bytes < needed:
        raise ValueError(
            f"workspace: expected {needed} bytes or more, got {memory.bytes} bytes"
        )
    if memory.data % _ALIGNMENT:
        raise ValueError(
            f"workspace: expected {needed} bytes aligned to {_ALIGNMENT} bytes, got "
            f"{memory.bytes} bytes at {memory.data:#x}"
        )


def _allocate(torch, device, size, stream):
    """Memory of torch's caching allocator, which reuses it only for later work on the
    stream that was current: it may be freed right after the launch."""
    if stream == torch.cuda.current_stream(device).cuda_stream:
        return torch.empty((size,), dtype=torch.uint8, device=device)
    with torch.cuda.stream(torch.cuda.ExternalStream(stream, device=device)):
        return torch.empty((size,), dtype=torch.uint8, device=device)


def _find_workspace(torch, needed, device, workspace, is_shared, first, stream):
    """Memory of `needed` bytes on `device`, and the tensor that owns it."""
    if workspace is not None:
        memory = memory_of("workspace", workspace, stream)
        _check_workspace(needed, device, memory)
        return memory, workspace
    if is_shared:
        raise TypeError(
            f"workspace: expected {needed} bytes, which the phases share, got None"
        )
    if torch is None:
        raise TypeError(
            f"workspace: expected {needed} bytes on device {device}, got None; "
            "only torch allocates it"
        )
    made = _allocate(torch, first.device, needed, stream)
    return Memory(made.data_ptr(), needed, device), made


# ------------------------------------------------------------------------------
# Calls
# ------------------------------------------------------------------------------


def must_trace(torch, value, **untraceable):
    """Whether the call has to go through torch's dispatcher: `torch` is the module if
    `value` is one of its tensors, else None. Raises ValueError if it has to and one
    of the arguments `untraceable`, which operators do not take, is given."""
    if torch is None or not is_traced(torch, value):
        return False
    for name, argument in untraceable.items():
        if argument is not None:
            raise ValueError(
                f"{name}: expected None where torch traces the call, got {argument}"
            )
    return True


def _find_stream(torch, first, stream):
    if stream is not None:
        return _stream_handle(stream)
    if torch is not None and first.is_cuda:
        return torch.cuda.current_stream(first.device).cuda_stream
    return 0


def find_launch(torch, make, given, options, stream=0):
    """Returns the Launch for these tensors, which may be a known one, and their
    addresses; see launch()."""
    signature, launches = _signature(torch, make, given, options), library().launches()
    known = launches.get(signature)
    if known is not None:
        return known, [value.data_ptr() for value in given.values()]
    tensors = {name: tensor_of(name, value, stream) for name, value in given.items()}
    made = make(tensors, options)
    if signature is not None:
        launches[signature] = made
    return made, [tensor.data for tensor in tensors.values()]


def launch(
    torch,
    make,
    given,
    options,
    numbers=(),
    stream=None,
    workspace=None,
    phase="all",
    is_shared=None,
):
    """Launches the kernels of a package.

    Args:
        torch: the module if the first tensor is one of its, else None
        make: make(tensors, options) returns the Launch of a call with a new signature
        given: the tensors by name
        options: passed to `make`; hashable
        numbers: the scalar arguments, in the order of the kernel
        stream: a stream as a number or an object; None for torch's current one, or
            the default stream
        workspace: a tensor, or None to allocate one with torch
        phase: the kernels to launch: "all", "plan" or "launch"
        is_shared: whether one phase leaves something in the workspace for the next,
            so that it cannot be allocated for one launch. None: if phase is not "all"

    Raises ValueError and TypeError for tensors that `make` or the library refuses,
    and for a workspace that is missing, too small, misaligned or on another device.
    """
    first = next(iter(given.values()))
    stream = _find_stream(torch, first, stream)
    found, addresses = find_launch(torch, make, given, options, stream)
    values = [*addresses, *numbers]
    memory = _owner = None
    # Refuses shapes that do not fit together.
    needed = found.workspace_bytes(values)
    if checking.is_enabled():
        with device_guard(found.device):
            checking.check(given, stream)
    if needed:
        is_shared = phase != "all" if is_shared is None else is_shared
        memory, _owner = _find_workspace(
            torch, needed, found.device, workspace, is_shared, first, stream
        )
    found(values, stream, memory, phase)
