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

import argparse
import json
import os
import random
import shlex
import struct
import subprocess
import sys
import tempfile

PAGE, D_QK, D_V = 64, 576, 512
GRID = {"b": [1, 16, 64, 128], "length": [4096, 16384, 32768], "s_q": [1, 2], "h_q": [16, 64, 128]}
CELL = ["mode", "s_q", "h_q", "b", "length", "lengths"]
FIGURES = ["us", "gbs", "tflops"]


class Fault(Exception):
    """Bad input: the message says what and where."""


# Running


def write_lengths(path, lengths):
    """A .npy file of i32."""
    header = f"{{'descr': '<i4', 'fortran_order': False, 'shape': ({len(lengths)},), }}"
    # The header ends at a multiple of 64 bytes.
    header += " " * (-(10 + len(header) + 1) % 64) + "\n"
    with open(path, "wb") as file:
        file.write(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode())
        file.write(struct.pack(f"<{len(lengths)}i", *lengths))


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


def read_lines(text):
    return [json.loads(line) for line in text.splitlines() if line.startswith("{")]


def call(command):
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        raise Fault(f"{shlex.join(command)}: exit code {done.returncode}")
    return done.stdout


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
            write_lengths(path, lengths or [length] * b)
            command.append(f"--input=cache_seqlens={path}")
    return read_lines(call(command + options.rest))


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
        peers = [record for record in of_case if record["kernel"] == options.peer]
        for ours in of_case:
            if ours["kernel"] == options.peer:
                continue
            cell = {"package": ours["package"], "device": ours["device"], "mode": ours["mode"],
                    "phase": options.phase, "s_q": s_q, "h_q": h_q, "b": b, "length": length,
                    "lengths": name, "tokens": tokens}
            cell |= rates(ours["median_ms"] * 1e3, b, s_q, h_q, tokens)
            for peer in peers:
                if "skipped" in peer and peer.get("mode", ours["mode"]) == ours["mode"]:
                    cell |= {"peer": peer["package"], "peer_skipped": peer["skipped"]}
                elif peer.get("mode") == ours["mode"]:
                    theirs = rates(peer["median_ms"] * 1e3, b, s_q, h_q, tokens)
                    cell |= {"peer": peer["package"]}
                    cell |= {f"peer_{key}": value for key, value in theirs.items()}
                    cell["ratio"] = round(peer["median_ms"] / ours["median_ms"], 3)
            yield cell


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


def read_cells(paths):
    cells, places = [], {}
    for path in paths:
        try:
            with open(path, encoding="utf-8") as file:
                lines = file.readlines()
        except (OSError, UnicodeDecodeError) as error:
            raise Fault(f"{path}: {error}") from error
        for number, line in enumerate(lines, 1):
            place = f"{path}:{number}"
            try:
                cell = json.loads(line)
                key = tuple([cell[name] for name in CELL])
                figures = [cell[name] for name in FIGURES]
            except (ValueError, TypeError) as error:
                raise Fault(f"{place}: expected a JSON object in one line") from error
            except KeyError as error:
                raise Fault(f"{place}: field {error}: missing") from error
            if not all(isinstance(figure, (int, float)) for figure in figures):
                names = ", ".join(FIGURES)
                raise Fault(f"{place}: fields {names}: expected numbers, got {figures}")
            if key in places:
                raise Fault(f"{place}: same cell and mode as {places[key]}")
            places[key] = place
            cells.append(cell)
    if not cells:
        raise Fault("expected results of bench/decode.py run, got none")
    return cells


def write_time(cell):
    if "peer_us" not in cell:
        return f"{cell['us']:,.1f} / -"
    return f"{cell['us']:,.1f} / {cell['peer_us']:,.1f} / {cell['ratio']:.2f}"


def write_rates(cell):
    return f"{cell['gbs']:,} / {cell['tflops']:,.0f}"


def write_table(cells, write):
    columns = sorted({(cell["s_q"], cell["h_q"]) for cell in cells})
    rows = sorted({(cell["b"], cell["length"], cell["lengths"]) for cell in cells})
    texts = {(cell["b"], cell["length"], cell["lengths"], cell["s_q"], cell["h_q"]): write(cell)
             for cell in cells}
    print("| | " + " | ".join(f"s_q={s_q} h={h_q}" for s_q, h_q in columns) + " |")
    print("| --- " * (len(columns) + 1) + "|")
    for row in rows:
        b, length, lengths = row
        name = f"B={b} S={length:,}" if lengths == "equal" else f"B={b} S<={length:,} ({lengths})"
        row_texts = [texts.get(row + column, "-") for column in columns]
        print("| " + " | ".join([name, *row_texts]) + " |")


def table(options):
    cells = read_cells(options.results)
    for mode in dict.fromkeys(cell["mode"] for cell in cells):
        of_mode = [cell for cell in cells if cell["mode"] == mode]
        peers = sorted({cell["peer"] for cell in of_mode if "peer" in cell})
        print(f"Mode `{mode}`: µs of ours / of {', '.join(peers) or 'no peer'} / ratio.\n")
        write_table(of_mode, write_time)
        print(f"\nMode `{mode}`: GB/s / TFLOP/s of ours.\n")
        write_table(of_mode, write_rates)
        ratios = [cell["ratio"] for cell in of_mode if "ratio" in cell]
        if ratios:
            print(f"\n{len(ratios)} cells, ratio {min(ratios):.2f} to {max(ratios):.2f}.")
        print()


def read_numbers(text):
    numbers = text.split(",")
    if not all(number.isdecimal() and 0 < int(number) < 2**31 for number in numbers):
        raise argparse.ArgumentTypeError(f"expected N,... with N from 1 to 2^31 - 1, got '{text}'")
    return [int(number) for number in numbers]


def parse_arguments(words):
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    runs = commands.add_parser("run", help="time the cells")
    for name, numbers in GRID.items():
        runs.add_argument(f"--{name}", type=read_numbers, default=numbers, metavar="N,...",
                          help=f"(default: {','.join(map(str, numbers))})")
    runs.add_argument("--ragged", type=int, metavar="SEED",
                      help="lengths uniform in 1 to --length")
    runs.add_argument("--lengths", type=read_numbers, metavar="N,...",
                      help="the lengths of one batch, in place of --b and --length")
    runs.add_argument("--causal", choices=["no", "yes"], default="no", help="(default: no)")
    runs.add_argument("--ctas", type=int, default=132, help="SMs of the GPU (default: 132)")
    runs.add_argument("--modes", default="flush,graph-flush", help="(default: flush,graph-flush)")
    runs.add_argument("--phase", choices=["all", "plan", "launch"], default="launch",
                      help="(default: launch, after one untimed plan)")
    runs.add_argument("--peer", metavar="LIBRARY.so", help="another implementation")
    runs.add_argument("--tool", type=shlex.split, default=["mla-jit"], help="(default: mla-jit)")
    tables = commands.add_parser("table", help="write Markdown")
    tables.add_argument("results", nargs="+", metavar="RESULTS.jsonl")
    rest = words[words.index("--") + 1:] if "--" in words else []
    options = parser.parse_args(words[:words.index("--")] if "--" in words else words)
    options.rest = rest
    return options


def main():
    options = parse_arguments(sys.argv[1:])
    try:
        {"run": run, "table": table}[options.command](options)
    except (Fault, OSError) as fault:
        sys.exit(f"error: {fault}")


if __name__ == "__main__":
    main()
