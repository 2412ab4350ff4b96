# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The operators in float64, in torch."""

import math

import torch


def reference(
    q,
    kv,
    indices,
    sm_scale,
    attn_sink=None,
    topk_length=None,
    lse_base="e",
    empty_lse=math.inf,
):
    """Returns out, max_logits and lse for the inputs of flash_mla_sparse_fwd."""
    q, rows, indices = q.double(), kv.double()[:, 0], indices.long()[:, 0]
    valid = (indices >= 0) & (indices < len(rows))
    if topk_length is not None:
        position = torch.arange(indices.shape[1], device=q.device)
        valid &= position < topk_length[:, None]
    chosen = rows[torch.where(valid, indices, 0)]
    chosen = torch.where(valid[:, :, None], chosen, 0.0)
    logits = torch.einsum("shd,std->sht", q, chosen) * sm_scale
    logits = logits.masked_fill(~valid[:, None], -math.inf)
    max_logits, lse = logits.amax(-1), logits.logsumexp(-1)
    total = lse
    if attn_sink is not None:
        total = torch.logaddexp(lse, attn_sink.double()[None])
    weights = torch.exp(logits - total[:, :, None])
    weights = torch.where(lse[:, :, None] == -math.inf, 0.0, weights)
    out = torch.einsum("sht,std->shd", weights, chosen[:, :, :512])
    in_base = lse / math.log(2) if lse_base == 2 else lse
    return out, max_logits, torch.where(lse == -math.inf, empty_lse, in_base)


def reference_launch(_, given, scale, lse_options, stream=None, workspace=None):
    """Replaces mla.sparse.launch."""
    results = reference(
        *(given["q"], given["kv"], given["indices"], scale),
        *(given.get("attn_sink"), given.get("topk_length")),
        *(2 if lse_options[0] == "2" else "e", float(lse_options[1])),
    )
    for name, result in zip(("out", "max_logits", "lse"), results):
        given[name].copy_(result)


def combine_reference(
    partial_out,
    partial_lse,
    num_splits=None,
    lse_base="e",
    empty_lse=math.inf,
    empty_split=-math.inf,
):
    """Returns out and lse for the inputs of combine."""
    partial_out, lses = partial_out.double(), partial_lse.double()
    if lse_base == 2:
        lses = lses * math.log(2)
    empty = lses == -math.inf
    if empty_split == math.inf:
        empty |= lses == math.inf
    if num_splits is not None:
        split = torch.arange(len(lses), device=lses.device)
        empty |= split[:, None] >= num_splits[None]
    lse = lses.masked_fill(empty, -math.inf).logsumexp(0)
    weights = torch.where(empty, 0.0, torch.exp(lses - lse))
    terms = torch.where(empty[:, :, None], 0.0, weights[:, :, None] * partial_out)
    in_base = lse / math.log(2) if lse_base == 2 else lse
    return terms.sum(0), torch.where(lse == -math.inf, empty_lse, in_base)


def combine_reference_launch(_, given, options, stream=None, workspace=None):
    """Replaces mla.split_kv.launch."""
    out, lse = combine_reference(
        *(given["partial_out"], given["partial_lse"], given.get("num_splits")),
        *(2 if options[0] == "2" else "e", float(options[1]), float(options[2])),
    )
    given["out"].copy_(out)
    given["lse"].copy_(lse)


