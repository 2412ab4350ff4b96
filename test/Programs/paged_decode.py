#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Runs paged-decode.mlir in the interpreter and the simulator against a reference in
double precision. Rows that no key names are NaN, and page numbers past the last page
of a request are anything.

  paged_decode.py --jit MLA-JIT paged-decode.mlir
"""

import argparse
import math
import pathlib
import random
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "Conformance"))
from conformance import Tensor  # pylint: disable=wrong-import-position
from packed_causal import run  # pylint: disable=wrong-import-position

D, HEADS, PAGE = 64, 64, 16


def make_case(lengths, pages):
    rng = random.Random(3)
    free = list(range(sum((n + PAGE - 1) // PAGE for n in lengths)))
    rng.shuffle(free)
    rows = len(free) * PAGE
    cache = [[math.nan] * D for _ in range(rows)]
    table = [[rng.choice((-7, 2**31 - 1)) for _ in lengths] for _ in range(pages)]
    q = Tensor("bf16", (len(lengths), HEADS, D),
               [rng.gauss(0, 1) for _ in range(len(lengths) * HEADS * D)])
    keys = []
    for r, length in enumerate(lengths):
        mine = []
        for t in range(length):
            if t % PAGE == 0:
                table[t // PAGE][r] = free.pop()
            row = table[t // PAGE][r] * PAGE + t % PAGE
            cache[row] = Tensor("bf16", (D,), [rng.gauss(0, 1) for _ in range(D)]).values
            mine.append(cache[row])
        keys.append(mine)
    out = []
    for r, mine in enumerate(keys):
        for h in range(HEADS):
            at = (r * HEADS + h) * D
            scores = [sum(map(float.__mul__, q.values[at : at + D], k)) / 8 for k in mine]
            weights = [math.exp(s - max(scores)) for s in scores]
            norm = sum(weights)
            out += [sum(w * k[c] for w, k in zip(weights, mine)) / norm
                    for c in range(D)]
    inputs = {"q": q, "cache": Tensor("bf16", (rows, D), [x for k in cache for x in k]),
              "table": Tensor("i32", (pages, len(lengths)), [x for p in table for x in p]),
              "lengths": Tensor("i32", (len(lengths),), lengths)}
    return inputs, {"out": Tensor("f32", (len(lengths), HEADS, D), out)}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jit", default="mla-jit")
    parser.add_argument("program")
    args = parser.parse_args()
    case = make_case([1, 130, 64], 9)
    run(args.jit, args.program, ["--device=interpreter"], case)
    run(args.jit, args.program, ["--device=sim", "--seeds=4"], case)


if __name__ == "__main__":
    main()
