# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The wheel: what is in it, and that it works where it is unpacked."""

import base64
import hashlib
import os
import pathlib
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
