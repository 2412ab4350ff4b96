# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Dense attention over whole sequences."""

import math

from . import _gradients, _launch
from ._launch import Launch, must_trace
from ._library import library
from ._operator import operator
from ._tensor import half_dtype, torch_of
from .decoding import check_rank
from .sparse import check_lse_words, check_scale, lse_words, option_word

OPERATOR = operator("prefill")

LAYOUTS = {"bshd": (0, 0), "bhsd": (1, 2), "sbhd": (0, 1)}


# ------------------------------------------------------------------------------
# Checks
# ------------------------------------------------------------------------------


def _check_heads(heads_q, heads_kv):
    most = OPERATOR.table["sizes"]["h_q"]["most"]
    if not 1 <= heads_q <= most:
        raise ValueError(
            f"q: expected 1 to {most} heads in dimension 2, got {heads_q}"
        )
    if heads_kv < 1 or heads_q % heads_kv:
        raise ValueError(
            f"k: expected a divisor of the {heads_q} query heads in dimension 2, got "
            f"{heads_kv}"
        )


def _check_depth(name, depth):
    if not 16 <= depth <= 256 or depth % 16:
        raise ValueError(
            f"{name}: expected a multiple of 16 up to 256 in dimension 3, got {depth}"
        )


def _check_sequences(q, cu_seqlens_q, cu_seqlens_k):
    """Checks which of the tensors, which may be fake, are given."""
    for name, tensor, other_name, other in (
        ("cu_seqlens_q", cu_seqlens_q, "cu_seqlens_k", cu_seqlens_k),
        ("cu_seqlens_k", cu_seqlens_k, "cu_seqlens_q", cu_seqlens_q),
    ):
        if tensor is None and other is not None:
            raise ValueError(f"{name}: expected a tensor beside {other_name}, got None")
    if cu_seqlens_q is not None and q.shape[0] != 1:
        raise ValueError(
            f"q: expected size 1 in dimension 0 beside cu_seqlens_q, got {q.shape[0]}"
        )


def check(tensors):
    """Checks what the choice of a kernel depends on, of tensors by name, which may be
    fake. Returns the device's ordinal."""
    device = OPERATOR.check(tensors)
    _check_heads(tensors["q"].shape[2], tensors["k"].shape[2])
    _check_depth("q", tensors["q"].shape[3])
    _check_depth("v", tensors["v"].shape[3])
    _check_sequences(
        tensors["q"], tensors.get("cu_seqlens_q"), tensors.get("cu_seqlens_k")
    )
    return device


def call_words(causal, lse_base, empty_lse):
    """The options of a call as one string; the last two are the library's words."""
    causal_word = "yes" if causal else "no"
    return f"causal={causal_word} lse_base={lse_base} empty_lse={empty_lse}"


def read_words(words):
    """Checks call_words, and returns their values in the order of the table."""
    fields = dict(word.partition("=")[::2] for word in words.split(" "))
    names = list(OPERATOR.table["options"])
    if list(fields) != names:
        raise ValueError(f"words: expected values of {', '.join(names)}, got '{words}'")
    option_word("causal", fields["causal"], {"no": "no", "yes": "yes"})
    check_lse_words(fields["lse_base"], fields["empty_lse"])
    return tuple(fields.values())


# ------------------------------------------------------------------------------
# Launches
# ------------------------------------------------------------------------------


def _make(tensors, words):
    device = check(tensors)
    kernel = library().kernel(
        OPERATOR.shape_class_of(tensors, read_words(words)), OPERATOR.sizes_of(tensors)
    )
    return Launch(device, kernel, {**tensors, "scale": 0.0})


def by_name(q, k, v, out, lse, cu_seqlens_q, cu_seqlens_k):
    """The tensors of a call; an optional one only if it is given."""
    given = {"q": q, "k": k, "v": v, "out": out, "lse": lse}
    if cu_seqlens_q is not None:
        given["cu_seqlens_q"] = cu_seqlens_q
    if cu_seqlens_k is not None:
        given["cu_seqlens_k"] = cu_seqlens_k
    return given


def launch(torch, given, scale, words, stream=None, workspace=None):
    """Launches on the tensors `given`, by name. `torch` is the module if q is one of its
    tensors, else None."""
    _launch.launch(torch, _make, given, words, (scale,), stream, workspace)


# ------------------------------------------------------------------------------
# prefill
# ------------------------------------------------------------------------------