def decode_reference(
    q,
    k_cache,
    block_table,
    cache_seqlens,
    scale,
    causal=False,
    attn_sink=None,
    lse_base="e",
    empty_lse=math.inf,
    q_rope=None,
    k_rope=None,
):
    """Returns out [b, s_q, h_q, 512] and lse [b, s_q, h_q] for the inputs of decode, one
    request at a time."""
    b, s_q, h_q, _ = q.shape
    if q_rope is not None:
        q, k_cache = torch.cat((q, q_rope), -1), torch.cat((k_cache, k_rope), -1)
    if block_table is None:
        block_table = torch.arange(b, device=q.device)[:, None]
    page_size, h_kv = k_cache.shape[1:3]
    out = torch.zeros(b, s_q, h_q, 512, dtype=torch.float64, device=q.device)
    lse = torch.full((b, s_q, h_q), -math.inf, dtype=torch.float64, device=q.device)
    longest = block_table.shape[1] * page_size
    for request, length in enumerate(cache_seqlens.clamp(0, longest).tolist()):
        if length == 0:
            continue
        pages = block_table[request, : -(-length // page_size)].long()
        keys = k_cache[pages].flatten(0, 1)[:length].double()
        groups = h_kv, h_q // h_kv
        grouped = q[request].double().unflatten(1, groups)
        logits = torch.einsum("skgd,tkd->skgt", grouped, keys).flatten(1, 2) * scale
        if causal:
            last = torch.arange(s_q, device=q.device)[:, None] + length - s_q
            hidden = torch.arange(length, device=q.device)[None] > last
            logits = logits.masked_fill(hidden[:, None], -math.inf)
        lse[request] = logits.logsumexp(-1)
        total = lse[request]
        if attn_sink is not None:
            total = torch.logaddexp(total, attn_sink.double()[None])
        weights = torch.exp(logits - total[:, :, None])
        weights = torch.where(logits == -math.inf, 0.0, weights)
        weights, values = weights.unflatten(1, groups), keys[:, :, :512]
        out[request] = torch.einsum("skgt,tkd->skgd", weights, values).flatten(1, 2)
    in_base = lse / math.log(2) if lse_base == 2 else lse
    return out, torch.where(lse == -math.inf, empty_lse, in_base)


def plan_reference_launch(_, given, sizes, words, room, stream=None):
    """Replaces mla._decode_kernels.launch_plan: marks what a plan writes."""
    given["plan"].fill_(1)


def decode_reference_launch(_, given, scale, options, stream=None, workspace=None):
    """Replaces mla._decode_kernels.launch."""
    words = dict(word.split("=") for word in options[0].split(" "))
    # It has been planned.
    assert bool((given["plan"] == 1).all())
    assert options[1] == given["q"].shape[0]
    out, lse = decode_reference(
        *(given["q"], given["k_cache"], given.get("block_table")),
        *(given["cache_seqlens"], scale, words["causal"] == "yes"),
        *(given.get("attn_sink"), 2 if words["lse_base"] == "2" else "e"),
        *(float(words["empty_lse"]), given.get("q_rope"), given.get("k_rope")),
    )
    given["out"].copy_(out)
    given["lse"].copy_(lse)


def _attend(q, k, v, scale, causal):
    """out [s_q, h_q, d_v] and lse [s_q, h_q], base e and -inf, of one sequence."""
    (s_q, h_q, _), (s_kv, h_kv, _) = q.shape, k.shape
    k, v = (x.double().repeat_interleave(h_q // h_kv, 1) for x in (k, v))
    logits = torch.einsum("shd,thd->sht", q.double(), k) * scale
    if causal:
        last = torch.arange(s_q, device=q.device)[:, None] + s_kv - s_q
        hidden = torch.arange(s_kv, device=q.device)[None] > last
        logits = logits.masked_fill(hidden[:, None], -math.inf)
    lse = logits.logsumexp(-1)
    weights = torch.exp(logits - lse[:, :, None])
    weights = torch.where(logits == -math.inf, 0.0, weights)
    return torch.einsum("sht,thd->shd", weights, v), lse


def prefill_reference(
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
    """Returns out [b, s_q, h_q, d_v] and lse [b, s_q, h_q] for the inputs of prefill, one
    sequence at a time."""
    shape = q.shape[:3]
    out = torch.zeros(*shape, v.shape[3], dtype=torch.float64, device=q.device)
    lse = torch.full(shape, -math.inf, dtype=torch.float64, device=q.device)
    whole = slice(None), slice(None)
    places = [(b, *whole) for b in range(shape[0])]
    if cu_seqlens_q is not None:
        ranges = [
            [slice(*pair) for pair in zip(bounds[:-1], bounds[1:])]
            for bounds in (cu_seqlens_q.tolist(), cu_seqlens_k.tolist())
        ]
        places = [(0, *pair) for pair in zip(*ranges)]
    for b, rows, keys in places:
        out[b, rows], lse[b, rows] = _attend(
            q[b, rows], k[b, keys], v[b, keys], scale, causal
        )
    in_base = lse / math.log(2) if lse_base == 2 else lse
    return out, torch.where(lse == -math.inf, empty_lse, in_base)


def prefill_reference_launch(_, given, scale, words, stream=None, workspace=None):
    """Replaces mla.prefilling.launch."""
    fields = dict(word.split("=") for word in words.split(" "))
    results = prefill_reference(
        *(given["q"], given["k"], given["v"], scale),
        *(given.get("cu_seqlens_q"), given.get("cu_seqlens_k")),
        *(fields["causal"] == "yes", 2 if fields["lse_base"] == "2" else "e"),
        float(fields["empty_lse"]),
    )
    bounds = given.get("cu_seqlens_q")
    # Rows behind all sequences are not written.
    rows = slice(None if bounds is None else int(bounds[-1]))
    for name, result in zip(("out", "lse"), results):
        given[name][:, rows].copy_(result[:, rows])
