# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The merge of split-KV partial results."""

import math

from . import _gradients, _launch
from ._launch import Launch, must_trace
from ._library import library
from ._operator import operator
from ._tensor import half_dtype, torch_of
from .sparse import check_lse_words, lse_words, option_word

OPERATOR = operator("combine")

_EMPTY_SPLITS = {-math.inf: "-inf", math.inf: "+inf"}


def check(tensors):
    """Checks what the choice of a kernel depends on, of tensors by name, which may be
    fake. Returns the device's ordinal."""
    device = OPERATOR.check(tensors)
    d_v = tensors["partial_out"].shape[2]
    if d_v % 64 or d_v == 0:
        raise ValueError(
            f"partial_out: expected a multiple of 64 in dimension 2, got {d_v}"
        )
    return device


def check_words(lse_base, empty_lse, empty_split):
    """Checks options in the library's words."""
    check_lse_words(lse_base, empty_lse)
    option_word("empty_split", empty_split, {word: word for word in _EMPTY_SPLITS.values()})


def _bucket(size):
    """The least power of two that is not below `size`. Calls of one bucket share a
    kernel."""
    return 1 << max(size - 1, 0).bit_length()


def _make(tensors, options):
    device = check(tensors)
    sizes = OPERATOR.sizes_of(tensors)
    expected = tuple((name, _bucket(size)) for name, size in sizes._asdict().items())
    kernel = library().kernel(OPERATOR.shape_class_of(tensors, options), sizes, expected)
    return Launch(device, kernel, tensors)


def by_name(partial_out, partial_lse, out, lse, num_splits):
    """The tensors of a call; an optional one only if it is given."""
    given = {
        "partial_out": partial_out,
        "partial_lse": partial_lse,
        "out": out,
        "lse": lse,
    }
    if num_splits is not None:
        given["num_splits"] = num_splits
    return given


def launch(torch, given, options, stream=None, workspace=None):
    """Launches on the tensors `given`, by name. `torch` is the module if partial_out
    is one of its tensors, else None."""
    _launch.launch(torch, _make, given, options, (), stream, workspace)


def combine(
    partial_out,
    partial_lse,
    *,
    num_splits=None,
    out=None,
    lse=None,
    lse_base="e",
    empty_lse=math.inf,
    empty_split=-math.inf,
    stream=None,
    workspace=None,
):
    """Merges the partial results of attention with split KV.

        lse = ln sum_i exp(partial_lse_i)
        out = sum_i exp(partial_lse_i - lse) partial_out_i

    All tensors are on one CUDA device, from any library (torch, DLPack,
    __cuda_array_interface__), with any strides except the last, which is 1.

    Args:
        partial_out: [splits, rows, d_v], float32, bf16 or float16; d_v a multiple
            of 64
        partial_lse: [splits, rows], float32
        num_splits: [rows], int32; only the first num_splits[row] splits of a row
            count, and the others are not read. It is clamped to [0, splits]
        out: [rows, d_v], bf16 or float16. None: torch allocates it, of
            partial_out's type if that is one of these, else bf16
        lse: [rows], float32. None: torch allocates it
        lse_base: base of the logarithms in partial_lse and lse: "e" or 2
        empty_lse: lse of a row without a split that counts: inf or -inf
        empty_split: the partial_lse that marks an empty split, whose weight is 0
            whatever its partial_out holds: -inf, or with inf both infinities
        stream: a CUstream as a number, or a stream object of torch, CuPy or Numba.
            None: torch's current stream if partial_out is torch's, else the
            default stream
        workspace: contiguous device memory of any dtype, aligned to 256 bytes, for
            kernels that need some. None: torch allocates it if partial_out is torch's

    A row without a split that counts gets out = 0. Returns (out, lse) without waiting
    for the kernel: the tensors must live until the stream has executed it. May be
    captured in a CUDA graph once a call of such sizes has been made on that device.

    Under torch.compile, torch.export and on fake tensors it is the operator
    mla::combine, or mla::combine_out if a result is given; `stream` and `workspace`
    have to be None there.

    Raises TypeError and ValueError, which name the argument, what was expected
    and what came; MLAError for failures of the driver or the compiler.
    Source: the combine step of FlashDecoding and of FlashMLA's split KV.
    """
    options = (
        *lse_words(lse_base, empty_lse),
        option_word("empty_split", empty_split, _EMPTY_SPLITS),
    )
    torch = torch_of(partial_out)
    _gradients.check_not_needed(
        "combine", torch, partial_out=partial_out, partial_lse=partial_lse
    )
    traced = must_trace(torch, partial_out, stream=stream, workspace=workspace)
    if traced:
        from . import torch_ops

        if out is None and lse is None:
            return torch_ops.combine(partial_out, partial_lse, num_splits, *options)
    if out is None or lse is None:
        if torch is None:
            raise TypeError(
                "out, lse: expected tensors, got None; only torch allocates them"
            )
        out, lse = make_results(torch, partial_out, out, lse)
    if traced:
        torch_ops.combine_out(partial_out, partial_lse, out, lse, num_splits, *options)
    else:
        given = by_name(partial_out, partial_lse, out, lse, num_splits)
        launch(torch, given, options, stream, workspace)
    return out, lse


