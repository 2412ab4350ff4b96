# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Dense MLA decode over a paged or contiguous cache, and the plan of a step."""

import math
from typing import Any, NamedTuple

from . import _cuda
from . import _decode_kernels as kernels
from ._abi import DYNAMIC
from ._launch import must_trace
from ._tensor import half_dtype, tensor_of, torch_of
from .sparse import check_scale, lse_words

PLAN_WORDS = 8
# Parts of a request in a batch-invariant plan, by default: with 8 requests and one row
# tile they occupy the 132 SMs of an H100.
DEFAULT_SPLITS = 16
# What pages of any size can hold; the kernels count tokens in 32 bits.
_MAX_TOKENS = 2**31 - 257
# The most rows of a plan: kMaxPlanSize in lib/Operators/Decode/Plan.h.
_MAX_CTAS = 2**24


class DecodePlan(NamedTuple):
    """How the tokens of a batch are divided among the CTAs: made by plan_decode once a
    step, used by decode in every layer. The tensor may be copied, and refreshed in place
    while a captured graph refers to it.

    plan: [ctas, 8], int32, in device memory
    batch: number of requests
    sizes: s_q, h_q, h_kv, d_qk, d_v and page_size of the kernel that made it; the last
        is -1 for a contiguous cache
    words: its options, as one string
    """

    plan: Any
    batch: int
    sizes: tuple
    words: str


# ------------------------------------------------------------------------------
# plan_decode
# ------------------------------------------------------------------------------


def dtype_word(dtype):
    """"bf16" or "f16" for these words and for torch's types."""
    words = {"bf16": "bf16", "f16": "f16"}
    words.update({"torch.bfloat16": "bf16", "torch.float16": "f16"})
    word = words.get(str(dtype))
    if word is None:
        raise TypeError(f"dtype: expected bf16 or f16, got {dtype}")
    return word


def half_word(torch, tensor):
    """The word of a tensor's type, if it is one of the two; the launch checks that."""
    return "f16" if tensor.dtype == torch.float16 else "bf16"


def _check_count(name, value):
    if value is not None and not (type(value) is int and value >= 1):
        raise ValueError(f"{name}: expected an integer of 1 or more, got {value!r}")


def _check_room(page_size, max_pages, max_tokens):
    """Returns what a request has room for: pages, or tokens of a contiguous cache."""
    name, room, least, other, unused = "max_pages", max_pages, 1, "max_tokens", max_tokens
    if page_size is None:
        name, room, least, other, unused = "max_tokens", max_tokens, 0, "max_pages", max_pages
    if unused is not None:
        raise ValueError(
            f"{other}: expected None with page_size = {page_size}, got a number"
        )
    # It may be symbolic.
    if room is not None and not room >= least:
        raise ValueError(f"{name}: expected {least} or more, got {room}")
    return room


def _count_ctas(traced, device, batch, sizes, words, num_splits):
    """Rows of a new plan."""
    sm_count, row_tiles = _cuda.sm_count, kernels.row_tiles
    if traced:
        from .torch_ops import row_tiles, sm_count
    if num_splits is None:
        return sm_count(device)
    ctas = num_splits * max(1, batch) * row_tiles(sizes, words)
    if ctas > _MAX_CTAS:
        raise ValueError(
            f"num_splits: expected at most {_MAX_CTAS} parts of all requests, got {ctas}"
        )
    return ctas


