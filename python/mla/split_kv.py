# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The merge of split-KV partial results."""

import math

from . import _launch
from ._launch import Launch, must_trace
from ._library import library, operator
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
