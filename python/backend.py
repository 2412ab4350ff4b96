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
    r"(libc|libm|libdl|librt|libpthread|libgcc_s|libstdc\+\+|libz|ld-linux-x86-64)\.so"
)


def dynamic_strings(library):
    """The names in DT_NEEDED of a 64-bit ELF file."""

    def number(offset, size):
        return int.from_bytes(library[offset : offset + size], "little")

    table, size, count = number(40, 8), number(58, 2), number(60, 2)
    sections = [table + index * size for index in range(count)]
    needed = []
    for section in sections:
        if number(section + 4, 4) != 6:  # SHT_DYNAMIC
            continue
        strings = number(sections[number(section + 40, 4)] + 24, 8)
        start, length = number(section + 24, 8), number(section + 32, 8)
        for entry in range(start, start + length, 16):
            if number(entry, 8) == 1:  # DT_NEEDED
                name = strings + number(entry + 8, 8)
                needed.append(library[name : library.index(b"\0", name)].decode())
    return needed


def platform_tag(library):
    """manylinux of the glibc that the library asks for; linux where it needs
    more than every machine has."""
    if not all(map(SYSTEM_LIBRARIES.match, dynamic_strings(library))):
        return "linux_x86_64"
    versions = re.findall(rb"\0GLIBC_2\.(\d+)(?=[.\0])", library)
    minor = max(map(int, versions), default=17)
    return f"manylinux_2_{max(minor, 17)}_x86_64"


def make_wheel(out, library=None):
    """Writes the wheel into the folder `out`; its name."""
    files = {
        f"mla/{path.name}": path.read_bytes()
        for path in sorted((ROOT / "mla").glob("*.py"))
    }
    tag = "py3-none-any"
    if library:
        data = pathlib.Path(library).read_bytes()
        # The names that the package looks for, whatever the file's is.
        name = "libmla-jit.so" if b"mlaCompile\0" in data else "libmla-runtime.so.1"
        files[f"mla/{name}"] = data
        tag = f"py3-none-{platform_tag(data)}"
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
    print(f"{options.out}/{make_wheel(options.out, options.library)}")


if __name__ == "__main__":
    main()