def plan_decode(
    cache_seqlens,
    s_q,
    h_q,
    *,
    h_kv=1,
    d_qk=576,
    d_rope=0,
    d_v=512,
    page_size=64,
    dtype="bf16",
    attn_sink=False,
    causal=False,
    lse_base="e",
    empty_lse=math.inf,
    batch_invariant=False,
    num_splits=None,
    ctas=None,
    max_pages=None,
    max_tokens=None,
    plan=None,
    stream=None,
):
    """Divides the tokens of a batch among the CTAs, on the device, for calls of decode.

    The result serves every call with this batch size, s_q, h_q and h_kv whose kernel
    divides the rows of a request into the same number of tiles, and any lengths: if they
    differ from those that were planned, the results are right and only the balance
    suffers. The other sizes and options name the kernel of these calls, so that no other
    one is compiled for the plan.

    Args:
        cache_seqlens: [batch], int32; tokens of each request. What is below 0 counts as
            0, and what the cache cannot hold as full
        s_q: queries of a request, 1 to 16
        h_q: query heads, 1 to 128
        h_kv: heads of the cache, a divisor of h_q
        d_qk: columns of q and k_cache, 512 or 576; 512 beside d_rope
        d_rope: columns of q_rope and k_rope, 64; 0 if the calls have none
        d_v: 512
        page_size: a power of two up to 256 or a multiple of 64; None if the cache is
            contiguous
        dtype: "bf16" or "f16", or torch's type
        attn_sink: whether the calls have one
        causal, lse_base, empty_lse: options of the calls; see decode
        batch_invariant: whether the bits of a request's result depend on that request
            alone: each is divided into num_splits parts
        num_splits: parts of a request, in a batch-invariant plan, which it implies;
            16 if it is None
        ctas: CTAs to divide the work among, if num_splits is None; None: one for each
            SM of the device
        max_pages: size of dimension 1 of the block tables; None: unknown
        max_tokens: of a contiguous cache, its size in dimension 1; None: unknown
        plan: [ctas, 8], int32, contiguous rows: where to put the plan. None: torch
            allocates it
        stream: a CUstream as a number, or a stream object of torch, CuPy or Numba.
            None: torch's current stream if cache_seqlens is torch's, else the default
            stream

    Returns a DecodePlan, without waiting for the kernel. May be captured in a CUDA graph
    once a plan of the same sizes and options has been made on that device. Under
    torch.compile, torch.export and on fake tensors it is the operator mla::plan_decode;
    `stream` has to be None there.

    Raises the errors of decode.
    """
    _check_count("num_splits", num_splits)
    _check_count("ctas", ctas)
    is_paged = page_size is not None
    room = _check_room(page_size, max_pages, max_tokens)
    if num_splits is not None and ctas is not None:
        raise ValueError(f"ctas: expected None beside num_splits, got {ctas}")
    batch_invariant = batch_invariant or num_splits is not None
    if batch_invariant and num_splits is None and ctas is None:
        num_splits = DEFAULT_SPLITS
    sizes = (s_q, h_q, h_kv, d_qk, d_v, page_size if is_paged else DYNAMIC)
    kernels.check_sizes(sizes, d_rope=d_rope)
    # One query attends to all tokens either way.
    of_call = kernels.call_words(bool(causal) and s_q > 1, *lse_words(lse_base, empty_lse))
    words = kernels.kernel_words(
        *(of_call, dtype_word(dtype), bool(attn_sink), bool(batch_invariant)),
        d_rope > 0,
    )
    torch = torch_of(cache_seqlens)
    traced = must_trace(torch, cache_seqlens, stream=stream)
    if plan is None:
        plan = _make_plan_tensor(
            torch, traced, cache_seqlens, ctas, sizes, words, num_splits
        )
    largest = _MAX_TOKENS // (page_size if is_paged else 1)
    room = largest if room is None else min(room, largest)
    if traced:
        from . import torch_ops

        torch_ops.plan_decode(cache_seqlens, plan, sizes, words, room)
    else:
        given = {"cache_seqlens": cache_seqlens, "plan": plan}
        kernels.launch_plan(torch, given, sizes, words, room, stream)
    return DecodePlan(plan, _batch_of(torch, cache_seqlens), sizes, words)


def _batch_of(torch, cache_seqlens):
    """The size of a tensor of any library."""
    if torch is not None:
        return cache_seqlens.shape[0]
    return tensor_of("cache_seqlens", cache_seqlens, 0).shape[0]


