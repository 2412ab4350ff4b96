# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The conformance programs: their inputs, and what must come out.

What must come out is written from what the ops mean (products of matrices, rows
by index, zeros outside), in exact integers, and knows nothing of how the compiler
places an element. Each program says in its .mlir file by what its maps are
anchored: hardware whose own map cannot be wrong (TMA, wgmma).
"""

import random
import string

from conformance import Tensor
from matrices import (add, beside, flat, identity, ints, matrix, multiply, part,
                      stack, transpose, vector)

NAN = float("nan")
I32_MIN, I32_MAX = -(2**31), 2**31 - 1


class Case:
    """One run: inputs by argument, outputs that must come, run-time sizes that no
    input gives, elements of padding after the rows of a tensor, and whether parts
    of the outputs must stay unwritten."""

    def __init__(self, name, inputs, expected, sizes=None, padding=None,
                 partial=False):
        self.name, self.inputs, self.expected = name, inputs, expected
        self.partial = partial
        self.sizes, self.padding = sizes or {}, padding or {}


class Program:
    """A program: `file` with `parameters` filled in, at level tile or cta."""

    def __init__(self, name, cases, file=None, level="tile", **parameters):
        self.name, self.cases, self.level = name, cases, level
        self.file = file or name + ".mlir"
        self.parameters = parameters
        self.summary = (cases.__doc__ or "").split("\n")[0]

    def text(self, folder):
        text = (folder / self.file).read_text()
        return string.Template(text).substitute(self.parameters)


PROGRAMS = []


def program(name, **options):
    """Declares the program whose cases the decorated generator gives."""

    def declare(cases):
        PROGRAMS.append(Program(name, cases, **options))
        return cases

    return declare


# --------------------------------------------------------------------------- #
# Products
# --------------------------------------------------------------------------- #


def product(name, a, a_part, b, b_part, transposed):
    """Declares a product of the parts (row, column, rows, columns) of two tiles."""
    m = a_part[3] if "transpose_a" in transposed else a_part[2]
    n = b_part[2] if "transpose_b" in transposed else b_part[3]

    def cases():
        """a product of shared operands"""
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
    product(f"mma-n{width}", (128, 64), (a_row, 0, 64, 64), (256, 64),
            (b_row, 0, width, 64), "transpose_b")
# Widths, both MN-major; B from a block of 64 columns on, A too.
for width, column, a_column in ((8, 192, 0), (16, 64, 64), (64, 128, 0), (72, 0, 64),
                                (128, 64, 0), (192, 64, 64), (256, 0, 64)):
    product(f"mma-mn-n{width}", (64, 128), (0, a_column, 64, 64), (64, 256),
            (0, column, 64, width), "transpose_a")
# One of each.
product("mma-k-mn", (64, 64), (0, 0, 64, 64), (64, 256), (0, 64, 64, 128), "")
product("mma-mn-k", (64, 128), (0, 64, 64, 64), (64, 64), (0, 0, 64, 64),
        "transpose_a transpose_b")
# Long in k, from columns on that need not begin a block of 64.
for k, a_column, b_column in ((576, 0, 0), (512, 64, 0), (128, 448, 80), (80, 32, 496),
                              (64, 16, 16), (64, 48, 0), (48, 0, 16), (16, 32, 560)):
    product(f"mma-k{k}-{a_column}-{b_column}", (64, 576), (0, a_column, 64, k),
            (64, 576), (0, b_column, 64, k), "transpose_b")
# Long in k, MN-major, from rows on.
for k, a_row, b_row in ((256, 0, 0), (128, 120, 128), (64, 8, 40), (48, 200, 16),
                        (16, 240, 8)):
    product(f"mma-mn-k{k}", (256, 64), (a_row, 0, k, 64), (256, 128),
            (b_row, 0, k, 128), "transpose_a")
# More rows than one warpgroup's 64: K-major, and MN-major as V of a tile of K.
product("mma-m192", (200, 64), (8, 0, 192, 64), (64, 64), (8, 0, 24, 64),
        "transpose_b")
product("mma-mn-m192", (64, 256), (0, 64, 64, 192), (64, 64), (0, 0, 40, 64),
        "transpose_a transpose_b")
for k_row, k, n in ((0, 64, 16), (16, 48, 8), (0, 64, 32)):
    product(f"mma-mn-m512-k{k}-n{n}", (64, 576), (k_row, 0, k, 512), (32, 64),
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


# --------------------------------------------------------------------------- #
# Through shared memory
# --------------------------------------------------------------------------- #


@program("store-shared")
def _():
    """matrices from one role to the products of another"""
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
    """matrices from a role to its own products"""
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
                        "vectors": matrix("f32", [most, total, below]),
                        "next": matrix("f32", following)},
                       sizes={"rows": rows})

    PROGRAMS.append(Program(f"transposed-{n}", cases, file="transposed.mlir", n=n))


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
# Copies
# --------------------------------------------------------------------------- #


def gathered(rows, columns, start, at, n):
    """Declares a gather of `rows` rows and `columns` columns from `start` on, of
    which the columns from `at` on, `n` of them, are shown."""

    def cases():
        """rows by index"""
        size = 97
        generator = random.Random(f"g{rows}{columns}{at}")
        plain = [generator.randrange(size) for _ in range(rows)]
        odd = [generator.choice([-1, size, I32_MIN, I32_MAX, -size, 2 * size, 65536,
                                 generator.randrange(size), 0, size - 1])
               for _ in range(rows)]
        lists = [plain, odd, [5] * rows, [-1] * rows, list(range(rows)),
                 [I32_MIN] * (rows // 2) + [0] * (rows - rows // 2)]
        named = {i for numbers in lists for i in numbers}
        values = ints(f"kv{rows}{columns}{at}", 2 * size, 640, 100)
        # The first matrix, and rows that no index names, are never read.
        kv = [values[i] if i % 2 and i // 2 in named else [NAN] * 640
              for i in range(2 * size)]
        out = []
        for numbers in lists:
            shown = [values[2 * i + 1][start + at : start + at + n]
                     if 0 <= i < size else [0] * n for i in numbers]
            # X is the identity, twice side by side where there are more rows.
            out.append([[shown[r][c] + (shown[r + 64][c] if r + 64 < rows else 0)
                         if r < rows else 0 for c in range(n)] for r in range(64)])
        x = [[int(c % 64 == r) for c in range(rows)] for r in range(64)]
        tensors = {"kv": Tensor("bf16", (size, 2, 640), flat(kv)),
                   "indices": matrix("i32", lists), "x": matrix("bf16", x)}
        yield Case("dense", tensors, {"out": stack("f32", out)})
        yield Case("padded", tensors, {"out": stack("f32", out)}, padding={"kv": 8})

    PROGRAMS.append(Program(
        f"gather-{rows}-{columns}-{at}", cases, file="gather.mlir", rows=rows,
        columns=columns, columns_x=max(rows, 64), n=n, at=at, **{"from": start}))


for shape in ((64, 576, 64, 0, 256), (64, 576, 64, 256, 256), (64, 576, 64, 512, 64),
              (64, 512, 8, 256, 256), (32, 64, 0, 0, 64), (128, 128, 504, 0, 128),
              (64, 640, 0, 576, 64)):
    gathered(*shape)


@program("copy")
def _():
    """boxes by TMA, also across and past the edges"""
    a = [ints(f"ca{p}", 100, 200, 100) for p in range(3)]
    b = [[[ints(f"cb{o}{p}{r}", 1, 136, 100)[0] for r in range(3)] for p in range(4)]
         for o in range(2)]
    c = ints("cc", 77, 144, 100)
    # Columns at multiples of 16 bytes: the copy of a box that starts between
    # them is an illegal instruction.
    starts = [(0, 0, 0), (1, 36, 72), (2, 64, 128), (0, -8, -16), (1, 93, 8),
              (2, 99, 192), (0, 100, 0), (0, 0, 200), (-1, 0, 0), (3, 5, 16),
              (1, -63, -120), (1, -64, 0), (2, 3, 136), (0, 71, 56), (1, 69, 80)]

    def at(tensor, *index):
        for i in index:
            if not 0 <= i < len(tensor):
                return 0
            tensor = tensor[i]
        return tensor

    out = []
    for p, r, s in starts:
        # As tile.load: `tall` from a, `low` from b[1], `flat` from c; the last two
        # come out transposed.
        tall = [[at(a, p, r + i, s + j) for j in range(128)] for i in range(64)]
        low = [[at(b, 1, p, r + i, s + j) for j in range(64)] for i in range(24)]
        flat_ = [[at(c, r + i, s + j) for j in range(64)] for i in range(8)]
        out.append(beside(tall, transpose(low), transpose(flat_)))
    tensors = {"x": matrix("bf16", identity(64)), "a": stack("bf16", a),
               "b": Tensor("bf16", (2, 4, 3, 136), [x for o in b for m in o
                                                    for x in flat(m)]),
               "c": matrix("bf16", c), "start": matrix("i32", starts)}
    yield Case("dense", tensors, {"out": stack("f32", out)})
    yield Case("padded", tensors, {"out": stack("f32", out)},
               padding={"a": 24, "b": 8, "c": 8})


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
