#!/usr/bin/env python3
"""Times `prefill` beside a peer (include/mla/Harness/Peer.h) over a grid of shapes.

  bench/prefill.py run --peer=fa3.so > prefill.jsonl    needs a GPU
  bench/prefill.py table prefill.jsonl                  prints Markdown

`run` calls `mla-jit bench` for each number of heads, causal and not, and prints a JSON line
for each cell (causal, batch, h_q, b, length) and mode: milliseconds and TFLOP/s of ours and
of the peer, and their ratio, which is above 1 where ours is faster. A causal sequence counts
half of its pairs of queries and keys. Batches:

  dense     b sequences of --length tokens
  equal     the same by cu_seqlens
  ragged    by cu_seqlens, b sequences of random lengths that need as many FLOPs

Without --h_q, --b, --length and --batch the cells are dense ones of one sequence, h_q = 16
at 2K to 32K tokens and h_q = 128 at 4K and 8K, and all batches at h_q = 16, b = 8, 4K. What
follows `--` goes to `mla-jit bench`, as in `-- --rounds=3 --schedule=NAME`.
"""

import itertools
import json
import os
import random
import sys
import tempfile

import cells
from cells import Fault, call

D_QK, D_V = 192, 128
# batch, h_q, b, length
GRID = [*(("dense", 16, 1, length) for length in (2048, 4096, 8192, 16384, 32768)),
        *(("dense", 128, 1, length) for length in (4096, 8192)),
        *((batch, 16, 8, 4096) for batch in ("dense", "equal", "ragged"))]
# Of the cells of options; what is not given is one of these.
AXES = {"batch": ["dense"], "h_q": [16], "b": [1], "length": [4096]}
CELL = ["mode", "causal", "batch", "h_q", "b", "length"]
FIGURES = ["ms", "tflops"]


# Running


def make_grid(options):
    given = [getattr(options, name) for name in AXES]
    if not any(given):
        return GRID
    return list(itertools.product(*(values or usual for values, usual in zip(given, AXES.values()))))


def make_lengths(batch, b, length, seed):
    """The lengths of the sequences of a batch, whose squares have the sum b length^2."""
    if batch == "equal":
        return [length] * b
    draw = random.Random(seed)
    shares = [draw.random() for _ in range(b)]
    factor = length * (b / sum(share * share for share in shares)) ** 0.5
    return [max(1, round(share * factor)) for share in shares]


def sizes_of(batch, b, length, lengths):
    if batch == "dense":
        return {"b": b, "s_q": length, "s_kv": length}
    return {"b": 1, "s_q": sum(lengths), "s_kv": sum(lengths), "bounds": b + 1}


def emit(options, causal, batch, h_q, kernel):
    command = [*options.tool, "emit", "prefill", "--sizes", f"h_q={h_q},h_kv={options.h_kv or h_q}",
               f"--causal={causal}", f"--dtype={options.dtype}", "-o", kernel]
    call(command if batch == "dense" else [*command, "--cu-seqlens-q", "--cu-seqlens-k"])


def bench(options, kernel, cases, folder):
    """The records that `mla-jit bench` prints for dense batches, or for one of another kind."""
    # FlashAttention's order of lse, [b, h_q, s_q].
    command = [*options.tool, "bench", kernel, f"--modes={options.modes}", "--order=lse=0,2,1"]
    command += [f"--peer={options.peer}"] if options.peer else []
    for batch, _, b, length in cases:
        lengths = make_lengths(batch, b, length, options.seed)
        sizes = sizes_of(batch, b, length, lengths)
        command += ["--sizes", ",".join(f"{name}={size}" for name, size in sizes.items())]
        if batch != "dense":
            path = os.path.join(folder, "bounds.npy")
            cells.write_integers(path, [0, *itertools.accumulate(lengths)])
            command += [f"--input=cu_seqlens_{name}={path}" for name in "qk"]
    return cells.read_lines(call(command + options.rest))


def rates(record):
    return {"ms": round(record["median_ms"], 4), "tflops": round(record["median_tflops"], 1)}


