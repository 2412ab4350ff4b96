# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Packages of mla.prefill for the fake driver."""

import pathlib

from fake_package import write_package


def _tensor(name, dtype, shape, strides=None, access="read"):
    return {
        "name": name,
        "kind": "tensor",
        "dtype": dtype,
        "shape": shape,
        "strides": strides or [None] * (len(shape) - 1) + [1],
        "access": access,
        "alignment": 4 if dtype in ("f32", "i32") else 16,
    }


def descriptor_of(
    h_q=16, h_kv=16, d_qk=192, d_v=128, dtype="bf16", varlen=False, options=None
):
    arguments = [
        _tensor("q", dtype, ["b", "s_q", h_q, d_qk]),
        _tensor("k", dtype, ["b", "s_kv", h_kv, d_qk]),
        _tensor("v", dtype, ["b", "s_kv", h_kv, d_v]),
        {"name": "scale", "kind": "scalar", "dtype": "f32", "positive": True},
        *([_tensor("cu_seqlens_q", "i32", ["bounds"])] if varlen else []),
        *([_tensor("cu_seqlens_k", "i32", ["bounds"])] if varlen else []),
        _tensor("out", dtype, ["b", "s_q", h_q, d_v], access="write"),
        _tensor("lse", "f32", ["b", "s_q", h_q], [None] * 3, "write"),
    ]
    order = [argument["name"] for argument in arguments]
    parameters = [
        {"kind": "scalar" if name == "scale" else "pointer", "argument": index}
        for index, name in enumerate(order)
    ]
    parameters += [
        {"kind": "stride", "argument": order.index(name), "dim": dim}
        for name in ("q", "k", "v", "out", "lse")
        for dim in range(3)
    ]
    return {
        "format": "mla-kernel-package",
        "version": 3,
        "operator": "prefill",
        "options": options or {},
        "target": "sm_90a",
        "cubin": "kernel.cubin",
        "arguments": arguments,
        "kernels": [
            {
                "symbol": "prefill",
                "parameters": parameters,
                "grid": f"ceildiv(s_q, 128) * b * {h_q}",
                "block": 384,
                "sharedBytes": 0,
            }
        ],
    }


def make_prefill_package(folder, **properties):
    """Writes a package into `folder`; returns its descriptor."""
    descriptor = descriptor_of(**properties)
    pathlib.Path(folder).mkdir(parents=True, exist_ok=True)
    write_package(pathlib.Path(folder), descriptor)
    return descriptor
