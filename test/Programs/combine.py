#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Runs combine.mlir in the interpreter and the simulator against a reference in
double precision: splits that count for nothing hold NaN, and so do those past
num_splits.

  combine.py --jit MLA-JIT combine.mlir
"""

import argparse
import math
import pathlib
import random
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "Conformance"))
from conformance import Tensor  # pylint: disable=wrong-import-position

NAN, INF = float("nan"), float("inf")
D_V = 512


def make_case(splits, counts, seed, spread=4.0):
    """Inputs and expected outputs of `len(counts)` rows."""
    rng = random.Random(seed)
    rows = len(counts)
    lse = [[rng.gauss(0, spread) for _ in range(rows)] for _ in range(splits)]
    for r in range(rows):
        for s in range(splits):
            if rng.random() < 0.25 or r == 1:  # Row 1 is empty throughout.
                lse[s][r] = -INF
    # What may not be read is NaN, and what weighs nothing too.
    partial = [[[NAN] * D_V if s >= counts[r] or lse[s][r] == -INF else
                [rng.gauss(0, 1) for _ in range(D_V)] for r in range(rows)]
               for s in range(splits)]
    out, total = [], []
    for r in range(rows):
        live = [s for s in range(min(splits, max(counts[r], 0)))
                if lse[s][r] != -INF]
        if not live:
            out.append([0.0] * D_V)
            total.append(-INF)
            continue
        top = max(lse[s][r] for s in live)
        weights = [math.exp(lse[s][r] - top) for s in live]
        norm = sum(weights)
        out.append([sum(w * partial[s][r][c] for w, s in zip(weights, live)) / norm
                    for c in range(D_V)])
        total.append(top + math.log(norm))
    poisoned = [[NAN if s >= counts[r] else lse[s][r] for r in range(rows)]
                for s in range(splits)]
    flat = [x for plane in partial for row in plane for x in row]
    inputs = {
        "partial_out": Tensor("f32", (splits, rows, D_V), flat),
        "partial_lse": Tensor("f32", (splits, rows),
                              [x for row in poisoned for x in row]),
        "num_splits": Tensor("i32", (rows,), counts)}
    expected = {"out": Tensor("f32", (rows, D_V), [x for row in out for x in row]),
                "lse": Tensor("f32", (rows,), total)}
    return inputs, expected


def run(jit, program, device, case, pads=()):
    inputs, expected = case
    with tempfile.TemporaryDirectory() as folder:
        words = [jit, "run", program, *device, "--tolerance=0.004"]
        for kind, tensors in (("--input", inputs), ("--expect", expected)):
            for name, tensor in tensors.items():
                path = pathlib.Path(folder) / f"{kind[2:]}-{name}.npy"
                tensor.write(path)
                words.append(f"{kind}={name}={path}")
        words += [f"--pad={pad}" for pad in pads]
        done = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True,
                              text=True, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(words)}\n{done.stdout}{done.stderr}")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jit", default="mla-jit")
    parser.add_argument("program")
    args = parser.parse_args()
    # One split; none; an odd number; whole tiles, and one more; the most there are.
    small = make_case(3, [1, 3, 0, 2], 1)
    tiles = make_case(65, [65, 64, 7], 2)
    most = make_case(256, [256, 1000], 3)
    for case in (small, tiles, most):
        run(args.jit, args.program, ["--device=interpreter"], case)
    run(args.jit, args.program, ["--device=sim", "--seeds=8"], small,
        ["partial_out=4", "partial_lse=3", "out=8"])
    for timing in ("earliest", "latest"):
        run(args.jit, args.program, ["--device=sim", f"--timing={timing}"], tiles)
    run(args.jit, args.program, ["--device=sim", "--seeds=2"], most)


if __name__ == "__main__":
    main()
