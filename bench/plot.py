#!/usr/bin/env python3
"""Plots the JSON lines that `bench` prints: a rate over the size that differs
between the cases, a line for each contestant and mode.

  bench/plot.py RESULTS.jsonl... -o FILE.svg   draws; needs matplotlib
  bench/plot.py RESULTS.jsonl...               prints the points that it would draw

Lines that are no JSON objects (bench's table) and cases that a peer skipped are
left out; of the others the fields package, mode, sizes and the rate's are read.
"""

import argparse
import json
import math
import os
import sys
from collections import namedtuple

MODES = {
    "b2b": "back to back",
    "gap": "idle before each launch",
    "flush": "L2 flushed before each launch",
    "graph": "as a CUDA graph",
    "graph-flush": "as a CUDA graph, L2 flushed",
}
RATES = {"tflops": ("median_tflops", "TFLOP/s"), "gbs": ("median_gbs", "GB/s")}
# After Okabe and Ito: distinct for any colour vision; markers in print.
COLOURS = ["#0072b2", "#d55e00", "#009e73", "#b04a8a", "#c98200", "#3a9bd6", "#6b7480"]
MARKERS = ["o", "s", "^", "D"]
STYLES = {"b2b": "-", "gap": (0, (6, 4)), "flush": (0, (10, 3, 2, 3)), "graph": ":",
          "graph-flush": (0, (1, 4))}

Result = namedtuple("Result", "package mode sizes rate device place")


class Fault(Exception):
    """Bad input: the message says what and where."""


def read_field(record, name, kinds, expected, place):
    value = record.get(name)
    if value is None:
        raise Fault(f"{place}: field '{name}': missing")
    if not isinstance(value, kinds) or isinstance(value, bool):
        raise Fault(f"{place}: field '{name}': expected {expected}, got {json.dumps(value)}")
    return value


def read_result(record, rate, place):
    package = read_field(record, "package", str, "a string", place)
    mode = read_field(record, "mode", str, "a string", place)
    if mode not in MODES:
        raise Fault(f"{place}: field 'mode': expected one of {', '.join(MODES)}, got '{mode}'")
    sizes = read_field(record, "sizes", dict, "an object", place)
    for name, size in sizes.items():
        if not isinstance(size, int) or isinstance(size, bool) or size < 0:
            raise Fault(
                f"{place}: field 'sizes': expected integers of 0 or more, "
                f"got {json.dumps(size)} for {name}"
            )
    value = read_field(record, rate, (int, float), "a number above 0", place)
    if not 0 < value < float("inf"):
        raise Fault(f"{place}: field '{rate}': expected a number above 0, got {value}")
    return Result(package, mode, sizes, value, record.get("device", ""), place)


def read_results(path, rate):
    try:
        with open(path, encoding="utf-8") as file:
            lines = file.readlines()
    except (OSError, UnicodeDecodeError) as error:
        raise Fault(f"{path}: {error}") from error
    results = []
    for number, line in enumerate(lines, 1):
        if not line.startswith("{"):
            continue
        place = f"{path}:{number}"
        try:
            record = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise Fault(f"{place}: expected a JSON object in one line") from error
        if "skipped" not in record:
            results.append(read_result(record, rate, place))
    return results


def join(files):
    """Joins results of several files. A package, mode and sizes that more than one
    file has are told apart by the file's name; twice in one file is an error."""

    def key(result):
        return result.package, result.mode, tuple(sorted(result.sizes.items()))

    owners, shared = {}, set()
    for path, results in files:
        seen = {}
        for result in results:
            if twin := seen.get(key(result)):
                raise Fault(f"{result.place}: same package, mode and sizes as {twin.place}")
            seen[key(result)] = result
            if owners.setdefault(key(result), path) != path:
                shared.add(result.package)
    return [
        result._replace(package=f"{result.package} ({stem(path)})")
        if result.package in shared
        else result
        for path, results in files
        for result in results
    ]


def stem(path):
    return os.path.splitext(os.path.basename(path))[0]


def find_sizes(results, over):
    """The size of the horizontal axis, and the other sizes that differ. `over`
    names the first; without it only one may differ."""
    values = {}
    for result in results:
        for name, size in result.sizes.items():
            values.setdefault(name, set()).add(size)
    differing = sorted(name for name, sizes in values.items() if len(sizes) > 1)
    if over is None:
        if len(differing) != 1:
            got = ", ".join(differing) or "none"
            raise Fault(f"expected one size that differs between the cases, got {got}; see --over")
        over = differing[0]
    for result in results:
        if over not in result.sizes:
            raise Fault(f"{result.place}: field 'sizes': expected '{over}', got {list(result.sizes)}")
    return over, [name for name in differing if name != over]


def find_lines(results, over, others):
    """Points by line: {(label, mode): [(size, rate), ...]} with ascending sizes."""
    packages = {result.package for result in results}
    lines = {}
    for result in results:
        parts = [result.package] if len(packages) > 1 or not others else []
        parts += [f"{name} = {result.sizes.get(name, 0):,}" for name in others]
        label = ", ".join(parts)
        lines.setdefault((label, result.mode), []).append((result.sizes[over], result.rate))
    return {line: sorted(points) for line, points in lines.items()}


def describe(results, over, others):
    """What all results have in common: the device, the other sizes, and the package
    if the lines are those of its sizes."""
    devices = sorted({result.device for result in results if result.device})
    common = {
        name: size
        for result in results
        for name, size in result.sizes.items()
        if name != over and name not in others
    }
    packages = {result.package for result in results}
    packages = list(packages) if len(packages) == 1 and others else []
    return " · ".join(packages + devices + [f"{name} = {size:,}" for name, size in sorted(common.items())])


