#!/usr/bin/env python3
"""Writes the inputs that fuzzing starts from.

For mla-fuzz-opt each program of the lit tests, with the passes that its RUN
lines name, and each stage of each schedule, with the next pass; for the others
small files of their formats. Among them is what was found before: programs that
are refused in the lit tests, and here the last of each format. What is written
depends on nothing but the tree and the tools.
"""

import argparse
import json
import math
import pathlib
import re
import shlex
import struct
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
TESTS = HERE.parent
sys.path.insert(0, str(TESTS))
from fake_package import ITEM_BYTES, fake_cubin, seal  # noqa: E402

DEEP = b"[" * 200000  # further than a stack reaches
SCHEDULES = ["shared-p", "split-columns", "swapped", "seesaw"]
PASS = re.compile(r"--?((?:mla|convert-mla|canonicalize|cse)[a-z-]*)(?:=(.*))?$")


def run_lines(text):
    """What the RUN lines of a test give to mla-opt."""
    lines = " ".join(re.findall(r"RUN:(.*)", text)).replace("\\ ", " ")
    return re.split(r" %?mla-opt\b", lines)


def passes_of(command):
    """The passes that a command names, as one list for PassManager."""
    names = []
    try:
        words = shlex.split(command)
    except ValueError:
        return ""
    for word in words:
        if word in ("|", "&&"):
            break
        if match := PASS.match(word):
            options = "{" + match[2] + "}" if match[2] else ""
            names.append(match[1] + options)
    return ",".join(names)


def from_tests():
    """The programs of the lit tests."""
    for path in sorted(TESTS.rglob("*.mlir")):
        text = path.read_text()
        chains = {passes_of(command) for command in run_lines(text)} - {""}
        for chunk in re.split(r"^// -----.*$", text, flags=re.MULTILINE):
            if not re.search(r"^\s*[^/\s]", chunk, flags=re.MULTILINE):
                continue
            # Comments say nothing to the parser, and CHECK lines are long.
            body = re.sub(r"^\s*//.*\n", "", chunk, flags=re.MULTILINE)
            for chain in sorted(chains)[:3] or ["mla-cta-pipeline"]:
                yield chain, body


def generic(opt):
    """Programs in the generic form, whose types and attributes only verifiers check."""
    for name in ["MLA/roundtrip", "Tile/roundtrip", "CTA/roundtrip", "CTA/copies", "CTA/sync"]:
        command = [opt, TESTS / "Dialect" / f"{name}.mlir", "--mlir-print-op-generic",
                   "-split-input-file"]
        text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        for chunk in text.split("// -----"):
            yield "mla-cta-pipeline", chunk


def from_stages(jit):
    """The IR after each pass, as mla-jit dumps it."""
    for number, schedule in enumerate(SCHEDULES):
        flags = ["--sizes", "h_q=128,d_qk=576"]
        if number % 2:
            flags = ["--sizes", "h_q=64,d_qk=512", "--topk-length", "--sink"]
        with tempfile.TemporaryDirectory() as folder:
            folder = pathlib.Path(folder)
            source = folder / "op.mlir"
            subprocess.run([jit, "emit", "sparse_prefill", *flags, "-o", source], check=True)
            yield f"mla-cta-pipeline{{schedule={schedule}}}", source.read_text()
            subprocess.run(
                [jit, "compile", source, f"--schedule={schedule}", "-o", folder / "package",
                 f"--dump-ir={folder / 'stages'}"],
                check=True, stdout=subprocess.DEVNULL)
            stages = sorted((folder / "stages").glob("*.mlir"))
            names = [re.sub(r"^\d+-", "", stage.stem) for stage in stages]
            for stage, following in zip(stages, names[1:]):
                if re.match("mla-|convert-mla|canonicalize|cse", following):
                    yield following, stage.read_text()


