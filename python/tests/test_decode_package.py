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
    names = Plain, Options, Parts
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

    @property
    def is_paged(self):
        return self.sizes[5] != _abi.DYNAMIC

    def inputs(self, b=3, room=12):
        s_q, h_q, h_kv, d_qk, _, page_size = self.sizes
        make = self.torch.Tensor
        cache = (40, page_size, h_kv) if self.is_paged else (b, room, h_kv)
        inputs = {
            "q": make("bf16", (b, s_q, h_q, d_qk)),
            "k_cache": make("bf16", (*cache, d_qk)),
            "block_table": make("i32", (b, room)) if self.is_paged else None,
            "cache_seqlens": make("i32", (b,)),
        }
        if "rope=yes" in self.words:
            inputs["q_rope"] = make("bf16", (b, s_q, h_q, 64))
            inputs["k_rope"] = make("bf16", (*cache, 64))
        return inputs

    def plan(self, lengths, **options):
        names = _decode_kernels.OPERATOR.static[2:]
        options.update(zip(names, self.sizes[2:]))
        if not self.is_paged:
            options["page_size"] = None
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
        shape_class = _decode_kernels._shape_class(self.sizes, self.words)
        names = [
            name
            for name, operand in _decode_kernels.OPERATOR.table["operands"].items()
            if not operand["optional"] or getattr(shape_class, name)
        ]
        self.assertEqual(list(kernel.arguments), names)
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
        lengths = self.torch.Tensor("i32", (3,))
        made = self.plan(lengths)
        num_splits = self.planned.get("num_splits")
        ctas = num_splits * 3 * self.tiles if num_splits else SMS
        self.assertEqual(made.plan.sizes, (ctas, 8))
        # As many pages or tokens as a request may have.
        room = (2**31 - 257) // (self.sizes[5] if self.is_paged else 1)
        tensors = self.inputs(room=room)
        for tensor in filter(None, tensors.values()):
            tensor.address = 0
        tensors.update(cache_seqlens=lengths, plan=made.plan, scale=1.0)
        ((values, stream, _),) = driver.launches
        expected = list(self.expected("decode_plan", tensors))
        self.assertEqual((values, stream), (expected, 900))

    def test_calls(self):
        inputs = self.inputs()
        room = "max_pages" if self.is_paged else "max_tokens"
        made = self.plan(inputs["cache_seqlens"], **{room: 12})
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


class Compiled(Base):
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


class Plain(Compiled):
    flags = ("--sizes=h_q=16",)
    sizes = (1, 16, 1, 576, 512, 64)
    words = _decode_kernels.kernel_words(_decode_kernels.call_words(False, "e", "+inf"))


class Options(Base):
    flags = (
        *("--sizes=s_q=3,h_q=64,d_qk=512,page_size=16", "--causal=yes", "--sink"),
        *("--lse-base=2", "--empty-lse=-inf", "--batch-invariant=yes"),
    )
    sizes = (3, 64, 1, 512, 512, 16)
    words = _decode_kernels.kernel_words(
        _decode_kernels.call_words(True, "2", "-inf"), "bf16", True, True
    )
    # Of 32 rows: batch-invariant, the schedule is that of a single query.
    tiles = 6
    planned = {"attn_sink": True, "num_splits": 5}
    called = {"causal": True, "lse_base": 2, "empty_lse": -math.inf}


class Parts(Compiled):
    """A contiguous cache, whose tensors have the last columns apart."""

    flags = (
        *("--sizes=h_q=16,d_qk=512,page_size=?", "--no-block-table"),
        *("--q-rope", "--k-rope"),
    )
    sizes = (1, 16, 1, 512, 512, _abi.DYNAMIC)
    words = _decode_kernels.kernel_words(
        _decode_kernels.call_words(False, "e", "+inf"), rope=True
    )
    planned = {"d_rope": 64}


if __name__ == "__main__":
    unittest.main()
