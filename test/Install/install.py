#!/usr/bin/env python3
"""Installs a build into a folder, builds the examples against it as projects of
their own would be, and runs them.

Without --gpu they run on the fake driver of the unit tests, where a launch is
accepted and computes nothing. Exit code 77: skipped.
"""

import argparse
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from fake_package import (  # noqa: E402
    make_package,
    parameter_sizes,
    program_parameter_sizes,
)

sys.path.append(str(pathlib.Path(__file__).resolve().parents[2] / "python" / "tests"))
from decode_package import make_decode_package  # noqa: E402


def run(*command, environment=None):
    print("+", *command, flush=True)
    result = subprocess.run(
        [str(word) for word in command],
        env={**os.environ, **(environment or {})},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    print(result.stdout, flush=True)
    if result.returncode:
        sys.exit(f"exit code {result.returncode}")
    return result.stdout


def expect(text, output):
    if text not in output:
        sys.exit(f"expected '{text}'")


def build_examples(options, prefix, scratch, cc, cxx):
    """Configures and builds the examples with one compiler; where they are."""
    build = scratch / f"examples-{pathlib.Path(cc).name}"
    driver = [] if options.gpu else [f"-DCUDA_DRIVER={options.fake_cuda}/libcuda.so.1"]
    run(
        *("cmake", "-G", "Ninja", "-S", options.source / "examples", "-B", build),
        *(f"-DCMAKE_PREFIX_PATH={prefix}", f"-DCMAKE_C_COMPILER={cc}"),
        *(f"-DCMAKE_CXX_COMPILER={cxx}", "-DCMAKE_C_FLAGS=-Wall -Wextra -Werror"),
        "-DCMAKE_CXX_FLAGS=-Wall -Wextra -Werror",
        *driver,
    )
    run("cmake", "--build", build)
    return build


def run_examples(options, build, package, scratch):
    environment = {}
    if not options.gpu:
        descriptor = json.loads((package / "kernel.json").read_text())
        environment = {
            "LD_LIBRARY_PATH": str(options.fake_cuda),
            "MLA_FAKE_CUDA_PARAMETERS": ",".join(
                map(str, parameter_sizes(descriptor))
            ),
        }
    output = run(build / "runtime", package, environment=environment)
    expect("workspace 0", output)
    if options.gpu:
        expect("out 0x3f80", output)
        expect("lse 4.85203", output)
    output = run(build / "runtime-cpp", package, environment=environment)
    expect("sparse_prefill: lse " + ("4.85203" if options.gpu else "0"), output)
    if not (build / "jit").exists():
        print("no MLA::jit in this build")
        return
    if not options.gpu and not shutil.which(os.environ.get("MLA_PTXAS", "ptxas")):
        print("no ptxas: examples/jit.cpp is built but not run")
        return
    environment["MLA_CACHE_DIR"] = str(scratch / "cache")
    output = run(build / "jit", scratch / "written", environment=environment)
    expect("from memory", output)
    expect("kernel.json", " ".join(os.listdir(scratch / "written")))


def run_serving(options, build, scratch):
    """A decode package, whose kernels the fake driver accepts and does not run."""
    environment, package = {}, scratch / "decode"
    if options.gpu:
        flags = ("--sizes", "h_q=16")
        make_package(options.jit, package, *flags, operator="decode", need_cubin=True)
    else:
        descriptor = make_decode_package(package, h_q=16, tiles=1, sink=False)
        environment = {
            "LD_LIBRARY_PATH": str(options.fake_cuda),
            "MLA_FAKE_CUDA_PARAMETERS": ";".join(
                f"{symbol}={','.join(map(str, sizes))}"
                for symbol, sizes in program_parameter_sizes(descriptor).items()
            ),
        }
    output = run(build / "serving", package, environment=environment)
    # The logarithm of 102.
    expect("3 steps: lse " + ("4.62497" if options.gpu else "0"), output)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--source", type=pathlib.Path, required=True)
    parser.add_argument("--build", type=pathlib.Path, required=True)
    parser.add_argument("--fake-cuda", type=pathlib.Path)
    parser.add_argument("--jit", type=pathlib.Path, help="mla-jit")
    parser.add_argument("--compiler", action="append", default=[], help="CC,CXX")
    parser.add_argument("--gpu", action="store_true", help="use the real driver")
    parser.add_argument(
        "--runtime-only",
        action="store_true",
        help="build the runtime anew, with the first compiler and without LLVM",
    )
    options = parser.parse_args()
    compilers = [pair.split(",") for pair in options.compiler]
    compilers = [pair for pair in compilers if all(map(shutil.which, pair))]
    if not compilers:
        print("none of the compilers is here")
        sys.exit(77)

    scratch = pathlib.Path(tempfile.mkdtemp(prefix="install-", dir=options.build))
    try:
        build, prefix = options.build, scratch / "prefix"
        if options.runtime_only:
            build = scratch / "runtime"
            run(
                *("cmake", "-G", "Ninja", "-S", options.source, "-B", build),
                *("-DMLA_RUNTIME_ONLY=ON", "-DCMAKE_BUILD_TYPE=Release"),
                "-DCMAKE_DISABLE_FIND_PACKAGE_MLIR=ON",
                f"-DCMAKE_C_COMPILER={compilers[0][0]}",
                f"-DCMAKE_CXX_COMPILER={compilers[0][1]}",
            )
            run("cmake", "--build", build)
        for component in ("runtime", "jit"):
            run(
                *("cmake", "--install", build, "--prefix", prefix),
                *("--component", component),
            )
        package = scratch / "package"
        make_package(options.jit, package, need_cubin=options.gpu)
        for cc, cxx in compilers:
            examples = build_examples(options, prefix, scratch, cc, cxx)
            run_examples(options, examples, package, scratch)
            run_serving(options, examples, scratch)
    finally:
        shutil.rmtree(scratch)


if __name__ == "__main__":
    main()
