"""What the scripts share that time an operator over a grid of shapes: files of lengths,
calls of `mla-jit`, results of ours and of a peer side by side, files of cells."""

import argparse
import json
import shlex
import struct
import subprocess


class Fault(Exception):
    """Bad input: the message says what and where."""


def write_integers(path, numbers):
    """A .npy file of i32."""
    header = f"{{'descr': '<i4', 'fortran_order': False, 'shape': ({len(numbers)},), }}"
    # The header ends at a multiple of 64 bytes.
    header += " " * (-(10 + len(header) + 1) % 64) + "\n"
    with open(path, "wb") as file:
        file.write(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode())
        file.write(struct.pack(f"<{len(numbers)}i", *numbers))


# Calls


def call(command):
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        raise Fault(f"{shlex.join(command)}: exit code {done.returncode}")
    return done.stdout


def read_lines(text):
    return [json.loads(line) for line in text.splitlines() if line.startswith("{")]


def pair(records, peer, figures):
    """For each record of ours the fields of a cell that say what the peer did in the same
    mode: its figures and their ratio to ours, or why it was skipped. `figures(record)`
    returns those of a record."""
    peers = [record for record in records if record["kernel"] == peer]
    for ours in records:
        if ours["kernel"] == peer:
            continue
        fields = figures(ours)
        for theirs in peers:
            if "skipped" in theirs and theirs.get("mode", ours["mode"]) == ours["mode"]:
                fields |= {"peer": theirs["package"], "peer_skipped": theirs["skipped"]}
            elif theirs.get("mode") == ours["mode"]:
                fields |= {"peer": theirs["package"]}
                fields |= {f"peer_{name}": value for name, value in figures(theirs).items()}
                fields["ratio"] = round(theirs["median_ms"] / ours["median_ms"], 3)
        yield ours, fields


# Files of cells


def read_cells(paths, script, key_names, figure_names):
    """The cells in files of JSON lines; `key_names` tell cells apart."""
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
                key = tuple([cell[name] for name in key_names])
                figures = [cell[name] for name in figure_names]
            except (ValueError, TypeError) as error:
                raise Fault(f"{place}: expected a JSON object in one line") from error
            except KeyError as error:
                raise Fault(f"{place}: field {error}: missing") from error
            if not all(isinstance(figure, (int, float)) for figure in figures):
                names = ", ".join(figure_names)
                raise Fault(f"{place}: fields {names}: expected numbers, got {figures}")
            if key in places:
                raise Fault(f"{place}: same cell and mode as {places[key]}")
            places[key] = place
            cells.append(cell)
    if not cells:
        raise Fault(f"expected results of {script} run, got none")
    return cells


def by_mode(cells):
    """(mode, its cells, the names of the peers), in the order of the cells."""
    for mode in dict.fromkeys(cell["mode"] for cell in cells):
        of_mode = [cell for cell in cells if cell["mode"] == mode]
        peers = sorted({cell["peer"] for cell in of_mode if "peer" in cell})
        yield mode, of_mode, ", ".join(peers) or "no peer"


def print_ratios(cells):
    ratios = [cell["ratio"] for cell in cells if "ratio" in cell]
    if ratios:
        print(f"\n{len(ratios)} cells, ratio {min(ratios):.2f} to {max(ratios):.2f}.")
    print()


# Command lines


def bad_value(expected, text):
    return argparse.ArgumentTypeError(f"expected {expected}, got '{text}'")


def read_numbers(text):
    numbers = text.split(",")
    if not all(number.isdecimal() and 0 < int(number) < 2**31 for number in numbers):
        raise bad_value("N,... with N from 1 to 2^31 - 1", text)
    return [int(number) for number in numbers]


def make_parser(description):
    """A parser with the commands `run` and `table`, and the parser of `run`, which has the
    options that all scripts share."""
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    runs = commands.add_parser("run", help="time the cells")
    runs.add_argument("--peer", metavar="LIBRARY.so", help="another implementation")
    runs.add_argument("--tool", type=shlex.split, default=["mla-jit"], help="(default: mla-jit)")
    tables = commands.add_parser("table", help="write Markdown")
    tables.add_argument("results", nargs="+", metavar="RESULTS.jsonl")
    return parser, runs


def parse(parser, words):
    """The options; `rest` is what follows `--`."""
    rest = words[words.index("--") + 1:] if "--" in words else []
    options = parser.parse_args(words[:words.index("--")] if "--" in words else words)
    options.rest = rest
    return options
