# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Fragments that go through shared memory, and rings."""

import random

from matrices import (add, beside, flat, identity, ints, matrix, multiply, part, stack,
                      transpose, vector)
from programs import Case, program


# --------------------------------------------------------------------------- #
# Through shared memory
# --------------------------------------------------------------------------- #


@program("store-shared")
def _():
    """matrices from one role to the MMAs of another"""
    q = ints("sq", 64, 64, 1)
    k = [ints(f"sk{t}", 128, 64, 2) for t in range(5)]
    y = ints("sy", 64, 128)
    for name, x in (("identity", identity(64)), ("random", ints("sx", 64, 64))):
        out = []
        for tile in k:
            p = multiply(q, transpose(tile))
            right = part(p, 0, 64, 64, 64)
            out.append(beside(multiply(x, p), multiply(p, transpose(y)),
                              multiply(y, transpose(p)), multiply(transpose(right), x)))
        yield Case(name, {"q": matrix("bf16", q), "k": stack("bf16", k),
                          "x": matrix("bf16", x), "y": matrix("bf16", y)},
                   {"out": stack("f32", out)})


@program("store-shared-own", level="cta")
def _():
    """matrices from a role to its own MMAs"""
    a = [ints(f"oa{t}", 64, 64, 1) for t in range(7)]
    for name, b in (("identity", identity(64)), ("random", ints("ob", 64, 64, 2))):
        out = []
        for tile in a:
            p = multiply(tile, b)
            assert max(map(abs, flat(p))) <= 256
            out.append(beside(multiply(p, b), multiply(b, p)))
        yield Case(name, {"a": stack("bf16", a), "b": matrix("bf16", b)},
                   {"out": stack("f32", out)})


@program("parts", level="cta")
def _():
    """slots of several fills, by TMA, gathers and stores, from two roles"""
    a = [ints(f"pa{t}", 64, 64, 1) for t in range(5)]
    b, k = ints("pb", 64, 64, 2), ints("pk", 64 * len(a), 128, 2)
    generator = random.Random("pi")
    indices = [[generator.randrange(-1, len(k)) for _ in range(32)] for _ in a]
    indices[1][3], indices[2][30] = -1, len(k)
    out = []
    for t, tile in enumerate(a):
        p = beside(multiply(tile, b), multiply(tile, transpose(b)))
        assert max(map(abs, flat(p))) <= 256
        rows = k[64 * t + 16:64 * t + 32] + k[64 * t:64 * t + 16]
        rows += [k[n] if 0 <= n < len(k) else [0] * 128 for n in indices[t]]
        out.append(multiply(p, transpose(rows)))
    yield Case("only", {"a": stack("bf16", a), "b": matrix("bf16", b),
                        "k": matrix("bf16", k), "indices": matrix("i32", indices)},
               {"out": stack("f32", out)})


@program("vectors")
def _():
    """vectors by row, read by row and by column"""
    a, b, c = ints("va", 64, 64), ints("vb", 64, 64), ints("vc", 64, 64)
    s, d = multiply(a, b), multiply(a, c)
    most, total = [max(row) for row in s], [sum(row) for row in s]
    positive = [x > 0 for x in total]
    above = [x > y for x, y in zip(total, most)]
    assert 0 < sum(positive) < 64 and 0 < sum(above) < 64

    def each(function):
        return [[function(r, c, d[r][c]) for c in range(64)] for r in range(64)]

    out = beside(each(lambda r, c, x: x + most[r]), each(lambda r, c, x: x + total[c]),
                 each(lambda r, c, x: x + most[c]), each(lambda r, c, x: x + total[r]),
                 each(lambda r, c, x: x if positive[r] else -99),
                 each(lambda r, c, x: x if above[c] else -99))
    yield Case("only", {"a": matrix("bf16", a), "b": matrix("bf16", b),
                        "c": matrix("bf16", c)}, {"out": matrix("f32", out)})


