# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The wheel: its contents, and that it works from any folder."""

import base64
import hashlib
import os
import pathlib
import struct
import subprocess
import sys
import tempfile
import unittest
import zipfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
import backend  # noqa: E402


class Wheel(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def test_record(self):
        wheel = backend.make_wheel(self.folder)
        self.assertEqual(wheel, "mla_kernels-0.1.0-py3-none-any.whl")
        with zipfile.ZipFile(f"{self.folder}/{wheel}") as archive:
            record = archive.read("mla_kernels-0.1.0.dist-info/RECORD").decode()
            names = set(archive.namelist())
            for line in record.splitlines():
                name, digest, size = line.split(",")
                names.remove(name)
                if digest:
                    data = archive.read(name)
                    expected = hashlib.sha256(data).digest()
                    expected = base64.urlsafe_b64encode(expected).rstrip(b"=").decode()
                    self.assertEqual(digest, "sha256=" + expected)
                    self.assertEqual(int(size), len(data))
        self.assertEqual(names, set())

    def elf(self, **changes):
        """An ELF file with changed fields of its header, and the runtime's name."""
        fields = {"magic": b"\x7fELF\x02\x01", "type": 3, "machine": 62, **changes}
        data = bytearray(64)
        data[: len(fields["magic"])] = fields["magic"]
        struct.pack_into("<HH", data, 16, fields["type"], fields["machine"])
        path = pathlib.Path(self.folder, "library.so")
        path.write_bytes(data + fields.get("symbols", b"\0mlaKernelLaunch\0GLIBC_2.28\0"))
        return path

    def test_architectures(self):
        for machine, word in ((62, "x86_64"), (183, "aarch64")):
            wheel = backend.make_wheel(self.folder, self.elf(machine=machine))
            tag = f"py3-none-manylinux_2_28_{word}"
            self.assertEqual(wheel, f"mla_kernels-0.1.0-{tag}.whl")
            with zipfile.ZipFile(f"{self.folder}/{wheel}") as archive:
                text = archive.read("mla_kernels-0.1.0.dist-info/WHEEL").decode()
                self.assertIn(f"\nTag: {tag}\n", text)
                self.assertIn("mla/libmla-runtime.so.1", archive.namelist())

    def test_no_libraries(self):
        for text, changes in [
            ("expected an ELF file, got another format", {"magic": b"!<arch>"}),
            (
                "expected a 64-bit little-endian ELF file, got another class of ELF",
                {"magic": b"\x7fELF\x01\x01"},
            ),
            ("expected a shared library, got an ELF file of type 2", {"type": 2}),
            (
                "expected ELF machine 62 (x86_64) or 183 (aarch64), got 243",
                {"machine": 243},
            ),
            (
                "expected libmla-jit.so or libmla-runtime.so, got another library",
                {"symbols": b"\0cuInit\0"},
            ),
        ]:
            library = self.elf(**changes)
            with self.subTest(text), self.assertRaises(ValueError) as caught:
                backend.make_wheel(self.folder, library)
            self.assertEqual(str(caught.exception), f"{library}: {text}")
        library = pathlib.Path(self.folder, "short.so")
        library.write_bytes(b"\x7fELF\x02\x01")
        command = [sys.executable, ROOT / "backend.py", "--library", library]
        result = subprocess.run(
            [*command, "--out", self.folder], stderr=subprocess.PIPE, text=True
        )
        self.assertEqual(result.returncode, 1)
        text = f"backend.py: error: {library}: expected at least 18 bytes, got 6\n"
        self.assertEqual(result.stderr, text)
        self.assertEqual(list(pathlib.Path(self.folder).glob("*.whl")), [])

    @unittest.skipUnless(os.environ.get("MLA_LIBRARY"), "needs MLA_LIBRARY")
    def test_with_a_library(self):
        library = os.environ["MLA_LIBRARY"]
        wheel = backend.build_wheel(self.folder)
        self.assertRegex(wheel, r"-py3-none-(many)?linux(_2_\d+)?_x86_64\.whl$")
        again = self.folder + "/again"
        self.assertEqual(backend.make_wheel(again, library), wheel)
        first = pathlib.Path(self.folder, wheel).read_bytes()
        self.assertEqual(pathlib.Path(again, wheel).read_bytes(), first)
        with zipfile.ZipFile(f"{self.folder}/{wheel}") as archive:
            archive.extractall(self.folder + "/site")
        environment = {k: v for k, v in os.environ.items() if k != "MLA_LIBRARY"}
        environment["PYTHONPATH"] = self.folder + "/site"
        code = "import mla._library as l; print(l.library().path)"
        path = subprocess.run(
            [sys.executable, "-c", code],
            env=environment,
            check=True,
            text=True,
            capture_output=True,
        ).stdout.strip()
        self.assertTrue(path.startswith(self.folder + "/site/mla/libmla-"), path)


if __name__ == "__main__":
    unittest.main()
