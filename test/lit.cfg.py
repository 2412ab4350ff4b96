"""The lit tests of the compiler: see docs/Testing.md.

Substitutions: %mla-opt, and %mla-jit and %mla-run where they are built.
Features:      ptxas, nvdisasm  an assembler, a disassembler is there
                      (MLA_PTXAS or MLA_NVDISASM, CUDA_HOME, PATH)
               gpu    an NVIDIA device is there
               jit, run  the tools mla-jit and mla-run are built
               node   Node.js is there, which checks and runs the page's scripts
               matplotlib  is there, which bench/plot.py draws with
"""

import importlib.util
import os
import shutil
import sys

import lit.formats

config.name = "MLA"
config.test_format = lit.formats.ShTest(execute_external=False)
config.suffixes = [".mlir", ".test"]
config.excludes = ["Unit", "Inputs", "Conformance", "Schedules"]
config.test_source_root = os.path.dirname(__file__)
config.test_exec_root = config.mla_test_root

# FileCheck, not and count come from LLVM.
config.environment["PATH"] = os.pathsep.join(
    [config.mla_tools_dir, config.llvm_tools_dir, os.environ.get("PATH", "")]
)
for name in ("HOME", "CUDA_HOME", "MLA_PTXAS", "MLA_NVDISASM", "LD_LIBRARY_PATH"):
    if name in os.environ:
        config.environment[name] = os.environ[name]

# Nothing outside the build is written.
config.environment["MLA_CACHE_DIR"] = os.path.join(config.mla_test_root, "cache")

config.substitutions.append((r"%python\b", sys.executable))
for tool in config.mla_tools:
    path = os.path.join(config.mla_tools_dir, tool)
    config.substitutions.append(("%" + tool + r"\b", path))
    if tool != "mla-opt":
        config.available_features.add(tool[len("mla-") :])


def find_program(name):
    """The program that MLA_NAME, CUDA_HOME or PATH names, as the compiler looks
    for it."""
    homes = [os.environ.get("CUDA_HOME", ""), os.environ.get("CUDA_PATH", "")]
    candidates = [os.environ.get("MLA_" + name.upper(), "")]
    candidates += [os.path.join(home, "bin", name) for home in homes if home]
    candidates += [name]
    return next((p for p in map(shutil.which, candidates) if p), None)


if find_program("nvdisasm"):
    config.available_features.add("nvdisasm")
if ptxas := find_program("ptxas"):
    config.available_features.add("ptxas")
    config.substitutions.append((r"%ptxas\b", ptxas))
if node := shutil.which("node") or shutil.which("nodejs"):
    config.available_features.add("node")
    config.substitutions.append((r"%node\b", node))
if importlib.util.find_spec("matplotlib"):
    config.available_features.add("matplotlib")
if os.path.exists("/dev/nvidia0"):
    config.available_features.add("gpu")
