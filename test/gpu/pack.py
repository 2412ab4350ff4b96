#!/usr/bin/env python3
"""Packs what the runtime and the Python package need on a machine with a GPU and
no compiler: the runtime, kernel packages, and the examples.

    test/gpu/pack.py --build build --out build/gpu
    test/gpu/run.sh build/gpu          # there, from the top of the source tree
"""

import argparse
import pathlib
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "test"))
from fake_package import make_package  # noqa: E402

# The shape classes of python/tests/test_torch.py.
CASES = [(h, d, ()) for h in (128, 64) for d in (576, 512)]
CASES += [
    (h, d, options)
    for h, d in ((128, 576), (64, 512))
    for options in (("--sink",), ("--topk-length",), ("--sink", "--topk-length"))
]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", type=pathlib.Path, required=True)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    options = parser.parse_args()
    build, out = options.build.resolve(), options.out.resolve()
    shutil.rmtree(out, ignore_errors=True)

    for heads, d_qk, flags in CASES:
        name = "".join([f"h{heads}-d{d_qk}", *flags])
        flags = (f"--h={heads}", f"--d-qk={d_qk}", *flags)
        package = out / "packages" / name
        make_package(build / "bin/mla-jit", package, *flags, need_cubin=True)
        (package / "kernel.ptx").unlink()

    prefix, examples = out / "prefix", out / "examples"
    install = ("cmake", "--install", build, "--prefix", prefix)
    driver = build / "test/Unit/Runtime/fake-cuda/libcuda.so.1"
    for command in (
        (*install, "--component", "runtime"),
        (
            *("cmake", "-G", "Ninja", "-S", ROOT / "examples", "-B", examples),
            *(f"-DCMAKE_PREFIX_PATH={prefix}", f"-DCUDA_DRIVER={driver}"),
            # Found by LD_LIBRARY_PATH there, as the real driver is.
            "-DCMAKE_SKIP_RPATH=ON",
            *("-DCMAKE_C_COMPILER=clang-22", "-DCMAKE_CXX_COMPILER=clang++-22"),
        ),
        ("cmake", "--build", examples),
    ):
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    shutil.copy(prefix / "lib/libmla-runtime.so.1", out)
    for example in ("runtime", "runtime-cpp"):
        shutil.copy(examples / example, out)
    shutil.rmtree(prefix)
    shutil.rmtree(examples)
    print(*sorted(path.name for path in out.iterdir()))


if __name__ == "__main__":
    main()
