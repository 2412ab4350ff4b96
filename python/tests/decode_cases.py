# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Cases and inputs of dense decode, in torch."""

import itertools
import math
from typing import NamedTuple, Optional

import torch

# Table entries and lengths that must not be used.
WILD_PAGES = (-(2**31), -123456, -1, 114514, 2147480000, 2**31 - 1)


class Case(NamedTuple):
    """Sizes of a batch. `mean_length` is the length of every request, or their mean."""

    b: int = 3
    s_q: int = 1
    mean_length: int = 140
    h_q: int = 128
    h_kv: int = 1
    is_ragged: bool = False
    is_causal: bool = False
    has_empty: bool = False
    page_size: int = 64
    d_qk: int = 576
    lengths: Optional[tuple] = None


def _heads():
    for h_q, h_kv in itertools.product((1, 3, 9, 63, 64, 126, 128), (1, 2, 3, 8)):
        if h_q % h_kv == 0:
            yield h_q, h_kv


def flash_mla_grid():
    """The cases of FlashMLA's tests of dense decode (commit 9241ae3): values, requests
    without tokens, and the shapes that it times."""
    for b, s_q, length, (h_q, h_kv), is_ragged, is_causal in itertools.product(
        (1, 2, 6, 64), (1, 2, 4), (20, 140, 4096), _heads(), (False, True), (False, True)
    ):
        yield Case(b, s_q, length, h_q, h_kv, is_ragged, is_causal)
    for (h_q, h_kv), is_causal in itertools.product(_heads(), (False, True)):
        yield Case(128, 2, 4096, h_q, h_kv, True, is_causal, has_empty=True)
    for is_causal, s_q, length in itertools.product(
        (False, True), (1, 2), (4096, 8192, 16384, 32768)
    ):
        yield Case(128, s_q, length, is_ragged=True, is_causal=is_causal)


def _lengths(case, generator):
    if case.lengths is not None:
        return torch.tensor(case.lengths, dtype=torch.int32)
    lengths = torch.full((case.b,), float(case.mean_length))
    if case.is_ragged:
        lengths += torch.randn(case.b, generator=generator) * case.mean_length / 2
        lengths = lengths.clamp(min=case.s_q)
    if case.has_empty:
        lengths[torch.rand(case.b, generator=generator) < 0.5] = 0
    return lengths.to(torch.int32)


def make_inputs(case, seed=0, dtype=torch.bfloat16, device="cuda", max_pages=None):
    """Inputs by name: normal numbers with deviation 0.1, within 1; NaN in all rows of the
    cache that no request has, and wild pages behind those of each request."""
    generator = torch.Generator().manual_seed(seed)
    lengths = _lengths(case, generator)
    used = -(-lengths // case.page_size)
    columns = max(1, int(used.max()) if case.b else 1) + 2
    columns = max_pages or columns
    total = int(used.sum())
    order = torch.randperm(total + 3, generator=generator)
    wild = torch.tensor(WILD_PAGES)
    which = torch.randint(0, len(wild), (case.b, columns), generator=generator)
    table = wild[which]
    # Made on the device: the cache may have gigabytes.
    on_device = torch.Generator(device).manual_seed(seed)
    shape = (total + 3, case.page_size, case.h_kv, case.d_qk)
    cache = torch.randn(shape, generator=on_device, device=device, dtype=dtype)
    cache = cache.div_(10).clamp_(-1, 1)
    cache[order[total:].to(device)] = math.nan
    begin = 0
    for request, (length, count) in enumerate(zip(lengths.tolist(), used.tolist())):
        pages = order[begin : begin + count]
        begin += count
        table[request, :count] = pages
        if length % case.page_size:
            cache[int(pages[-1]), length % case.page_size :] = math.nan
    q = torch.randn(case.b, case.s_q, case.h_q, case.d_qk, generator=generator) / 10
    return {
        "q": q.clamp(-1, 1).to(device, dtype),
        "k_cache": cache,
        "block_table": table.to(device, torch.int32),
        "cache_seqlens": lengths.to(device),
    }
