# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Worker processes, and users without write permission, on the fake driver."""

import os
import pathlib
import pickle
import shutil
import subprocess
import sys
import tempfile
import unittest

import mla

# First: it adds the folder of fake_package to sys.path.
from support import setUpModule  # noqa: F401

from fake_package import make_package

TESTS = pathlib.Path(__file__).resolve().parent
PRELUDE = """
import json, multiprocessing, os, pathlib
import mla, workers
from mla import _library
descriptor = json.loads(pathlib.Path(os.environ["MLA_PACKAGES"], "kernel.json").read_text())

def run(how):
    context = multiprocessing.get_context(how)
    context.set_forkserver_preload(["mla", "workers"])
    with context.Pool(1) as pool:
        return pool.apply_async(workers.launch, (descriptor,)).get(30)
"""


class Processes(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.folder.cleanup)
        make_package(
            os.environ["MLA_TEST_JIT"], cls.folder.name, "--h=128", "--d-qk=576"
        )

    def run_python(self, code, **environment):
        """Returns the output of a new process, which has opened no library."""
        python_path = f"{TESTS}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"
        result = subprocess.run(
            [sys.executable, "-c", PRELUDE + code],
            env={
                **os.environ,
                "PYTHONPATH": python_path,
                "MLA_PACKAGES": self.folder.name,
                **environment,
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            timeout=100,
            text=True,
        )
        self.assertEqual(result.returncode, 0, result.stderr)
        return result.stdout.strip()

    def test_ways_to_start(self):
        for how in ("spawn", "forkserver", "fork"):
            with self.subTest(how):
                self.assertEqual(self.run_python(f"print(run('{how}'))"), "1")

    def test_packages_that_were_loaded_before(self):
        code = "_library.library(); print(run('fork'))"
        self.assertEqual(self.run_python(code), "1")

    def test_locks_of_other_threads(self):
        code = "_library.library(); workers.hold_locks(); print(run('fork'))"
        self.assertEqual(self.run_python(code), "1")

    def test_a_driver_that_was_opened_before(self):
        text = self.run_python(
            "workers.launch(descriptor)\n"
            "try: run('fork')\n"
            "except mla.MLAError as error: print(error.status, error)\n"
            "print(run('spawn'))"
        )
        self.assertRegex(
            text,
            "^4 no driver: this process was forked after the CUDA driver was opened, "
            ".*\n1$",
        )

    def test_errors_can_be_pickled(self):
        error = pickle.loads(pickle.dumps(mla.MLAError(8, "driver error: so be it")))
        self.assertIsInstance(error, mla.MLAError)
        self.assertEqual((error.status, str(error)), (8, "driver error: so be it"))

    @unittest.skipUnless(os.geteuid() == 0, "needs root, to become another user")
    def test_a_user_who_may_write_nowhere(self):
        text = self.run_python(
            "folder = workers.become_nobody(os.environ['MLA_PACKAGES'])\n"
            "print(workers.launch(descriptor), workers.compile_a_kernel())\n"
            "print(os.access(folder, os.W_OK), os.access('/', os.W_OK), folder)",
        )
        result, writable = text.splitlines()
        *writable, folder = writable.split(maxsplit=2)
        shutil.rmtree(folder)
        self.assertEqual(writable, ["False", "False"])
        self.assertRegex(result, "^1 (True|None)$")


if __name__ == "__main__":
    unittest.main()
