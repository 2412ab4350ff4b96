# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Inputs of the tests of dense attention with torch on the CPU."""

import torch


def make(device="cpu", b=2, s_q=5, s_kv=9, h_q=4, h_kv=2, dtype=None):
    """Inputs by name."""
    torch.manual_seed(0)
    shapes = {"q": (b, s_q, h_q, 192), "k": (b, s_kv, h_kv, 192), "v": (b, s_kv, h_kv, 128)}
    return {
        name: torch.randn(shape, device=device).to(dtype or torch.bfloat16)
        for name, shape in shapes.items()
    }
