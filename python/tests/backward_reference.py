# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The gradients of dense attention by torch's matrix products in float32, in place of the
launch of the kernels."""

import math

# Elements of the scores that are in memory at a time, 256 MB of float32.
_LARGEST_SCORES = 1 << 26


def backward_reference_launch(torch, given, scale, words, stream=None, workspace=None):
    """Writes dq, dk and dv of `given`, tensors by name, as attention_gradients.launch."""
    options = dict(word.split("=") for word in words.split(" "))
    is_causal = options["causal"] == "yes"
    per_lse = math.log(2) if options["lse_base"] == "2" else 1
    for place in _places(given):
        part = {name: given[name][index] for name, index in place.items()}
        _differentiate(torch, part, scale, is_causal, per_lse)


def _places(given):
    """Of each batch or sequence, where it is in the tensors that are not cu_seqlens."""
    rows_of = {"q": ("q", "out", "dout", "lse", "dlse", "dq"), "k": ("k", "v", "dk", "dv")}
    if "cu_seqlens_q" not in given:
        yield {
            name: slice(None) for names in rows_of.values() for name in names if name in given
        }
        return
    ranges = []
    for name in ("q", "k"):
        rows = given[name].shape[1]
        bounds = [min(max(bound, 0), rows) for bound in given[f"cu_seqlens_{name}"].tolist()]
        ranges.append([slice(*pair) for pair in zip(bounds[:-1], bounds[1:])])
    for pair in zip(*ranges):
        yield {
            name: (slice(None), rows)
            for rows, names in zip(pair, rows_of.values())
            for name in names
            if name in given
        }


def _differentiate(torch, given, scale, is_causal, per_lse):
    """The gradients of sequences of equal length. Blocks of queries, so that the memory
    grows in proportion to the length."""
    k, v = (given[name].float().permute(0, 2, 3, 1) for name in "kv")
    b, h_kv, _, s_kv = k.shape
    s_q, h_q = given["q"].shape[1:3]
    dk, dv = torch.zeros_like(k), torch.zeros_like(v)
    step = max(1, _LARGEST_SCORES // max(1, b * h_q * s_kv))
    for first in range(0, s_q, step):
        rows = slice(first, min(first + step, s_q))
        count = rows.stop - first
        # A KV head's query heads are rows too: [b, h_kv, rows x heads, depth].
        q, dout = (_rows(given[name], rows, h_kv) for name in ("q", "dout"))
        lse = _rows(given["lse"].unsqueeze(3), rows, h_kv) * per_lse
        keys = s_kv
        hidden = None
        if is_causal:
            keys = min(max(rows.stop + s_kv - s_q, 0), s_kv)
            last = torch.arange(first, rows.stop, device=q.device) + s_kv - s_q
            hidden = torch.arange(keys, device=q.device) > last[:, None]
            hidden = hidden.repeat_interleave(h_q // h_kv, 0)
        seen_k, seen_v = k[..., :keys], v[..., :keys]
        weights = torch.exp(q @ seen_k * scale - lse)
        dlogits = dout @ seen_v
        if hidden is not None:
            weights = weights.masked_fill(hidden, 0)
            dlogits = dlogits.masked_fill(hidden, 0)
        # Of the rounded out, dout . out would be less exact.
        delta = (weights * dlogits).sum(-1, keepdim=True)
        if "dlse" in given:
            delta -= _rows(given["dlse"].unsqueeze(3), rows, h_kv) / per_lse
        dlogits = (dlogits - delta).mul_(weights).mul_(scale)
        if hidden is not None:
            dlogits = dlogits.masked_fill(hidden, 0)
        dq = dlogits @ seen_k.transpose(2, 3)
        dk[..., :keys] += q.transpose(2, 3) @ dlogits
        dv[..., :keys] += dout.transpose(2, 3) @ weights
        dq = dq.unflatten(2, (count, h_q // h_kv)).transpose(1, 2)
        given["dq"][:, rows] = dq.flatten(2, 3)
    given["dk"].copy_(dk.permute(0, 3, 1, 2))
    given["dv"].copy_(dv.permute(0, 3, 1, 2))


def _rows(tensor, rows, h_kv):
    """Of [b, s, h_q, d] the `rows`, as [b, h_kv, rows x heads of the KV head, d]."""
    part = tensor[:, rows].float().unflatten(2, (h_kv, -1))
    return part.transpose(1, 2).flatten(2, 3)
