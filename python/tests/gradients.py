# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The gradients of dense attention in float64, by torch's autograd."""

import math

import torch


def _places(b, cu_seqlens_q, cu_seqlens_k):
    """Batch, queries and keys of each sequence."""
    if cu_seqlens_q is None:
        return [(number, slice(None), slice(None)) for number in range(b)]
    pairs = (
        [slice(*pair) for pair in zip(bounds[:-1], bounds[1:])]
        for bounds in (cu_seqlens_q.tolist(), cu_seqlens_k.tolist())
    )
    return [(0, *pair) for pair in zip(*pairs)]


def _attend(q, k, v, scale, causal):
    """out [s_q, h_q, d_v] and lse [s_q, h_q] of one sequence, and which queries have no
    key; all of it can be differentiated."""
    s_q, s_kv = len(q), len(k)
    if s_kv == 0:
        empty = torch.ones(s_q, 1, dtype=torch.bool, device=q.device)
        zero = q.sum() * 0
        return zero.expand(s_q, q.shape[1], v.shape[2]), zero.expand(q.shape[:2]), empty
    group = q.shape[1] // k.shape[1]
    k, v = (tensor.repeat_interleave(group, 1) for tensor in (k, v))
    logits = torch.einsum("shd,thd->sht", q, k) * scale
    hidden = torch.zeros(s_q, s_kv, dtype=torch.bool, device=q.device)
    if causal:
        last = torch.arange(s_q, device=q.device)[:, None] + s_kv - s_q
        hidden = torch.arange(s_kv, device=q.device)[None] > last
    # Rows without keys stay finite here, and get their values below.
    empty = hidden.all(1, keepdim=True)
    logits = logits.masked_fill((hidden & ~empty)[:, None], -math.inf)
    out = torch.einsum("sht,thd->shd", logits.softmax(-1), v)
    return out.masked_fill(empty[:, :, None], 0), logits.logsumexp(-1), empty


def attention(
    q,
    k,
    v,
    scale,
    cu_seqlens_q=None,
    cu_seqlens_k=None,
    causal=False,
    lse_base="e",
    empty_lse=math.inf,
):
    """prefill_reference with a gradient, on tensors of float64; rows behind all sequences
    have zeros."""
    places = _places(len(q), cu_seqlens_q, cu_seqlens_k)
    out = q.new_zeros(*q.shape[:3], v.shape[3])
    lse = q.new_full(q.shape[:3], empty_lse)
    for b, rows, keys in places:
        made, logits, empty = _attend(q[b, rows], k[b, keys], v[b, keys], scale, causal)
        if lse_base == 2:
            logits = logits / math.log(2)
        out[b, rows], lse[b, rows] = made, logits.masked_fill(empty, empty_lse)
    return out, lse


def prefill_gradients(dout, q, k, v, scale, dlse=None, **options):
    """dq, dk and dv in float64, by autograd. dout or dlse may be None."""
    inputs = [tensor.detach().double().requires_grad_() for tensor in (q, k, v)]
    with torch.enable_grad():
        results = attention(*inputs, scale, **options)
    pairs = [
        (result, gradient.double())
        for result, gradient in zip(results, (dout, dlse))
        if gradient is not None
    ]
    return torch.autograd.grad(
        [result for result, _ in pairs],
        inputs,
        [gradient for _, gradient in pairs],
        allow_unused=True,
        materialize_grads=True,
    )
