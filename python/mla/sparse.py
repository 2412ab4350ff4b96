# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The sparse MLA forward."""

import math
import numbers

from . import _launch
from ._launch import Launch, must_trace
from ._library import library
from ._operator import operator
from ._tensor import half_dtype, torch_of

OPERATOR = operator("sparse_prefill")


def check(tensors):
    """Checks what the choice of a kernel depends on, of tensors by name, which may be
    fake. Returns the device's ordinal."""
    device = OPERATOR.check(tensors)
    heads, d_qk = tensors["q"].shape[1:3]
    d_v = tensors["out"].shape[2]
    limits = OPERATOR.table["sizes"]["h_q"]
    if not limits["least"] <= heads <= limits["most"]:
        raise ValueError(
            f"q: expected {limits['least']} to {limits['most']} heads in dimension 1, "
            f"got {heads}"
        )
    if d_qk not in (512, 576):
        raise ValueError(f"q: expected size 512 or 576 in dimension 2, got {d_qk}")
    if d_v != 512:
        raise ValueError(f"out: expected size 512 in dimension 2, got {d_v}")
    return device


def check_scale(name, scale):
    if type(scale) is not float and not isinstance(scale, numbers.Real):
        raise TypeError(f"{name}: expected a number, got {type(scale).__name__}")
    check_positive(name, scale)


def check_positive(name, scale):
    if not scale > 0:
        raise ValueError(f"{name}: expected a value above 0, got {scale}")


_LSE_BASES = {"e": "e", 2: "2"}
_EMPTY_LSES = {math.inf: "+inf", -math.inf: "-inf"}


def option_word(name, value, words):
    """The library's word for the value of an option."""
    for known, word in words.items():
        if value == known:
            return word
    expected = " or ".join(map(repr, words))
    raise ValueError(f"{name}: expected {expected}, got {value!r}")


def lse_words(lse_base, empty_lse):
    """The library's words for the options lse_base and empty_lse."""
    return (
        option_word("lse_base", lse_base, _LSE_BASES),
        option_word("empty_lse", empty_lse, _EMPTY_LSES),
    )


def check_lse_words(lse_base, empty_lse):
    option_word("lse_base", lse_base, {word: word for word in _LSE_BASES.values()})
    option_word("empty_lse", empty_lse, {word: word for word in _EMPTY_LSES.values()})


def _make(tensors, lse_options):
    device = check(tensors)
    kernel = library().kernel(
        OPERATOR.shape_class_of(tensors, lse_options), OPERATOR.sizes_of(tensors)
    )
    return Launch(device, kernel, {**tensors, "scale": 0.0})


def by_name(q, kv, indices, out, max_logits, lse, topk_length, attn_sink):
    """The tensors of a call; an optional one only if it is given."""
    given = {
        "q": q,
        "kv": kv,
        "indices": indices,
        "out": out,
        "max_logits": max_logits,
        "lse": lse,
    }
    if topk_length is not None:
        given["topk_length"] = topk_length
    if attn_sink is not None:
        given["attn_sink"] = attn_sink
    return given


def launch(torch, given, scale, lse_options, stream=None, workspace=None):
    """Launches on the tensors `given`, by name. `torch` is the module if q is one
    of its tensors, else None."""
    _launch.launch(torch, _make, given, lse_options, (scale,), stream, workspace)


def sparse_prefill(
    q,
    kv,
    indices,
    scale,
    *,
    out,
    max_logits,
    lse,
    topk_length=None,
    attn_sink=None,
    lse_base="e",
    empty_lse=math.inf,
    stream=None,
    workspace=None,
):
    """Sparse MLA forward into tensors of the caller.

    All tensors are on one CUDA device, from any library (torch, DLPack,
    __cuda_array_interface__), with any strides except the last, which is 1.

    Args:
        q: [s_q, h_q, d_qk], bf16 or float16; 1 to 128 heads, d_qk 512 or 576
        kv: [s_kv, 1, d_qk], of q's type; the values are the first 512 columns
        indices: [s_q, 1, topk], int32; entries below 0 or not below s_kv are ignored
        scale: multiplies q k^T; above 0
        out: [s_q, h_q, 512], of q's type
        max_logits, lse: [s_q, h_q], float32
        topk_length: [s_q], int32; only the first topk_length[i] entries of
            indices[i] count
        attn_sink: [h_q], float32; a further logit without a value: out is
            multiplied by exp(lse) / (exp(lse) + exp(attn_sink))
        lse_base: base of the logarithm in lse: "e" or 2
        empty_lse: lse of a query without a valid entry: inf, or -inf as merges of
            partial results want it
        stream: a CUstream as a number, or a stream object of torch, CuPy or Numba.
            None: torch's current stream if q is torch's, else the default stream
        workspace: contiguous device memory of any dtype, aligned to 256 bytes, for
            kernels that need some. None: torch allocates it if q is torch's

    A query without a valid entry gets out = 0, max_logits = -inf, lse = empty_lse.
    Results may be parts of larger buffers, around which nothing is written. They may
    not overlap each other or an input.
    Returns without waiting for the kernel: the tensors must live until the stream has
    executed it.

    Under torch.compile, torch.export and on fake tensors it is the operator
    mla::sparse_prefill; `stream` and `workspace` have to be None there.

    Raises TypeError and ValueError, which name the argument, what was expected
    and what came; MLAError for failures of the driver or the compiler.
    Source: sparse attention forward of DeepSeek's FlashMLA, flash_mla_sparse_fwd.
    """
    lse_options = lse_words(lse_base, empty_lse)
    torch = torch_of(q)
    if must_trace(torch, q, stream=stream, workspace=workspace):
        from . import torch_ops

        torch_ops.sparse_prefill(
            q,
            kv,
            indices,
            scale,
            out,
            max_logits,
            lse,
            topk_length,
            attn_sink,
            *lse_options,
        )
        return
    check_scale("scale", scale)
    given = by_name(q, kv, indices, out, max_logits, lse, topk_length, attn_sink)
    launch(torch, given, scale, lse_options, stream, workspace)


