# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""mla.combine on the fake driver: arguments, choice of the kernel, errors."""

import json
import math
import os
import tempfile
import unittest
from unittest import mock

import mla
from fakes import CudaArray
from mla import _library, split_kv
from support import (  # noqa: F401
    driver,
    expected_parameters,
    make_package,
    parameter_sizes,
    setUpModule,
)


def arguments_of(splits=4, rows=6, d_v=512, **changes):
    arguments = {
        "partial_out": CudaArray("f32", (splits, rows, d_v)),
        "partial_lse": CudaArray("f32", (splits, rows)),
        "out": CudaArray("bf16", (rows, d_v)),
        "lse": CudaArray("f32", (rows,)),
    }
    arguments.update(changes)
    return arguments


class Combine(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        with tempfile.TemporaryDirectory() as folder:
            package = make_package(
                os.environ["MLA_TEST_JIT"], folder, "--num-splits", operator="combine"
            )
            cls.descriptor = json.loads((package / "kernel.json").read_text())
            library = _library.Library(os.environ["MLA_LIBRARY"])
            library.add_packages(folder)
        cls.patch = mock.patch.object(_library, "_library", library)
        cls.patch.start()
        cls.addClassCleanup(cls.patch.stop)

    def setUp(self):
        driver.reset(parameter_sizes(self.descriptor))

    def expect_error(self, kind, text, **changes):
        arguments = arguments_of(num_splits=CudaArray("i32", (6,)))
        arguments.update(changes)
        with self.assertRaises(kind) as caught:
            mla.combine(**arguments)
        self.assertIn(text, str(caught.exception))
        self.assertEqual(driver.launches, [])

    def test_launches(self):
        arguments = arguments_of(num_splits=CudaArray("i32", (6,)))
        results = mla.combine(**arguments, stream=77)
        self.assertIs(results[0], arguments["out"])
        self.assertIs(results[1], arguments["lse"])
        ((values, stream, _),) = driver.launches
        self.assertEqual(stream, 77)
        for got, want in zip(values, expected_parameters(self.descriptor, arguments)):
            if want is not None:
                self.assertEqual(got, want)

    def test_no_rows(self):
        mla.combine(**arguments_of(rows=0, num_splits=CudaArray("i32", (0,))))
        self.assertEqual(driver.launches, [])

    def test_schedules_are_for_similar_sizes(self):
        kernel = mock.Mock()
        kernel.marshal.return_value = ([0] * 4, [0])
        kernel.workspace_bytes.return_value = 0
        with mock.patch.object(_library.Library, "kernel", return_value=kernel) as asked:
            mla.combine(**arguments_of(splits=5, rows=100))
        self.assertEqual(asked.call_args[0][2], (("splits", 8), ("rows", 128)))
        self.assertEqual([split_kv._bucket(n) for n in (0, 1, 2, 3, 257)], [1, 1, 2, 4, 512])

    def test_arguments(self):
        self.expect_error(
            TypeError,
            "partial_out: expected f32 or bf16 or f16, got i32",
            partial_out=CudaArray("i32", (4, 6, 512)),
        )
        self.expect_error(
            ValueError,
            "partial_out: expected a multiple of 64 in dimension 2, got 100",
            partial_out=CudaArray("f32", (4, 6, 100)),
        )
        self.expect_error(
            ValueError,
            "partial_lse: expected 2 dimensions, got 1",
            partial_lse=CudaArray("f32", (4,)),
        )
        # Found by the launch: sizes that differ.
        self.expect_error(ValueError, "num_splits", num_splits=CudaArray("i32", (5,)))
        self.expect_error(ValueError, "lse_base: expected 'e' or 2, got 10", lse_base=10)
        self.expect_error(
            ValueError, "empty_split: expected -inf or inf, got 0", empty_split=0
        )
        self.expect_error(TypeError, "out, lse: expected tensors, got None", out=None)

    def test_another_convention_is_another_kernel(self):
        if _library.library().has_jit:
            self.skipTest("the compiler makes it")
        with self.assertRaises(LookupError) as caught:
            mla.combine(
                **arguments_of(num_splits=CudaArray("i32", (6,))), empty_lse=-math.inf
            )
        self.assertIn("empty_lse='-inf'", str(caught.exception))


if __name__ == "__main__":
    unittest.main()
