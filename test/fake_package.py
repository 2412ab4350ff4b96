"""Packages for tests that run on the fake driver, which looks into no cubin."""

import hashlib
import json
import pathlib
import struct
import subprocess

ITEM_BYTES = {"bf16": 2, "f16": 2, "f32": 4, "f64": 8, "i8": 1, "i32": 4, "i64": 8, "f8E4M3FN": 1}


def parameter_sizes(descriptor):
    """Bytes of each parameter of its only kernel, for cuFuncGetParamInfo."""
    (sizes,) = program_parameter_sizes(descriptor).values()
    return sizes


def program_parameter_sizes(descriptor):
    """Bytes of each parameter of each kernel, by the kernel's symbol."""
    return {
        kernel["symbol"]: _kernel_parameter_sizes(descriptor, kernel)
        for kernel in descriptor["kernels"]
    }


def _kernel_parameter_sizes(descriptor, kernel):
    sizes = []
    for parameter in kernel["parameters"]:
        if parameter["kind"] == "tensor_map":
            sizes.append(128)
        elif parameter["kind"] == "scalar":
            dtype = descriptor["arguments"][parameter["argument"]]["dtype"]
            sizes.append(ITEM_BYTES[dtype])
        else:
            sizes.append(8)
    return sizes


def fake_cubin():
    """The least that the runtime takes: an ELF header and one empty section."""
    header = bytearray(128)
    header[:7] = b"\x7fELF\x02\x01\x01"
    struct.pack_into("<H", header, 18, 190)  # machine: CUDA
    struct.pack_into("<Q", header, 40, 64)  # section table
    struct.pack_into("<HH", header, 58, 64, 1)  # bytes of an entry, entries
    struct.pack_into("<QQ", header, 64 + 24, 128, 0)
    return bytes(header)


def seal(descriptor, cubin):
    """The text of kernel.json, with the seal of docs/Package.md."""
    text = json.dumps({**descriptor, "sha256": "0" * 64}, indent=2) + "\n"
    digest = hashlib.sha256(text.encode() + cubin).hexdigest()
    return text.replace("0" * 64, digest)


def make_package(jit, folder, *flags, operator="sparse_prefill", need_cubin=False):
    """Compiles an operator into a package; without ptxas, with a cubin for the fake
    driver. `flags` are those of mla-jit emit."""
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    source = folder / f"{operator}.mlir"
    run(jit, "emit", operator, *flags, "-o", source)
    return compile_package(jit, source, folder, need_cubin)


def compile_package(jit, source, folder, need_cubin=False):
    """Compiles a program into a package, as make_package does."""
    folder = pathlib.Path(folder)
    run(jit, "compile", source, "-o", folder)
    if not (folder / "kernel.cubin").exists():
        if need_cubin:
            raise RuntimeError("expected a ptxas, found none")
        write_package(folder, json.loads((folder / "kernel.json").read_text()))
    return folder


def write_package(folder, descriptor):
    """Writes a package for the fake driver."""
    (folder / "kernel.cubin").write_bytes(fake_cubin())
    (folder / "kernel.json").write_text(seal(descriptor, fake_cubin()))


def run(*command):
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