def flash_mla_sparse_fwd(
    q,
    kv,
    indices,
    sm_scale,
    d_v=512,
    attn_sink=None,
    topk_length=None,
    *,
    out=None,
    max_logits=None,
    lse=None,
    lse_base="e",
    empty_lse=math.inf,
    workspace=None,
):
    """FlashMLA's function of this name, for torch tensors.

    Args:
        q: [s_q, h_q, d_qk], bfloat16 or float16
        kv: [s_kv, h_kv, d_qk], of q's type, h_kv = 1
        indices: [s_q, h_kv, topk], int32. Invalid indices should be set to -1 or
            numbers >= s_kv
        sm_scale: float, above 0
        d_v: can only be 512
        attn_sink: optional, [h_q], float32; see sparse_prefill
        topk_length: optional, [s_q], int32; see sparse_prefill
        out, max_logits, lse: optional, where to put the results; see
            sparse_prefill. Those that are not given are made
        lse_base, empty_lse: see sparse_prefill; the defaults are FlashMLA's
            behaviour
        workspace: optional; see sparse_prefill

    Returns:
        (output, max_logits, lse): [s_q, h_q, d_v] of q's type, [s_q, h_q] float32,
        [s_q, h_q] float32. Tensors that were given are returned themselves

    Runs on torch's current stream of q's device, and may be captured in a CUDA
    graph once a call of the same shape class has been made on that device. Under
    torch.compile, torch.export and on fake tensors it is the operator
    mla::flash_mla_sparse_fwd, or mla::sparse_prefill if results are given;
    `workspace` has to be None there.

    Raises the errors of sparse_prefill.
    Source: flash_mla_interface.py of DeepSeek's FlashMLA.
    """
    torch = torch_of(q)
    if torch is None:
        raise TypeError(
            f"q: expected a torch tensor, got {type(q).__name__}; sparse_prefill takes "
            "any, and results that the caller has made"
        )
    lse_options = lse_words(lse_base, empty_lse)
    traced = must_trace(torch, q, workspace=workspace)
    if traced:
        from . import torch_ops

        if out is None and max_logits is None and lse is None:
            return torch_ops.flash_mla_sparse_fwd(
                q, kv, indices, sm_scale, d_v, attn_sink, topk_length, *lse_options
            )
    else:
        check_scale("sm_scale", sm_scale)
    results = make_results(torch, q, d_v, out, max_logits, lse)
    if traced:
        torch_ops.sparse_prefill(
            q, kv, indices, sm_scale, *results, topk_length, attn_sink, *lse_options
        )
    else:
        given = by_name(q, kv, indices, *results, topk_length, attn_sink)
        launch(torch, given, sm_scale, lse_options, workspace=workspace)
    return results


def make_results(torch, q, d_v, out=None, max_logits=None, lse=None):
    """Returns the three results of flash_mla_sparse_fwd; allocates those that are
    None."""
    if q.dim() != 3:
        raise ValueError(f"q: expected 3 dimensions, got {q.dim()}")
    if d_v != 512:
        raise ValueError(f"d_v: expected 512, got {d_v}")
    s_q, h_q = q.shape[:2]
    if out is None:
        dtype = half_dtype(torch, q.dtype)
        out = torch.empty((s_q, h_q, d_v), dtype=dtype, device=q.device)
    if max_logits is None:
        max_logits = torch.empty((s_q, h_q), dtype=torch.float32, device=q.device)
    if lse is None:
        lse = torch.empty((s_q, h_q), dtype=torch.float32, device=q.device)
    return out, max_logits, lse
