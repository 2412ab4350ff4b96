# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""TransformerEngine's mla_decode_attention, for torch tensors:

    from mla.transformer_engine import mla_decode_attention
"""

import math

from . import _decode_kernels as kernels
from . import decoding
from ._columns import check_parts, join_cache, join_queries
from ._launch import must_trace
from ._tensor import torch_of
from .sparse import check_scale

_NAMES = {
    "s_q": "q_nope_abs: queries in dimension 2",
    "h_q": "q_nope_abs: heads in dimension 1",
    "d_qk": "q_nope_abs, q_rope: columns",
    "d_v": "q_nope_abs: size of dimension 3",
}


def page_layout(batch, tokens, batch_stride, row_stride):
    """How a contiguous cache is seen as pages. Returns the page size, the number of
    pages, and the pages from one request to the next. Raises ValueError if requests are
    not a multiple of rows apart."""
    if batch <= 1 or tokens == 0:
        between = tokens
    elif row_stride > 0 and batch_stride % row_stride == 0:
        between = batch_stride // row_stride
    else:
        raise ValueError(
            "c_kv: expected a stride in dimension 0 that is a multiple of that in "
            f"dimension 1, got {batch_stride} and {row_stride}"
        )
    page_size = math.gcd(math.gcd(tokens, between), 64)
    rows = (batch - 1) * between + tokens if batch else 0
    return page_size, rows // page_size, between // page_size


def lengths_and_pages(torch, device, batch, tokens, page_size, between):
    """block_table and cache_seqlens of a cache without pages."""
    where = {"dtype": torch.int32, "device": device}
    first = torch.arange(batch, **where)[:, None] * between
    table = first + torch.arange(tokens // page_size, **where)[None]
    return table, torch.full((batch,), tokens, **where)


def _check(q_nope_abs, q_rope, c_kv, k_rope):
    check_parts("q_nope_abs", q_nope_abs, "q_rope", q_rope, 4)
    check_parts("c_kv", c_kv, "k_rope", k_rope, 3)
    batch, h_q, s_q, d_v = q_nope_abs.shape
    d_qk = d_v + q_rope.shape[3]
    kernels.check_sizes((s_q, h_q, 1, d_qk, d_v, 1), _NAMES)
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
    torch = torch_of(q_nope_abs)
    cache = join_cache("c_kv", c_kv, "k_rope", k_rope)
    (batch, tokens, width), (batch_stride, row_stride, _) = cache.shape, cache.stride()
    page_size, num_pages, between = page_layout(batch, tokens, batch_stride, row_stride)
    pages = cache.as_strided(
        (num_pages, page_size, 1, width),
        (page_size * row_stride, row_stride, row_stride, 1),
    )
    table, lengths = lengths_and_pages(
        torch, cache.device, batch, tokens, page_size, between
    )
    decoding.decode(
        join_queries(torch, q_nope_abs, q_rope).transpose(1, 2),
        pages,
        table,
        lengths,
        softmax_scale,
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
        k_rope: [B, S_kv, 64 or 0]: the columns behind those of c_kv, as in
            cache[..., :512], cache[..., 512:]
        softmax_scale: multiplies the scores; above 0
        is_causal: whether query i attends only to the tokens j <= i + S_kv - S_q

    Returns [B, H, S_q, 512]. A query that attends to no token gets 0, where
    TransformerEngine has NaN. Queries that are not columns of one tensor are copied into
    one. Runs on torch's current stream, and makes a plan for each call; mla.decode with
    a plan of its own saves that. The larger the power of two up to 64 that divides S_kv
    and the number of rows between requests, the faster. It has no gradient.

    Under torch.compile, torch.export and on fake tensors it is the operator
    mla::mla_decode_attention.

    Raises the errors of mla.decode, and ValueError if the cache is not one tensor.
    Source: transformer_engine/pytorch/triton/mla.py of NVIDIA's TransformerEngine.
    """
    torch = torch_of(q_nope_abs)
    arguments = q_nope_abs, q_rope, c_kv, k_rope, softmax_scale, is_causal
    if must_trace(torch, q_nope_abs):
        from . import torch_ops

        return torch_ops.mla_decode_attention(*arguments)
    check_scale("softmax_scale", softmax_scale)
    return run(*arguments)
