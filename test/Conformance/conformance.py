#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Compiles and runs the conformance kernels, and compares their outputs exactly.

  conformance.py --jit MLA-JIT --compile DIR     a package of each program in DIR,
                                                 with its inputs and what must
                                                 come out
  conformance.py --run DIR --runner MLA-RUN      runs what --compile wrote: on a
                                                 GPU machine, with this file, DIR
                                                 and mla-run alone
  conformance.py --jit MLA-JIT --device NAME     runs the programs on a device of
                                                 mla-jit
  conformance.py --jit MLA-JIT --self-test       shows that a wrong value, and a
                                                 missing one, are reported

Names after the options choose programs. Each line of the table is one run.
"""

import argparse
import concurrent.futures
import json
import os
import pathlib
import shutil
import struct
import subprocess
import sys
import tempfile

SKIPPED = 77  # What ctest takes for skipped.
HERE = pathlib.Path(__file__).resolve().parent
ITEM = {"bf16": ("<u2", "H"), "f32": ("<f4", "f"), "i32": ("<i4", "i")}
DTYPE = {descr: dtype for dtype, (descr, _) in ITEM.items()}


class Failure(Exception):
    """A run that did not give what it must."""


# --------------------------------------------------------------------------- #
# Tensors
# --------------------------------------------------------------------------- #


def bf16_bits(value):
    """The bits of `value` rounded to bf16, ties to even."""
    if value != value:
        return 0xFFFF
    bits = struct.unpack("<I", struct.pack("<f", value))[0]
    return (bits + 0x7FFF + (bits >> 16 & 1)) >> 16


def bf16_value(bits):
    return struct.unpack("<f", struct.pack("<I", bits << 16))[0]


class Tensor:
    """A dense array; `values` are Python numbers, bf16 ones rounded."""

    def __init__(self, dtype, shape, values):
        self.dtype, self.shape = dtype, tuple(shape)
        self.values = list(values)
        if dtype == "bf16":
            self.values = [bf16_value(bf16_bits(v)) for v in self.values]
        count = 1
        for size in self.shape:
            count *= size
        assert count == len(self.values), (self.shape, len(self.values))

    def write(self, path):
        """As a NumPy file of version 1.0."""
        descr, code = ITEM[self.dtype]
        header = repr({"descr": descr, "fortran_order": False, "shape": self.shape})
        header += " " * (-(len(header) + 11) % 64) + "\n"
        values = self.values
        if self.dtype == "bf16":
            values = [bf16_bits(v) for v in values]
        data = struct.pack(f"<{len(values)}{code}", *values)
        path.write_bytes(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) +
                         header.encode() + data)

    @staticmethod
    def read(path):
        data = path.read_bytes()
        if data[:6] != b"\x93NUMPY":
            raise Failure(f"{path}: not a NumPy file")
        wide = data[6] > 1
        length = struct.unpack_from("<I" if wide else "<H", data, 8)[0]
        start = 12 if wide else 10
        text = data[start : start + length].decode("latin1")
        header = eval(text, {"__builtins__": {}})  # pylint: disable=eval-used
        code = ITEM[DTYPE[header["descr"]]][1]
        body = data[start + length :]
        values = struct.unpack(f"<{len(body) // struct.calcsize(code)}{code}", body)
        tensor = Tensor.__new__(Tensor)
        tensor.dtype, tensor.shape = DTYPE[header["descr"]], tuple(header["shape"])
        tensor.values = list(values)
        if tensor.dtype == "bf16":
            tensor.values = [bf16_value(v) for v in values]
        return tensor


def unravel(number, shape):
    index = []
    for size in reversed(shape):
        index.insert(0, number % size)
        number //= size
    return index


def compare(got, want):
    """What differs, in words; '' if nothing does. NaN is what poison is: it
    matches NaN only."""
    if got.dtype != want.dtype or got.shape != want.shape:
        return (f"expected {want.dtype}{list(want.shape)}, got "
                f"{got.dtype}{list(got.shape)}")
    bad = [i for i, (x, y) in enumerate(zip(got.values, want.values))
           if x != y and (x == x or y == y)]
    if not bad:
        return ""
    shown = ", ".join(f"{unravel(i, want.shape)}: expected {want.values[i]:.9g}, "
                      f"got {got.values[i]:.9g}" for i in bad[:3])
    return f"{len(bad)} of {len(want.values)} elements differ; {shown}"


# --------------------------------------------------------------------------- #
# Runs
# --------------------------------------------------------------------------- #


def call(words, seconds):
    try:
        done = subprocess.run([str(w) for w in words], stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              text=True, errors="replace", timeout=seconds,
                              check=False)
    except subprocess.TimeoutExpired:
        raise Failure(f"no end after {seconds} s") from None
    if done.returncode:
        text = " | ".join(done.stdout.strip().splitlines()) or "no message"
        raise Failure(f"exit code {done.returncode}: {text}")
    return done.stdout


def run_case(folder, subject, tool, seconds, *options):
    """Runs one case that lies in `folder` and compares its outputs."""
    spec = json.loads((folder / "case.json").read_text())
    words = [tool, "run", subject, *options, *spec["options"]]
    for name in spec["inputs"]:
        words += ["--input", f"{name}={folder / 'inputs' / name}.npy"]
    with tempfile.TemporaryDirectory() as out:
        call(words + ["--output", out], seconds)
        for name in spec["outputs"]:
            path = pathlib.Path(out) / f"{name}.npy"
            if not path.exists():
                raise Failure(f"no output '{name}'")
            want = Tensor.read(folder / "expected" / f"{name}.npy")
            if message := compare(Tensor.read(path), want):
                raise Failure(f"{name}: {message}")


def write_case(folder, case):
    for part, tensors in (("inputs", case.inputs), ("expected", case.expected)):
        (folder / part).mkdir(parents=True, exist_ok=True)
        for name, tensor in tensors.items():
            tensor.write(folder / part / f"{name}.npy")
    options = [word for name, size in sorted(case.sizes.items())
               for word in ("--size", f"{name}={size}")]
    options += [word for name, pad in sorted(case.padding.items())
                for word in ("--pad", f"{name}={pad}")]
    spec = {"options": options, "inputs": sorted(case.inputs),
            "outputs": sorted(case.expected)}
    (folder / "case.json").write_text(json.dumps(spec, indent=1) + "\n")


def table(jobs, workers=1):
    """Runs `jobs`, pairs of a name and a function, and prints a line for each.
    Returns whether all succeeded."""

    def attempt(job):
        try:
            return job[1]() or ""
        except Failure as failure:
            return failure

    failed = 0
    width = max((len(name) for name, _ in jobs), default=0)
    with concurrent.futures.ThreadPoolExecutor(workers) as pool:
        for (name, _), result in zip(jobs, pool.map(attempt, jobs)):
            good = not isinstance(result, Failure)
            failed += not good
            print(f"{name:{width}}  {'ok' if good else 'FAIL'}  {result}".rstrip(),
                  flush=True)
    print(f"{len(jobs) - failed} of {len(jobs)} passed")
    return bool(jobs) and not failed


# --------------------------------------------------------------------------- #
# Commands
# --------------------------------------------------------------------------- #


def choose(programs, names):
    """The programs that `names` are, or are the beginnings of."""
    for name in names:
        if not any(p.name.startswith(name) for p in programs):
            sys.exit(f"error: no program '{name}'")
    return [p for p in programs
            if not names or any(p.name.startswith(n) for n in names)]


def write_program(program, folder):
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "program.mlir"
    path.write_text(program.text(HERE))
    return path


def compile_program(program, jit, folder):
    """Writes a package; the program must assemble without a spill."""
    source = write_program(program, folder)
    line = call([jit, "compile", source, "-o", folder], 300)
    report = json.loads(line.strip().splitlines()[-1])
    (folder / "kernel.ptx").unlink()
    if "report" not in report:
        return "no ptxas: compiled as far as PTX"
    registers = report["report"]["functions"][0]["registers"]
    return f"{registers} registers, {report['sharedBytes']} bytes shared"


def compile_all(programs, jit, folder):
    def one(program):
        target = folder / program.name
        shutil.rmtree(target, ignore_errors=True)
        text = compile_program(program, jit, target)
        for case in program.cases():
            write_case(target / "cases" / case.name, case)
        return text

    jobs = [(p.name, lambda p=p: one(p)) for p in programs]
    good = table(jobs, os.cpu_count())
    shutil.copy(__file__, folder)
    return good


def run_folder(folder, runner, names):
    """Runs the packages in `folder` with mla-run."""
    jobs = []
    for path in sorted(folder.glob("*/cases/*/case.json")):
        case, package = path.parent, path.parents[2]
        if names and not any(package.name.startswith(n) for n in names):
            continue
        jobs.append((f"{package.name}/{case.name}",
                     lambda c=case, p=package: run_case(c, p, runner, 30)))
    return table(jobs)


def run_device(programs, jit, device):
    """Runs the programs on a device of mla-jit."""
    if device == "gpu" and not os.path.exists("/dev/nvidia0"):
        print("skipped: no GPU here")
        sys.exit(SKIPPED)
    with tempfile.TemporaryDirectory() as scratch:
        jobs = []
        for program in programs:
            if device == "interpreter" and program.level != "tile":
                continue
            folder = pathlib.Path(scratch) / program.name
            source = write_program(program, folder)
            for case in program.cases():
                # The simulator takes an unwritten output for a fault.
                if device == "sim" and case.partial:
                    continue
                path = folder / case.name

                def one(case=case, path=path, source=source):
                    write_case(path, case)
                    run_case(path, source, jit, 300, f"--device={device}")

                jobs.append((f"{program.name}/{case.name}", one))
        return table(jobs, os.cpu_count() if device != "gpu" else 1)


def self_test(programs, jit):
    """Damages an expected value, and takes an output away: both must show."""
    program = next(p for p in programs if p.level == "tile")
    case = next(iter(program.cases()))
    output = sorted(case.expected)[0]

    def attempt(change):
        with tempfile.TemporaryDirectory() as scratch:
            folder = pathlib.Path(scratch)
            source = write_program(program, folder)
            write_case(folder, case)
            change(folder)
            try:
                run_case(folder, source, jit, 300, "--device=interpreter")
            except Failure as failure:
                return str(failure)
            return ""

    def damage(folder):
        path = folder / "expected" / f"{output}.npy"
        data = bytearray(path.read_bytes())
        data[-2] ^= 0x40
        path.write_bytes(data)

    def demand(folder):
        spec = json.loads((folder / "case.json").read_text())
        spec["outputs"].append("nothing")
        (folder / "case.json").write_text(json.dumps(spec))

    results = [("as it is", attempt(lambda _: None), ""),
               ("one value damaged", attempt(damage), "1 of "),
               ("one output more", attempt(demand), "no output 'nothing'")]
    good = True
    for name, got, want in results:
        right = want in got if want else not got
        good &= right
        print(f"{name}: {'ok' if right else 'FAIL'}: {got or 'no difference'}")
    return good


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jit", type=pathlib.Path, help="mla-jit")
    parser.add_argument("--compile", type=pathlib.Path, metavar="DIR")
    parser.add_argument("--run", type=pathlib.Path, metavar="DIR")
    parser.add_argument("--runner", type=pathlib.Path, help="mla-run")
    parser.add_argument("--device", help="a device of mla-jit")
    parser.add_argument("--self-test", action="store_true")
    parser.add_argument("--list", action="store_true", help="the programs")
    parser.add_argument("names", nargs="*", help="(beginnings of) names of programs")
    options = parser.parse_args()
    if options.run:
        if not options.runner:
            parser.error("--run needs --runner")
        return run_folder(options.run, options.runner.resolve(), options.names)
    sys.path.insert(0, str(HERE))
    from kernels import PROGRAMS  # pylint: disable=import-outside-toplevel

    programs = choose(PROGRAMS, options.names)
    if options.list:
        for program in programs:
            print(f"{program.name:24} {program.level:5} {program.summary}")
        return True
    if not options.jit:
        parser.error("expected --run DIR or --jit MLA-JIT")
    if options.self_test:
        return self_test(programs, options.jit)
    if options.compile:
        return compile_all(programs, options.jit, options.compile)
    if options.device:
        return run_device(programs, options.jit, options.device)
    return parser.error("expected --compile, --device or --self-test")


if __name__ == "__main__":
    sys.exit(0 if main() else 1)
