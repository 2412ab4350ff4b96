# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""mla.plan_decode and mla.decode with the packages that the compiler makes, on the fake
driver: their arguments, grids, phases and workspaces are as the functions assume."""

import ctypes
import json
import math
import os
import struct
import tempfile
import unittest
from unittest import mock

import mla
from fakes import fake_torch, installed
from mla import _abi, _decode_kernels, _library
from support import driver, setUpModule  # noqa: F401

# After support: it adds the folder of fake_package to sys.path.
from fake_package import make_package, program_parameter_sizes

SMS = 132
SYMBOLS = ["decode_plan", "decode", "decode_combine"]


def align(offset):
    return -(-offset // 256) * 256


def load_tests(loader, tests, pattern):
    """Without Base, whose tests need a package."""
    names = Plain, Options
    return unittest.TestSuite(map(loader.loadTestsFromTestCase, names))


class Base(unittest.TestCase):
    """Tests of one package. `sizes` and `words` are those of mla._decode_kernels; `planned`
    and `called` are options of plan_decode and of decode; `flags` are mla-jit's."""

    tiles = 1
    planned = {}
    called = {}

    @classmethod
    def setUpClass(cls):
        cls.library = _library.Library(os.environ["MLA_LIBRARY"])
        with tempfile.TemporaryDirectory() as folder:
            jit = os.environ["MLA_TEST_JIT"]
            made = make_package(jit, folder, *cls.flags, operator="decode")
            cls.descriptor = json.loads((made / "kernel.json").read_text())
            cls.kernel = cls.library.load(made)
            cls.library.add_packages(folder)
        patch = mock.patch.object(_library, "_library", cls.library)
        patch.start()
        cls.addClassCleanup(patch.stop)

    def setUp(self):
        self.torch = fake_torch({0: 900})
        module = installed(self.torch)
        module.__enter__()
        self.addCleanup(module.__exit__)
        self.parameter_sizes = program_parameter_sizes(self.descriptor)
        driver.reset_program(self.parameter_sizes)

    def inputs(self, b=3, num_pages=40, max_pages=12):
        s_q, h_q, h_kv, d_qk, _, page_size = self.sizes
        make = self.torch.Tensor
        return {
            "q": make("bf16", (b, s_q, h_q, d_qk)),
            "k_cache": make("bf16", (num_pages, page_size, h_kv, d_qk)),
            "block_table": make("i32", (b, max_pages)),
            "cache_seqlens": make("i32", (b,)),
        }

    def plan(self, lengths, **options):
        names = _decode_kernels.OPERATOR.static[2:]
        options.update(zip(names, self.sizes[2:]))
        options.update(self.planned, **self.called)
        return mla.plan_decode(lengths, *self.sizes[:2], **options)

    def expected(self, symbol, tensors, workspaces=()):
        """The bytes of a kernel's parameters. `tensors` are arguments by name, or the
        scale; `workspaces` their addresses and first sizes."""
        descriptor = self.descriptor
        (kernel,) = [k for k in descriptor["kernels"] if k["symbol"] == symbol]
        for parameter in kernel["parameters"]:
            kind = parameter["kind"]
            if "workspace" in parameter:
                data, size = workspaces[parameter["workspace"]]
                self.assertIn((kind, parameter.get("dim", 0)), [("pointer", 0), ("size", 0)])
                yield struct.pack("q", data if kind == "pointer" else size)
                continue
            value = tensors[descriptor["arguments"][parameter["argument"]]["name"]]
            if kind == "scalar":
                yield struct.pack("f", value)
            elif kind == "pointer":
                yield struct.pack("q", value.address)
            else:
                layout = {"size": value.sizes, "stride": value.steps}[kind]
                yield struct.pack("q", layout[parameter["dim"]])

    def test_arguments(self):
        kernel = self.kernel
        has_sink = "attn_sink=yes" in self.words
        names = [
            operand
            for operand in _decode_kernels.OPERATOR.table["operands"]
            if operand != "attn_sink" or has_sink
        ]
        self.assertEqual(list(kernel.arguments), names)
        shape_class = _decode_kernels._shape_class(self.sizes, self.words)
        self.assertEqual(kernel.shape_classes(), [shape_class])
        self.assertEqual(set(kernel.sizes()), {_abi.DYNAMIC})

    def test_row_tiles(self):
        tiles = _decode_kernels.row_tiles(self.sizes, self.words)
        self.assertEqual(tiles, self.tiles)
        for ctas in (1, 2, 5, SMS, SMS + 1):
            grid = self.kernel.grid("launch", {"ctas": ctas})
            self.assertEqual(grid, max(1, ctas // tiles) * tiles)

    def test_phases(self):
        kernel, info = self.kernel, _abi.EntryInfo()
        found = []
        for index in range(len(SYMBOLS)):
            self.library.call(
                "mlaKernelGetEntry", kernel.handle, index, ctypes.byref(info)
            )
            found.append((info.name.decode(), info.phase))
        phases = [_abi.PHASES[phase] for phase in ("plan", "launch", "launch")]
        self.assertEqual(found, list(zip(SYMBOLS, phases)))

    def test_plans(self):
        """Only cache_seqlens and plan have addresses."""
        lengths, page_size = self.torch.Tensor("i32", (3,)), self.sizes[5]
        made = self.plan(lengths)
        num_splits = self.planned.get("num_splits")
        ctas = num_splits * 3 * self.tiles if num_splits else SMS
        self.assertEqual(made.plan.sizes, (ctas, 8))
        # As many pages as a request may have.
        table = self.torch.Tensor("i32", (3, (2**31 - 257) // page_size))
        table.address = 0
        tensors = {"cache_seqlens": lengths, "plan": made.plan}
        tensors.update(block_table=table, scale=1.0)
        ((values, stream, _),) = driver.launches
        expected = list(self.expected("decode_plan", tensors))
        self.assertEqual((values, stream), (expected, 900))

    def test_calls(self):
        inputs = self.inputs()
        made = self.plan(inputs["cache_seqlens"], max_pages=12)
        call = dict(self.called)
        if "attn_sink" in self.planned:
            call["attn_sink"] = self.torch.Tensor("f32", (self.sizes[1],))
        driver.launches.clear()
        driver.kernels = [self.parameter_sizes[symbol] for symbol in SYMBOLS[1:]]
        out, lse = mla.decode(**inputs, scale=0.5, plan=made, **call)
        workspace, _ = self.torch.made[-1]
        parts = made.plan.sizes[0] // self.tiles
        rows = 2 * self.sizes[0] * self.sizes[1]
        first = align(parts * rows * 512 * 2)
        self.assertEqual(workspace.sizes, (first + align(parts * rows * 4),))
        places = [(workspace.address, parts), (workspace.address + first, parts)]
        tensors = {**inputs, "out": out, "lse": lse, "plan": made.plan}
        tensors.update(attn_sink=call.get("attn_sink"), scale=0.5)
        self.assertEqual(len(driver.launches), 2)
        for (values, *_), symbol in zip(driver.launches, SYMBOLS[1:]):
            expected = list(self.expected(symbol, tensors, places))
            self.assertEqual(values, expected)

    def test_more_parts_than_a_plan_has(self):
        plan = self.torch.Tensor("i32", (2**24 + 1, 8))
        with self.assertRaises(ValueError) as caught:
            self.plan(self.torch.Tensor("i32", (3,)), plan=plan)
        text = "argument 'plan': expected size ctas of 1 to 16777216 in dim 0"
        self.assertIn(text, str(caught.exception))
        self.assertEqual(driver.launches, [])


class Plain(Base):
    flags = ("--sizes=h_q=16",)
    sizes = (1, 16, 1, 576, 512, 64)
    words = _decode_kernels.kernel_words(_decode_kernels.call_words(False, "e", "+inf"))

    def test_a_kernel_that_is_compiled(self):
        if not self.library.has_jit:
            self.skipTest("needs libmla-jit.so")
        shape_class = _decode_kernels._shape_class(self.sizes, self.words)
        library = _library.Library(os.environ["MLA_LIBRARY"])
        sizes = _decode_kernels.OPERATOR.sizes(b=3, num_pages=40, max_pages=12, ctas=SMS)
        try:
            kernel = library.kernel(shape_class, sizes)
        except mla.MLAError as error:
            if error.status == 3:
                self.skipTest("needs a ptxas")
            raise
        self.assertEqual(kernel.shape_classes(), [shape_class])
        self.assertEqual(kernel.grid("launch", {"ctas": 1}), self.tiles)


class Options(Base):
    flags = (
        *("--sizes=s_q=3,h_q=64,d_qk=512,page_size=16", "--causal=yes", "--sink"),
        *("--lse-base=2", "--empty-lse=-inf", "--batch-invariant=yes"),
    )
    sizes = (3, 64, 1, 512, 512, 16)
    words = _decode_kernels.kernel_words(
        _decode_kernels.call_words(True, "2", "-inf"), "bf16", True, True
    )
    tiles = 3
    planned = {"attn_sink": True, "num_splits": 5}
    called = {"causal": True, "lse_base": 2, "empty_lse": -math.inf}


if __name__ == "__main__":
    unittest.main()
