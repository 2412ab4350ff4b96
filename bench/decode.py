#!/usr/bin/env python3
"""Times `decode` beside a peer (include/mla/Harness/Peer.h) over a grid of shapes.

  bench/decode.py run --peer=flashmla.so > decode.jsonl    needs a GPU
  bench/decode.py table decode.jsonl                       prints Markdown

`run` calls `mla-jit bench` for each s_q and h_q, and prints a JSON line for each
cell (s_q, h_q, b, length) and mode: microseconds, GB/s and TFLOP/s of ours and of
the peer, and their ratio, which is above 1 where ours is faster. GB/s count each
cached token once per request, q and out; TFLOP/s 2 s_q h_q tokens (d_qk + d_v).
What follows `--` goes to `mla-jit bench`, as in `-- --rounds=3 --seed=1`.
"""

import json
import os
import random
import sys
import tempfile

import cells
from cells import Fault, call

PAGE, D_QK, D_V = 64, 576, 512
GRID = {"b": [1, 16, 64, 128], "length": [4096, 16384, 32768], "s_q": [1, 2], "h_q": [16, 64, 128]}
CELL = ["mode", "s_q", "h_q", "b", "length", "lengths"]
FIGURES = ["us", "gbs", "tflops"]


# Running


def make_cases(options):
    """The batches: (b, the longest length, all lengths or None if they are equal, a name
    for the lengths)."""
    if options.lengths:
        return [(len(options.lengths), max(options.lengths), options.lengths,
                 "/".join(map(str, options.lengths)))]
    cases = []
    for b in options.b:
        for length in options.length:
            if options.ragged is None:
                cases.append((b, length, None, "equal"))
                continue
            draw = random.Random(options.ragged)
            lengths = [draw.randint(1, length) for _ in range(b)]
            cases.append((b, length, lengths, f"uniform, seed {options.ragged}"))
    return cases


def bench(options, kernel, cases, folder):
    """The records that `mla-jit bench` prints for cases of equal lengths, or for one."""
    command = [*options.tool, "bench", kernel]
    command += [f"--modes={options.modes}", f"--phase={options.phase}"]
    command += [f"--peer={options.peer}"] if options.peer else []
    for b, length, lengths, _ in cases:
        pages = -(-length // PAGE)
        command += ["--sizes", f"b={b},max_pages={pages},num_pages={b * pages},ctas={options.ctas}"]
        if lengths or length % PAGE:
            path = os.path.join(folder, "lengths.npy")
            cells.write_integers(path, lengths or [length] * b)
            command.append(f"--input=cache_seqlens={path}")
    return cells.read_lines(call(command + options.rest))


def rates(us, b, s_q, h_q, tokens):
    moved = 2 * (tokens * D_QK + b * s_q * h_q * (D_QK + D_V))
    flops = 2 * s_q * h_q * tokens * (D_QK + D_V)
    return {"us": round(us, 3), "gbs": round(moved / us * 1e-3),
            "tflops": round(flops / us * 1e-6, 1)}


def join(options, records, s_q, h_q, cases):
    """A record per cell, mode and kernel of ours, with the peer's figures."""
    for b, length, lengths, name in cases:
        pages = -(-length // PAGE)
        tokens = sum(lengths) if lengths else b * length
        of_case = [record for record in records if record["sizes"]["b"] == b
                   and record["sizes"]["max_pages"] == pages]
        for ours, figures in cells.pair(
                of_case, options.peer,
                lambda record: rates(record["median_ms"] * 1e3, b, s_q, h_q, tokens)):
            yield {"package": ours["package"], "device": ours["device"], "mode": ours["mode"],
                   "phase": options.phase, "s_q": s_q, "h_q": h_q, "b": b, "length": length,
                   "lengths": name, "tokens": tokens} | figures


def run(options):
    cases = make_cases(options)
    # Lengths come from a file, which all cases of a call share.
    alone = any(lengths or length % PAGE for _, length, lengths, _ in cases)
    groups = [[case] for case in cases] if alone else [cases]
    with tempfile.TemporaryDirectory() as folder:
        for s_q in options.s_q:
            for h_q in options.h_q:
                kernel = os.path.join(folder, "decode.mlir")
                call([*options.tool, "emit", "decode", "--sizes", f"s_q={s_q},h_q={h_q}",
                      f"--causal={options.causal}", "-o", kernel])
                for group in groups:
                    records = bench(options, kernel, group, folder)
                    for cell in join(options, records, s_q, h_q, group):
                        cell["package"] = cell["package"].replace(kernel, "decode")
                        print(json.dumps(cell), flush=True)


# Tables


def write_time(cell):
    if "peer_us" not in cell:
        return f"{cell['us']:,.1f} / -"
    return f"{cell['us']:,.1f} / {cell['peer_us']:,.1f} / {cell['ratio']:.2f}"


def write_rates(cell):
    return f"{cell['gbs']:,} / {cell['tflops']:,.0f}"


def write_table(of_mode, write):
    columns = sorted({(cell["s_q"], cell["h_q"]) for cell in of_mode})
    rows = sorted({(cell["b"], cell["length"], cell["lengths"]) for cell in of_mode})
    texts = {(cell["b"], cell["length"], cell["lengths"], cell["s_q"], cell["h_q"]): write(cell)
             for cell in of_mode}
    print("| | " + " | ".join(f"s_q={s_q} h={h_q}" for s_q, h_q in columns) + " |")
    print("| --- " * (len(columns) + 1) + "|")
    for row in rows:
        b, length, lengths = row
        name = f"B={b} S={length:,}" if lengths == "equal" else f"B={b} S<={length:,} ({lengths})"
        row_texts = [texts.get(row + column, "-") for column in columns]
        print("| " + " | ".join([name, *row_texts]) + " |")


def table(options):
    found = cells.read_cells(options.results, "bench/decode.py", CELL, FIGURES)
    for mode, of_mode, peers in cells.by_mode(found):
        print(f"Mode `{mode}`: µs of ours / of {peers} / ratio.\n")
        write_table(of_mode, write_time)
        print(f"\nMode `{mode}`: GB/s / TFLOP/s of ours.\n")
        write_table(of_mode, write_rates)
        cells.print_ratios(of_mode)


def parse_arguments(words):
    parser, runs = cells.make_parser(__doc__)
    for name, numbers in GRID.items():
        runs.add_argument(f"--{name}", type=cells.read_numbers, default=numbers, metavar="N,...",
                          help=f"(default: {','.join(map(str, numbers))})")
    runs.add_argument("--ragged", type=int, metavar="SEED",
                      help="lengths uniform in 1 to --length")
    runs.add_argument("--lengths", type=cells.read_numbers, metavar="N,...",
                      help="the lengths of one batch, in place of --b and --length")
    runs.add_argument("--causal", choices=["no", "yes"], default="no", help="(default: no)")
    runs.add_argument("--ctas", type=int, default=132, help="SMs of the GPU (default: 132)")
    runs.add_argument("--modes", default="flush,graph-flush", help="(default: flush,graph-flush)")
    runs.add_argument("--phase", choices=["all", "plan", "launch"], default="launch",
                      help="(default: launch, after one untimed plan)")
    return cells.parse(parser, words)


def main():
    options = parse_arguments(sys.argv[1:])
    try:
        {"run": run, "table": table}[options.command](options)
    except (Fault, OSError) as fault:
        sys.exit(f"error: {fault}")


if __name__ == "__main__":
    main()