def spread(sizes, position):
    """The sizes whose labels on the axis do not overlap, the last one included."""
    least = 0.09 * (position(sizes[-1]) - position(sizes[0]))
    kept = []
    for size in reversed(sizes):
        if not kept or position(kept[-1]) - position(size) >= least:
            kept.append(size)
    return kept


def draw(lines, over, unit, subtitle, roof, path):
    import matplotlib

    matplotlib.use("svg")
    # Text stays text, and the file depends on nothing but the data.
    matplotlib.rcParams.update(
        {
            "svg.fonttype": "none",
            "svg.hashsalt": "mla",
            "font.family": "sans-serif",
            "axes.spines.top": False,
            "axes.spines.right": False,
        }
    )
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(9, 4.8), layout="constrained")
    labels = list(dict.fromkeys(label for label, _ in lines))
    modes = [mode for mode in MODES if any(mode == used for _, used in lines)]
    for (label, mode), points in lines.items():
        number = labels.index(label)
        axes.plot(
            *zip(*points),
            label=f"{label}, {MODES[mode]}" if len(modes) > 1 else label,
            color=COLOURS[number % len(COLOURS)],
            marker=MARKERS[number % len(MARKERS)],
            markerfacecolor=None if mode == modes[0] else "white",
            linestyle=STYLES[mode] if len(modes) > 1 else "-",
        )
    sizes = sorted({size for points in lines.values() for size, _ in points})
    is_logarithmic = sizes[0] > 0 and sizes[-1] / sizes[0] > 4
    if is_logarithmic:
        axes.set_xscale("log", base=2)
    shown = spread(sizes, math.log if is_logarithmic else float)
    axes.set_xticks(sizes, [f"{size:,}" if size in shown else "" for size in sizes])
    axes.minorticks_off()
    if roof:
        value, name = roof
        axes.axhline(value, color="#5b6570", linestyle=(0, (2, 4)))
        text = f"{name}: {value:,g} {unit}" if name else f"{value:,g} {unit}"
        axes.annotate(
            text, (0.01, value), xycoords=("axes fraction", "data"),
            xytext=(0, 4), textcoords="offset points", color="#5b6570",
        )
    highest = max(rate for points in lines.values() for _, rate in points)
    axes.set_ylim(0, 1.1 * max(highest, roof[0] if roof else 0))
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:,g}")
    axes.grid(axis="y", color="#d5dae0")
    axes.set_xlabel(f"{over} (log scale)" if is_logarithmic else over)
    axes.set_ylabel(f"median {unit}" + (f", {MODES[modes[0]]}" if len(modes) == 1 else ""))
    if subtitle:
        axes.set_title(subtitle, loc="left", fontsize=10, color="#5b6570")
    columns = 2 if max(map(len, labels)) > 16 or len(modes) > 1 else 3
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.16), ncols=columns, frameon=False)
    # Written whole or not at all.
    part = f"{path}.part"
    try:
        figure.savefig(part, format="svg", metadata={"Date": None})
        os.replace(part, path)
    except OSError as error:
        if os.path.exists(part):
            os.remove(part)
        raise Fault(f"{path}: {error.strerror}") from error


def read_size(text):
    name, _, value = text.partition("=")
    if not name or not value.isdecimal():
        raise argparse.ArgumentTypeError(f"expected NAME=N, got '{text}'")
    return name, int(value)


def read_roof(text):
    value, _, name = text.partition(",")
    try:
        number = float(value)
    except ValueError:
        number = 0
    if not 0 < number < float("inf"):
        raise argparse.ArgumentTypeError(f"expected N[,LABEL] with N above 0, got '{text}'")
    return number, name


def parse_arguments():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("results", nargs="+", metavar="RESULTS.jsonl")
    parser.add_argument("-o", dest="output", metavar="FILE.svg", help="the picture")
    parser.add_argument("--rate", choices=RATES, default="tflops", help="(default: tflops)")
    parser.add_argument("--over", metavar="SIZE", help="the size of the horizontal axis; "
                        "values of other sizes that differ get a line each")
    parser.add_argument("--size", type=read_size, action="append", default=[], metavar="NAME=N",
                        help="only results with this size; may be repeated")
    parser.add_argument("--roof", type=read_roof, metavar="N[,LABEL]", help="a line at N")
    return parser.parse_args()


def plot(options):
    field, unit = RATES[options.rate]
    results = join([(path, read_results(path, field)) for path in options.results])
    wanted = [
        result
        for result in results
        if all(result.sizes.get(name) == size for name, size in options.size)
    ]
    if not wanted:
        raise Fault("expected results of bench, got none")
    over, others = find_sizes(wanted, options.over)
    lines = find_lines(wanted, over, others)
    if options.output:
        draw(lines, over, unit, describe(wanted, over, others), options.roof, options.output)
        return
    print(f"{unit} over {over}; {describe(wanted, over, others)}")
    for (label, mode), points in lines.items():
        print(f"{label}, {mode}: " + ", ".join(f"{size:,}: {rate:g}" for size, rate in points))


def main():
    try:
        plot(parse_arguments())
    except Fault as fault:
        sys.exit(f"error: {fault}")
    except ImportError as error:
        sys.exit(f"error: -o needs matplotlib (python3-matplotlib, or pip): {error}")


if __name__ == "__main__":
    main()
