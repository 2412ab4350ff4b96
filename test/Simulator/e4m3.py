# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The inputs of e4m3.test (make FOLDER), and what has to come out of them (check FOLDER
OUT.npy). e4m3 is decoded here by its definition."""

import math
import struct
import sys

ROWS, COLUMNS, ENTRIES = 50, 128, 70


def write(path, descr, shape, data):
    header = f"{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}"
    header += " " * (63 - (10 + len(header)) % 64) + "\n"
    with open(path, "wb") as file:
        file.write(b"\x93NUMPY\1\0" + struct.pack("<H", len(header)) + header.encode() + data)


def decode(byte):
    sign, exponent, fraction = -1 if byte & 0x80 else 1, byte >> 3 & 15, byte & 7
    if byte & 0x7F == 0x7F:
        return math.nan
    if exponent == 0:
        return sign * (fraction * 2.0**-9)
    return sign * (8 + fraction) * 2.0 ** (exponent - 10)


def rows():
    return [[(row * 7 + column * (row + 1)) % 256 for column in range(COLUMNS)]
            for row in range(ROWS)]


def indices():
    return [ROWS if i == 3 else -1 if i == 66 else i * 11 % ROWS for i in range(ENTRIES)]


def check(path):
    data = open(path, "rb").read()
    at = 10 + struct.unpack_from("<H", data, 8)[0]
    got = struct.unpack_from(f"<{ENTRIES * COLUMNS}H", data, at)
    table, wanted = rows(), []
    for index in indices():
        inside = 0 <= index < ROWS
        wanted += [decode(byte) for byte in table[index]] if inside else [0.0] * COLUMNS
    assert {byte for row in table for byte in row} == set(range(256))
    for i, (bits, want) in enumerate(zip(got, wanted)):
        value = struct.unpack("<f", struct.pack("<I", bits << 16))[0]
        same = math.isnan(value) if math.isnan(want) else (
            value == want and math.copysign(1, value) == math.copysign(1, want))
        assert same, f"element {i}: expected {want}, got {value}"


if sys.argv[1] == "make":
    folder = sys.argv[2]
    write(f"{folder}/kv.npy", "|u1", (ROWS, COLUMNS), bytes(sum(rows(), [])))
    write(f"{folder}/indices.npy", "<i4", (ENTRIES,), struct.pack(f"<{ENTRIES}i", *indices()))
else:
    check(sys.argv[3])
