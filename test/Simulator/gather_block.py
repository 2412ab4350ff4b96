# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The inputs of gather-block.test, written to the folder FOLDER."""

import struct
import sys


def write(name, shape, values):
    header = f"{{'descr': '<i4', 'fortran_order': False, 'shape': {shape}, }}"
    header += " " * (63 - (10 + len(header)) % 64) + "\n"
    with open(f"{sys.argv[1]}/{name}.npy", "wb") as file:
        file.write(b"\x93NUMPY\1\0" + struct.pack("<H", len(header)) + header.encode())
        file.write(struct.pack(f"<{len(values)}i", *values))


write("rows", (1, 64), range(64, 128))
for first in (32, 64, 65, 192):
    write(str(first), (1,), [first])
    write(f"rows-{first}", (1, 64), range(first, first + 64))
