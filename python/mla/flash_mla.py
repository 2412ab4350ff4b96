# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""FlashMLA's functions, for torch tensors, under the names of its package:

    from mla.flash_mla import flash_mla_with_kvcache, get_mla_metadata
"""

import dataclasses
from typing import Any, Optional

from . import _decode_kernels as kernels
from . import decoding
from ._launch import must_trace
from ._tensor import torch_of
from .sparse import check_scale, flash_mla_sparse_fwd

__all__ = [
    "FlashMLASchedMeta",
    "flash_mla_sparse_fwd",
    "flash_mla_with_kvcache",
    "get_mla_metadata",
]


@dataclasses.dataclass
class FlashMLASchedMeta:
    """A plan that the first call of flash_mla_with_kvcache makes, and later ones use."""

    @dataclasses.dataclass
    class Config:
        """What all calls with one plan have in common."""

        b: int
        s_q: int
        h_q: int
        page_block_size: int
        h_k: int
        causal: bool
        is_fp8_kvcache: bool = False
        topk: Optional[int] = None
        extra_page_block_size: Optional[int] = None
        extra_topk: Optional[int] = None

    have_initialized: bool = False
    config: Optional[Config] = None
    tile_scheduler_metadata: Any = None
    num_splits: Any = None
    # Of the kernel that made it; see decoding.DecodePlan.
    sizes: Optional[tuple] = None
    words: Optional[str] = None


def get_mla_metadata(
    cache_seqlens=None,
    num_q_tokens_per_head_k=None,
    num_heads_k=None,
    num_heads_q=None,
    is_fp8_kvcache=False,
    topk=None,
    *,
    num_heads_per_head_k=None,
):
    """FlashMLA's function of this name, in both of its forms.

    Without arguments: returns (FlashMLASchedMeta(), None). The first call of
    flash_mla_with_kvcache fills the object; make a new one whenever cache_seqlens has
    changed, that is once a step.

    With arguments, it plans now, on torch's current stream:

    Args:
        cache_seqlens: [b], int32
        num_q_tokens_per_head_k: queries of a request times query heads, divided by the
            heads of the cache. Also called num_heads_per_head_k
        num_heads_k: heads of the cache
        num_heads_q: query heads. None: as many as can be, up to 128; queries and heads
            count only in their product
        is_fp8_kvcache, topk: can only be False and None

    Returns:
        (tile_scheduler_metadata, num_splits): [SMs, 8] int32, [b + 1] int32. They may
        be copied into buffers of these shapes, from which a captured graph reads them.
        What they hold is not FlashMLA's: the whole plan is in the first. num_splits is
        zeros, which the kernels do not read; its size shows the number of requests

    Raises the errors of mla.plan_decode.
    Source: flash_mla_interface.py of DeepSeek's FlashMLA, before and after its change
    to an object.
    """
    if num_q_tokens_per_head_k is None:
        num_q_tokens_per_head_k = num_heads_per_head_k
    if cache_seqlens is None:
        return FlashMLASchedMeta(), None
    _refuse(is_fp8_kvcache=is_fp8_kvcache, topk=topk)
    torch = torch_of(cache_seqlens)
    if torch is None:
        raise TypeError(
            f"cache_seqlens: expected a torch tensor, got {type(cache_seqlens).__name__}"
        )
    if cache_seqlens.dim() != 1:
        raise ValueError(
            f"cache_seqlens: expected 1 dimension, got {cache_seqlens.dim()}"
        )
    for name, count in (
        ("num_q_tokens_per_head_k", num_q_tokens_per_head_k),
        ("num_heads_k", num_heads_k),
    ):
        if not isinstance(count, int) or count < 1:
            raise ValueError(f"{name}: expected an integer of 1 or more, got {count!r}")
    s_q, h_q = _divide_rows(num_q_tokens_per_head_k, num_heads_k, num_heads_q)
    made = decoding.plan_decode(cache_seqlens, s_q, h_q, h_kv=num_heads_k, causal=True)
    return made.plan, _make_num_splits(torch, cache_seqlens)


def _make_num_splits(torch, cache_seqlens):
    return cache_seqlens.new_zeros((cache_seqlens.shape[0] + 1,), dtype=torch.int32)


def _divide_rows(rows, h_kv, h_q=None):
    """s_q and h_q whose product is `rows` * `h_kv`."""
    limits = kernels.OPERATOR.table["sizes"]
    total = rows * h_kv
    for s_q in range(1, limits["s_q"]["most"] + 1):
        heads, rest = divmod(total, s_q)
        if rest == 0 and heads == (h_q or heads) and heads % h_kv == 0:
            if heads <= limits["h_q"]["most"]:
                return s_q, heads
    raise ValueError(
        "num_q_tokens_per_head_k: expected up to 16 queries of a request, times up to "
        f"128 query heads, divided by the {h_kv} heads of the cache, got {rows}"
        + ("" if h_q is None else f" for {h_q} query heads")
    )


def _refuse(**arguments):
    """Refuses arguments of FlashMLA that dense attention to a bf16 cache has no use
    for."""
    for name, value in arguments.items():
        if value is not None and value is not False:
            expected = "False" if name == "is_fp8_kvcache" else "None"
            raise ValueError(
                f"{name}: expected {expected}: only dense attention to a bf16 or "
                f"float16 cache is supported, got {_describe(value)}"
            )


def _describe(value):
    return "a tensor" if torch_of(value) is not None else repr(value)


def _check_config(known, call):
    """Checks a call against the one that filled the FlashMLASchedMeta."""
    for name in ("b", "s_q", "h_q", "page_block_size", "h_k", "causal"):
        made, got = getattr(known, name), getattr(call, name)
        if made != got:
            raise ValueError(
                f"tile_scheduler_metadata: expected one for {name} = {got}, as the call "
                f"has, got one for {name} = {made}; make one a step by get_mla_metadata"
            )


def _fill(meta, config, q, k_cache, cache_seqlens, block_table, attn_sink, d_v):
    torch = torch_of(q)
    made = decoding.plan_decode(
        cache_seqlens,
        config.s_q,
        config.h_q,
        h_kv=config.h_k,
        d_qk=q.shape[3],
        d_v=d_v,
        page_size=config.page_block_size,
        dtype=decoding.half_word(torch, q),
        attn_sink=attn_sink is not None,
        causal=config.causal,
        max_pages=max(1, block_table.shape[1]),
    )
    # Last, so that a call that failed leaves the object empty.
    meta.tile_scheduler_metadata = made.plan
    meta.num_splits = _make_num_splits(torch, cache_seqlens)
    meta.sizes, meta.words = made.sizes, made.words
    meta.config, meta.have_initialized = config, True


def _plan_of_object(
    meta, num_splits, q, k_cache, block_table, cache_seqlens, attn_sink, d_v, causal
):
    if num_splits is not None:
        raise ValueError(
            "num_splits: expected None beside a FlashMLASchedMeta, got "
            + _describe(num_splits)
        )
    call = FlashMLASchedMeta.Config(
        *(q.shape[0], q.shape[1], q.shape[2], k_cache.shape[1], k_cache.shape[2]), causal
    )
    if meta.have_initialized:
        _check_config(meta.config, call)
    else:
        _fill(meta, call, q, k_cache, cache_seqlens, block_table, attn_sink, d_v)
    return decoding.DecodePlan(
        meta.tile_scheduler_metadata, meta.config.b, meta.sizes, meta.words
    )


def _plan_of_tensors(metadata, num_splits, q, k_cache):
    """The plan that get_mla_metadata made for such a call, or a copy of it."""
    if torch_of(metadata) is None:
        raise TypeError(
            "tile_scheduler_metadata: expected a FlashMLASchedMeta or a tensor of "
            f"get_mla_metadata, got {type(metadata).__name__}"
        )
    if torch_of(num_splits) is None:
        raise TypeError(
            "num_splits: expected the tensor that get_mla_metadata returned, got "
            f"{type(num_splits).__name__}"
        )
    expected = q.shape[0] + 1
    if num_splits.dim() != 1 or num_splits.shape[0] != expected:
        raise ValueError(
            f"num_splits: expected shape ({expected},), one more than the requests of "
            f"q, got {tuple(num_splits.shape)}"
        )
    h_q, h_kv = q.shape[2], k_cache.shape[2]
    s_q, planned = _divide_rows(q.shape[1] * h_q // h_kv, h_kv)
    # That of get_mla_metadata.
    words = kernels.kernel_words(kernels.call_words(s_q > 1, "e", "+inf"))
    sizes = (s_q, planned, h_kv, 576, 512, 64)
    return decoding.DecodePlan(metadata, q.shape[0], sizes, words)


def flash_mla_with_kvcache(
    q,
    k_cache,
    block_table,
    cache_seqlens,
    head_dim_v,
    tile_scheduler_metadata,
    num_splits=None,
    softmax_scale=None,
    causal=False,
    is_fp8_kvcache=False,
    indices=None,
    attn_sink=None,
    extra_k_cache=None,
    extra_indices_in_kvcache=None,
    topk_length=None,
    extra_topk_length=None,
    *,
    out=None,
    lse=None,
):
    """FlashMLA's function of this name, for dense attention.

    Args:
        q: [b, s_q, h_q, d_qk], bfloat16 or float16; s_q 1 to 16, h_q 1 to 128
        k_cache: [num_blocks, page_block_size, h_kv, d_qk], of q's type; any page size
            that is a power of two up to 256 or a multiple of 64
        block_table: [b, max_num_blocks_per_seq], int32
        cache_seqlens: [b], int32
        head_dim_v: can only be 512
        tile_scheduler_metadata, num_splits: what get_mla_metadata returned, or copies
        softmax_scale: None: d_qk ** -0.5
        causal: whether query i attends only to the tokens j <= i + length - s_q
        attn_sink: optional, [h_q], float32; see mla.decode
        is_fp8_kvcache, indices, extra_k_cache, extra_indices_in_kvcache, topk_length,
            extra_topk_length: not supported
        out: optional, [b, s_q, h_q, 512], where to put the output
        lse: optional, [b, h_q, s_q], float32, where to put the log-sum-exp

    Returns:
        (out, softmax_lse): [b, s_q, h_q, 512] of q's type, [b, h_q, s_q] float32.
        Tensors that were given are returned themselves

    Runs on torch's current stream of q's device, and may be captured in a CUDA graph
    once a call of the same shapes has been made there. Under torch.compile and on fake
    tensors it is the operator mla::decode.

    Raises the errors of mla.decode. A FlashMLASchedMeta is refused for calls of another
    batch size, s_q, h_q, page size, h_kv or causal than it was filled for.
    Source: flash_mla_interface.py of DeepSeek's FlashMLA.
    """
    _refuse(
        is_fp8_kvcache=is_fp8_kvcache,
        indices=indices,
        extra_k_cache=extra_k_cache,
        extra_indices_in_kvcache=extra_indices_in_kvcache,
        topk_length=topk_length,
        extra_topk_length=extra_topk_length,
    )
    tensors = {
        "q": (q, 4),
        "k_cache": (k_cache, 4),
        "block_table": (block_table, 2),
        "cache_seqlens": (cache_seqlens, 1),
    }
    for name, (tensor, rank) in tensors.items():
        decoding.check_rank(name, tensor, rank)
    if head_dim_v != 512:
        raise ValueError(f"head_dim_v: expected 512, got {head_dim_v}")
    # Before a plan is made for them.
    kernels.check_call_sizes(q, k_cache, head_dim_v)
    if softmax_scale is None:
        softmax_scale = q.shape[3] ** -0.5
    elif not must_trace(torch_of(q), q):
        check_scale("softmax_scale", softmax_scale)
    if isinstance(tile_scheduler_metadata, FlashMLASchedMeta):
        plan = _plan_of_object(
            *(tile_scheduler_metadata, num_splits, q, k_cache, block_table),
            *(cache_seqlens, attn_sink, head_dim_v, causal),
        )
    else:
        plan = _plan_of_tensors(tile_scheduler_metadata, num_splits, q, k_cache)
    out, results_lse = decoding.decode(
        q,
        k_cache,
        block_table,
        cache_seqlens,
        softmax_scale,
        plan=plan,
        attn_sink=attn_sink,
        d_v=head_dim_v,
        causal=causal,
        out=out,
        lse=None if lse is None else lse.transpose(1, 2),
    )
    return out, results_lse.transpose(1, 2) if lse is None else lse
