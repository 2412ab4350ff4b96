#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Runs packed-causal.mlir in the interpreter and the simulator against a reference
in double precision. One sequence of the batch is NaN throughout: it must stay the
only one.

  packed_causal.py --jit MLA-JIT packed-causal.mlir
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

D = 64


def make_case(lengths, heads, poisoned):
    """Sequences of `lengths` tokens; number `poisoned` is NaN."""
    rng = random.Random(7)
    starts = [sum(lengths[:i]) for i in range(len(lengths) + 1)]
    tokens = starts[-1]

    def tensor():
        values = []
        for length, start in zip(lengths, starts):
            nan = poisoned is not None and start == starts[poisoned]
            values += [math.nan if nan else rng.gauss(0, 1)
                       for _ in range(length * heads * D)]
        return Tensor("bf16", (tokens, heads, D), values)

    q, k, v = tensor(), tensor(), tensor()

    def row(of, token, head):
        at = (token * heads + head) * D
        return of.values[at : at + D]

    out = []
    for start, end in zip(starts, starts[1:]):
        for token in range(start, end):
            for head in range(heads):
                mine = row(q, token, head)
                scores = [sum(map(float.__mul__, mine, row(k, t, head))) / 8
                          for t in range(start, token + 1)]
                weights = [math.exp(s - max(scores)) for s in scores]
                norm = sum(weights)
                rows = [row(v, t, head) for t in range(start, token + 1)]
                out += [sum(w * r[c] for w, r in zip(weights, rows)) / norm
                        for c in range(D)]
    blocks = max((length + 63) // 64 for length in lengths)
    inputs = {"q": q, "k": k, "v": v, "starts": Tensor("i32", (len(starts),), starts),
              "blocks": Tensor("i32", (blocks,), [0] * blocks)}
    return inputs, {"out": Tensor("f32", (tokens, heads, D), out)}


def run(jit, program, device, case):
    inputs, expected = case
    with tempfile.TemporaryDirectory() as folder:
        words = [jit, "run", program, *device, "--tolerance=0.01"]
        for kind, tensors in (("--input", inputs), ("--expect", expected)):
            for name, tensor in tensors.items():
                path = pathlib.Path(folder) / f"{kind[2:]}-{name}.npy"
                tensor.write(path)
                words.append(f"{kind}={name}={path}")
        done = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True,
                              text=True, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(words)}\n{done.stdout}{done.stderr}")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jit", default="mla-jit")
    parser.add_argument("program")
    args = parser.parse_args()
    case = make_case([70, 5, 1, 130], 1, poisoned=1)
    run(args.jit, args.program, ["--device=interpreter"], case)
    run(args.jit, args.program, ["--device=sim", "--seeds=4"], case)
    for timing in ("earliest", "latest"):
        run(args.jit, args.program, ["--device=sim", f"--timing={timing}"],
            make_case([64, 65], 2, poisoned=None))


if __name__ == "__main__":
    main()