def descriptor():
    """A package that uses every feature of the format."""
    argument = dict(kind="tensor", access="read", alignment=16)
    return {
        "format": "mla-kernel-package", "version": 3, "compiler": "mla 0.1.0",
        "operator": "sparse_prefill", "target": "sm_90a",
        "cubin": "kernel.cubin",
        "arguments": [
            dict(argument, name="q", dtype="bf16", shape=["s_q", 128, 576],
                 strides=[None, None, 1]),
            dict(argument, name="indices", dtype="i32", shape=["s_q", "topk"],
                 strides=[None, 1], alignment=4),
            dict(name="scale", kind="scalar", dtype="f32", positive=True),
            dict(argument, name="out", dtype="bf16", shape=["s_q", 128, 512],
                 strides=[None, 512, 1], access="write"),
            dict(name="flag", kind="scalar", dtype="i8")],
        "workspaces": [
            dict(name="partial", dtype="f32", shape=["min(s_q, sms) + 1", 64],
                 alignment=16)],
        "kernels": [
            dict(symbol="plan", phase="plan", grid=1, block=32, sharedBytes=0,
                 parameters=[dict(kind="pointer", workspace=0)]),
            dict(symbol="sparse_prefill", phase="launch",
                 parameters=[
                     dict(kind="pointer", argument=0), dict(kind="scalar", argument=4),
                     dict(kind="scalar", argument=2),
                     dict(kind="size", argument=1, dim=1),
                     dict(kind="stride", argument=0, dim=1),
                     dict(kind="tensor_map", index=0)],
                 tensorMaps=[dict(argument=0, box=[1, 64, 64], swizzle=128)],
                 grid="s_q * ceildiv(topk, 64) * 2", block=384, cluster=2,
                 sharedBytes=231000, programmatic=True)]}


def packages():
    small = dict(descriptor(), arguments=[], workspaces=[], kernels=[
        dict(symbol="small", parameters=[], grid=1, block=32, sharedBytes=0)])
    for content in (descriptor(), small):
        text = seal(content, fake_cubin()).encode()
        for choices in (b"", bytes(range(24)), b"\x0f" * 24):
            yield text + b"\0" + bytes([len(choices)]) + choices + fake_cubin()
    yield DEEP
    names = [f"n{number}" for number in range(20000)]
    argument = dict(descriptor()["arguments"][0], shape=names, strides=[])
    yield json.dumps(dict(descriptor(), arguments=[argument])).encode()


def npys():
    for number, dtype in enumerate(["<u2", "<f2", "<f4", "<f8", "|i1", "<i4", "<i8"]):
        size = list(ITEM_BYTES.values())[number]
        for shape in ((), (3,), (2, 3), (0, 5, 7), (0, 1 << 62, 1 << 62)):
            header = f"{{'descr': '{dtype}', 'fortran_order': False, 'shape': {shape}, }}\n"
            yield (bytes([number]) + b"\x93NUMPY\1\0" + struct.pack("<H", len(header))
                   + header.encode() + bytes(math.prod(shape) * size))


def tables():
    yield (TESTS.parent / "lib/Operators/SparsePrefill/tuning.txt").read_bytes()
    table = (TESTS / "Tools/Inputs/tuning.txt").read_bytes()
    yield table
    yield re.sub(rb"ms=\S+", b"ms=4e-300", table)


def entries():
    # The target mends the digest.
    header = b"mla cache entry 1\n" + bytes(32) + struct.pack("<Q", 3) + b"key"
    fields = dict(descriptor=seal(descriptor(), fake_cubin()), registers=168, stackBytes=0,
                  spillBytes=0, warnings=0)
    for assembler in (1, 2, 3):
        value = json.dumps(dict(fields, assembler=assembler)).encode()
        yield header + value + b"\n" + fake_cubin()
    yield header + DEEP


def write(folder, name, contents):
    folder = folder / name
    folder.mkdir(parents=True, exist_ok=True)
    for number, content in enumerate(contents):
        if isinstance(content, tuple):
            content = f"// {content[0]}\n{content[1]}".encode()
        (folder / f"{number:04}").write_bytes(content)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jit", required=True, help="path of mla-jit")
    parser.add_argument("folder", type=pathlib.Path)
    args = parser.parse_args()
    opt = pathlib.Path(args.jit).with_name("mla-opt")
    stages = list(from_stages(args.jit))
    write(args.folder, "opt", [*stages, *from_tests(), *generic(opt)])
    write(args.folder, "foreign", stages)
    write(args.folder, "package", packages())
    write(args.folder, "npy", npys())
    write(args.folder, "tuning", tables())
    write(args.folder, "cache", entries())


if __name__ == "__main__":
    main()
