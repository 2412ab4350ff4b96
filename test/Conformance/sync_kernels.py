# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Synchronisation between roles, CTAs and kernels, and bulk copies."""

from matrices import ints, matrix, vector
from programs import Case, program

# A cycle through 64 elements: 512 steps along it lead back to the first.
CHAIN = vector("i32", [(n + 37) % 64 for n in range(64)])


@program("named-barriers", level="cta")
def _():
    """turns of two roles: named barriers"""
    x = ints("nb", 8, 64)
    yield Case("only", {"x": matrix("f32", x), "chain": CHAIN},
               {"out": matrix("f32", x)})


@program("bulk", level="cta")
def _():
    """bulk copies of vectors, and one lane"""
    x = ints("bu", 40, 1024, 100)
    yield Case("only", {"x": matrix("f32", x)},
               {"plus": matrix("f32", x),
                "minus": matrix("f32", [[-value for value in row] for row in x])})


@program("store-async", level="cta")
def _():
    """TMA stores"""
    x = ints("sa", 200, 128, 100)
    out = []
    for t in range(4):
        tile = (x + [[0] * 128] * 56)[64 * t:64 * t + 64]
        out += [tile[r % 64][:120] for r in range(100)]
    expected = matrix("bf16", out)
    expected.shape = (4, 100, 120)
    yield Case("only", {"x": matrix("bf16", x)}, {"out": expected})


@program("flags", level="cta")
def _():
    """turns of CTAs: flags in global memory"""
    x = ints("fl", 8, 64)
    bulk, plain = ints("fb", 1, 64)[0], ints("fp", 1, 64)[0]
    inputs = {"x": matrix("f32", x), "turns": vector("i32", [-5, 0]),
              "bulk": vector("f32", bulk), "plain": vector("f32", plain)}
    for row in reversed(x):
        bulk = [new - old for new, old in zip(row, bulk)]
        plain = [2 * old - new for new, old in zip(row, plain)]
    yield Case("only", inputs,
               {"turns": vector("i32", [-5, len(x)]), "bulk": vector("f32", bulk),
                "plain": vector("f32", plain)})


@program("cluster", level="cta")
def _():
    """clusters: rank and barrier"""
    x = ints("cl", 8, 64)
    yield Case("only", {"x": matrix("f32", x), "chain": CHAIN},
               {"own": matrix("f32", x),
                "out": matrix("f32", [x[n ^ 1] for n in range(len(x))])})


@program("dependents", level="cta")
def _():
    """programmatic dependent launch"""
    x = ints("pd", 16, 64)
    yield Case("only", {"x": matrix("f32", x), "chain": CHAIN},
               {"out": matrix("f32", [[2 * value for value in row]
                                      for row in reversed(x)])})
