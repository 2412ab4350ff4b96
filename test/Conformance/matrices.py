# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Matrices of the conformance programs, as lists of rows, in exact integers."""

import random

from conformance import Tensor


def ints(seed, rows, columns, bound=4):
    """Integers from -bound to bound: a product of thousands of terms is exact."""
    generator = random.Random(seed)
    return [[generator.randint(-bound, bound) for _ in range(columns)]
            for _ in range(rows)]


def identity(size, columns=None):
    return [[int(r == c) for c in range(columns or size)] for r in range(size)]


def transpose(m):
    return [list(column) for column in zip(*m)]


def multiply(a, b):
    columns = transpose(b)
    return [[sum(map(int.__mul__, row, column)) for column in columns] for row in a]


def add(a, b, factor=1):
    return [[x + factor * y for x, y in zip(r, s)] for r, s in zip(a, b)]


def part(m, row, column, rows, columns):
    return [line[column : column + columns] for line in m[row : row + rows]]


def beside(*matrices):
    return [sum(rows, []) for rows in zip(*matrices)]


def flat(m):
    return [x for row in m for x in row]


def matrix(dtype, m):
    return Tensor(dtype, (len(m), len(m[0])), flat(m))


def stack(dtype, matrices):
    """A tensor of rank 3."""
    first = matrices[0]
    return Tensor(dtype, (len(matrices), len(first), len(first[0])),
                  [x for m in matrices for x in flat(m)])


def vector(dtype, values):
    return Tensor(dtype, (len(values),), values)