def join(options, records, causal, cases):
    """A record per cell, mode and kernel of ours, with the peer's figures."""
    for batch, h_q, b, length in cases:
        sizes = sizes_of(batch, b, length, make_lengths(batch, b, length, options.seed))
        of_case = [record for record in records if record["sizes"] == sizes]
        for ours, figures in cells.pair(of_case, options.peer, rates):
            yield {"package": ours["package"], "device": ours["device"], "mode": ours["mode"],
                   "causal": causal, "batch": batch, "h_q": h_q, "b": b, "length": length,
                   "dtype": options.dtype} | figures


def make_groups(grid):
    """The cells of one kernel: dense ones together, others alone, because each has its file
    of bounds."""
    dense = {}
    for case in grid:
        if case[0] == "dense":
            dense.setdefault(case[1], []).append(case)
    return [*dense.values(), *([case] for case in grid if case[0] != "dense")]


def run(options):
    with tempfile.TemporaryDirectory() as folder:
        kernel = os.path.join(folder, "prefill.mlir")
        for causal, group in itertools.product(options.causal, make_groups(make_grid(options))):
            emit(options, causal, *group[0][:2], kernel)
            records = bench(options, kernel, group, folder)
            for cell in join(options, records, causal, group):
                cell["package"] = cell["package"].replace(kernel, "prefill")
                print(json.dumps(cell), flush=True)


# Tables


def write(cell, who=""):
    if cell is None or f"{who}ms" not in cell:
        return "-"
    return f"{cell[f'{who}ms']:.3f} / {cell[f'{who}tflops']:.0f}"


def write_ratio(cell):
    return f"{cell['ratio']:.2f}" if cell and "ratio" in cell else "-"


def write_table(of_mode, peers):
    titles = {"yes": "causal", "no": "all keys"}
    columns = [causal for causal in titles if any(cell["causal"] == causal for cell in of_mode)]
    rows = dict.fromkeys(tuple([cell[name] for name in CELL[2:]]) for cell in of_mode)
    found = {tuple([cell[name] for name in CELL[1:]]): cell for cell in of_mode}
    heads = [f"{titles[causal]}, {what}" for causal in columns for what in ("ours", peers, "ratio")]
    print("| | " + " | ".join(heads) + " |")
    print("| --- " * (len(heads) + 1) + "|")
    for row in rows:
        batch, h_q, b, length = row
        name = f"h={h_q} B={b} S={length:,}" + ("" if batch == "dense" else f", {batch}")
        texts = [name]
        for causal in columns:
            cell = found.get((causal, *row))
            texts += [write(cell), write(cell, "peer_"), write_ratio(cell)]
        print("| " + " | ".join(texts) + " |")


def table(options):
    found = cells.read_cells(options.results, "bench/prefill.py", CELL, FIGURES)
    for mode, of_mode, peers in cells.by_mode(found):
        print(f"Mode `{mode}`: ms / TFLOP/s.\n")
        write_table(of_mode, peers)
        cells.print_ratios(of_mode)


def read_words(allowed):
    """A reader of lists of words."""
    def read(text):
        words = text.split(",")
        if not set(words) <= set(allowed):
            raise cells.bad_value(f"some of {','.join(allowed)}", text)
        return words
    return read


def parse_arguments(words):
    parser, runs = cells.make_parser(__doc__)
    runs.add_argument("--causal", type=read_words(["yes", "no"]), default=["yes", "no"],
                      metavar="WORD,...", help="yes, no (default: yes,no)")
    runs.add_argument("--batch", type=read_words(["dense", "equal", "ragged"]), metavar="WORD,...",
                      help="dense, equal, ragged")
    for name in ("h_q", "b", "length"):
        runs.add_argument(f"--{name}", type=cells.read_numbers, metavar="N,...")
    runs.add_argument("--h_kv", type=int, metavar="N", help="(default: h_q)")
    runs.add_argument("--dtype", choices=["bf16", "f16"], default="bf16", help="(default: bf16)")
    runs.add_argument("--seed", type=int, default=0, help="of ragged lengths (default: 0)")
    runs.add_argument("--modes", default="b2b,gap", help="(default: b2b,gap)")
    return cells.parse(parser, words)


def main():
    options = parse_arguments(sys.argv[1:])
    try:
        {"run": run, "table": table}[options.command](options)
    except (Fault, OSError) as fault:
        sys.exit(f"error: {fault}")


if __name__ == "__main__":
    main()
