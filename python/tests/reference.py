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
