# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Copies into shared memory: gathers and TMA."""

import random

from conformance import Tensor
from matrices import beside, flat, identity, ints, matrix, stack, transpose, vector
from programs import I32_MAX, I32_MIN, NAN, PROGRAMS, Case, Program, program


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


def few(rows, at):
    """Declares gathers of `rows` rows as operand B, of which 64 columns from `at` on
    are shown."""

    def cases():
        """few rows by index, through all leading dimensions and of one of them"""
        requests, capacity = 2, 37
        generator = random.Random(f"f{rows}")
        count = 4 * 5 * 2  # rows of q
        odd = [-1, count, capacity, I32_MIN, I32_MAX, -capacity, capacity - 1]
        lists = [[generator.randrange(capacity) for _ in range(rows)],
                 [generator.choice([*odd, generator.randrange(count)])
                  for _ in range(rows)],
                 list(range(rows))]
        named = {i for numbers in lists for i in numbers}
        q = ints(f"fq{rows}", count, 576, 100)
        kv = ints(f"fkv{rows}", requests * capacity * 2, 576, 100)

        def own(i):
            return (capacity + i) * 2 + 1  # of request 1, head 1

        read = {own(i) for i in named if 0 <= i < capacity}
        out = [[[line[at + r] for line in shown] for r in range(64)]
               for numbers in lists
               for shown in ([q[i] if 0 <= i < count else [0] * 576 for i in numbers],
                             [kv[own(i)] if 0 <= i < capacity else [0] * 576
                              for i in numbers])]
        tensors = {
            "q": Tensor("bf16", (4, 5, 2, 576), flat(
                [line if i in named else [NAN] * 576 for i, line in enumerate(q)])),
            "kv": Tensor("bf16", (requests, capacity, 2, 576), flat(
                [line if i in read else [NAN] * 576 for i, line in enumerate(kv)])),
            "indices": matrix("i32", lists),
            "x": matrix("bf16", [[int(c == at + r) for c in range(576)]
                                 for r in range(64)])}
        want = Tensor("f32", (len(lists), 2, 64, rows), flat(flat(out)))
        yield Case("dense", tensors, {"out": want})
        yield Case("padded", tensors, {"out": want}, padding={"q": 8, "kv": 16})

    PROGRAMS.append(Program(f"gather-few-{rows}-{at}", cases, file="gather-few.mlir",
                            rows=rows, at=at))


for number, column in ((8, 0), (16, 512), (24, 64), (32, 448)):
    few(number, column)


