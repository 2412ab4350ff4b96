#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Runs packed-rows.mlir, with the schedules of mla.decode and tiles of several sizes,
in the interpreter and the simulator against a reference in double precision. Tokens
that no request has are NaN. Some queries have no token, in requests of fewer tokens than
queries.

  packed_rows.py --jit MLA-JIT packed-rows.mlir
"""

import argparse
import math
import pathlib
import random
import re
import string
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "Conformance"))
from conformance import Tensor  # pylint: disable=wrong-import-position
from packed_causal import run  # pylint: disable=wrong-import-position

QUERIES, HEADS, D, D_V, SCALE = 7, 3, 576, 512, 0.06
ROWS = QUERIES * HEADS
# Schedules, rows of a tile, and which lines of the program are kept.
RUNS = (("split-columns", 64, ("exact", "one")), ("split-columns", 64, ("exact", "two")),
        ("seesaw", 64, ("lazy", "one")), ("seesaw", 64, ("lazy", "two")),
        ("swapped", 8, ("exact", "one")), ("swapped", 16, ("exact", "two")),
        ("swapped", 24, ("exact", "one")), ("swapped", 32, ("exact", "one")))


def fill(text, schedule, rows, kept):
    """The program for one schedule."""

    def keep(line):
        mark = re.match(r"\s*@(\w+) (.*)", line)
        if not mark:
            return line
        return mark[2] if mark[1] in kept else ""

    text = "\n".join(map(keep, text.splitlines()))
    return string.Template(text).substitute(schedule=schedule, rows=rows,
                                            tiles=-(-ROWS // rows)) + "\n"


def make_case(lengths, capacity):
    rng = random.Random(5)

    def number():
        return rng.choice((-1, -0.5, 0, 0.5, 1))

    def is_token(t, end):
        return t < end and t != 4

    q, cache, c_kv, k_rope, out, lse = [], [], [], [], [], []
    for length in lengths:
        tokens = [[number() if is_token(t, length) else math.nan for _ in range(D)]
                  for t in range(capacity)]
        # The second of two heads.
        cache += [x for row in tokens for x in [math.nan] * D + row]
        c_kv += [x for row in tokens for x in row[:D_V]]
        k_rope += [x for row in tokens for x in row[D_V:]]
        for query in range(QUERIES):
            end = length - (QUERIES - 1 - query)
            keys = [row for t, row in enumerate(tokens) if is_token(t, end)]
            for _ in range(HEADS):
                mine = [number() for _ in range(D)]
                q += mine
                scores = [SCALE * sum(map(float.__mul__, map(float, mine),
                                          map(float, key))) for key in keys]
                weights = [2 ** (s - max(scores)) for s in scores]
                norm = sum(weights)
                lse.append(max(scores) + math.log2(norm) if keys else math.inf)
                out += [sum(w * key[c] for w, key in zip(weights, keys)) / norm
                        if keys else 0 for c in range(D_V)]
    batch = len(lengths)
    inputs = {"q": Tensor("bf16", (batch, QUERIES, HEADS, D), q),
              "cache": Tensor("bf16", (batch, capacity, 2, D), cache),
              "c_kv": Tensor("bf16", (batch, capacity, D_V), c_kv),
              "k_rope": Tensor("bf16", (batch, capacity, D - D_V), k_rope),
              "lengths": Tensor("i32", (batch,), lengths)}
    return inputs, {"out": Tensor("f32", (batch, QUERIES, HEADS, D_V), out),
                    "lse": Tensor("f32", (batch, QUERIES, HEADS), lse)}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jit", default="mla-jit")
    parser.add_argument("program", type=pathlib.Path)
    args = parser.parse_args()
    text = args.program.read_text()
    inputs, expected = make_case([70, 5, 0, 131, 1], 133)
    with tempfile.TemporaryDirectory() as folder:
        for schedule, rows, kept in RUNS:
            words = [args.jit, "schedule", "decode", schedule]
            shipped = subprocess.run(words, stdin=subprocess.DEVNULL, check=True,
                                     capture_output=True, text=True).stdout
            shipped = shipped[shipped.index("#mla.schedule"):]
            program = pathlib.Path(folder) / "program.mlir"
            program.write_text(fill(text, shipped, rows, kept))
            others = ("c_kv", "k_rope") if "one" in kept else ("cache",)
            used = {name: tensor for name, tensor in inputs.items() if name not in others}
            case = used, expected
            run(args.jit, str(program), ["--device=interpreter"], case)
            run(args.jit, str(program), ["--device=sim"], case)


if __name__ == "__main__":
    main()
