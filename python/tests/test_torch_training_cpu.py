# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""examples/train_block.py on the CPU, with a reference in place of prefill's launches: it
passes, and fails where gradients are wrong or differ from run to run.

    PYTHONPATH=python python3 python/tests/test_torch_training_cpu.py
"""

import contextlib
import importlib.util
import io
import pathlib
import sys
import unittest
from unittest import mock

try:
    import torch
except ImportError:
    torch = None

from mla import attention_gradients, prefilling

if torch is not None:
    from backward_reference import backward_reference_launch
    from reference import prefill_reference_launch
    from torch_cases import Case
else:
    Case = unittest.TestCase

EXAMPLE = pathlib.Path(__file__).parents[2] / "examples/train_block.py"
SIZES = "--device=cpu --batch=2 --sequence=16 --heads=1 --hidden=32 --layers=1".split()


def load_tests(loader, tests, pattern):
    """Excluded from discovery, because other tests install a fake torch."""
    return tests if pattern is None else unittest.TestSuite()


class Training(Case):
    def run_example(self, change, *arguments):
        """Returns the exit code and the errors; change(given) damages gradients."""
        def backward(torch, given, *rest):
            backward_reference_launch(torch, given, *rest)
            change(given)

        spec = importlib.util.spec_from_file_location("train_block", EXAMPLE)
        example = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(example)
        self.addCleanup(torch.use_deterministic_algorithms, False)
        self.replace_launch(prefilling, side_effect=prefill_reference_launch)
        errors = io.StringIO()
        with contextlib.ExitStack() as stack:
            stack.enter_context(
                mock.patch.object(attention_gradients, "launch", side_effect=backward)
            )
            stack.enter_context(contextlib.redirect_stderr(errors))
            stack.enter_context(contextlib.redirect_stdout(io.StringIO()))
            code = example.main([*SIZES, "--model=torch", "--no-times", *arguments])
        return code, errors.getvalue()

    def test_right_gradients(self):
        code, errors = self.run_example(lambda given: None, "--steps=12", "--rate=5e-3")
        self.assertEqual((code, errors), (0, ""))

    def test_wrong_gradients(self):
        def change(given):
            given["dk"] *= 1.05

        code, errors = self.run_example(change, "--steps=2")
        self.assertEqual(code, 1)
        self.assertIn("error: the first gradients are further from float32", errors)

    def test_gradients_that_vary(self):
        calls = []

        def change(given):
            calls.append(given)
            given["dv"] *= 1 + len(calls) / 256

        code, errors = self.run_example(change, "--steps=3")
        self.assertEqual(code, 1)
        self.assertIn("error: training again gave another loss in step 2", errors)


if __name__ == "__main__":
    if torch is None:
        print("skipped: needs torch")
        sys.exit(77)
    unittest.main()
