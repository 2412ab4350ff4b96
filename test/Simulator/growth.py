"""Inputs of sparse_prefill whose scores follow levels, one per tile of 64 keys.

    growth.py FOLDER HEADS D_QK LEVEL...

Writes q.npy, kv.npy and indices.npy for one token. With a scale of ln 2, the
base-2 score of a key in tile t is about the t-th level times the head's weight:
0, 1/4, 1/2 or 1, so that heads of one warp grow by different amounts.
"""

import random
import struct
import sys
from pathlib import Path


def bf16(value):
    return struct.unpack("<I", struct.pack("<f", value))[0] >> 16


def write(path, kind, shape, values):
    header = f"{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}, }}"
    header += " " * (-(len(header) + 11) % 64) + "\n"
    with open(path, "wb") as file:
        file.write(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)))
        file.write(header.encode())
        code = {"<u2": "H", "<i4": "i"}[kind]
        file.write(struct.pack(f"<{len(values)}{code}", *values))


def main():
    folder = Path(sys.argv[1])
    heads, columns = int(sys.argv[2]), int(sys.argv[3])
    levels = [float(text) for text in sys.argv[4:]]
    keys = 64 * len(levels)
    noise = random.Random(1)

    def row(first):
        rest = (bf16(noise.gauss(0, 0.1)) for _ in range(columns - 1))
        return [bf16(first), *rest]

    folder.mkdir(parents=True, exist_ok=True)
    weights = [0, 0.25, 0.5, 1]
    q = [x for h in range(heads) for x in row(weights[h // 3 % 4])]
    kv = [x for key in range(keys) for x in row(levels[key // 64])]
    write(folder / "q.npy", "<u2", (1, heads, columns), q)
    write(folder / "kv.npy", "<u2", (keys, 1, columns), kv)
    write(folder / "indices.npy", "<i4", (1, 1, keys), list(range(keys)))


main()
