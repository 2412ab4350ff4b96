# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Shape classes and checks by an operator's table, for made-up operators."""

import types
import unittest
from unittest import mock

from mla import _operator
from mla._abi import DTYPES, DYNAMIC

TABLE = {
    "sizes": {
        "rows": {"static": False, "least": 0, "most": 2**31 - 1},
        "columns": {"static": True, "least": 1, "most": 1024},
        "parts": {"static": False, "least": 1, "most": 1},
    },
    "operands": {
        "x": {
            "elements": ["bf16", "f16"],
            "variable": "dtype",
            "dims": ["rows", "parts", "columns"],
            "optional": False,
            "written": False,
        },
        "weights": {
            "elements": ["f32"],
            "variable": "",
            "dims": ["rows"],
            "optional": True,
            "written": False,
        },
        "out": {
            "elements": ["bf16", "f16"],
            "variable": "dtype",
            "dims": ["rows"],
            "optional": False,
            "written": True,
        },
    },
    "options": {"order": ["up", "down"]},
    "element_types": {"dtype": ["bf16", "f16"]},
}


def tensor(dtype, *shape, device=0):
    return types.SimpleNamespace(
        dtype=DTYPES.index(dtype), rank=len(shape), shape=shape, device=device
    )


class Operator(unittest.TestCase):
    def setUp(self):
        with mock.patch.dict(_operator.OPERATORS, {"toy": TABLE}):
            self.operator = _operator.Operator("toy")
        self.tensors = {"x": tensor("f16", 3, 1, 64), "out": tensor("f16", 3)}

    def test_of_a_call(self):
        shape = self.operator.shape_class_of(self.tensors, ("down",))
        self.assertEqual(
            repr(shape), "toy(columns=64, weights=False, order='down', dtype='f16')"
        )
        self.assertEqual(repr(self.operator.sizes_of(self.tensors)), "Sizes(rows=3)")

    def test_of_a_kernel(self):
        arguments = {
            "x": tensor("bf16", DYNAMIC, 1, 64),
            "weights": tensor("f32", DYNAMIC),
            "out": tensor("bf16", DYNAMIC),
        }
        shape = self.operator.shape_class
        self.assertEqual(
            self.operator.shape_classes_of(arguments, {"weights"}, {}),
            [shape(64, True), shape(64, False)],
        )
        self.assertEqual(
            self.operator.shape_classes_of(arguments, set(), {"order": "down"}),
            [shape(64, True, "down")],
        )
        self.assertTrue(self.operator.sizes(DYNAMIC).fit(self.operator.sizes(3)))
        self.assertFalse(self.operator.sizes(4).fit(self.operator.sizes(3)))

    def test_a_size_of_optional_operands_alone(self):
        bounds = {**TABLE["operands"]["weights"], "dims": ["bounds"]}
        sizes = {**TABLE["sizes"], "bounds": TABLE["sizes"]["rows"]}
        operands = {**TABLE["operands"], "bounds_of_x": bounds}
        table = {**TABLE, "sizes": sizes, "operands": operands}
        with mock.patch.dict(_operator.OPERATORS, {"toy": table}):
            operator = _operator.Operator("toy")
        self.assertEqual(operator.sizes_of(self.tensors), (3, DYNAMIC))
        with_it = {**self.tensors, "bounds_of_x": tensor("f32", 5)}
        self.assertEqual(operator.sizes_of(with_it), (3, 5))

    def expect_error(self, kind, text, **tensors):
        with self.assertRaises(kind) as caught:
            self.operator.check({**self.tensors, **tensors})
        self.assertEqual(str(caught.exception), text)

    def test_checks(self):
        self.assertEqual(self.operator.check(self.tensors), 0)
        self.expect_error(
            TypeError, "x: expected bf16 or f16, got f32", x=tensor("f32", 3, 1, 64)
        )
        self.expect_error(
            TypeError, "out: expected f16, as x has, got bf16", out=tensor("bf16", 3)
        )
        self.expect_error(
            ValueError, "x: expected 3 dimensions, got 1", x=tensor("f16", 3)
        )
        self.expect_error(
            ValueError,
            "out: expected a tensor on device 0, as x is, got one on device 1",
            out=tensor("f16", 3, device=1),
        )


if __name__ == "__main__":
    unittest.main()
