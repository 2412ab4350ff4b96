#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""mla.decode over a grid of shapes and options, checked against the reference in double
precision, with the harness's poison: lengths of all kinds, shared and invalid pages,
NaN in every row that nobody reads. A sample of the grid: every value of every axis
occurs about equally often, and the combinations are drawn.

    decode_grid.py simulate --jit build/bin/mla-jit --shapes 45
    decode_grid.py compile --jit build/bin/mla-jit --shapes 400 build/decode-grid
    decode_grid.py run --mla-run build/bin/mla-run build/decode-grid    # on a GPU

Prints a line per failure with the command that repeats it, and a table at the end.
"""

import argparse
import concurrent.futures
import json
import os
import pathlib
import random
import subprocess
import sys
import tempfile

SCHEDULES = ("swapped", "split-columns", "seesaw")

# What is compiled into a kernel, by the option of `mla-jit emit` or size.
AXES = {
    "schedule": SCHEDULES,
    "h_q": (1, 3, 8, 9, 12, 16, 22, 48, 63, 64, 96, 126, 128),
    "h_kv": (1, 1, 1, 2),
    "s_q": (1, 1, 2, 3, 4, 13),
    "d_qk": (576, 576, 512),
    "page_size": (1, 16, 64, 128, 192),
    "causal": ("no", "yes"),
    "dtype": ("bf16", "bf16", "f16"),
    "partials": ("out", "f32"),
    "sink": (False, True, "optional"),
    "lse_base": ("e", "2"),
    "empty_lse": ("+inf", "-inf"),
    "batch_invariant": ("no", "no", "yes"),
}
SIZES = ("h_q", "h_kv", "s_q", "d_qk", "page_size")
OPTIONS = ("causal", "dtype", "partials", "lse_base", "empty_lse", "batch_invariant")

# What a launch chooses. With few CTAs requests are whole, with many each is cut.
SMALL = {"b": (1, 2, 6), "tokens": (1, 20, 140, 700), "ctas": (1, 3, 7, 16, 40, 132)}
LARGE = {"b": (1, 2, 6, 64), "tokens": (1, 20, 140, 1000, 4096), "ctas": (1, 16, 132, 160)}


def draw(axes, count, rng):
    """`count` dictionaries with a value of each axis: each axis is a sequence of its
    values in random order, again and again."""
    columns = {}
    for name, values in axes.items():
        column = []
        while len(column) < count:
            column += rng.sample(values, len(values))
        columns[name] = column[:count]
    return [{name: column[i] for name, column in columns.items()} for i in range(count)]


class Shape:
    """A kernel with the cases that it runs."""

    def __init__(self, number, values, cases):
        self.values, self.cases = values, cases
        if values["h_q"] % values["h_kv"]:
            values["h_kv"] = 1
        self.name = (f"{number:03}-{values['schedule']}-h{values['h_q']}-kv{values['h_kv']}"
                     f"-s{values['s_q']}-p{values['page_size']}")

    def emit_words(self):
        values = self.values
        words = ["decode", "--sizes", ",".join(f"{name}={values[name]}" for name in SIZES)]
        words += [f"--{name.replace('_', '-')}={values[name]}" for name in OPTIONS]
        if values["sink"]:
            words.append("--sink")
        if values["sink"] == "optional":
            words.append("--optional=attn_sink")
        return words

    def run_words(self):
        words = ["--check", f"--seed={self.values['seed']}"]
        # A query all of whose pages are invalid is another test's.
        if any(case["max_pages"] < 4 for case in self.cases):
            words.append("--invalid=0")
        if self.values["sink"] == "optional" and self.values["seed"] % 2:
            words.append("--without=attn_sink")
        for name, columns in self.values["pad"].items():
            words.append(f"--pad={name}={columns}")
        for case in self.cases:
            words += ["--sizes", ",".join(f"{name}={size}" for name, size in case.items())]
        return words


def make_shapes(count, cases, sizes, seed):
    rng = random.Random(seed)
    shapes = []
    drawn = draw(sizes, count * cases, rng)
    for number, values in enumerate(draw(AXES, count, rng)):
        values["seed"] = rng.randrange(1000)
        pads = {"q": 8, "k_cache": 16, "block_table": 3, "out": 24, "lse": 5}
        values["pad"] = {} if number % 3 else pads
        runs = []
        for _ in range(cases):
            case = drawn.pop()
            pages = -(-case["tokens"] // values["page_size"])
            # Fewer pages than the table has entries: requests share them.
            most = max(1, case["b"] * pages * 3 // 4)
            runs.append({"b": case["b"], "max_pages": pages, "num_pages": most,
                         "ctas": case["ctas"]})
        shapes.append(Shape(number, values, runs))
    return shapes


class Table:
    """Counts by schedule, and failures."""

    def __init__(self):
        self.rows = {name: [0, 0, 0, 0.0, 0.0] for name in SCHEDULES}
        self.failures = []

    def add(self, shape, result):
        """The result of a command that runs all cases of the shape."""
        row = self.rows[shape.values["schedule"]]
        row[0] += 1
        row[1] += len(shape.cases)
        lines = [json.loads(line) for line in result.stdout.splitlines() if line.startswith("{")]
        passed = sum(bool(line.get("checked") and line.get("pass")) for line in lines)
        row[2] += passed
        for line in lines:
            for output in line.get("outputs", ()):
                index = {"out": 3, "lse": 4}.get(output["name"])
                if index:
                    row[index] = max(row[index], output["max_abs"])
        if passed < len(shape.cases) or result.returncode:
            failed = [json.dumps(line["sizes"]) for line in lines if not line.get("pass")]
            self.failures.append(shape)
            print(f"FAIL {shape.name}: {' '.join(failed)}\n  emit {' '.join(shape.emit_words())}"
                  f"\n  {' '.join(map(str, result.args))}\n{result.stderr[-1500:]}", flush=True)

    def print(self):
        print("| schedule | shapes | cases | right | largest error of out | of lse |")
        print("| --- | --- | --- | --- | --- | --- |")
        for name, (shapes, cases, right, out, lse) in self.rows.items():
            print(f"| {name} | {shapes} | {cases} | {right} | {out:.2g} | {lse:.2g} |")
        return 1 if self.failures or not any(row[1] for row in self.rows.values()) else 0


def call(words):
    return subprocess.run([str(word) for word in words], stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, check=False)


def emit(jit, shape, path):
    result = call([jit, "emit", *shape.emit_words(), "-o", path])
    if result.returncode:
        sys.exit(f"{shape.name}: {result.stderr}")


def simulate(args):
    table = Table()
    with tempfile.TemporaryDirectory() as folder:
        for shape in make_shapes(args.shapes, args.cases, SMALL, args.seed)[args.first:]:
            path = pathlib.Path(folder) / f"{shape.name}.mlir"
            emit(args.jit, shape, path)
            table.add(shape, call([args.jit, "run", path, f"--device={args.device}",
                                   f"--schedule={shape.values['schedule']}",
                                   *shape.run_words()]))
    return table.print()


def compile_packages(args):
    args.folder.mkdir(parents=True, exist_ok=True)

    def compile_one(shape):
        path = args.folder / f"{shape.name}.mlir"
        emit(args.jit, shape, path)
        result = call([args.jit, "compile", path, "-o", args.folder / shape.name,
                       f"--schedule={shape.values['schedule']}"])
        path.unlink()
        (args.folder / shape.name / "kernel.ptx").unlink(missing_ok=True)
        return f"{shape.name}: {result.stderr}" if result.returncode else ""

    shapes = make_shapes(args.shapes, args.cases, LARGE, args.seed)
    with concurrent.futures.ThreadPoolExecutor(args.jobs) as pool:
        errors = [error for error in pool.map(compile_one, shapes) if error]
    print(*errors, sep="\n")
    described = [(shape.values, shape.cases) for shape in shapes]
    (args.folder / "grid.json").write_text(json.dumps(described))
    print(f"{len(shapes) - len(errors)} of {len(shapes)} packages in {args.folder}")
    return 1 if errors else 0


def run_packages(args):
    table = Table()
    described = json.loads((args.folder / "grid.json").read_text())
    for number, (values, cases) in enumerate(described):
        shape = Shape(number, values, cases)
        table.add(shape, call([args.mla_run, "run", args.folder / shape.name,
                               *shape.run_words()]))
    return table.print()


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True)

    def add(name, function, help_text):
        command = commands.add_parser(name, help=help_text)
        command.set_defaults(function=function)
        return command

    def add_grid(command):
        command.add_argument("--jit", default="mla-jit")
        command.add_argument("--shapes", type=int, default=45, help="how many kernels")
        command.add_argument("--cases", type=int, default=2, help="runs of each kernel")
        command.add_argument("--seed", type=int, default=0, help="of the sample")

    command = add("simulate", simulate, "run in the simulator")
    add_grid(command)
    command.add_argument("--first", type=int, default=0, help="the shape to begin with")
    command.add_argument("--device", default="sim", choices=("sim", "interpreter"))
    command = add("compile", compile_packages, "compile packages into a folder")
    add_grid(command)
    command.add_argument("--jobs", type=int, default=os.cpu_count())
    command.add_argument("folder", type=pathlib.Path)
    command = add("run", run_packages, "run the packages of a folder on the GPU")
    command.add_argument("--mla-run", default="mla-run")
    command.add_argument("folder", type=pathlib.Path)
    args = parser.parse_args()
    sys.exit(args.function(args))


if __name__ == "__main__":
    main()
