# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""TransformerEngine's mla_attention and mla_decode_attention, for torch tensors:

    from mla.transformer_engine import mla_attention, mla_decode_attention
"""

from . import _decode_kernels as kernels
from . import _gradients, decoding, prefilling
from ._columns import check_parts, rope_of
from ._launch import must_trace
from ._tensor import half_dtype, torch_of
from .sparse import check_scale

# ------------------------------------------------------------------------------
# mla_attention
# ------------------------------------------------------------------------------

def mla_attention(
    q, k, v, *, softmax_scale=None, is_causal=False, qkv_format="bshd", out=None
):
    """TransformerEngine's function of this name: attention whose values may have another
    head dimension than its keys.

    Args:
        q: [B, S_q, H, D_qk] in the order that qkv_format names, bfloat16 or float16, in
            any strides except the last; D_qk a multiple of 16 up to 256
        k: [B, S_kv, H_kv, D_qk] in that order, of its type; H_kv divides H
        v: [B, S_kv, H_kv, D_v] in that order, of its type; D_v a multiple of 16 up to 256
        softmax_scale: multiplies the scores; above 0. None: D_qk ** -0.5
        is_causal: whether query i attends only to the keys j <= i + S_kv - S_q
        qkv_format: "bshd", "bhsd" or "sbhd"
        out: optional, [B, S_q, H, D_v] in that order, where to put the output

    Returns [B, S_q, H, D_v] in that order, of q's type. A query that attends to no key
    gets 0, where TransformerEngine has NaN. Runs on torch's current stream and
    copies nothing. Has a gradient, as mla.prefill does, where `out` is None.

    Under torch.compile, torch.export and on fake tensors it is the operator mla::prefill,
    or mla::attention where a gradient is required.

    Raises the errors of mla.prefill.
    Source: transformer_engine/pytorch/triton/mla.py of NVIDIA's TransformerEngine.
    """
    dims = prefilling.layout_dims("qkv_format", qkv_format)
    for name, tensor in (("q", q), ("k", k), ("v", v), ("out", out)):
        if name != "out" or out is not None:
            decoding.check_rank(name, tensor, 4)
    torch = torch_of(q)
    if softmax_scale is None:
        softmax_scale = q.shape[3] ** -0.5
    elif not must_trace(torch, q):
        check_scale("softmax_scale", softmax_scale)
    inputs = [tensor.transpose(*dims) for tensor in (q, k, v)]
    words = prefilling.call_words(is_causal, "e", "+inf")
    if _gradients.is_needed(torch, q=q, k=k, v=v):
        _gradients.check_none(out=out)
        arguments = *inputs, softmax_scale, None, None, qkv_format, words
        return prefilling.record(*arguments)[0].transpose(*dims)
    if out is None:
        shape = (*q.shape[:3], v.shape[3])
        out = q.new_empty(shape, dtype=half_dtype(torch, q.dtype))
    results = out.transpose(*dims), None
    prefilling.attend(*inputs, softmax_scale, *results, None, None, words)
    return out


# ------------------------------------------------------------------------------
# mla_decode_attention
# ------------------------------------------------------------------------------

_NAMES = {
    "s_q": "q_nope_abs: queries in dimension 2",
    "h_q": "q_nope_abs: heads in dimension 1",
    "d_qk": "q_nope_abs: size of dimension 3",
    "d_rope": "q_rope: size of dimension 3",
    "d_v": "q_nope_abs: size of dimension 3",
}


def _check(q_nope_abs, q_rope, c_kv, k_rope):
    check_parts("q_nope_abs", q_nope_abs, "q_rope", q_rope, 4)
    check_parts("c_kv", c_kv, "k_rope", k_rope, 3)
    batch, h_q, s_q, d_v = q_nope_abs.shape
    kernels.check_sizes((s_q, h_q, 1, d_v, d_v, 1), _NAMES, q_rope.shape[3])
    expected = (batch, c_kv.shape[1], d_v)
    if tuple(c_kv.shape) != expected:
        raise ValueError(
            f"c_kv: expected shape {expected}, as q_nope_abs has, got {tuple(c_kv.shape)}"
        )
    if k_rope.shape[2] != q_rope.shape[3]:
        raise ValueError(
            f"k_rope: expected size {q_rope.shape[3]} in dimension 2, as q_rope has, got "
            f"{k_rope.shape[2]}"
        )


def empty_result(q_nope_abs, q_rope, c_kv, k_rope):
    """Checks a call, whose tensors may be fake, and allocates its result."""
    _check(q_nope_abs, q_rope, c_kv, k_rope)
    return q_nope_abs.new_empty(tuple(q_nope_abs.shape))


def run(q_nope_abs, q_rope, c_kv, k_rope, softmax_scale, is_causal):
    """mla_decode_attention where torch does not trace."""
    result = empty_result(q_nope_abs, q_rope, c_kv, k_rope)
    q_rope, k_rope = rope_of(q_rope), rope_of(k_rope)
    batch, tokens, _ = c_kv.shape
    decoding.decode(
        q_nope_abs.transpose(1, 2),
        c_kv.unsqueeze(2),
        None,
        c_kv.new_full((batch,), tokens, dtype=torch_of(c_kv).int32),
        softmax_scale,
        q_rope=None if q_rope is None else q_rope.transpose(1, 2),
        k_rope=None if k_rope is None else k_rope.unsqueeze(2),
        causal=is_causal,
        out=result.transpose(1, 2),
    )
    return result


def mla_decode_attention(
    q_nope_abs, q_rope, c_kv, k_rope, *, softmax_scale, is_causal=False
):
    """TransformerEngine's function of this name: MLA decode over a compressed cache
    without pages, with an absorbed up-projection.

    Args:
        q_nope_abs: [B, H, S_q, 512], bfloat16 or float16; S_q 1 to 16, H 1 to 128
        q_rope: [B, H, S_q, 64 or 0], of its type
        c_kv: [B, S_kv, 512], of its type
        k_rope: [B, S_kv, 64 or 0], of its type
        softmax_scale: multiplies the scores; above 0
        is_causal: whether query i attends only to the tokens j <= i + S_kv - S_q

    Returns [B, H, S_q, 512]. A query that attends to no token gets 0, where
    TransformerEngine has NaN. Nothing is copied: the tensors may have any strides but the
    last, and be columns of one tensor or not. Runs on torch's current stream, and makes a
    plan for each call; mla.decode with a plan of its own saves that. It has no gradient.

    Under torch.compile, torch.export and on fake tensors it is the operator
    mla::mla_decode_attention.

    Raises the errors of mla.decode.
    Source: transformer_engine/pytorch/triton/mla.py of NVIDIA's TransformerEngine.
    """
    torch = torch_of(q_nope_abs)
    arguments = q_nope_abs, q_rope, c_kv, k_rope, softmax_scale, is_causal
    if must_trace(torch, q_nope_abs):
        from . import torch_ops

        return torch_ops.mla_decode_attention(*arguments)
    check_scale("softmax_scale", softmax_scale)
    return run(*arguments)
