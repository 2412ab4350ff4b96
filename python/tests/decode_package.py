# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Packages of mla.decode for the fake driver: three kernels, of which the second and the
third share workspaces."""

import pathlib

from fake_package import write_package


def _tensor(name, dtype, shape, strides=None, access="read", **more):
    strides = strides or [None] * (len(shape) - 1) + [1]
    return {
        "name": name,
        "kind": "tensor",
        "dtype": dtype,
        "shape": shape,
        "strides": strides,
        "access": access,
        "alignment": 16 if dtype == "bf16" else 4,
        **more,
    }


def _arguments(s_q, h_q, h_kv, d_qk, page_size, sink, rope):
    """`page_size`: None for a contiguous cache."""
    cache = ["num_pages", page_size, h_kv] if page_size else ["b", "page_size", h_kv]
    left_out = set() if sink else {"attn_sink"}
    if not rope:
        left_out |= {"q_rope", "k_rope"}
    if not page_size:
        left_out.add("block_table")
    arguments = [
        _tensor("q", "bf16", ["b", s_q, h_q, d_qk]),
        _tensor("q_rope", "bf16", ["b", s_q, h_q, 64]),
        _tensor("k_cache", "bf16", [*cache, d_qk]),
        _tensor("k_rope", "bf16", [*cache, 64]),
        _tensor("block_table", "i32", ["b", "max_pages"]),
        _tensor("cache_seqlens", "i32", ["b"]),
        {"name": "scale", "kind": "scalar", "dtype": "f32", "positive": True},
        _tensor("attn_sink", "f32", [h_q], optional=True),
        _tensor("out", "bf16", ["b", s_q, h_q, 512], access="write"),
        _tensor("lse", "f32", ["b", s_q, h_q], [None] * 3, "write"),
        _tensor("plan", "i32", ["ctas", 8], [8, 1], "write"),
    ]
    return [argument for argument in arguments if argument["name"] not in left_out]


def _place(arguments, name):
    return [argument["name"] for argument in arguments].index(name)


def _pointers(arguments, names, workspaces=()):
    return [
        *({"kind": "pointer", "argument": _place(arguments, name)} for name in names),
        *({"kind": "pointer", "workspace": index} for index in workspaces),
    ]


def _kernel(symbol, parameters, grid, **more):
    return {
        "symbol": symbol,
        "parameters": parameters,
        "grid": grid,
        "block": 128,
        "sharedBytes": 0,
        **more,
    }


def descriptor_of(
    s_q=1,
    h_q=128,
    h_kv=1,
    d_qk=576,
    page_size=64,
    tiles=2,
    sink=True,
    rope=False,
    options=None,
):
    arguments = _arguments(s_q, h_q, h_kv, d_qk, page_size, sink, rope)
    parts = f"max(1, floordiv(ctas, {tiles}))"
    main = "q q_rope k_cache k_rope block_table cache_seqlens out lse plan".split()
    names = [argument["name"] for argument in arguments]
    main = [name for name in main if name in names]
    # What has as many of a request's pages or tokens as it has room for.
    room = "block_table" if page_size else "k_cache"
    return {
        "format": "mla-kernel-package",
        "version": 3,
        "operator": "decode",
        "options": options or {},
        "target": "sm_90a",
        "cubin": "kernel.cubin",
        "arguments": arguments,
        "workspaces": [
            {
                "name": "partial_out",
                "dtype": "bf16",
                "shape": [f"{parts} * 2", s_q * h_q, 512],
                "alignment": 16,
            },
            {"name": "partial_lse", "dtype": "f32", "shape": [f"{parts} * 2", s_q * h_q]},
        ],
        "kernels": [
            _kernel(
                "decode_plan",
                _pointers(arguments, ["cache_seqlens", "plan"])
                + [{"kind": "size", "argument": _place(arguments, room), "dim": 1}],
                1,
                phase="plan",
            ),
            _kernel("decode", _pointers(arguments, main, (0, 1)), f"{parts} * {tiles}"),
            _kernel(
                "decode_combine",
                _pointers(arguments, ["out", "lse", "plan"], (0, 1)),
                parts,
                programmatic=True,
            ),
        ],
    }


def make_decode_package(folder, **properties):
    """Writes a package into `folder`; returns its descriptor."""
    descriptor = descriptor_of(**properties)
    pathlib.Path(folder).mkdir(parents=True, exist_ok=True)
    write_package(pathlib.Path(folder), descriptor)
    return descriptor