def _make_plan_tensor(torch, traced, cache_seqlens, ctas, sizes, words, num_splits):
    if torch is None:
        raise TypeError("plan: expected a tensor, got None; only torch allocates it")
    if cache_seqlens.dim() != 1:
        raise ValueError(
            f"cache_seqlens: expected 1 dimension, got {cache_seqlens.dim()}"
        )
    if ctas is None:
        if not traced:
            # Reports a tensor that is not on a GPU.
            tensor_of("cache_seqlens", cache_seqlens, 0)
        device, batch = cache_seqlens.device.index, cache_seqlens.shape[0]
        ctas = _count_ctas(traced, device, batch, sizes, words, num_splits)
    return cache_seqlens.new_empty((ctas, PLAN_WORDS), dtype=torch.int32)


# ------------------------------------------------------------------------------
# decode
# ------------------------------------------------------------------------------


def decode(
    q,
    k_cache,
    block_table,
    cache_seqlens,
    scale,
    *,
    plan=None,
    attn_sink=None,
    q_rope=None,
    k_rope=None,
    d_v=512,
    causal=False,
    lse_base="e",
    empty_lse=math.inf,
    out=None,
    lse=None,
    stream=None,
    workspace=None,
):
    """Dense MLA decode: attention of the newest tokens of each request over its cache.

    All tensors are on one CUDA device, from any library (torch, DLPack,
    __cuda_array_interface__), with any strides except the last, which is 1; that of
    `lse` is any too.

    Args:
        q: [b, s_q, h_q, d_qk], bf16 or float16; s_q 1 to 16, h_q 1 to 128, d_qk 512 or
            576
        k_cache: [num_pages, page_size, h_kv, d_qk], of q's type; the values are the
            first 512 columns. h_kv divides h_q; page_size is a power of two up to 256 or
            a multiple of 64. Without block_table: [b, rows, h_kv, d_qk], with any number
            of rows
        block_table: [b, max_pages], int32: pages of each request, in order. Entries
            past its length are not used; a token of a page outside [0, num_pages) has
            score -inf. None: the cache is contiguous, token t of request r is
            k_cache[r, t]
        cache_seqlens: [b], int32: tokens of each request, the queries' included,
            clamped to [0, max_pages * page_size], or to the rows of a contiguous cache
        scale: multiplies q k^T; above 0
        plan: a DecodePlan for this b, s_q, h_q and h_kv, on this device. None: one is
            made for this call
        attn_sink: [h_q], float32; a further logit without a value
        q_rope, k_rope: [b, s_q, h_q, 64] and [num_pages, page_size, h_kv, 64], of q's
            type: the last columns of queries and keys, if q and k_cache have the first
            512 only. Nothing is copied; parts of one tensor may be given as two
        d_v: can only be 512; read if out is None
        causal: whether query i attends only to the tokens j <= i + length - s_q
        lse_base: base of the logarithm in lse: "e" or 2
        empty_lse: lse of a query that attends to no token: inf, or -inf as merges of
            partial results want it
        out: [b, s_q, h_q, d_v], of q's type. None: torch allocates it
        lse: [b, s_q, h_q], float32. None: torch allocates it, as the transpose of a
            contiguous [b, h_q, s_q]
        stream: a CUstream as a number, or a stream object of torch, CuPy or Numba.
            None: torch's current stream if q is torch's, else the default stream
        workspace: contiguous device memory of any dtype, aligned to 256 bytes, for
            partial results. None: torch allocates it if q is torch's

    A query that attends to no token, or to none whose score is above -inf, gets out = 0
    and lse = empty_lse; the sink is not in lse. Results may be parts of larger buffers,
    around which nothing is written. They may not overlap each other or an input.
    Returns (out, lse) without waiting for the kernels: the tensors must live until the
    stream has executed them. May be captured in a CUDA graph once a call of such sizes
    has been made on that device; the graph may be replayed with other lengths and pages.

    Under torch.compile, torch.export and on fake tensors it is the operator mla::decode;
    `stream` and `workspace` have to be None there.

    Raises TypeError and ValueError, which name the argument, what was expected and what
    came; MLAError for failures of the driver or the compiler.
    Source: flash_mla_with_kvcache of DeepSeek's FlashMLA, for a dense bf16 cache.
    """
    lse_options = lse_words(lse_base, empty_lse)
    torch = torch_of(q)
    traced = must_trace(torch, q, stream=stream, workspace=workspace)
    if not traced:
        check_scale("scale", scale)
    if plan is None:
        plan = _plan_for(
            *(torch, q, k_cache, block_table, cache_seqlens, attn_sink, q_rope, k_rope),
            *(d_v, causal, lse_base, empty_lse, stream),
        )
    elif not isinstance(plan, DecodePlan):
        raise TypeError(
            f"plan: expected a DecodePlan of plan_decode, got {type(plan).__name__}"
        )
    if out is None or lse is None:
        out, lse = make_results(torch, q, d_v, out, lse)
    of_call = kernels.call_words(bool(causal), *lse_options)
    if traced:
        from . import torch_ops

        torch_ops.decode(
            *(q, k_cache, block_table, cache_seqlens, plan.plan, scale, out, lse),
            *(attn_sink, q_rope, k_rope, of_call, plan.batch, plan.sizes, plan.words),
        )
    else:
        given = kernels.by_name(
            *(q, k_cache, block_table, cache_seqlens, attn_sink, q_rope, k_rope),
            *(out, lse, plan.plan),
        )
        options = of_call, plan.batch, plan.sizes, plan.words
        kernels.launch(torch, given, scale, options, stream, workspace)
    return out, lse


