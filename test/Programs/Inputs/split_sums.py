"""Inputs of split-sums.mlir, and the sums as Python has them.

usage: split_sums.py FOLDER ROWS KEYS
"""

import pathlib
import random
import struct
import sys

COLUMNS = 64


def write(name, dtype, shape, data):
    header = f"{{'descr': '{dtype}', 'fortran_order': False, 'shape': {shape}, }}\n"
    (folder / f"{name}.npy").write_bytes(
        b"\x93NUMPY\1\0" + struct.pack("<H", len(header)) + header.encode() + data
    )


def bf16(matrix):
    """The upper halves of floats, which small integers need no more of."""
    return b"".join(struct.pack("<f", value)[2:] for row in matrix for value in row)


folder = pathlib.Path(sys.argv[1])
folder.mkdir(parents=True, exist_ok=True)
rows, keys = int(sys.argv[2]), int(sys.argv[3])
# Sums of these are exact in fp32 in any order.
draw = random.Random(1).randint
a = [[draw(-3, 3) for _ in range(COLUMNS)] for _ in range(rows)]
b = [[draw(-3, 3) for _ in range(COLUMNS)] for _ in range(keys)]
c = [[draw(-3, 3) for _ in range(COLUMNS)] for _ in range(64)]
total = [sum(row[i] for row in b + c) for i in range(COLUMNS)]
sums = [sum(x * y for x, y in zip(row, total)) for row in a]
write("a", "<u2", (rows, COLUMNS), bf16(a))
write("b", "<u2", (keys, COLUMNS), bf16(b))
write("c", "<u2", (64, COLUMNS), bf16(c))
write("out", "<f4", (rows,), struct.pack(f"<{rows}f", *sums))