def paged(page):
    """Declares a gather of 64 rows of a cache with `page` tokens per page."""

    def cases():
        """rows through a table of pages"""
        pages = 9
        size = pages * page
        generator = random.Random(f"p{page}")
        slots = max(1, 48 // page)  # fewer than 64 tokens: slots past the end
        table = [[generator.choice([-1, pages, -pages, 2 * pages, generator.randrange(pages),
                                    generator.randrange(pages), pages - 1])
                  for _ in range(slots)] for _ in range(5)]
        rows = [generator.choice([-1, size, I32_MIN, I32_MAX, -size, 2 * size, size - 1,
                                  generator.randrange(size), generator.randrange(size)])
                for _ in range(64)]
        lists = [[(line[t // page] if t // page < slots else 0) * page + t % page
                  for t in range(64)] for line in table]
        named = {i for numbers in [*lists, rows] for i in numbers}
        values = ints(f"pv{page}", 2 * size, 128, 100)
        # The first matrix, and rows that no index names, are never read.
        cache = [values[i] if i % 2 and i // 2 in named else [NAN] * 128
                 for i in range(2 * size)]

        def shown(numbers):
            return [values[2 * i + 1][64:] if 0 <= i < size else [0] * 64
                    for i in numbers]

        out = [beside(shown(numbers), shown(rows)) for numbers in lists]
        tensors = {"cache": Tensor("bf16", (pages, page, 2, 128), flat(cache)),
                   "table": matrix("i32", table), "rows": vector("i32", rows),
                   "x": matrix("bf16", identity(64))}
        yield Case("dense", tensors, {"out": stack("f32", out)})
        yield Case("padded", tensors, {"out": stack("f32", out)},
                   padding={"cache": 8, "table": 3})

    PROGRAMS.append(Program(f"gather-pages-{page}", cases, file="gather-pages.mlir",
                            page=page))


for tokens in (1, 16, 64, 192):
    paged(tokens)


def blocks(page, request=None):
    """Declares gathers of tiles that are in one page, or not. `request`: that of a cache
    without pages to gather from; `page` is its number of tokens then."""

    def cases():
        """tiles of one page by TMA, and tiles of any rows"""
        pages = 5
        size = page if request else pages * page
        generator = random.Random(f"b{page}")
        odd = [generator.choice([-1, size, I32_MIN, I32_MAX, 2 * size, size - 1,
                                 generator.randrange(size)]) for _ in range(64)]
        last = page - 64
        # Runs of both kinds, longer than the ring; consecutive rows without a promise.
        first = [0, 2 * page, size - 64, page + last // 2, -1, I32_MIN, 3 * page, -1,
                 4 * page, -1, -1, -5, page + last]
        if request:
            first = [f if f < 0 else f % (last + 1) for f in first]
        free = [odd, [-1] * 64, list(range(7, 71)), [*range(60), -1, -1, -1, -1], odd[::-1],
                list(range(64))]
        others = iter(free)
        lists = [[f + r for r in range(64)] if f >= 0 else next(others) for f in first]
        named = {i for numbers in lists for i in numbers}
        values = ints(f"bv{page}", 2 * size, 192, 100)
        # The first matrix, and rows that no index names, are never read.
        cache = [values[i] if i % 2 and i // 2 in named else [NAN] * 192
                 for i in range(2 * size)]
        if request:
            others = [[NAN] * 192] * (2 * size)
            cache = others * request + cache + others * (pages - 1 - request)
        out = [[values[2 * i + 1][64:] if 0 <= i < size else [0] * 128 for i in numbers]
               for numbers in lists]
        tensors = {"cache": Tensor("bf16", (pages, page, 2, 192), flat(cache)),
                   "first": vector("i32", first), "rows": matrix("i32", lists),
                   "x": matrix("bf16", identity(64))}
        yield Case("dense", tensors, {"out": stack("f32", out)})
        yield Case("padded", tensors, {"out": stack("f32", out)}, padding={"cache": 8})

    where = {"page": page, "request": "", "dim": ""}
    name = f"gather-block-{page}"
    if request:
        where = {"page": "?", "request": f"%c{request}, ", "dim": "dim 1 "}
        name += "-contiguous"
    PROGRAMS.append(Program(name, cases, file="gather-block.mlir", **where))


for tokens in (64, 128, 192):
    blocks(tokens)
blocks(229, request=2)


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


@program("copy-dims")
def _():
    """rows along another dimension, by TMA, with and without a bound"""
    size = 70
    a = ints("cd", 2 * size * 3, 96, 100)
    # The outer index, the first row, the head and the bound: above and below the size, at
    # and around the end of the tile, before its start.
    starts = [(0, 0, 0, size), (1, 3, 2, 67), (1, 3, 2, 66), (0, 6, 1, size),
              (1, 7, 1, size), (0, 0, 2, 1000), (1, 40, 1, 40), (0, 10, 2, 5),
              (0, 69, 0, size), (1, 70, 1, size), (0, 5, 0, -3), (1, 0, 0, 1)]
    out = []
    for o, r, h, bound in starts:
        def tile(end):
            return [(a[(o * size + row) * 3 + h] + [0] * 32)  # pylint: disable=cell-var-from-loop
                    if row < end else [0] * 128
                    for row in range(r, r + 64)]  # pylint: disable=cell-var-from-loop
        out.append(beside(tile(size), tile(min(bound, size))))
    tensors = {"x": matrix("bf16", identity(64)),
               "a": Tensor("bf16", (2, size, 3, 96), flat(a)),
               "start": matrix("i32", starts)}
    yield Case("dense", tensors, {"out": stack("f32", out)})
    yield Case("padded", tensors, {"out": stack("f32", out)}, padding={"a": 24})
