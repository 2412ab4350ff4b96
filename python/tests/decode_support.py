# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What the tests of mla.plan_decode and mla.decode on the fake driver share: packages of
every kind of kernel, and tensors."""

import struct
import unittest

from fakes import fake_torch, installed
from mla import _library
from support import driver, use_packages

# After support: it adds the folder of fake_package to sys.path.
from decode_package import descriptor_of, make_decode_package
from fake_package import program_parameter_sizes

SMS = 132
# Of each shape class; all have the same kernels.
PACKAGES = {
    "h128": {},
    "h128-plain": {"sink": False},
    "h16": {"h_q": 16, "tiles": 1},
    "s_q2": {"s_q": 2, "h_q": 64},
    "s_q2-causal": {"s_q": 2, "h_q": 64, "options": {"causal": "yes"}},
    "invariant": {"h_q": 16, "tiles": 1, "options": {"batch_invariant": "yes"}},
    "invariant128": {"options": {"batch_invariant": "yes"}},
    "base2": {"options": {"lse_base": "2", "empty_lse": "-inf"}},
    "page16": {"page_size": 16},
    "three_tiles": {"page_size": 128, "tiles": 3},
    "h_kv2": {"h_q": 64, "h_kv": 2},
    "rope": {"d_qk": 512, "rope": True, "sink": False},
    "rope-base2": {
        "d_qk": 512,
        "rope": True,
        "options": {"lse_base": "2", "empty_lse": "-inf"},
    },
    "nope": {"d_qk": 512},
    "contiguous": {"page_size": None},
    "contiguous-nope": {"page_size": None, "d_qk": 512},
    "contiguous-rope": {"page_size": None, "d_qk": 512, "rope": True},
}


def expect_kernels(*symbols, package="h128"):
    """Forgets the launches so far; these are launched next, in this order."""
    sizes = program_parameter_sizes(descriptor_of(**PACKAGES[package]))
    driver.set_program(sizes)
    driver.kernels = [sizes[symbol] for symbol in symbols]
    driver.launches.clear()


class Base(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        use_packages(cls, PACKAGES, make_decode_package)

    def setUp(self):
        _library.library().set_options(_library.CompileOptions())
        driver.reset([])
        expect_kernels("decode_plan")
        self.streams = {0: 900, 1: 901}
        self.torch = fake_torch(self.streams)
        module = installed(self.torch)
        module.__enter__()
        self.addCleanup(module.__exit__)

    def make(self, *layout, **more):
        return self.torch.Tensor(*layout, **more)

    def lengths(self, b=3, **more):
        return self.make("i32", (b,), **more)

    def inputs(self, b=3, s_q=1, h_q=128, h_kv=1, d_qk=576, page_size=64, device=0):
        return {
            "q": self.make("bf16", (b, s_q, h_q, d_qk), device=device),
            "k_cache": self.make("bf16", (40, page_size, h_kv, d_qk), device=device),
            "block_table": self.make("i32", (b, 12), device=device),
            "cache_seqlens": self.lengths(b, device=device),
        }

    def expect_error(self, kind, text, function, *arguments, **options):
        driver.launches.clear()
        with self.assertRaises(kind) as caught:
            function(*arguments, **options)
        self.assertIn(text, str(caught.exception))
        self.assertEqual(driver.launches, [])


def address(value):
    return struct.unpack("Q", value)[0]
