# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What the grids of operators share: samples of shapes, and their commands `simulate`,
`compile` and `run`."""

import argparse
import concurrent.futures
import json
import os
import pathlib
import random
import subprocess
import sys
import tempfile


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


def join_sizes(sizes):
    return ",".join(f"{name}={size}" for name, size in sizes.items())


class Shape:
    """A kernel with the cases that it runs. Each grid has a subclass with:

    OUTPUTS: those whose largest errors the table has
    AXES: what is compiled into a kernel, by name; one of them is "schedule", where
        "chosen" is the compiler's choice
    SMALL, LARGE: what a launch chooses, in the simulator and on a GPU
    finish(number, rng): completes `values`, and sets `name`
    make_case(sizes): the run-time sizes of a case, of values of SMALL or LARGE
    emit_words(): the operator, sizes and options of `mla-jit emit`
    run_words(): the options of `run` besides --check, --seed and the sizes
    """

    OUTPUTS = ("out", "lse")

    def __init__(self, values, cases):
        self.values, self.cases = values, cases

    def schedule_words(self):
        schedule = self.values["schedule"]
        return [] if schedule == "chosen" else [f"--schedule={schedule}"]

    def all_run_words(self):
        words = ["--check", f"--seed={self.values['seed']}", *self.run_words()]
        for case in self.cases:
            words += ["--sizes", join_sizes(case)]
        return words


def make_shapes(kind, count, cases, sizes, seed):
    rng = random.Random(seed)
    shapes = []
    drawn = draw(sizes, count * cases, rng)
    for number, values in enumerate(draw(kind.AXES, count, rng)):
        shape = kind({**values, "seed": rng.randrange(1000)}, [])
        shape.finish(number, rng)
        for _ in range(cases):
            shape.cases.append(shape.make_case(drawn.pop()))
        shapes.append(shape)
    return shapes


class Table:
    """Counts by schedule, and failures."""

    def __init__(self, kind):
        self.outputs = kind.OUTPUTS
        names = dict.fromkeys(kind.AXES["schedule"])
        self.rows = {name: [0, 0, 0, *(0.0 for _ in self.outputs)] for name in names}
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
                # Scores of 1e30 would hide other errors.
                if output["name"] in self.outputs and not shape.values.get("extreme"):
                    index = 3 + self.outputs.index(output["name"])
                    row[index] = max(row[index], output["max_abs"])
        if passed < len(shape.cases) or result.returncode:
            failed = [json.dumps(line["sizes"]) for line in lines if not line.get("pass")]
            self.failures.append(shape)
            print(f"FAIL {shape.name}: {' '.join(failed)}\n  emit {' '.join(shape.emit_words())}"
                  f"\n  {' '.join(map(str, result.args))}\n{result.stderr[-1500:]}", flush=True)

    def print(self):
        first, *others = self.outputs
        errors = [f"largest error of {first}", *(f"of {name}" for name in others)]
        print(f"| schedule | shapes | cases | right | {' | '.join(errors)} |")
        print("| --- " * (4 + len(errors)) + "|")
        for name, (shapes, cases, right, *errors) in self.rows.items():
            cells = " | ".join(f"{error:.2g}" for error in errors)
            print(f"| {name} | {shapes} | {cases} | {right} | {cells} |")
        return 1 if self.failures or not any(row[1] for row in self.rows.values()) else 0


# Commands


def call(words):
    return subprocess.run([str(word) for word in words], stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, check=False)


def emit(jit, shape, path):
    result = call([jit, "emit", *shape.emit_words(), "-o", path])
    if result.returncode:
        sys.exit(f"{shape.name}: {result.stderr}")


def simulate(kind, args):
    table = Table(kind)
    with tempfile.TemporaryDirectory() as folder:
        for shape in make_shapes(kind, args.shapes, args.cases, kind.SMALL, args.seed)[args.first:]:
            path = pathlib.Path(folder) / f"{shape.name}.mlir"
            emit(args.jit, shape, path)
            table.add(shape, call([args.jit, "run", path, f"--device={args.device}",
                                   *shape.schedule_words(), *shape.all_run_words()]))
    return table.print()


def compile_packages(kind, args):
    args.folder.mkdir(parents=True, exist_ok=True)

    def compile_one(shape):
        path = args.folder / f"{shape.name}.mlir"
        emit(args.jit, shape, path)
        result = call([args.jit, "compile", path, "-o", args.folder / shape.name,
                       *shape.schedule_words()])
        path.unlink()
        (args.folder / shape.name / "kernel.ptx").unlink(missing_ok=True)
        return f"{shape.name}: {result.stderr}" if result.returncode else ""

    shapes = make_shapes(kind, args.shapes, args.cases, kind.LARGE, args.seed)
    with concurrent.futures.ThreadPoolExecutor(args.jobs) as pool:
        errors = [error for error in pool.map(compile_one, shapes) if error]
    print(*errors, sep="\n")
    described = [(shape.name, shape.values, shape.cases) for shape in shapes]
    (args.folder / "grid.json").write_text(json.dumps(described))
    print(f"{len(shapes) - len(errors)} of {len(shapes)} packages in {args.folder}")
    return 1 if errors else 0


def run_packages(kind, args):
    table = Table(kind)
    for name, values, cases in json.loads((args.folder / "grid.json").read_text()):
        shape = kind(values, cases)
        shape.name = name
        table.add(shape, call([args.mla_run, "run", args.folder / name,
                               *shape.all_run_words()]))
    return table.print()


def main(kind, doc):
    """Runs the command line of the grid of `kind`."""
    parser = argparse.ArgumentParser(description=doc,
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
    sys.exit(args.function(kind, args))
