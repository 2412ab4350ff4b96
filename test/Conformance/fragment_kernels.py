# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Fragments in registers: stores to memory, reductions, layouts."""

import random

from conformance import Tensor
from matrices import (add, flat, ints, matrix, multiply, part, stack, transpose, vector)
from programs import I32_MAX, I32_MIN, NAN, PROGRAMS, Case, Program, program


# --------------------------------------------------------------------------- #
# Fragments
# --------------------------------------------------------------------------- #


def store_case(name, used, rows, padding, unused=0):
    matrices = used + unused
    a = [[[r % 64, 1, m * 4 + r // 64] + [0] * 61 for r in range(rows)]
         for m in range(used)]
    b = [[256] * 256, list(range(256)), [65536] * 256] + [[0] * 256] * 61
    d = [[[65536 * (m * 4 + r // 64) + 256 * (r % 64) + c for c in range(256)]
          for r in range(rows)] for m in range(used)]
    d += [[[None] * 256] * rows] * unused

    def poisoned(dtype, poison, function):
        return Tensor(dtype, (matrices, rows, 256),
                      [poison if x is None else function(x)
                       for m in d for x in flat(m)])

    most = [row[-1] for m in d for row in m]
    return Case(
        name, {"a": stack("bf16", a), "b": matrix("bf16", b)},
        {"out": poisoned("f32", NAN, lambda x: x),
         "iout": poisoned("i32", I32_MIN, lambda x: x),
         "bout": poisoned("bf16", NAN, lambda x: x / 2),
         "most": Tensor("f32", (matrices, rows),
                        [NAN if x is None else x for x in most]),
         "imost": Tensor("i32", (matrices, 1, rows),
                         [I32_MIN if x is None else x for x in most])},
        sizes={"all": matrices}, padding=padding, partial=unused > 0)


@program("store")
def _():
    """tile.store of an accumulator that shows its map, and of rows"""
    yield store_case("whole", 2, 128, {})
    yield store_case("cut", 2, 105, {"out": 24, "iout": 4, "bout": 8})
    yield store_case("short", 3, 5, {})
    yield store_case("over", 1, 105, {}, unused=1)


def counted(rows, inner, by, first=0, bound=None):
    """The tile rows by (outer, inner) index in memory, for 3 outer elements or, with
    `by` 3, for all: row r has the indices r // by and first + r % by."""
    return {(r // by, first + r % by): r for r in range(min(rows, bound or rows))
            if first + r % by < inner}


def merged(heads, by, first):
    """Declares stores of rows that count through 3 queries of `by` heads."""

    def cases():
        """tile.store of rows through two dimensions"""
        used, unused, queries = 2, 1, 3
        rows = min(128, queries * by)
        a = [[[r % 64, 1, m * 4 + r // 64] + [0] * 61 for r in range(128)]
             for m in range(used)]
        b = [[256] * 256, list(range(256)), [65536] * 256] + [[0] * 256] * 61
        d = [[[65536 * (m * 4 + r // 64) + 256 * (r % 64) + c for c in range(256)]
              for r in range(128)] for m in range(used)]
        straight = counted(rows, heads, by, first)
        cut = counted(rows, heads, by, first, bound=60)
        across = counted(min(128, queries * heads), queries, queries)

        def spread(dtype, where, poison, function, width=1, planes=None):
            """Elements [all, queries, planes, heads, width] of the rows in `where`."""
            values = []
            for m in range(used + unused):
                for q in range(queries):
                    for plane in range(planes or 1):
                        for h in range(heads):
                            r = where(q, h) if m < used else None
                            if r is None or (planes and plane == 0):
                                values += [poison] * width
                            else:
                                values += function(d[m][r])
            shape = [used + unused, queries] + ([planes] if planes else []) + [heads]
            return Tensor(dtype, shape + ([width] if width > 1 else []), values)

        yield Case(
            "only", {"a": stack("bf16", a), "b": matrix("bf16", b)},
            {"out": spread("f32", lambda q, h: straight.get((q, h)), NAN,
                           lambda x: x, 256),
             "iout": spread("i32", lambda q, h: cut.get((q, h)), I32_MIN,
                            lambda x: x, 256),
             "bout": spread("bf16", lambda q, h: straight.get((q, h)), NAN,
                            lambda x: [v / 2 for v in x], 256, planes=2),
             "most": spread("f32", lambda q, h: straight.get((q, h)), NAN,
                            lambda x: [x[-1]]),
             "imost": spread("i32", lambda q, h: across.get((h, q)), I32_MIN,
                             lambda x: [x[-1]], planes=2)},
            sizes={"all": used + unused},
            padding={"out": 24, "iout": 4, "bout": 8, "most": 1}, partial=True)

    PROGRAMS.append(Program(f"merge-{heads}-{by}-{first}", cases, file="merge.mlir",
                            heads=heads, by=by, first=first))


merged(22, 22, 0)
merged(22, 11, 11)
merged(43, 43, 0)
merged(9, 7, 5)


@program("reduce")
def _():
    """reductions by row"""
    for name, a in (("random", ints("ra", 64, 64)), ("negative", [[-1] * 64] * 64)):
        b = ints("rb", 256, 64) if name == "random" else ints("rb", 256, 64, 1)
        if name == "negative":
            b = [[abs(x) + 1 for x in row] for row in b]
        d = multiply(a, transpose(b))
        out = []
        for first, count in ((8, 8), (64, 72), (0, 256)):
            rows = part(d, 0, first, 64, count)
            out += [[max(r) for r in rows], [sum(r) for r in rows]]
        limit = 37
        out.append([max([x for x in row[64 : 64 + limit] if x < 0],
                        default=-float("inf")) for row in d])
        yield Case(name, {"a": matrix("bf16", a), "b": matrix("bf16", b),
                          "limit": vector("i32", [limit])},
                   {"out": matrix("f32", out)})


@program("fold")
def _():
    """sums of blocks of columns"""
    a, b = ints("fa", 64, 64), ints("fb", 72, 64)
    d = multiply(a, transpose(b))

    def fold(columns):
        return [[sum(row[c::columns]) for c in range(columns)] for row in d]

    yield Case("random", {"a": matrix("bf16", a), "b": matrix("bf16", b)},
               {"eight": matrix("f32", fold(8)), "more": matrix("f32", fold(24))})


def columns_of(n):
    """Declares the program of a transposed tile of `n` columns."""

    def cases():
        """reductions by column, transposes"""
        a, b = ints(f"ta{n}", 128, 64, 1), ints(f"tb{n}", n, 64, 1)
        v = ints(f"tv{n}", 128, 128, 3)
        d = multiply(a, transpose(b))
        columns = transpose(d)
        most, total = [max(c) for c in columns], [sum(c) for c in columns]
        below = [sum(d[r][c] - max(d[r]) for r in range(128)) for c in range(n)]
        p = [[(x - m) / 2 for x in c] for c, m in zip(columns, most)]
        assert max(-x for x in flat(p)) <= 128
        double = [[int(2 * x) for x in row] for row in p]
        product = multiply(transpose(v), transpose(double))
        following = [[x / 2 + t for x, t in zip(row, total)] for row in product]
        for name, rows in (("whole", n), ("cut", n - 3)):
            yield Case(name, {"a": matrix("bf16", a), "b": matrix("bf16", b),
                              "v": matrix("bf16", v)},
                       {"bout": matrix("bf16", p[:rows]),
                        "wide": matrix("f32", columns[:rows]),
                        "vectors": matrix("f32", [most, total, below]),
                        "next": matrix("f32", following)},
                       sizes={"rows": rows})

    PROGRAMS.append(Program(f"transposed-{n}", cases, file="transposed.mlir", n=n))


def merged_columns(n, heads):
    """Declares stores of a transposed tile whose `n` columns count through queries of
    `heads` heads."""

    def cases():
        """transposes stored as rows through two dimensions"""
        a, b = ints(f"mta{n}", 128, 64, 1), ints(f"mtb{n}", n, 64, 1)
        d = transpose(multiply(a, transpose(b)))
        most = [max(row) for row in d]

        def spread(dtype, poison, start, function, width):
            values = []
            for q in range(5):
                for h in range(heads):
                    r = q * heads + h - start
                    values += (function(r) if 0 <= r < n and q < 5
                               else [poison] * width)
            return Tensor(dtype, (5, heads) + ((width,) if width > 1 else ()), values)

        yield Case("only", {"a": matrix("bf16", a), "b": matrix("bf16", b)},
                   {"bout": spread("bf16", NAN, 0, lambda r: d[r], 128),
                    "wide": spread("f32", NAN, heads + 1, lambda r: d[r], 128),
                    "most": spread("f32", NAN, 2, lambda r: [most[r]], 1)},
                   padding={"bout": 8, "wide": 4, "most": 1}, partial=True)

    PROGRAMS.append(Program(f"merge-transposed-{n}-{heads}", cases,
                            file="merge-transposed.mlir", n=n, heads=heads,
                            start=heads + 1))


for width, count in ((8, 3), (16, 2), (24, 11), (32, 5)):
    merged_columns(width, count)


for width in (8, 16, 24, 64):
    columns_of(width)


@program("iota")
def _():
    """coordinates, comparisons and selects"""
    a = [[r, 1] + [0] * 62 for r in range(64)]
    b = [[16384] * 128, list(range(128))] + [[0] * 128] * 62
    limits = [0, 20, -30, 1000]
    out = [[[16384 * r + c + 1000 * r + c if c <= r + limit
             else -int(16384 * r + c < 1000 * r + c) for c in range(128)]
            for r in range(64)] for limit in limits]
    yield Case("less", {"a": matrix("bf16", a), "b": matrix("bf16", b),
                        "limit": vector("i32", limits)}, {"out": stack("f32", out)})
    b[0] = [512] * 128
    out = [[[512 * r + c + 1000 * r + c if c <= r + limit
             else -int(512 * r < 1000 * r) for c in range(128)]
            for r in range(64)] for limit in limits]
    yield Case("more", {"a": matrix("bf16", a), "b": matrix("bf16", b),
                        "limit": vector("i32", limits)}, {"out": stack("f32", out)})


@program("grid")
def _():
    """the numbers of the CTAs"""
    first, rows = 5, 150
    n = [[7, 10**6 * i] for i in range(first)]
    out = [(i * 100 + j) * 100 + r // 64 + 10**6 * i for i in range(first)
           for j in range(3) for r in range(rows) for _ in range(8)]
    yield Case("only", {"n": matrix("i32", n)},
               {"out": Tensor("i32", (first, 3, rows, 8), out)},
               sizes={"rows": rows})


# --------------------------------------------------------------------------- #
# Between memory and registers
# --------------------------------------------------------------------------- #


def direct(name, warps, rows, columns, threads=0, vector=0):
    """Declares a program over tiles of rows by columns, of so many threads side by
    side."""

    def run(tiles, used, limit):
        x, y = ints(f"dx{name}", used, columns, 8), ints(f"dy{name}", used, columns, 8)
        held = [add([a], [b])[0] if r < limit else [0] * columns
                for r, (a, b) in enumerate(zip(x, y))]
        held += [[0] * columns] * (tiles * rows - used)
        sums, mosts, by_row, by_column, both = [], [], [], [], []
        for t in range(tiles):
            s = held[t * rows : (t + 1) * rows]
            turned = transpose(s)
            by_column.append([sum(c) for c in turned])
            both.append([sum(map(sum, s)), max(map(max, s))])
            by_row += [sum(r) for r in s]
            sums += [[v + sum(r) + by_column[-1][c] for c, v in enumerate(r)] for r in s]
            mosts += [[v + max(r) + max(turned[c]) for c, v in enumerate(r)] for r in s]
        written = min(used, limit)
        rest = [[NAN] * columns] * (used - written)
        return Case(f"{used} of {limit}",
                    {"x": matrix("f32", x), "y": matrix("bf16", y),
                     "limit": vector_1d("i32", [limit])},
                    {"sums": matrix("f32", sums[:written] + rest),
                     "mosts": matrix("bf16", mosts[:written] + rest),
                     "by_row": vector_1d("f32", by_row[:written] + [NAN] * len(rest)),
                     "by_column": matrix("f32", by_column), "all": matrix("i32", both)},
                    sizes={"tiles": tiles}, padding={"x": 4, "mosts": 8},
                    partial=written < used)

    def cases():
        """loads, reductions, broadcasts and stores"""
        yield run(2, 2 * rows, 2 * rows)
        yield run(3, 3 * rows - rows // 2, I32_MAX)
        yield run(2, 2 * rows, rows + (rows + 1) // 2 - 1)

    PROGRAMS.append(Program(name, cases, file="direct.mlir", warps=warps, rows=rows,
                            columns=columns, threads=threads, vector=vector))


vector_1d = vector
# Rows within a thread, a warp, over warps; columns likewise; fewer threads than the
# role has.
direct("direct-64x64", 4, 64, 64)
direct("direct-8x512", 4, 8, 512)
direct("direct-32x32", 8, 32, 32)
direct("direct-1x192", 4, 1, 192)
direct("direct-4x32", 8, 4, 32)
direct("direct-16x96", 1, 16, 96)
direct("direct-64x64-t4", 4, 64, 64, threads=4, vector=2)
direct("direct-16x64-v1", 2, 16, 64, threads=64, vector=1)
direct("direct-6x24", 3, 6, 24)


def prefix_sums(name, warps, size):
    """Declares a program on rows of up to `size` elements."""

    def cases():
        """matrices computed of one vector along rows and columns"""
        for used in (size, size - 3):
            x = [[(7 * i * i + 13 * r) % 101 for i in range(used)] for r in range(3)]
            # Elements past the end are 0.
            ranks = [[sum(u < v for u in row + [0] * (size - used)) for v in row]
                     for row in x]
            yield Case(str(used), {"x": matrix("i32", x)},
                       {"sums": matrix("i32", [[sum(row[:i]) for i in range(used)]
                                               for row in x]),
                        "ranks": matrix("i32", ranks)})

    PROGRAMS.append(Program(name, cases, file="prefix-sums.mlir", warps=warps,
                            size=size))


prefix_sums("prefix-sums-128", 4, 128)
prefix_sums("prefix-sums-32", 8, 32)


@program("window")
def _():
    """dimensions that tiles span, bounds, elements by index"""
    planes, rows = 37, 6
    x = [[[10000 * p + 100 * r + c for c in range(64)] for r in range(rows)]
         for p in range(planes)]
    ends = [0, 1, 16, 23, 37, I32_MAX]
    out = [[x[p][r] if p < ends[r] else [-1] * 64 for r in range(rows)]
           for p in range(planes)]
    first = [[x[p][r][5] if p < ends[r] else -2 for r in range(rows)]
             for p in range(planes)]
    table = [[100 * i + j for j in range(5)] for i in range(40)]
    generator = random.Random("tokens")
    tokens = [[generator.randrange(-9, 49) for _ in range(64)] for _ in range(rows)]
    tokens[0][:4] = [I32_MIN, I32_MAX, -1, 40]
    pages = [[table[i][2] if 0 <= i < 40 else 0 for i in line] for line in tokens]
    yield Case("only", {"x": stack("f32", x), "ends": vector("i32", ends),
                        "table": matrix("i32", table), "tokens": matrix("i32", tokens)},
               {"out": stack("f32", out), "first": matrix("f32", first),
                "pages": matrix("i32", pages)}, padding={"x": 4})
