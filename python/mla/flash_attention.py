# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""FlashAttention's functions, for torch tensors, with the arguments of FlashAttention-3:

    from mla.flash_attention import flash_attn_func, flash_attn_varlen_func
"""

import math

from . import prefilling
from ._launch import must_trace
from ._tensor import torch_of
from .decoding import check_rank
from .sparse import check_scale

__all__ = ["flash_attn_func", "flash_attn_varlen_func"]

# What an argument has to be that is not supported; other values are refused.
_NEUTRAL = {
    "attention_chunk": 0,
    "softcap": 0.0,
    "dropout_p": 0.0,
}


def _refuse(window_size, **arguments):
    """Refuses arguments that would change the result, by name."""
    if tuple(window_size) not in ((-1, -1), (None, None)):
        raise ValueError(
            f"window_size: expected (-1, -1): no window is supported, got {window_size}"
        )
    for name, value in arguments.items():
        neutral = _NEUTRAL.get(name)
        if value is neutral or neutral is not None and value == neutral:
            continue
        got = "a tensor" if torch_of(value) is not None else repr(value)
        raise ValueError(f"{name}: expected {neutral}: it is not supported, got {got}")


def _attend(q, k, v, softmax_scale, return_lse, out, **options):
    """prefill of tensors [b, s, h, d]; returns what flash_attn_func does."""
    torch = torch_of(q)
    if softmax_scale is None:
        softmax_scale = q.shape[-1] ** -0.5
    elif not must_trace(torch, q):
        check_scale("softmax_scale", softmax_scale)
    made, lse = prefilling.prefill(
        q, k, v, softmax_scale, empty_lse=-math.inf, out=out, **options
    )
    return (made, lse.transpose(1, 2)) if return_lse else made


def flash_attn_func(
    q,
    k,
    v,
    softmax_scale=None,
    causal=False,
    qv=None,
    q_descale=None,
    k_descale=None,
    v_descale=None,
    window_size=(-1, -1),
    attention_chunk=0,
    softcap=0.0,
    num_splits=1,
    pack_gqa=None,
    deterministic=False,
    sm_margin=0,
    return_attn_probs=False,
    *,
    dropout_p=0.0,
    alibi_slopes=None,
    out=None,
):
    """FlashAttention-3's function of this name.

    Args:
        q: [batch, seqlen_q, heads, d], bfloat16 or float16; d a multiple of 16 up to 256
        k: [batch, seqlen_k, heads_k, d], of its type; heads_k divides heads
        v: [batch, seqlen_k, heads_k, d_v], of its type; d_v a multiple of 16 up to 256
        softmax_scale: multiplies the scores; above 0. None: d ** -0.5
        causal: whether query i attends only to the keys j <= i + seqlen_k - seqlen_q
        num_splits, pack_gqa, deterministic, sm_margin: have no effect: they choose among
            kernels with the same result, and every result is deterministic
        return_attn_probs: whether to return the log-sum-exp too
        qv, q_descale, k_descale, v_descale, window_size, attention_chunk, softcap,
            dropout_p, alibi_slopes: not supported; can only have their defaults
        out: optional, [batch, seqlen_q, heads, d_v], where to put the output

    Returns:
        out, or with return_attn_probs (out, softmax_lse): [batch, seqlen_q, heads, d_v]
        of q's type, [batch, heads, seqlen_q] float32. A query that attends to no key has
        out 0 and lse -inf

    Runs on torch's current stream and copies nothing. Has a gradient, as mla.prefill
    does, where `out` is None: that of softmax_lse too, which FlashAttention's lacks.
    Under torch.compile, torch.export and on fake tensors it is the operator mla::prefill,
    or mla::attention where a gradient is required.

    Raises the errors of mla.prefill, and ValueError for what is not supported.
    Source: hopper/flash_attn_interface.py of flash-attention.
    """
    _refuse(
        window_size,
        qv=qv,
        q_descale=q_descale,
        k_descale=k_descale,
        v_descale=v_descale,
        attention_chunk=attention_chunk,
        softcap=softcap,
        dropout_p=dropout_p,
        alibi_slopes=alibi_slopes,
    )
    for name, tensor in (("q", q), ("k", k), ("v", v)):
        check_rank(name, tensor, 4)
    return _attend(q, k, v, softmax_scale, return_attn_probs, out, causal=causal)


def flash_attn_varlen_func(
    q,
    k,
    v,
    cu_seqlens_q,
    cu_seqlens_k,
    max_seqlen_q=None,
    max_seqlen_k=None,
    seqused_q=None,
    seqused_k=None,
    softmax_scale=None,
    causal=False,
    qv=None,
    q_descale=None,
    k_descale=None,
    v_descale=None,
    window_size=(-1, -1),
    attention_chunk=0,
    softcap=0.0,
    num_splits=1,
    pack_gqa=None,
    deterministic=False,
    sm_margin=0,
    return_attn_probs=False,
    *,
    dropout_p=0.0,
    alibi_slopes=None,
    block_table=None,
    out=None,
):
    """FlashAttention-3's function of this name: sequences of any lengths, one behind the
    other.

    Args:
        q: [total_q, heads, d], bfloat16 or float16; d a multiple of 16 up to 256
        k: [total_k, heads_k, d], of its type; heads_k divides heads
        v: [total_k, heads_k, d_v], of its type; d_v a multiple of 16 up to 256
        cu_seqlens_q, cu_seqlens_k: [sequences + 1], int32; see mla.prefill
        max_seqlen_q, max_seqlen_k: have no effect: the kernels do not need them
        softmax_scale, causal, num_splits, pack_gqa, deterministic, sm_margin,
            return_attn_probs: see flash_attn_func; causal is meant within a sequence
        seqused_q, seqused_k, qv, q_descale, k_descale, v_descale, window_size,
            attention_chunk, softcap, dropout_p, alibi_slopes, block_table: not
            supported; can only have their defaults
        out: optional, [total_q, heads, d_v], where to put the output

    Returns:
        out, or with return_attn_probs (out, softmax_lse): [total_q, heads, d_v] of q's
        type, [heads, total_q] float32. A query that attends to no key has out 0 and lse
        -inf

    Otherwise as flash_attn_func.
    Source: hopper/flash_attn_interface.py of flash-attention.
    """
    _refuse(
        window_size,
        seqused_q=seqused_q,
        seqused_k=seqused_k,
        qv=qv,
        q_descale=q_descale,
        k_descale=k_descale,
        v_descale=v_descale,
        attention_chunk=attention_chunk,
        softcap=softcap,
        dropout_p=dropout_p,
        alibi_slopes=alibi_slopes,
        block_table=block_table,
    )
    for name, tensor in (("q", q), ("k", k), ("v", v)):
        check_rank(name, tensor, 3)
    if out is not None:
        check_rank("out", out, 3)
    for name, tensor in (("cu_seqlens_q", cu_seqlens_q), ("cu_seqlens_k", cu_seqlens_k)):
        check_rank(name, tensor, 1)
    results = _attend(
        *(tensor.unsqueeze(0) for tensor in (q, k, v)),
        softmax_scale,
        return_attn_probs,
        None if out is None else out.unsqueeze(0),
        causal=causal,
        cu_seqlens_q=cu_seqlens_q,
        cu_seqlens_k=cu_seqlens_k,
    )
    if not return_attn_probs:
        return results.squeeze(0) if out is None else out
    made, lse = results
    return (made.squeeze(0) if out is None else out), lse.squeeze(0)
