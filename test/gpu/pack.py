#!/usr/bin/env python3
"""Packs what a machine with a GPU and nothing else needs for the tests that want
one: the runtime, kernel packages, the examples; with --release also the compiler,
its library and wheel, a ptxas, and lit with the tests that compile there.

    ./run release
    test/gpu/pack.py --build build --release build-static/release --out build/gpu
    test/gpu/run.sh build/gpu          # there, from the top of the source tree
"""

import argparse
import json
import pathlib
import re
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

LIT_CONFIG = """\
import os
pack = os.path.dirname(os.path.abspath(__file__))
config.mla_source_root = os.getcwd()
config.mla_test_root = os.path.join(pack, "lit-output")
config.mla_tools_dir = config.llvm_tools_dir = pack
config.mla_tools = ["mla-jit", "mla-run"]
lit_config.load_config(config, config.mla_source_root + "/test/lit.cfg.py")
"""


def pack_packages(jit, out):
    for heads, d_qk, flags in CASES:
        package = out / "".join([f"h{heads}-d{d_qk}", *flags])
        flags = ("--sizes", f"h_q={heads},d_qk={d_qk}", *flags)
        make_package(jit, package, *flags, need_cubin=True)
        (package / "kernel.ptx").unlink()
    package = out / "decode-h16"
    flags = ("--sizes", "h_q=16")
    make_package(jit, package, *flags, operator="decode", need_cubin=True)
    (package / "kernel.ptx").unlink()


def pack_examples(prefix, driver, out):
    build = out / "examples"
    for command in (
        (
            *("cmake", "-G", "Ninja", "-S", ROOT / "examples", "-B", build),
            *(f"-DCMAKE_PREFIX_PATH={prefix}", f"-DCUDA_DRIVER={driver}"),
            # Found by LD_LIBRARY_PATH there, as the real driver is.
            "-DCMAKE_SKIP_RPATH=ON",
            *("-DCMAKE_C_COMPILER=clang-22", "-DCMAKE_CXX_COMPILER=clang++-22"),
        ),
        ("cmake", "--build", build),
    ):
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    for name in ("runtime", "runtime-cpp", "serving", "jit"):
        if (build / name).exists():
            shutil.copy(build / name, out)
    shutil.rmtree(build)
    for library in prefix.glob("lib/libmla-*.so.[0-9]"):
        shutil.copy(library, out)


def pack_compiler(release, out):
    shutil.copy(release / "bin/mla-jit", out)
    shutil.copy(release / "bin/mla-run", out)
    (wheel,) = release.glob("mla_kernels-*.whl")
    shutil.unpack_archive(wheel, out / "site", "zip")
    info = subprocess.run(
        [release / "bin/mla-jit", "info", "--json"], check=True, capture_output=True
    )
    shutil.copy(json.loads(info.stdout)["ptxas"]["path"], out / "ptxas")


def pack_lit(out):
    llvm = pathlib.Path("/usr/lib/llvm-22")
    shutil.copytree(llvm / "utils/lit/lit", out / "lit/lit")
    (out / "lit.site.cfg.py").write_text(LIT_CONFIG)
    for name in ("FileCheck", "not", "count"):
        shutil.copy(llvm / "bin" / name, out)
    needed = subprocess.run(
        ["ldd", llvm / "bin/FileCheck"], check=True, capture_output=True, text=True
    ).stdout
    for name, path in re.findall(r"(lib(?:z|zstd|z3|tinfo)\.so\S*) => (\S+)", needed):
        shutil.copy(path, out / name)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", type=pathlib.Path, required=True)
    parser.add_argument("--release", type=pathlib.Path)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    options = parser.parse_args()
    build, out = options.build.resolve(), options.out.resolve()
    shutil.rmtree(out, ignore_errors=True)

    pack_packages(build / "bin/mla-jit", out / "packages")
    driver = build / "test/Unit/Runtime/fake-cuda/libcuda.so.1"
    if options.release:
        release = options.release.resolve()
        pack_examples(release, driver, out)
        pack_compiler(release, out)
        pack_lit(out)
    else:
        prefix = out / "prefix"
        install = ("cmake", "--install", build, "--prefix", prefix)
        subprocess.run(
            (*install, "--component", "runtime"),
            check=True,
            stdout=subprocess.DEVNULL,
        )
        pack_examples(prefix, driver, out)
        shutil.rmtree(prefix)
    print(*sorted(path.name for path in out.iterdir()))


if __name__ == "__main__":
    main()
