#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The version of the compiler, a part of the key of cached kernels: that every
file which is compiled into libmla-jit.so changes it, and nothing else does.

  source_id.py --source DIR --build DIR --cmake CMAKE --ninja NINJA --jit MLA-JIT
"""

import argparse
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

options = None
# Read when the build is configured, and no inputs for ninja.
DATA = {"lib/Operators/SparsePrefill/tuning.txt", "lib/Operators/Embedded.inc.in"}


def listed():
    text = (options.build / "lib" / "JIT" / "sources.txt").read_text()
    return text.splitlines()


def source_id(root, scratch):
    output = scratch / "SourceId.inc"
    subprocess.run(
        [
            options.cmake,
            f"-DLIST={options.build}/lib/JIT/sources.txt",
            f"-DSOURCE_DIR={root}",
            f"-DOUTPUT={output}",
            "-P",
            options.source / "cmake" / "SourceId.cmake",
        ],
        check=True,
    )
    return output.read_text().split('"')[1]


def ninja(*arguments):
    command = [options.ninja, "-C", options.build, "--quiet", "-t", *arguments]
    result = subprocess.run(command, check=True, capture_output=True, text=True)
    return result.stdout.splitlines()


def within_source(path):
    """Relative to the source folder; None for what is elsewhere or generated."""
    path = pathlib.Path(os.path.normpath(options.build / path))
    if options.build in path.parents or options.source not in path.parents:
        return None
    return path.relative_to(options.source).as_posix()


class SourceId(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.scratch = pathlib.Path(folder.name)

    def copy(self, name, files):
        root = self.scratch / name
        for file in files:
            (root / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(options.source / file, root / file)
        return root

    def test_depends_on_contents_alone(self):
        first = self.copy("a", listed())
        expected = source_id(first, self.scratch)
        second = self.copy("another/place", reversed(listed()))
        for number, file in enumerate(listed()):
            os.utime(second / file, (number, 1000000000 - number))
        self.assertEqual(source_id(second, self.scratch), expected)
        self.assertEqual(source_id(options.source, self.scratch), expected)

    def test_is_in_the_version(self):
        info = subprocess.run(
            [options.jit, "info", "--json"], check=True, capture_output=True, text=True
        )
        expected = source_id(options.source, self.scratch)
        self.assertIn(f"+{expected},", json.loads(info.stdout)["version"])

    def test_changes_with_each_library(self):
        root = self.copy("a", listed())
        before = source_id(root, self.scratch)
        # One file of each kind of each folder: lib/Tuning/*.txt, ...
        kinds = {(os.path.dirname(f), os.path.splitext(f)[1]): f for f in listed()}
        libraries = {folder for folder, _ in kinds if folder.startswith("lib/")}
        self.assertLessEqual(
            {"lib/" + name for name in ("Tuning", "Operators", "Conversion", "Runtime")},
            libraries,
        )
        for file in kinds.values():
            with self.subTest(file):
                good = (root / file).read_bytes()
                (root / file).write_bytes(good + b" ")
                self.assertNotEqual(source_id(root, self.scratch), before)
                (root / file).write_bytes(good)
        self.assertEqual(source_id(root, self.scratch), before)

    def test_covers_what_is_compiled(self):
        """As ninja knows it: sources, TableGen files, and the headers that the
        compiler has read."""
        inputs = set(ninja("inputs", "lib/libmla-jit.so"))
        objects = {path for path in inputs if path.endswith(".o")}
        lines = ninja("deps", *sorted(objects))
        reads = {line.strip() for line in lines if line.startswith("    ")}
        found = {within_source(path) for path in inputs | reads} - {None}
        # The recipe itself.
        found = {path for path in found if not path.startswith("cmake/")}
        self.assertGreater(len(found), 100)
        self.assertEqual(found - set(listed()), set())
        self.assertEqual(DATA - set(listed()), set())


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("source", "build"):
        parser.add_argument(f"--{name}", type=pathlib.Path, required=True)
    for name in ("cmake", "ninja", "jit"):
        parser.add_argument(f"--{name}", required=True)
    options, rest = parser.parse_known_args()
    if not (options.build / "build.ninja").exists():
        print("needs a build by ninja")
        sys.exit(77)
    unittest.main(argv=sys.argv[:1] + rest)
