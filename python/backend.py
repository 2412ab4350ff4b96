#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Makes the wheel: as PEP 517's backend (pip wheel ./python), and by hand.

    python/backend.py --library build-static/lib/libmla-jit.so --out dist

$MLA_LIBRARY names the library where pip is the caller. Without a library the
wheel is pure Python and finds one on the machine. Equal input gives an equal
wheel, to the byte.
"""

import argparse
import base64
import hashlib
import os
import pathlib
import re
import zipfile

ROOT = pathlib.Path(__file__).resolve().parent
NAME, VERSION = "mla_kernels", "0.1.0"
METADATA = f"""Metadata-Version: 2.1
Name: mla-kernels
Version: {VERSION}
Summary: Multi-head latent attention on Hopper GPUs
License: Apache-2.0 WITH LLVM-exception
Requires-Python: >=3.8
"""

# What a manylinux wheel may expect of the machine (PEP 600's policies).
SYSTEM_LIBRARIES = re.compile(
    r"(libc|libm|libdl|librt|libpthread|libgcc_s|libstdc\+\+|libz|ld-linux-[\w-]+)\.so"
)

# The architecture in a wheel's tag by e_machine of the ELF header.
ARCHITECTURES = {62: "x86_64", 183: "aarch64"}
SHARED_OBJECT = 3  # e_type


class Elf:
    """What a wheel's tag depends on in a 64-bit ELF shared library."""

    def __init__(self, name, data):
        self._name, self._data = name, data
        if data[:4] != b"\x7fELF":
            self._refuse("an ELF file", "another format")
        if data[4:6] != b"\x02\x01":
            self._refuse("a 64-bit little-endian ELF file", "another class of ELF")
        if self._number(16, 2) != SHARED_OBJECT:
            self._refuse("a shared library", f"an ELF file of type {self._number(16, 2)}")
        machine = self._number(18, 2)
        self.architecture = ARCHITECTURES.get(machine)
        if self.architecture is None:
            known = " or ".join(f"{n} ({word})" for n, word in ARCHITECTURES.items())
            self._refuse(f"ELF machine {known}", str(machine))

    def _refuse(self, expected, got):
        raise ValueError(f"{self._name}: expected {expected}, got {got}")

    def _number(self, offset, size):
        if offset + size > len(self._data):
            self._refuse(f"at least {offset + size} bytes", str(len(self._data)))
        return int.from_bytes(self._data[offset : offset + size], "little")

    def needed(self):
        """The names in DT_NEEDED."""
        number, data = self._number, self._data
        table, size, count = number(40, 8), number(58, 2), number(60, 2)
        sections = [table + index * size for index in range(count)]
        names = []
        for section in sections:
            if number(section + 4, 4) != 6:  # SHT_DYNAMIC
                continue
            strings = number(sections[number(section + 40, 4)] + 24, 8)
            start, length = number(section + 24, 8), number(section + 32, 8)
            for entry in range(start, start + length, 16):
                if number(entry, 8) == 1:  # DT_NEEDED
                    name = strings + number(entry + 8, 8)
                    names.append(data[name : data.index(b"\0", name)].decode())
        return names

    def platform_tag(self):
        """manylinux of the glibc that the library asks for; linux where it needs
        more than every machine has."""
        if not all(map(SYSTEM_LIBRARIES.match, self.needed())):
            return f"linux_{self.architecture}"
        versions = re.findall(rb"\0GLIBC_2\.(\d+)(?=[.\0])", self._data)
        minor = max(map(int, versions), default=17)
        return f"manylinux_2_{max(minor, 17)}_{self.architecture}"

    def packaged_name(self):
        """The name that the package looks for, whatever the file's is."""
        if b"mlaCompile\0" in self._data:
            return "libmla-jit.so"
        if b"mlaKernelLaunch\0" in self._data:
            return "libmla-runtime.so.1"
        self._refuse("libmla-jit.so or libmla-runtime.so", "another library")


def make_wheel(out, library=None):
    """Writes the wheel into the folder `out`; its name."""
    files = {
        f"mla/{path.name}": path.read_bytes()
        for path in sorted((ROOT / "mla").glob("*.py"))
    }
    tag = "py3-none-any"
    if library:
        data = pathlib.Path(library).read_bytes()
        elf = Elf(library, data)
        files[f"mla/{elf.packaged_name()}"] = data
        tag = f"py3-none-{elf.platform_tag()}"
    info = f"{NAME}-{VERSION}.dist-info"
    files[f"{info}/METADATA"] = METADATA.encode()
    files[f"{info}/WHEEL"] = (
        "Wheel-Version: 1.0\nGenerator: mla\n"
        f"Root-Is-Purelib: {'false' if library else 'true'}\nTag: {tag}\n"
    ).encode()
    license_file = ROOT.parent / "LICENSE"
    if license_file.exists():
        files[f"{info}/LICENSE"] = license_file.read_bytes()
    record = []
    for path, data in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=")
        record.append(f"{path},sha256={digest.decode()},{len(data)}")
    record.append(f"{info}/RECORD,,")
    files[f"{info}/RECORD"] = ("\n".join(record) + "\n").encode()

    out = pathlib.Path(out)
    out.mkdir(parents=True, exist_ok=True)
    wheel = f"{NAME}-{VERSION}-{tag}.whl"
    with zipfile.ZipFile(out / wheel, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, data in files.items():
            entry = zipfile.ZipInfo(path)  # of 1980: no time of the day
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, data)
    return wheel


def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    return make_wheel(wheel_directory, os.environ.get("MLA_LIBRARY"))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--library", help="libmla-jit.so or libmla-runtime.so")
    parser.add_argument("--out", default="dist", help="a folder (default dist)")
    options = parser.parse_args()
    try:
        print(f"{options.out}/{make_wheel(options.out, options.library)}")
    except (OSError, ValueError) as error:
        parser.exit(1, f"{parser.prog}: error: {error}\n")


if __name__ == "__main__":
    main()
