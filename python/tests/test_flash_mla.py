# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""flash_mla_sparse_fwd with a fake torch, on the fake driver."""

import os
import tempfile
import unittest
from unittest import mock

import mla

# First: it adds the folder of fake_package to sys.path.
from support import Base, arguments_of, driver, setUpModule  # noqa: F401

from fake_package import make_package, parameter_sizes
from fakes import CudaArray, fake_torch, installed
from mla import _kernel, _library


class Torch(Base):
    def setUp(self):
        super().setUp()
        self.streams = {0: 900, 1: 901}
        self.torch = fake_torch(self.streams)
        module = installed(self.torch)
        module.__enter__()
        self.addCleanup(module.__exit__)

    def inputs(self, device=0, name="plain", **changes):
        make = lambda *layout: self.torch.Tensor(*layout, device=device)  # noqa: E731
        arguments = arguments_of(make, name, **changes)
        for output in ("out", "max_logits", "lse"):
            del arguments[output]
        arguments["sm_scale"] = arguments.pop("scale")
        return arguments

    def expect_results(self, inputs, results, **where):
        out, max_logits, lse = results
        named = {"out": out, "max_logits": max_logits, "lse": lse}
        self.expect_launch({**inputs, **named, "scale": inputs["sm_scale"]}, **where)
        self.assertEqual(out.dtype, self.torch.bfloat16)
        self.assertEqual(lse.dtype, self.torch.float32)
        s_q, heads = inputs["q"].sizes[:2]
        self.assertEqual(out.sizes, (s_q, heads, 512))
        self.assertEqual(max_logits.sizes, (s_q, heads))
        self.assertEqual(lse.sizes, (s_q, heads))

    def test_by_position_on_the_current_stream(self):
        inputs = self.inputs()
        results = mla.flash_mla_sparse_fwd(
            inputs["q"], inputs["kv"], inputs["indices"], 0.5
        )
        self.assertIsInstance(results, tuple)
        self.expect_results(inputs, results, stream=900)

    def test_all_arguments_in_flash_mlas_order(self):
        self.use("all")
        inputs = self.inputs(name="all")
        results = mla.flash_mla_sparse_fwd(
            inputs["q"],
            inputs["kv"],
            inputs["indices"],
            0.5,
            512,
            inputs["attn_sink"],
            inputs["topk_length"],
        )
        self.expect_results(inputs, results, stream=900)

    def test_lse_options_are_part_of_a_call(self):
        with tempfile.TemporaryDirectory() as folder:
            make_package(os.environ["MLA_TEST_JIT"], folder, "--lse-base=2")
            mla.use_packages(folder)
        inputs = self.inputs()
        for options, kernel_options in [
            ({}, {}),
            ({"lse_base": 2}, {"lse_base": "2"}),
            ({"lse_base": "e"}, {}),
        ]:
            with mock.patch.object(_kernel.Kernel, "launch", autospec=True) as launch:
                mla.flash_mla_sparse_fwd(**inputs, **options)
            self.assertEqual(launch.call_args[0][0].options, kernel_options)
        with self.assertRaises(ValueError) as caught:
            mla.flash_mla_sparse_fwd(**inputs, lse_base=3)
        self.assertEqual(str(caught.exception), "lse_base: expected 'e' or 2, got 3")

    def part(self, dtype, shape, strides, device=0):
        """Part of a larger buffer: rows are padded, and it does not start at the beginning."""
        tensor = self.torch.Tensor(dtype, shape, strides, device=device)
        tensor.address += 0x100
        return tensor

    def test_results_that_are_given(self):
        parts = {
            "out": self.part("bf16", (3, 128, 512), (130 * 1024, 1024, 1)),
            "max_logits": self.part("f32", (3, 128), (200, 1)),
            "lse": self.part("f32", (3, 128), (300, 1)),
        }
        for names in (
            ("out",),
            ("max_logits",),
            ("lse",),
            ("out", "lse"),
            ("out", "max_logits", "lse"),
        ):
            with self.subTest(names):
                self.use(self.package)
                inputs = self.inputs()
                given = {name: parts[name] for name in names}
                results = mla.flash_mla_sparse_fwd(**inputs, **given)
                self.expect_results(inputs, results, stream=900)
                for name, result in zip(parts, results):
                    if name in given:
                        self.assertIs(result, given[name])
                    else:
                        self.assertIsNot(result, parts[name])

    def test_results_that_do_not_fit(self):
        make, part = self.torch.Tensor, self.part
        q = make("bf16", (3, 128, 576))
        for kind, text, given in [
            (
                ValueError,
                "argument 'out': expected size s_q = 3 in dim 0 (as in 'q'), got 4",
                {"out": make("bf16", (4, 128, 512))},
            ),
            (
                ValueError,
                "argument 'out': expected size 128 in dim 1, got 64",
                {"out": make("bf16", (3, 64, 512))},
            ),
            (
                ValueError,
                "out: expected size 512 in dimension 2, got 576",
                {"out": make("bf16", (3, 128, 576))},
            ),
            (
                ValueError,
                "out: expected 3 dimensions, got 2",
                {"out": make("bf16", (3, 128 * 512))},
            ),
            (
                TypeError,
                "out: expected bf16 or f16, got f32",
                {"out": make("f32", (3, 128, 512))},
            ),
            (
                ValueError,
                "out: expected a tensor on device 0, as q is, got one on device 1",
                {"out": make("bf16", (3, 128, 512), device=1)},
            ),
            (
                ValueError,
                "out: expected a CUDA tensor, got one on cpu",
                {"out": make("bf16", (3, 128, 512), device=None)},
            ),
            (
                TypeError,
                "out: expected a tensor with __dlpack__",
                {"out": [1.0]},
            ),
            (
                ValueError,
                "argument 'out': expected stride 1 in dim 2, got 2",
                {"out": part("bf16", (3, 128, 512), (128 * 1024, 1024, 2))},
            ),
            (
                ValueError,
                "argument 'out': expected a written tensor whose elements do not "
                "overlap, got stride 0 in dim 0",
                {"out": part("bf16", (3, 128, 512), (0, 512, 1))},
            ),
            (
                ValueError,
                "argument 'out': expected memory apart from that of 'q', got an overlap",
                {"q": q, "out": make("bf16", (3, 128, 512), data=q.address + 512)},
            ),
            (
                ValueError,
                "argument 'max_logits': expected size 128 in dim 1, got 3",
                {"max_logits": make("f32", (3, 3))},
            ),
            (
                TypeError,
                "max_logits: expected f32, got bf16",
                {"max_logits": make("bf16", (3, 128))},
            ),
            (
                ValueError,
                "argument 'lse': expected stride 1 in dim 1, got 3",
                {"lse": part("f32", (3, 128), (1, 3))},
            ),
        ]:
            with self.subTest(text), self.assertRaises(kind) as caught:
                mla.flash_mla_sparse_fwd(**{**self.inputs(), **given})
            self.assertIn(text, str(caught.exception))
        self.assertEqual(driver.launches, [])

    def test_results_that_share_memory(self):
        lse = self.torch.Tensor("f32", (3, 128))
        with self.assertRaises(ValueError) as caught:
            mla.flash_mla_sparse_fwd(**self.inputs(), max_logits=lse, lse=lse)
        self.assertEqual(
            str(caught.exception),
            "argument 'max_logits': expected memory apart from that of 'lse', got an "
            "overlap",
        )
        # Two disjoint parts of one buffer with overlapping address ranges.
        rows = self.torch.Tensor("f32", (3, 128), (256, 1))
        behind = self.torch.Tensor("f32", (3, 128), (256, 1), data=rows.address + 512)
        inputs = self.inputs()
        results = mla.flash_mla_sparse_fwd(**inputs, max_logits=rows, lse=behind)
        self.expect_results(inputs, results, stream=900)

    def test_a_sink_that_is_a_parameter(self):
        self.use("all")
        inputs = self.inputs(name="all")
        inputs["attn_sink"] = self.torch.nn.Parameter("f32", (64,))
        _library.library().set_options(_library.CompileOptions())
        with self.made() as made:
            for _ in range(2):
                driver.reset(parameter_sizes(self.descriptor))
                results = mla.flash_mla_sparse_fwd(**inputs)
                self.expect_results(inputs, results, stream=900)
        self.assertEqual(made.call_count, 1)

    def made(self):
        """Counts the new Launch objects in this context."""
        return mock.patch.object(_kernel.Kernel, "marshal", autospec=True,
                                 side_effect=_kernel.Kernel.marshal)

    def test_calls_alike(self):
        _library.library().set_options(_library.CompileOptions())
        with self.made() as made:
            for scale, stream in (0.5, 900), (0.25, 902), (2, 900):
                driver.reset(parameter_sizes(self.descriptor))
                self.streams[0] = stream
                inputs = self.inputs(sm_scale=scale)
                del inputs["sm_scale"]
                results = mla.flash_mla_sparse_fwd(**inputs, sm_scale=scale)
                self.expect_results({**inputs, "sm_scale": scale}, results, stream=stream)
        self.assertEqual(made.call_count, 1)

    def test_calls_that_differ(self):
        driver.set_devices(2)
        self.use("all")
        both = self.inputs(name="all")
        make = self.torch.Tensor
        _library.library().set_options(_library.CompileOptions())
        calls = [
            both,
            {**both, "q": make("bf16", (3, 64, 512), (64 * 1024, 1024, 1))},
            {**both, "kv": make("bf16", (101, 1, 512))},
            {**both, "indices": make("i32", (3, 1, 41))},
            {**both, "indices": make("i32", (3, 1, 40), (80, 40, 1))},
            {**self.inputs(name="all", device=1)},
        ]
        with self.made() as made:
            for inputs in calls:
                driver.reset(parameter_sizes(self.descriptor))
                driver.set_devices(2)
                device = inputs["q"].ordinal
                results = mla.flash_mla_sparse_fwd(**inputs)
                self.expect_results(
                    inputs, results, stream=900 + device, context=16 * (device + 1)
                )
        self.assertEqual(made.call_count, len(calls))
        # Errors are found also after correct calls.
        with self.assertRaises(TypeError) as caught:
            mla.flash_mla_sparse_fwd(**{**both, "attn_sink": make("i32", (64,))})
        self.assertIn("attn_sink: expected f32, got i32", str(caught.exception))
        with self.assertRaises(ValueError) as caught:
            q = make("bf16", (3, 64, 512), both["q"].steps, data=0x7F0000000008)
            mla.flash_mla_sparse_fwd(**{**both, "q": q})
        self.assertIn("q", str(caught.exception))

    def test_other_kernels_from_now_on(self):
        with self.made() as made:
            mla.flash_mla_sparse_fwd(**self.inputs())
            before = made.call_count
            mla.flash_mla_sparse_fwd(**self.inputs())
            self.assertEqual(made.call_count, before)
            mla.compile_options()
            mla.flash_mla_sparse_fwd(**self.inputs())
            self.assertEqual(made.call_count, before + 1)
            with tempfile.TemporaryDirectory() as folder:
                make_package(os.environ["MLA_TEST_JIT"], folder, "--h=8")
                mla.use_packages(folder)
            mla.flash_mla_sparse_fwd(**self.inputs())
            self.assertEqual(made.call_count, before + 2)

    def test_sizes_that_never_come_back(self):
        library = _library.library()
        with mock.patch.object(_library, "_MAX_LAUNCHES", 4):
            for s_q in range(1, 20):
                mla.flash_mla_sparse_fwd(**self.inputs(s_q=s_q))
                self.assertLessEqual(len(library.launches()), 4)

    def test_another_device(self):
        driver.set_devices(2)
        inputs = self.inputs(device=1)
        results = mla.flash_mla_sparse_fwd(**inputs)
        self.assertEqual(results[0].ordinal, 1)
        self.expect_results(inputs, results, stream=901, context=32)

    def test_errors(self):
        for kind, text, changes in [
            (ValueError, "d_v: expected 512, got 256", {"d_v": 256}),
            (ValueError, "sm_scale: expected a value above 0", {"sm_scale": -1.0}),
            (
                ValueError,
                "kv: expected a CUDA tensor, got one on cpu",
                {"kv": self.torch.Tensor("bf16", (100, 1, 576), device=None)},
            ),
            (
                TypeError,
                "indices: expected bf16, f16, f32, f64, i8, i32, i64, f8E4M3FN, got torch.uint8",
                {"indices": self.torch.Tensor("u8", (3, 1, 40))},
            ),
            (TypeError, "q: expected a torch tensor, got CudaArray", {"q": CudaArray("bf16", (3, 128, 576))}),
        ]:
            with self.subTest(text), self.assertRaises(kind) as caught:
                mla.flash_mla_sparse_fwd(**{**self.inputs(), **changes})
            self.assertIn(text, str(caught.exception))
        self.assertEqual(driver.launches, [])


if __name__ == "__main__":
    unittest.main()
