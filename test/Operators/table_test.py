# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What lib/Operators/table.py refuses: a table that contradicts itself ends the build
with the line of the record at fault.

    table_test.py LLVM_TBLGEN SOURCE_DIR MLIR_INCLUDE_DIR
"""

import pathlib
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
    MLA_Output<"sum", MLA_Elements<["bf16", "f16"], "dtype">, ["rows"], "the sum">];
  let options = [
    MLA_Option<"order", ["up", "down"], "which end comes first">];
}
"""

# What is changed, to what, the line, and the error.
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
        "operand 'in': expected a name of its own, got that of an operand",
    ),
    (
        '"order", [',
        '"rows", [',
        13,
        "option 'rows': expected a name of its own, got that of a size",
    ),
    (
        '"columns", 512',
        '"rows", 512',
        7,
        "size 'rows': expected a name of its own, got that of a size",
    ),
    (
        '["bf16", "f16"], "dtype">, ["rows", "columns"]',
        '[], "dtype">, ["rows", "columns"]',
        9,
        "operand 'in': expected an element type, got none",
    ),
    (
        "MLA_F32",
        'MLA_Elements<["float"]>',
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
        "operator 'toy': expected an output, got none",
    ),
    ("512", "2048", 7, "size 'columns': expected 1 to 1024 as the usual value, got 2048"),
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
        13,
        "option 'order': expected different values, got up, up",
    ),
    ('["up", "down"]', '["up"]', 13, "option 'order': expected 2 to 8 values, got 1"),
    (
        '"order"',
        '"dtype"',
        9,
        "type variable 'dtype': expected a name of its own, got that of a size, operand "
        "or option",
    ),
    (
        '"order"',
        '"The-order"',
        13,
        "option 'The-order': expected a name of small letters, digits and _",
    ),
]


class Table(unittest.TestCase):
    def write(self, text):
        """The process that writes a header of the table, and the header."""
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

    def test_a_good_one(self):
        made, header = self.write(GOOD)
        self.assertEqual((made.returncode, made.stderr), (0, ""))
        self.assertIn('{"rows", "rows", "", false, false, 0, 64, 0, 2147483647}', header)
        self.assertIn('"dtype", "element type of in, sum", "", OptionKind::Elem', header)
        self.assertIn("constexpr OperatorTable kToyTable", header)

    def test_bad_ones(self):
        for old, new, line, error in BAD:
            with self.subTest(new):
                self.assertEqual(GOOD.count(old), 1, old)
                made, header = self.write(GOOD.replace(old, new))
                self.assertEqual((made.returncode, header), (1, None))
                self.assertIn(f"Toy.td:{line}: error: {error}", made.stderr)

    def test_what_tablegen_refuses(self):
        made, header = self.write(GOOD.replace("MLA_Output", "MLA_Outptu"))
        self.assertEqual((made.returncode, header), (1, None))
        self.assertIn("MLA_Outptu", made.stderr)


if __name__ == "__main__":
    unittest.main()
