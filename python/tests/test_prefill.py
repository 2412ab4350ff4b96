# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""mla.prefill with a fake torch on the fake driver: arguments, layouts, errors."""

import json
import math
import os
import tempfile
import unittest
from unittest import mock

import mla
from fakes import CudaArray, DLPackTensor
from mla import _kernel
from prefill_support import Base
from support import driver, setUpModule  # noqa: F401

# After support: it adds the folder of fake_package to sys.path.
from fake_package import make_package, program_parameter_sizes


class Prefill(Base):
    def test_results_are_made(self):
        inputs = self.inputs()
        out, lse = mla.prefill(**inputs, scale=0.5)
        self.expect_launch({**inputs, "scale": 0.5, "out": out, "lse": lse})
        self.assertEqual((out.sizes, out.dtype), ((2, 100, 16, 128), self.torch.bfloat16))
        self.assertEqual((lse.sizes, lse.steps), ((2, 100, 16), (1600, 1, 100)))

    def test_results_are_given(self):
        inputs = self.inputs()
        results = {
            "out": self.make("bf16", (2, 100, 16, 128), (409600, 256, 25600, 1)),
            "lse": self.make("f32", (2, 100, 16), (1, 40, 2)),
        }
        got = mla.prefill(**inputs, scale=0.5, **results)
        self.assertIs(got[0], results["out"])
        self.assertIs(got[1], results["lse"])
        self.expect_launch({**inputs, "scale": 0.5, **results})

    def test_any_library(self):
        for kind in CudaArray, DLPackTensor:
            inputs = {
                name: kind(tensor.word, tensor.sizes)
                for name, tensor in self.inputs().items()
            }
            results = {
                "out": kind("bf16", (2, 100, 16, 128)),
                "lse": kind("f32", (2, 100, 16)),
            }
            driver.launches.clear()
            mla.prefill(**inputs, scale=0.5, **results, stream=77)
            self.expect_launch({**inputs, "scale": 0.5, **results}, stream=77)
        text = "out, lse: expected tensors, got None; only torch allocates them"
        self.expect_error(TypeError, text, mla.prefill, **inputs, scale=1)

    def test_parts_of_a_packed_tensor(self):
        step, first = 16 * 512, 2**41
        parts = {
            name: self.make("bf16", (1, 64, 16, width), (0, step, width, 1), data=place)
            for name, width, place in (
                ("q", 192, first),
                ("k", 192, first + 16 * 192 * 2),
                ("v", 128, first + 16 * 384 * 2),
            )
        }
        out, lse = mla.prefill(**parts, scale=0.5)
        self.expect_launch({**parts, "scale": 0.5, "out": out, "lse": lse})

    def test_sequences(self):
        self.use("varlen")
        inputs = {**self.inputs(b=1), **self.bounds()}
        out, lse = mla.prefill(**inputs, scale=0.5)
        self.expect_launch({**inputs, "scale": 0.5, "out": out, "lse": lse})

    def test_the_kernel_follows_options_and_sizes(self):
        for name, inputs, options in [
            ("plain", {}, {}),
            ("causal", {}, {"causal": True}),
            ("base2", {}, {"lse_base": 2, "empty_lse": -math.inf}),
            ("grouped", {"h_kv": 2}, {}),
            ("f16", {"word": "f16"}, {}),
        ]:
            with self.subTest(name):
                self.use(name)
                inputs = self.inputs(**inputs)
                with mock.patch.object(_kernel.Kernel, "launch", autospec=True) as launch:
                    out, _ = mla.prefill(**inputs, scale=0.5, **options)
                kernel = launch.call_args[0][0]
                self.assertEqual(kernel.options, self.descriptor["options"])
                self.assertEqual(kernel.arguments["k"].shape[2], inputs["k"].sizes[2])
                self.assertEqual(out.dtype, inputs["q"].dtype)

    def test_calls_of_one_kind_share_a_launch(self):
        with mock.patch.object(
            _kernel.Kernel,
            "marshal",
            autospec=True,
            side_effect=_kernel.Kernel.marshal,
        ) as marshal:
            for _ in range(3):
                mla.prefill(**self.inputs(), scale=0.5)
            self.assertEqual(marshal.call_count, 1)
            mla.prefill(**self.inputs(), scale=0.5, causal=True)
        self.assertEqual(marshal.call_count, 2)

    def test_nothing(self):
        for sizes in ({"b": 0}, {"s_q": 0}):
            out, lse = mla.prefill(**self.inputs(**sizes), scale=0.5)
            self.assertEqual(out.sizes[:3], lse.sizes)

    def test_errors(self):
        make, inputs, bounds = self.make, self.inputs(), self.bounds()
        q, k, v = inputs.values()
        one = self.inputs(b=1)
        out_shape = (2, 100, 16, 128)
        for kind, text, changes in [
            (ValueError, "scale: expected a value above 0, got 0", {"scale": 0}),
            (ValueError, "scale: expected a value above 0, got -1", {"scale": -1}),
            (TypeError, "scale: expected a number, got str", {"scale": "1"}),
            (TypeError, "q: expected bf16 or f16, got f32", {"q": make("f32", q.sizes)}),
            (
                TypeError,
                "k: expected bf16, as q has, got f16",
                {"k": make("f16", k.sizes)},
            ),
            (
                TypeError,
                "v: expected bf16, as q has, got f16",
                {"v": make("f16", v.sizes)},
            ),
            (ValueError, "q: expected 4 dimensions, got 3", {"q": make("bf16", (2, 16, 192))}),
            (ValueError, "k: expected 4 dimensions, got 3", {"k": make("bf16", (2, 16, 192))}),
            (
                ValueError,
                "argument 'v': expected size s_kv = 300 in dim 1 (as in 'k'), got 299",
                {"v": make("bf16", (2, 299, 16, 128))},
            ),
            (
                ValueError,
                "argument 'k': expected size b = 2 in dim 0 (as in 'q'), got 3",
                {"k": make("bf16", (3, 300, 16, 192))},
            ),
            (
                ValueError,
                "argument 'k': expected size 192 in dim 3, got 128",
                {"k": make("bf16", (2, 300, 16, 128))},
            ),
            (
                ValueError,
                "argument 'v': expected size 16 in dim 2, got 8",
                {"v": make("bf16", (2, 300, 8, 128))},
            ),
            (
                ValueError,
                "k: expected a divisor of the 16 query heads in dimension 2, got 3",
                {"k": make("bf16", (2, 300, 3, 192))},
            ),
            (
                ValueError,
                "k: expected a divisor of the 16 query heads in dimension 2, got 0",
                {"k": make("bf16", (2, 300, 0, 192))},
            ),
            (
                ValueError,
                "q: expected 1 to 1024 heads in dimension 2, got 1025",
                {"q": make("bf16", (2, 100, 1025, 192))},
            ),
            (
                ValueError,
                "q: expected a multiple of 16 up to 256 in dimension 3, got 100",
                {"q": make("bf16", (2, 100, 16, 100))},
            ),
            (
                ValueError,
                "q: expected a multiple of 16 up to 256 in dimension 3, got 272",
                {"q": make("bf16", (2, 100, 16, 272))},
            ),
            (
                ValueError,
                "v: expected a multiple of 16 up to 256 in dimension 3, got 0",
                {"v": make("bf16", (2, 300, 16, 0))},
            ),
            (
                ValueError,
                "argument 'q': expected stride 1 in dim 3, got 2",
                {"q": make("bf16", q.sizes, (0, 0, 400, 2))},
            ),
            (
                ValueError,
                "argument 'k': expected stride multiple of 8 elements (16 bytes) in dim "
                "2, got 196",
                {"k": make("bf16", k.sizes, (1000000, 4000, 196, 1))},
            ),
            (
                ValueError,
                "argument 'v': expected an address aligned to 16 bytes",
                {"v": make("bf16", v.sizes, data=v.address + 2)},
            ),
            (
                ValueError,
                "v: expected a CUDA tensor, got one on cpu",
                {"v": make("bf16", v.sizes, device=None)},
            ),
            (
                ValueError,
                "v: expected a tensor on device 0, as q is, got one on device 1",
                {"v": make("bf16", v.sizes, device=1)},
            ),
            (
                ValueError,
                "argument 'out': expected memory apart from that of 'q', got an overlap",
                {"out": make("bf16", out_shape, data=q.address)},
            ),
            (
                ValueError,
                "argument 'lse': expected a written tensor whose elements do not "
                "overlap, got stride 0 in dim 0",
                {"lse": make("f32", (2, 100, 16), (0, 16, 1))},
            ),
            (TypeError, "lse: expected f32, got bf16", {"lse": make("bf16", (2, 100, 16))}),
            (
                ValueError,
                "cu_seqlens_k: expected a tensor beside cu_seqlens_q, got None",
                {**one, "cu_seqlens_q": bounds["cu_seqlens_q"]},
            ),
            (
                ValueError,
                "cu_seqlens_q: expected a tensor beside cu_seqlens_k, got None",
                {**one, "cu_seqlens_k": bounds["cu_seqlens_k"]},
            ),
            (
                ValueError,
                "q: expected size 1 in dimension 0 beside cu_seqlens_q, got 2",
                bounds,
            ),
            (
                ValueError,
                "argument 'cu_seqlens_k': expected size bounds = 4 in dim 0 (as in "
                "'cu_seqlens_q'), got 5",
                {**one, **bounds, "cu_seqlens_k": make("i32", (5,))},
            ),
            (
                TypeError,
                "cu_seqlens_q: expected i32, got i64",
                {**one, **bounds, "cu_seqlens_q": make("i64", (4,))},
            ),
            (ValueError, "lse_base: expected 'e' or 2, got 10", {"lse_base": 10}),
            (ValueError, "empty_lse: expected inf or -inf, got 0", {"empty_lse": 0}),
        ]:
            with self.subTest(text):
                arguments = {**inputs, "scale": 1, **changes}
                self.expect_error(kind, text, mla.prefill, **arguments)


class Compiled(Base):
    """The package that the compiler makes of the operator."""

    def test_sequences(self):
        flags = "--sizes", "h_q=4,h_kv=2", "--causal=yes"
        flags += ("--cu-seqlens-q", "--cu-seqlens-k", "--dtype=f16")
        with tempfile.TemporaryDirectory() as folder:
            package = make_package(
                *(os.environ["MLA_TEST_JIT"], folder, *flags), operator="prefill"
            )
            descriptor = json.loads((package / "kernel.json").read_text())
            mla.use_packages(folder)
        driver.reset_program(program_parameter_sizes(descriptor))
        inputs = {**self.inputs(b=1, h_q=4, h_kv=2, word="f16"), **self.bounds()}
        out, lse = mla.prefill(**inputs, scale=0.5, causal=True)
        self.assertEqual(len(driver.launches), len(descriptor["kernels"]))
        self.assertEqual((out.sizes, lse.sizes), ((1, 100, 4, 128), (1, 100, 4)))


if __name__ == "__main__":
    unittest.main()
