# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The merge of split-KV partial results."""

import math

from ._launch import Launch, launch
from ._library import library, operator
from ._tensor import is_traced, torch_of
from .sparse import lse_words, option_word

OPERATOR = operator("combine")

_EMPTY_SPLITS = {-math.inf: "-inf", math.inf: "+inf"}


def check(tensors):
    """What has to hold before a kernel can be chosen. The device's ordinal."""
    device = OPERATOR.check(tensors)
    d_v = tensors["partial_out"].shape[2]
    if d_v % 64 or d_v == 0:
        raise ValueError(
            f"partial_out: expected a multiple of 64 in dimension 2, got {d_v}"
        )
    return device


def _bucket(size):
    """The power of two from `size` on: one kernel serves calls of similar sizes."""
    return 1 << max(size - 1, 0).bit_length()


def _make(tensors, options):
    device = check(tensors)
    sizes = OPERATOR.sizes_of(tensors)
    expected = tuple((name, _bucket(size)) for name, size in sizes._asdict().items())
    kernel = library().kernel(OPERATOR.shape_class_of(tensors, options), sizes, expected)
    return Launch(device, kernel, tensors)


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
):
    """Merges the partial results of attention whose keys were split.

        lse = ln sum_i exp(partial_lse_i)
        out = sum_i exp(partial_lse_i - lse) partial_out_i

    Args, each tensor on one CUDA device, from any library (torch, DLPack,
    __cuda_array_interface__), with any strides but the last, which is 1:
        partial_out: [splits, rows, d_v], float32, bf16 or float16; d_v a multiple
            of 64
        partial_lse: [splits, rows], float32
        num_splits: [rows], int32; only the first num_splits[row] splits of a row
            count, and others are not read. It is clamped to 0 and `splits`
        out: [rows, d_v], bf16 or float16. None, for torch: it is made, of
            partial_out's type if that is one of these, else bf16
        lse: [rows], float32. None, for torch: it is made
        lse_base: base of the logarithms in partial_lse and lse: "e" or 2
        empty_lse: lse of a row without a split that counts: inf or -inf
        empty_split: what marks an empty split, which weighs nothing whatever its
            partial_out holds: -inf in partial_lse, or with inf both
        stream: a CUstream as a number, or a stream object of torch, CuPy or Numba.
            None: torch's current stream if partial_out is torch's, else the
            default stream

    A row without a split that counts gets out = 0. Returns (out, lse) at once; the
    tensors must live until the stream has come this far. May be captured in a CUDA
    graph once a call of such sizes has been made on that device.

    Raises TypeError and ValueError, which name the argument, what was expected
    and what came; MLAError for failures of the driver or the compiler.
    """
    options = (
        *lse_words(lse_base, empty_lse),
        option_word("empty_split", empty_split, _EMPTY_SPLITS),
    )
    torch = torch_of(partial_out)
    if torch is not None and is_traced(torch, partial_out):
        raise NotImplementedError("combine: is not an operator of torch.compile yet")
    if out is None or lse is None:
        if torch is None:
            raise TypeError(
                "out, lse: expected tensors, got None; they are made for torch only"
            )
        out, lse = _make_results(torch, partial_out, out, lse)
    given = {
        "partial_out": partial_out,
        "partial_lse": partial_lse,
        "out": out,
        "lse": lse,
    }
    if num_splits is not None:
        given["num_splits"] = num_splits
    launch(torch, _make, given, options, stream=stream)
    return out, lse


def _make_results(torch, partial_out, out, lse):
    if partial_out.dim() != 3:
        raise ValueError(f"partial_out: expected 3 dimensions, got {partial_out.dim()}")
    rows, d_v = partial_out.shape[1:]
    if out is None:
        half = partial_out.dtype in (torch.bfloat16, torch.float16)
        dtype = partial_out.dtype if half else torch.bfloat16
        out = torch.empty((rows, d_v), dtype=dtype, device=partial_out.device)
    if lse is None:
        lse = torch.empty((rows,), dtype=torch.float32, device=partial_out.device)
    return out, lse