def make_results(torch, partial_out, out=None, lse=None):
    """Returns both results of combine; allocates those that are None."""
    if partial_out.dim() != 3:
        raise ValueError(f"partial_out: expected 3 dimensions, got {partial_out.dim()}")
    rows, d_v = partial_out.shape[1:]
    if out is None:
        dtype = half_dtype(torch, partial_out.dtype)
        out = torch.empty((rows, d_v), dtype=dtype, device=partial_out.device)
    if lse is None:
        lse = torch.empty((rows,), dtype=torch.float32, device=partial_out.device)
    return out, lse


# ------------------------------------------------------------------------------
# merge
# ------------------------------------------------------------------------------


def merge(
    out_a,
    lse_a,
    out_b,
    lse_b,
    *,
    lse_base="e",
    empty_lse=-math.inf,
    out=None,
    lse=None,
):
    """Merges the results of one attention over two ranges of its keys, for torch tensors:
    chunks of a prompt behind its prefix, steps of ring attention, ranks of context
    parallelism.

    Args:
        out_a, out_b: [..., d_v], float32, bf16 or float16, of one shape and type; d_v a
            multiple of 64
        lse_a, lse_b: [...], float32; infinities of both signs mark queries that attended
            to no key, whose weight is 0 whatever their out is
        lse_base: base of the logarithms in lse_a, lse_b and lse: "e" or 2
        empty_lse: lse of a query that attended to no key of both: inf or -inf
        out: [..., d_v], bf16 or float16. None: torch allocates it, of out_a's type if
            that is one of these, else bf16
        lse: [...], float32. None: torch allocates it

    Returns (out, lse), on torch's current stream. (0, -inf) and (0, inf) leave the other
    unchanged. The kernel, that of mla.combine, reads one tensor: out_a and out_b are
    copied into one, unless they are x[0] and x[1] of a contiguous x.

    Under torch.compile, torch.export and on fake tensors it is the operator mla::merge.

    Raises the errors of mla.combine.
    Source: merge_state of FlashInfer, merge_attn_states of vLLM.
    """
    torch = torch_of(out_a)
    if torch is None:
        raise TypeError(f"out_a: expected a torch tensor, got {type(out_a).__name__}")
    _gradients.check_not_needed(
        "merge", torch, out_a=out_a, lse_a=lse_a, out_b=out_b, lse_b=lse_b
    )
    words = lse_words(lse_base, empty_lse)
    if out is None:
        out = out_a.new_empty(out_a.shape, dtype=half_dtype(torch, out_a.dtype))
    if lse is None:
        lse = lse_a.new_empty(lse_a.shape)
    arguments = out_a, lse_a, out_b, lse_b, out, lse, *words
    if must_trace(torch, out_a):
        from . import torch_ops

        torch_ops.merge(*arguments)
    else:
        run_merge(*arguments)
    return out, lse


def check_merge(out_a, lse_a, out_b, lse_b, out, lse, lse_base, empty_lse):
    """Checks tensors of torch, which may be fake."""
    check_lse_words(lse_base, empty_lse)
    if out_a.dim() == 0 or out_a.shape[-1] % 64 or out_a.shape[-1] == 0:
        got = out_a.shape[-1] if out_a.dim() else "no dimension"
        raise ValueError(
            f"out_a: expected a multiple of 64 in the last dimension, got {got}"
        )
    rows = tuple(out_a.shape[:-1])
    for name, tensor, expected in (
        ("out_b", out_b, tuple(out_a.shape)),
        ("out", out, tuple(out_a.shape)),
        ("lse_a", lse_a, rows),
        ("lse_b", lse_b, rows),
        ("lse", lse, rows),
    ):
        if tuple(tensor.shape) != expected:
            raise ValueError(
                f"{name}: expected shape {expected}, as out_a has, got "
                f"{tuple(tensor.shape)}"
            )
    for name, tensor, other_name, other in (
        ("out_b", out_b, "out_a", out_a),
        ("lse_b", lse_b, "lse_a", lse_a),
    ):
        if tensor.dtype != other.dtype:
            raise TypeError(
                f"{name}: expected {other.dtype}, as {other_name} has, got "
                f"{tensor.dtype}"
            )


def _pair(torch, first, second):
    """The tensor x with x[0] = first and x[1] = second; a copy, unless they are the
    halves of one contiguous tensor."""
    size = first.numel() * first.element_size()
    adjacent = (
        first.is_contiguous()
        and second.is_contiguous()
        and second.device == first.device
        and second.data_ptr() == first.data_ptr() + size
        # Neighbours of two allocations are no tensor.
        and second.untyped_storage().data_ptr() == first.untyped_storage().data_ptr()
    )
    if not adjacent:
        return torch.stack((first, second))
    return first.as_strided((2, *first.shape), (first.numel(), *first.stride()))


def run_merge(out_a, lse_a, out_b, lse_b, out, lse, lse_base, empty_lse):
    """merge where torch does not trace."""
    check_merge(out_a, lse_a, out_b, lse_b, out, lse, lse_base, empty_lse)
    torch = torch_of(out_a)
    d_v = out_a.shape[-1]
    rows = out_a.numel() // d_v
    partial_out = _pair(torch, out_a, out_b).reshape(2, rows, d_v)
    partial_lse = _pair(torch, lse_a, lse_b).reshape(2, rows)
    made = [
        result if result.is_contiguous() else result.new_empty(result.shape)
        for result in (out, lse)
    ]
    given = by_name(
        partial_out, partial_lse, made[0].view(rows, d_v), made[1].view(rows), None
    )
    launch(torch, given, (lse_base, empty_lse, "+inf"))
    for result, contiguous in zip((out, lse), made):
        if contiguous is not result:
            result.copy_(contiguous)