def _plan_for(
    torch,
    q,
    k_cache,
    block_table,
    cache_seqlens,
    attn_sink,
    q_rope,
    k_rope,
    d_v,
    causal,
    lse_base,
    empty_lse,
    stream,
):
    """A plan for one call."""
    if torch is None:
        raise TypeError("plan: expected a DecodePlan, got None; only torch allocates it")
    check_rank("q", q, 4)
    check_rank("k_cache", k_cache, 4)
    is_paged = block_table is not None
    if is_paged:
        check_rank("block_table", block_table, 2)
        room = {"max_pages": max(1, block_table.shape[1])}
    else:
        room = {"max_tokens": k_cache.shape[1]}
    kernels.check_pair(q_rope, k_rope)
    if q_rope is not None:
        check_rank("q_rope", q_rope, 4)
    s_q, h_q, h_kv, d_qk, _, page_size = kernels.check_call_sizes(
        q, k_cache, d_v, q_rope, is_paged
    )
    return plan_decode(
        cache_seqlens,
        s_q,
        h_q,
        h_kv=h_kv,
        d_qk=d_qk,
        d_rope=0 if q_rope is None else q_rope.shape[3],
        d_v=d_v,
        page_size=page_size if is_paged else None,
        dtype=half_word(torch, q),
        attn_sink=attn_sink is not None,
        causal=causal,
        lse_base=lse_base,
        empty_lse=empty_lse,
        **room,
        stream=stream,
    )


def check_rank(name, tensor, rank):
    if torch_of(tensor) is None:
        raise TypeError(f"{name}: expected a torch tensor, got {type(tensor).__name__}")
    if tensor.dim() != rank:
        raise ValueError(f"{name}: expected {rank} dimensions, got {tensor.dim()}")


def make_results(torch, q, d_v, out=None, lse=None):
    """Returns both results of decode; allocates those that are None."""
    if torch is None:
        raise TypeError(
            "out, lse: expected tensors, got None; only torch allocates them"
        )
    check_rank("q", q, 4)
    b, s_q, h_q = q.shape[:3]
    if out is None:
        out = q.new_empty((b, s_q, h_q, d_v), dtype=half_dtype(torch, q.dtype))
    if lse is None:
        lse = q.new_empty((b, h_q, s_q), dtype=torch.float32).transpose(1, 2)
    return out, lse