def prefill(
    q,
    k,
    v,
    scale,
    *,
    cu_seqlens_q=None,
    cu_seqlens_k=None,
    causal=False,
    lse_base="e",
    empty_lse=math.inf,
    out=None,
    lse=None,
    stream=None,
    workspace=None,
):
    """Dense attention: all queries of a batch over all of its keys, or over those up to
    their own.

    All tensors are on one CUDA device, from any library (torch, DLPack,
    __cuda_array_interface__), with any strides except the last, which is 1; that of
    `lse` is any too. Other layouts (bhsd, sbhd, parts of a packed qkv) are views of this
    shape.

    Args:
        q: [b, s_q, h_q, d_qk], bf16 or float16; 1 to 1024 heads, d_qk a multiple of 16
            up to 256
        k: [b, s_kv, h_kv, d_qk], of q's type; h_kv divides h_q
        v: [b, s_kv, h_kv, d_v], of q's type; d_v a multiple of 16 up to 256
        scale: multiplies q k^T; above 0
        cu_seqlens_q, cu_seqlens_k: [sequences + 1], int32; both or none. With them b is
            1, and sequence r has the queries from cu_seqlens_q[r] up to
            cu_seqlens_q[r + 1] and the keys from cu_seqlens_k[r] up to
            cu_seqlens_k[r + 1]; it may have none of either. They begin with 0 and do
            not decrease. The results of sequences that do not lie within the tensors
            are unspecified, and no memory outside the tensors is accessed
        causal: whether query i of a sequence attends only to its keys
            j <= i + s_kv - s_q
        lse_base: base of the logarithm in lse: "e" or 2
        empty_lse: lse of a query that attends to no key: inf, or -inf as merges of
            partial results want it
        out: [b, s_q, h_q, d_v], of q's type. None: torch allocates it
        lse: [b, s_q, h_q], float32. None: torch allocates it, as the transpose of a
            contiguous [b, h_q, s_q]
        stream: a CUstream as a number, or a stream object of torch, CuPy or Numba.
            None: torch's current stream if q is torch's, else the default stream
        workspace: contiguous device memory of any dtype, aligned to 256 bytes, for
            kernels that need some. None: torch allocates it if q is torch's

    A query that attends to no key gets out = 0 and lse = empty_lse. Results may be parts
    of larger buffers, around which nothing is written. They may not overlap each other
    or an input.
    Returns (out, lse) without waiting for the kernel: the tensors must live until the
    stream has executed it. May be captured in a CUDA graph once a call of such sizes has
    been made on that device.

    Where a tensor of torch requires a gradient, so do the results: of `lse` too, to which
    a loss may be attached. `out`, `lse`, `stream` and `workspace` have to be None then.
    A second derivative, forward mode and torch.func's transforms are refused.

    Under torch.compile, torch.export and on fake tensors it is the operator
    mla::prefill, or mla::attention where a gradient is required; `stream` and
    `workspace` have to be None there.

    Raises TypeError and ValueError, which name the argument, what was expected and what
    came; MLAError for failures of the driver or the compiler.
    Source: flash_attn_func and flash_attn_varlen_func of FlashAttention-3.
    """
    words = call_words(causal, *lse_words(lse_base, empty_lse))
    torch = torch_of(q)
    if _gradients.is_needed(torch, q=q, k=k, v=v):
        _gradients.check_none(out=out, lse=lse, stream=stream, workspace=workspace)
        return record(q, k, v, scale, cu_seqlens_q, cu_seqlens_k, "bshd", words)
    bounds = cu_seqlens_q, cu_seqlens_k
    return attend(q, k, v, scale, out, lse, *bounds, words, stream, workspace)


def attend(
    q,
    k,
    v,
    scale,
    out,
    lse,
    cu_seqlens_q,
    cu_seqlens_k,
    words,
    stream=None,
    workspace=None,
):
    """prefill where no gradient is required."""
    torch = torch_of(q)
    traced = must_trace(torch, q, stream=stream, workspace=workspace)
    if not traced:
        check_scale("scale", scale)
    if out is None or lse is None:
        out, lse = make_results(torch, q, v, out, lse)
    if traced:
        from . import torch_ops

        torch_ops.prefill(q, k, v, scale, out, lse, cu_seqlens_q, cu_seqlens_k, words)
    else:
        given = by_name(q, k, v, out, lse, cu_seqlens_q, cu_seqlens_k)
        launch(torch, given, scale, words, stream, workspace)
    return out, lse


def record(q, k, v, scale, cu_seqlens_q, cu_seqlens_k, layout, words):
    """prefill of tensors of torch, with a gradient; `layout` is that of out."""
    from . import torch_autograd

    call = torch_autograd.Attention.apply
    if must_trace(torch_of(q), q):
        call = torch_autograd.attention
    return call(q, k, v, scale, cu_seqlens_q, cu_seqlens_k, layout, words)


def layout_dims(name, layout):
    """The dimensions to exchange in a tensor of a layout to get [b, s, h, d], and the
    other way round. `name` is that of the argument."""
    dims = LAYOUTS.get(layout)
    if dims is None:
        expected = ", ".join(map(repr, LAYOUTS))
        raise ValueError(f"{name}: expected one of {expected}, got {layout!r}")
    return dims


def make_results(torch, q, v, out=None, lse=None, layout="bshd"):
    """Returns both results of prefill; allocates those that are None. `layout` is the
    order of the dimensions of out in memory."""
    if torch is None:
        raise TypeError(
            "out, lse: expected tensors, got None; only torch allocates them"
        )
    check_rank("q", q, 4)
    check_rank("v", v, 4)
    b, s_q, h_q, _ = q.shape
    if out is None:
        first, second = layout_dims("layout", layout)
        shape = [b, s_q, h_q, v.shape[3]]
        shape[first], shape[second] = shape[second], shape[first]
        out = q.new_empty(tuple(shape), dtype=half_dtype(torch, q.dtype))
        if first != second:
            out = out.transpose(first, second)
    if lse is None:
        lse = q.new_empty((b, h_q, s_q), dtype=torch.float32).transpose(1, 2)
    return out, lse
