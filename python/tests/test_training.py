# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""A short run of examples/train_block.py on a GPU, and all of it with MLA_TEST_GRID=all:
losses and gradients beside attention in float32, and training twice to the same bits.

    MLA_LIBRARY=<libmla-jit.so> PYTHONPATH=python python3 python/tests/test_training.py
"""

import importlib.util
import os
import pathlib
import unittest

try:
    import torch
except ImportError:
    torch = None
HAS_GPU = torch is not None and torch.cuda.is_available()

EXAMPLE = pathlib.Path(__file__).parents[2] / "examples/train_block.py"
SHORT = ["--steps=30", "--no-times", "--sequence=512"]


@unittest.skipUnless(HAS_GPU, "needs torch and a GPU")
class Training(unittest.TestCase):
    def run_example(self, *arguments):
        spec = importlib.util.spec_from_file_location("train_block", EXAMPLE)
        example = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(example)
        self.addCleanup(torch.use_deterministic_algorithms, False)
        short = [] if os.environ.get("MLA_TEST_GRID") == "all" else SHORT
        try:
            self.assertEqual(example.main([*short, *arguments]), 0)
        except LookupError as error:
            self.skipTest(str(error))

    def test_the_model_with_torch_alone(self):
        self.run_example("--model=torch")

    def test_the_model_of_transformers(self):
        try:
            from transformers import DeepseekV2ForCausalLM  # noqa: F401
        except ImportError as error:
            self.skipTest(str(error))
        self.run_example("--model=transformers")


if __name__ == "__main__":
    unittest.main()
