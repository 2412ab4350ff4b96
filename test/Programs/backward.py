#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Runs backward.mlir in the interpreter and the simulator against a reference in
double precision. One sequence of the batch is NaN: its values must not reach the
others.

  backward.py --jit MLA-JIT backward.mlir
"""

import argparse
import math
import random

from packed_causal import D, Tensor, run

SCALE = 1 / 8


def dot(a, b):
    return sum(map(float.__mul__, a, b))


def add_scaled(total, factor, row):
    for c, value in enumerate(row):
        total[c] += factor * value


def differentiate(q, k, v, do):
    """The lse (base 2) and delta of each query, and dK and dV, of one sequence."""
    lse, delta = [], []
    dk = [[0.0] * D for _ in k]
    dv = [[0.0] * D for _ in v]
    for query, grad in zip(q, do):
        scores = [SCALE * dot(query, key) for key in k]
        top = max(scores)
        norm = sum(math.exp(s - top) for s in scores)
        weights = [math.exp(s - top) / norm for s in scores]
        grads = [dot(grad, value) for value in v]
        lse.append((top + math.log(norm)) / math.log(2))
        delta.append(dot(weights, grads))
        for j, weight in enumerate(weights):
            add_scaled(dv[j], weight, grad)
            add_scaled(dk[j], SCALE * weight * (grads[j] - delta[-1]), query)
    return lse, delta, dk, dv


def make_case(lengths, poisoned=None):
    """Sequences of `lengths` tokens; number `poisoned` is NaN."""
    rng = random.Random(7)
    starts = [sum(lengths[:i]) for i in range(len(lengths) + 1)]
    tokens = starts[-1]

    def tensor():
        values = []
        for i, length in enumerate(lengths):
            values += [math.nan if i == poisoned else rng.gauss(0, 1)
                       for _ in range(length * D)]
        return Tensor("bf16", (tokens, D), values)

    inputs = {name: tensor() for name in ("q", "k", "v", "do")}
    lse, delta, dk, dv = [], [], [], []
    for start, end in zip(starts, starts[1:]):
        rows = [[t.values[i * D : i * D + D] for i in range(start, end)]
                for t in inputs.values()]
        for total, part in zip((lse, delta, dk, dv), differentiate(*rows)):
            total += part
    blocks = max((length + 127) // 128 for length in lengths)
    inputs |= {
        "lse": Tensor("f32", (tokens,), lse),
        "delta": Tensor("f32", (tokens,), delta),
        "starts": Tensor("i32", (len(starts),), starts),
        "blocks": Tensor("i32", (blocks,), [0] * blocks),
    }
    return inputs, {
        "dk": Tensor("f32", (tokens, D), sum(dk, [])),
        "dv": Tensor("f32", (tokens, D), sum(dv, [])),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jit", default="mla-jit")
    parser.add_argument("program")
    args = parser.parse_args()
    case = make_case([70, 5, 1, 130], poisoned=1)
    run(args.jit, args.program, ["--device=interpreter"], case)
    run(args.jit, args.program, ["--device=sim", "--seeds=4"], case)
    for timing in ("earliest", "latest"):
        run(args.jit, args.program, ["--device=sim", f"--timing={timing}"],
            make_case([64, 33]))


if __name__ == "__main__":
    main()