@program("gather-vectors")
def _():
    """vectors by gathered row, both ways"""
    rows = 300
    kv = ints("gv", rows, 64, 9)
    generator = random.Random("gi")
    indices = [generator.randrange(rows) for _ in range(60)] + [-7, rows, 0, rows - 1]
    generator.shuffle(indices)
    # E = Y X is Y: 0 but for one element of each row, which is an index.
    chosen = [generator.randrange(256) for _ in range(64)]
    y = [[chosen[r] if c == r * 5 % 64 else 0 for c in range(64)] for r in range(64)]

    def take(numbers):
        return [kv[i] if 0 <= i < rows else [0] * 64 for i in numbers]

    d = take(indices)

    def each(function):
        return [[function(r, c, d[r][c]) for c in range(64)] for r in range(64)]

    out = beside(each(lambda r, c, x: x + indices[r] + r),
                 each(lambda r, c, x: x + indices[c] - c),
                 each(lambda r, c, x: x if 0 <= indices[c] < rows else -99),
                 each(lambda r, c, x: x if indices[r] < r else -99), take(chosen))
    yield Case("only", {"kv": matrix("bf16", kv), "indices": vector("i32", indices),
                        "x": matrix("bf16", identity(64)), "y": matrix("bf16", y)},
               {"out": matrix("f32", out)})


# --------------------------------------------------------------------------- #
# Rings
# --------------------------------------------------------------------------- #

STEPS = [0, 1, 2, 3, 4, 5, 7, 40]


@program("rings")
def _():
    """rings of one to three slots, TMA and gathers"""
    tiles = 3 * max(STEPS) + len(STEPS) + 3
    a, kv = ints("ia", 128, 384, 1), ints("ik", 200, 64, 3)
    x = [ints(f"ix{t}", 64, 64, 3) for t in range(tiles)]
    generator = random.Random("ii")
    indices = [[generator.randrange(-20, 220) for _ in range(64)] for _ in range(tiles)]
    rows = [[kv[i] if 0 <= i < 200 else [0] * 64 for i in line] for line in indices]
    out = []
    for cta, steps in enumerate(STEPS):
        total = [[0] * 64] * 128
        for ring in range(6):
            source = x if ring < 3 else rows
            weighted = [[0] * 64] * 64
            for t in range(steps):
                weighted = add(weighted, source[3 * t + cta + ring % 3], t + 1)
            total = add(total, multiply(part(a, 0, 64 * ring, 128, 64), weighted))
        assert max(map(abs, flat(total))) < 2**24
        out.append(total)
    yield Case("only", {"a": matrix("bf16", a), "x": stack("bf16", x),
                        "kv": matrix("bf16", kv), "indices": matrix("i32", indices),
                        "steps": vector("i32", STEPS)}, {"out": stack("f32", out)})


@program("rings-stored")
def _():
    """rings of one to three slots, filled from registers"""
    q, y = ints("tq", 64, 64, 1), ints("ty", 64, 192, 1)
    x = [ints(f"tx{t}", 64, 64, 1) for t in range(max(STEPS) + len(STEPS))]
    products = [multiply(q, tile) for tile in x]
    y1, y2, y3 = (part(y, 0, 64 * i, 64, 64) for i in range(3))
    ones = [[1] * 64] * 64
    terms = []
    for s in products:
        d = add(add(multiply(y1, s), multiply(y2, add(s, ones))),
                multiply(y3, add(ones, s, -1)))
        most, least, total = ([f(row) for row in s] for f in (max, min, sum))
        terms.append([[d[r][c] + most[r] + 8 * (1 - least[c]) + 64 * total[r]
                       for c in range(64)] for r in range(64)])
    out = []
    for cta, steps in enumerate(STEPS):
        total = [[0] * 64] * 64
        for t in range(steps):
            total = add(total, terms[t + cta], t + 1)
        assert max(map(abs, flat(total))) < 2**24
        out.append(total)
    yield Case("only", {"q": matrix("bf16", q), "x": stack("bf16", x),
                        "y": matrix("bf16", y), "steps": vector("i32", STEPS)},
               {"out": stack("f32", out)})


@program("explicit", level="cta")
def _():
    """barriers and descriptors written by hand"""
    tiles = 29
    k = [ints(f"ek{t}", 64, 64, 100) for t in range(tiles)]
    kv = ints("ev", 150, 64, 100)
    generator = random.Random("ei")
    indices = [[generator.randrange(-9, 160) for _ in range(64)] for _ in range(tiles)]
    out = [beside(k[t], [kv[i] if 0 <= i < 150 else [0] * 64 for i in indices[t]])
           for t in range(tiles)]
    yield Case("only", {"x": matrix("bf16", identity(64)), "k": stack("bf16", k),
                        "kv": matrix("bf16", kv), "indices": matrix("i32", indices)},
               {"out": stack("f32", out)})
