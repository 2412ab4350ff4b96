# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What the tests of mla.prefill on the fake driver share: packages of every kind of
kernel, and tensors."""

import unittest

from fakes import fake_torch, installed
from mla import _library
from support import driver, expected_parameters, use_packages

# After support: it adds the folder of fake_package to sys.path.
from fake_package import parameter_sizes
from prefill_package import descriptor_of, make_prefill_package

CAUSAL, FLASH = {"causal": "yes"}, {"empty_lse": "-inf"}
# Of each shape class.
PACKAGES = {
    "plain": {},
    "causal": {"options": CAUSAL},
    "varlen": {"varlen": True},
    "base2": {"options": {"lse_base": "2", "empty_lse": "-inf"}},
    "flash": {"options": FLASH},
    "flash-causal": {"options": {**CAUSAL, **FLASH}},
    "flash-varlen": {"varlen": True, "options": FLASH},
    "grouped": {"h_kv": 2},
    "f16": {"dtype": "f16"},
}


class Base(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        use_packages(cls, PACKAGES, make_prefill_package)

    def setUp(self):
        _library.library().set_options(_library.CompileOptions())
        self.use("plain")
        self.torch = fake_torch({0: 900, 1: 901})
        module = installed(self.torch)
        module.__enter__()
        self.addCleanup(module.__exit__)

    def use(self, name):
        """Expects launches of this package."""
        self.descriptor = descriptor_of(**PACKAGES[name])
        driver.reset(parameter_sizes(self.descriptor))

    def make(self, *layout, **more):
        return self.torch.Tensor(*layout, **more)

    def inputs(self, b=2, s_q=100, s_kv=300, h_q=16, h_kv=16, word="bf16", **more):
        return {
            "q": self.make(word, (b, s_q, h_q, 192), **more),
            "k": self.make(word, (b, s_kv, h_kv, 192), **more),
            "v": self.make(word, (b, s_kv, h_kv, 128), **more),
        }

    def bounds(self, sequences=3):
        shape = (sequences + 1,)
        return {
            "cu_seqlens_q": self.make("i32", shape),
            "cu_seqlens_k": self.make("i32", shape),
        }

    def expect_launch(self, arguments, stream=900):
        """One launch of the package in use, on these tensors."""
        ((values, launched_on, _),) = driver.launches
        self.assertEqual(launched_on, stream)
        self.assertEqual(values, expected_parameters(self.descriptor, arguments))

    def expect_error(self, kind, text, function, *arguments, **options):
        driver.launches.clear()
        with self.assertRaises(kind) as caught:
            function(*arguments, **options)
        self.assertIn(text, str(caught.exception))
        self.assertEqual(driver.launches, [])
