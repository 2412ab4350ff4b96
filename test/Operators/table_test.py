# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Tests of lib/Operators/table.py: the header of a valid table, and the errors of
invalid ones.

    table_test.py LLVM_TBLGEN SOURCE_DIR MLIR_INCLUDE_DIR
"""

import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

TBLGEN, SOURCE, MLIR_INCLUDE = sys.argv.pop(1), sys.argv.pop(1), sys.argv.pop(1)

GOOD = """include "mla/Dialect/MLA/Operators.td"
def MLA_ToyOp : MLA_Operator<"toy"> {
  let summary = "a toy";
  let description = [{ Adds up. }];
  let sizes = [
    MLA_RunTimeSize<"rows", 64, "rows">,
    MLA_StaticSize<"columns", 512, "columns", most=1024>];
  let operands = [
    MLA_Input<"in", MLA_Elements<["bf16", "f16"], "dtype">, ["rows", "columns"], "x">,
    MLA_OptionalInput<"weights", MLA_F32, ["rows"], "weights">,
    MLA_Output<"sum", MLA_Elements<["bf16", "f16"], "dtype">, ["rows"], "the sum">,
    MLA_OptionalOutput<"norm", MLA_F32, ["rows"], "the norm">];
  let options = [
    MLA_Option<"order", ["up", "down"], "which end comes first">];
}
"""

# Each entry: text of GOOD, its replacement, line of the error, error.
BAD = [
    (
        '["rows"], "weights"',
        '["row"], "weights"',
        10,
        "operand 'weights': unknown dimension 'row', expected one of rows, columns",
    ),
    (
        '"weights", MLA_F32',
        '"in", MLA_F32',
        10,
        "operand 'in': expected a unique name, got the name of an operand",
    ),
    (
        '"order", [',
        '"rows", [',
        14,
        "option 'rows': expected a unique name, got the name of a size",
    ),
    (
        '"columns", 512',
        '"rows", 512',
        7,
        "size 'rows': expected a unique name, got the name of a size",
    ),
    (
        '["bf16", "f16"], "dtype">, ["rows", "columns"]',
        '[], "dtype">, ["rows", "columns"]',
        9,
        "operand 'in': expected an element type, got none",
    ),
    (
        '"weights", MLA_F32',
        '"weights", MLA_Elements<["float"]>',
        10,
        "operand 'weights': unknown element type 'float', expected one of ",
    ),
    (
        '["bf16", "f16"], "dtype">, ["rows"]',
        '["bf16"], "dtype">, ["rows"]',
        11,
        "operand 'sum': expected the types of 'dtype' that operand 'in' has, bf16, f16, "
        "got bf16",
    ),
    (
        '["rows"], "weights"',
        '[], "weights"',
        10,
        "operand 'weights': expected 1 to 8 dimensions, got 0",
    ),
    (
        '"rows", "columns"',
        '"rows"',
        7,
        "size 'columns': expected an operand with this dimension, got none",
    ),
    (
        'MLA_Output<"sum"',
        'MLA_Input<"sum"',
        2,
        "operator 'toy': expected an output that is not optional, got none",
    ),
    ("512", "2048", 7, "size 'columns': expected 1 to 1024 as the default, got 2048"),
    (
        '"rows", 64',
        '"rows", 0',
        6,
        "size 'rows': expected a typical value of at least 1, got 0",
    ),
    (
        "most=1024",
        "least=0, most=-1",
        7,
        "size 'columns': expected 0 <= least <= most < 2^31, got 0 and -1",
    ),
    (
        '["up", "down"]',
        '["up", "up"]',
        14,
        "option 'order': expected different values, got up, up",
    ),
    ('["up", "down"]', '["up"]', 14, "option 'order': expected 2 to 8 values, got 1"),
    (
        '"order"',
        '"dtype"',
        9,
        "type variable 'dtype': expected a unique name, got the name of a size, operand "
        "or option",
    ),
    (
        '"order"',
        '"The-order"',
        14,
        "option 'The-order': expected a name of lower-case letters, digits and _",
    ),
]


class Table(unittest.TestCase):
    def write(self, text):
        """Runs table.py; returns the finished process and the header, or None."""
        with tempfile.TemporaryDirectory() as folder:
            td, header = pathlib.Path(folder, "Toy.td"), pathlib.Path(folder, "Toy.h")
            td.write_text(text)
            command = [sys.executable, f"{SOURCE}/lib/Operators/table.py"]
            command += [f"--tblgen={TBLGEN}", f"-I{SOURCE}/include", f"-I{MLIR_INCLUDE}"]
            made = subprocess.run(
                [*command, td, f"--header={header}"],
                stderr=subprocess.PIPE,
                universal_newlines=True,
                check=False,
            )
            return made, header.read_text() if header.exists() else None

    def test_valid(self):
        made, header = self.write(GOOD)
        self.assertEqual((made.returncode, made.stderr), (0, ""))
        self.assertIn('{"rows", "rows", "", false, false, 0, 64, 0, 2147483647}', header)
        self.assertIn('"dtype", "element type of in, sum", "", OptionKind::Elem', header)
        self.assertIn("constexpr OperatorTable kToyTable", header)

    def test_presence(self):
        """An optional input is absent by default, an optional output present. Launches
        may omit both, but not an input that selects a form."""
        forms = ('MLA_FormInput<"table", MLA_I32, ["rows"], "x", 1>, '
                 'MLA_FormInput<"rope", MLA_F32, ["rows"], "x">, MLA_OptionalInput<')
        _, header = self.write(GOOD.replace("MLA_OptionalInput<", forms))

        def values(name):
            return re.search(rf"kValuesOf{name.capitalize()}\[\] = \{{(.*?)\}}", header, re.S)[1].split()

        self.assertEqual(values("weights"), ['"no",', '"yes",', '"optional",'])
        self.assertEqual(values("norm"), ['"yes",', '"no",', '"optional",'])
        self.assertEqual(values("table"), ['"yes",', '"no",'])
        self.assertEqual(values("rope"), ['"no",', '"yes",'])

    def test_mostly_static_size(self):
        """A size with a default may be one that is known at run time only."""
        old = 'MLA_StaticSize<"columns", 512, "columns", most=1024>'
        size = 'MLA_MostlyStaticSize<"columns", 512, 4096, "columns">'
        _, header = self.write(GOOD.replace(old, size))
        text = '{"columns", "columns", "", false, true, 512, 4096, 0, 2147483647}'
        self.assertIn(text, header)

    def test_invalid(self):
        for old, new, line, error in BAD:
            with self.subTest(new):
                self.assertEqual(GOOD.count(old), 1, old)
                made, header = self.write(GOOD.replace(old, new))
                self.assertEqual((made.returncode, header), (1, None))
                self.assertIn(f"Toy.td:{line}: error: {error}", made.stderr)

    def test_tablegen_error(self):
        made, header = self.write(GOOD.replace("MLA_Output", "MLA_Outptu"))
        self.assertEqual((made.returncode, header), (1, None))
        self.assertIn("MLA_Outptu", made.stderr)


if __name__ == "__main__":
    unittest.main()
