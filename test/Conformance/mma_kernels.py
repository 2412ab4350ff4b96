# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""MMAs: `cta.mma_async` and what orders it."""

from matrices import (add, beside, flat, ints, matrix, multiply, part, stack,
                      transpose, vector)
from programs import I32_MAX, I32_MIN, PROGRAMS, Case, Program, program


# --------------------------------------------------------------------------- #
# Products
# --------------------------------------------------------------------------- #


def mma(name, a, a_part, b, b_part, transposed):
    """Declares an MMA of the parts (row, column, rows, columns) of two tiles."""
    m = a_part[3] if "transpose_a" in transposed else a_part[2]
    n = b_part[2] if "transpose_b" in transposed else b_part[3]

    def cases():
        """an MMA of shared operands"""
        left, right = ints(name + "a", *a), ints(name + "b", *b)
        x, y = part(left, *a_part), part(right, *b_part)
        x = transpose(x) if "transpose_a" in transposed else x
        y = transpose(y) if "transpose_b" in transposed else y
        yield Case("only", {"a": matrix("bf16", left), "b": matrix("bf16", right)},
                   {"out": matrix("f32", multiply(x, y))})

    def size(pair):
        return "x".join(map(str, pair))

    PROGRAMS.append(Program(
        name, cases, file="mma.mlir", a=size(a), b=size(b), m=m, n=n,
        a_at="{}, {}".format(*a_part), a_view=size(a_part[2:]),
        b_at="{}, {}".format(*b_part), b_view=size(b_part[2:]),
        transposed=transposed))


# Widths, both operands K-major; B from a row on, A too.
for width, b_row, a_row in ((8, 248, 0), (16, 8, 40), (24, 104, 64), (64, 72, 0),
                            (128, 64, 8), (192, 32, 16), (256, 0, 64)):
    mma(f"mma-n{width}", (128, 64), (a_row, 0, 64, 64), (256, 64),
        (b_row, 0, width, 64), "transpose_b")
# Widths, both MN-major; B from a block of 64 columns on, A too.
for width, column, a_column in ((8, 192, 0), (16, 64, 64), (64, 128, 0), (72, 0, 64),
                                (128, 64, 0), (192, 64, 64), (256, 0, 64)):
    mma(f"mma-mn-n{width}", (64, 128), (0, a_column, 64, 64), (64, 256),
        (0, column, 64, width), "transpose_a")
# One of each.
mma("mma-k-mn", (64, 64), (0, 0, 64, 64), (64, 256), (0, 64, 64, 128), "")
mma("mma-mn-k", (64, 128), (0, 64, 64, 64), (64, 64), (0, 0, 64, 64),
    "transpose_a transpose_b")
# Long in k, from columns on that need not begin a block of 64.
for k, a_column, b_column in ((576, 0, 0), (512, 64, 0), (128, 448, 80), (80, 32, 496),
                              (64, 16, 16), (64, 48, 0), (48, 0, 16), (16, 32, 560)):
    mma(f"mma-k{k}-{a_column}-{b_column}", (64, 576), (0, a_column, 64, k),
        (64, 576), (0, b_column, 64, k), "transpose_b")
# Long in k, MN-major, from rows on.
for k, a_row, b_row in ((256, 0, 0), (128, 120, 128), (64, 8, 40), (48, 200, 16),
                        (16, 240, 8)):
    mma(f"mma-mn-k{k}", (256, 64), (a_row, 0, k, 64), (256, 128),
        (b_row, 0, k, 128), "transpose_a")
# More rows than one warpgroup's 64: K-major, and MN-major as V of a tile of K.
mma("mma-m192", (200, 64), (8, 0, 192, 64), (64, 64), (8, 0, 24, 64),
    "transpose_b")
mma("mma-mn-m192", (64, 256), (0, 64, 64, 192), (64, 64), (0, 0, 40, 64),
    "transpose_a transpose_b")
for k_row, k, n in ((0, 64, 16), (16, 48, 8), (0, 64, 32)):
    mma(f"mma-mn-m512-k{k}-n{n}", (64, 576), (k_row, 0, k, 512), (32, 64),
        (0, 0, n, k), "transpose_a transpose_b")


@program("mma-registers")
def _():
    """A from registers"""
    q, k = ints(1, 64, 64, 1), ints(2, 128, 64, 2)
    v, w = ints(3, 128, 256), ints(4, 64, 128)
    p = multiply(q, transpose(k))
    assert max(map(abs, flat(p))) <= 256
    pv16 = multiply(part(p, 0, 48, 64, 16), part(v, 16, 128, 16, 128))
    yield Case("only",
               {"q": matrix("bf16", q), "k": matrix("bf16", k),
                "v": matrix("bf16", v), "w": matrix("bf16", w)},
               {"out": matrix("f32", beside(multiply(p, v),
                                            multiply(p, transpose(w)), pv16))})


@program("mma-acc")
def _():
    """accumulation into vectors by row and column, with padding"""
    a, b = ints(5, 64, 64), ints(6, 64, 128)
    base = add(multiply(a, b), multiply(transpose(a), b))
    row, irow = [r + 1 for r in range(150)], [200 - r for r in range(150)]
    column = [[100 * s + c for c in range(300)] for s in range(2)]
    icolumn = [3 * c - 400 for c in range(300)]
    starts = [(0, 0), (64, 128), (-10, -1), (-64, 7), (120, 250), (149, 299),
              (150, 300), (100000, -100000), (I32_MAX, I32_MIN)]

    def at(values, i, padding):
        return values[i] if 0 <= i < len(values) else padding

    out = []
    for r, s in starts:
        acc = [[at(row, r + i, 7.5) * at(column[1], s + j, 0)
                + at(irow, r + i, -3) * at(icolumn, s + j, -5) + 0.5
                for j in range(128)] for i in range(64)]
        out.append(add(acc, base))
    yield Case("only",
               {"a": matrix("bf16", a), "b": matrix("bf16", b),
                "row": vector("f32", row), "irow": vector("i32", irow),
                "column": matrix("f32", column), "icolumn": vector("i32", icolumn),
                "start": matrix("i32", starts)},
               {"out": stack("f32", out)})


@program("mma-flight", level="cta")
def _():
    """chains and several groups in flight"""
    inputs = {"a": [], "c": [], "b": []}
    out, sums = [], []
    for cta in range(2):
        a, c = ints(f"fa{cta}", 64, 64), ints(f"fc{cta}", 64, 64)
        b = [ints(f"fb{cta}{t}", 64, 64) for t in range(8)]
        inputs["a"].append(a)
        inputs["c"].append(c)
        inputs["b"] += b
        x, y = add(multiply(a, b[0]), multiply(a, c)), multiply(a, b[1])
        total = multiply(b[2], transpose(b[2]))
        out += [x, y, total] + [multiply(tile, tile) for tile in b[3:]]
        sums += [y, x, total]
        for tile in b[3:]:
            total = add(total, multiply(tile, transpose(tile)))
            sums.append(total)
    tensors = {name: stack("bf16", m) for name, m in inputs.items()}
    expected = {"out": stack("f32", out), "sums": stack("f32", sums)}
    for tensor in (tensors["b"], *expected.values()):
        tensor.shape = (2, 8, 64, 64)
    yield Case("only", tensors, expected)
