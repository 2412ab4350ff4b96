# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Checks of what tensors of lengths and places hold, which a launch does not read."""

import contextlib
import ctypes
import threading

from . import _cuda
from ._tensor import tensor_of

_lock = threading.Lock()
# How many blocks of all threads are within checked().
_depth = 0


@contextlib.contextmanager
def checked():
    """Within it, launches of attention first check what their kernels clamp or take for
    absent, of the functions of all modules:

    - lengths (cache_seqlens) from 0 to the room that block_table or the cache has,
    - entries of block_table that lengths need, which are pages of the cache,
    - cu_seqlens, which begin with 0, do not decrease, and end within the tensor.

    For a search for faults: a launch of any thread waits for its stream, and copies these
    tensors to the host. Raises ValueError, which names the request or the sequence, and
    where a stream captures a graph; replays of a graph are not checked.
    """
    global _depth
    with _lock:
        _depth += 1
    try:
        yield
    finally:
        with _lock:
            _depth -= 1


def is_enabled():
    return _depth > 0


def check(given, stream):
    """Checks tensors by name, of a launch on `stream`, a number. Their shapes fit together,
    and the context of their device is current."""
    if _cuda.is_capturing(stream):
        raise ValueError(
            "mla.checked: expected a launch outside of the capture of a graph, because "
            "the checks wait for the device, got one on a stream that captures"
        )
    _cuda.synchronize(stream)
    names = ("q", "k", "k_cache", "block_table", "cache_seqlens")
    names += ("cu_seqlens_q", "cu_seqlens_k")
    tensors = {
        name: tensor_of(name, given[name], stream) for name in names if name in given
    }
    for name, of in (("cu_seqlens_q", "q"), ("cu_seqlens_k", "k")):
        if name in tensors:
            bounds = _read(name, tensors[name])
            _check_bounds(name, bounds, of, tensors[of].shape[1])
    if "cache_seqlens" in tensors:
        _check_cache(tensors)


def _read(name, tensor, *place, count=None):
    """Elements of the last dimension of a tensor of int32, from its start on."""
    count = tensor.shape[tensor.rank - 1] if count is None else count
    stride = tensor.strides[tensor.rank - 1]
    if count <= 0:
        return []
    if count > 1 and stride != 1:
        raise ValueError(f"{name}: expected stride 1 in its last dimension, got {stride}")
    words = (ctypes.c_int32 * count)()
    first = sum(index * step for index, step in zip(place, tensor.strides))
    _cuda.copy_to_host(words, tensor.data + 4 * first)
    return list(words)


def _check_bounds(name, bounds, of, rows):
    if bounds and bounds[0]:
        raise ValueError(f"sequence 0: {name}[0] is {bounds[0]}, expected 0")
    for number, (begin, end) in enumerate(zip(bounds[:-1], bounds[1:])):
        got = f"sequence {number}: {name}[{number + 1}] is {end}"
        if end < begin:
            raise ValueError(f"{got}, expected at least {name}[{number}] = {begin}")
        if end > rows:
            raise ValueError(f"{got}, expected at most {rows}, the rows of {of}")


def _check_cache(tensors):
    lengths = _read("cache_seqlens", tensors["cache_seqlens"])
    cache, table = tensors.get("k_cache"), tensors.get("block_table")
    room, what = None, ""
    if cache is not None:
        page_size = room = cache.shape[1]
        what = ", the rows of k_cache"
        if table is not None:
            room *= table.shape[1]
            what = f", {table.shape[1]} pages of {page_size} in block_table"
    for request, length in enumerate(lengths):
        if length < 0 or (room is not None and length > room):
            most = "" if room is None else f" to {room}"
            raise ValueError(
                f"request {request}: cache_seqlens[{request}] is {length}, expected "
                f"0{most or ' or more'}{what}"
            )
        if table is None or cache is None:
            continue
        used = -(-length // page_size)
        for number, page in enumerate(
            _read("block_table", table, request, count=used)
        ):
            if not 0 <= page < cache.shape[0]:
                raise ValueError(
                    f"request {request}: block_table[{request}, {number}] is {page}, "
                    f"expected a page of k_cache, 0 to {cache.shape[0] - 1}"
                )
