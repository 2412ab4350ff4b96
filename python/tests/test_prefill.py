# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""mla.prefill and the functions of other packages on top of it, with a fake torch on the
fake driver: arguments, layouts, errors."""

import json
import math
import os
import tempfile
import unittest
from unittest import mock

import mla
from fakes import CudaArray, DLPackTensor, contiguous, fake_torch, installed
from mla import _library
from mla.flash_attention import flash_attn_func, flash_attn_varlen_func
from mla.transformer_engine import mla_attention
from support import driver, expected_parameters, setUpModule, use_packages  # noqa: F401

# After support: it adds the folder of fake_package to sys.path.
from fake_package import make_package, parameter_sizes, program_parameter_sizes
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
                with mock.patch.object(_library.Kernel, "launch", autospec=True) as launch:
                    out, _ = mla.prefill(**inputs, scale=0.5, **options)
                kernel = launch.call_args[0][0]
                self.assertEqual(kernel.options, self.descriptor["options"])
                self.assertEqual(kernel.arguments["k"].shape[2], inputs["k"].sizes[2])
                self.assertEqual(out.dtype, inputs["q"].dtype)

    def test_calls_of_one_kind_share_a_launch(self):
        with mock.patch.object(
            _library.Kernel,
            "marshal",
            autospec=True,
            side_effect=_library.Kernel.marshal,
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


class TransformerEngine(Base):
    def call_on(self, qkv_format, order, **options):
        """Tensors whose dimensions b, s, h, d lie in `order`; returns what the kernel
        should see."""
        inputs, seen = {}, {}
        for name, tensor in self.inputs().items():
            shape = [tensor.sizes[dim] for dim in order]
            inputs[name] = self.make("bf16", shape)
            seen[name] = self.seen(inputs[name], order)
        out = mla_attention(
            **inputs, softmax_scale=0.5, qkv_format=qkv_format, **options
        )
        return seen, out

    def seen(self, tensor, order):
        places = [order.index(dim) for dim in range(4)]
        sizes = [tensor.sizes[place] for place in places]
        steps = [tensor.steps[place] for place in places]
        return self.make("bf16", sizes, steps, data=tensor.address)

    def test_formats(self):
        for qkv_format, order in (
            ("bshd", (0, 1, 2, 3)),
            ("bhsd", (0, 2, 1, 3)),
            ("sbhd", (1, 0, 2, 3)),
        ):
            with self.subTest(qkv_format):
                driver.launches.clear()
                seen, out = self.call_on(qkv_format, order)
                lse, _ = self.torch.made[-1]
                lse = lse.transpose(1, 2)
                seen_out = self.seen(out, order)
                self.assertEqual(seen_out.sizes, (2, 100, 16, 128))
                self.assertEqual(out.steps, contiguous(out.sizes))
                self.expect_launch({**seen, "scale": 0.5, "out": seen_out, "lse": lse})

    def test_options(self):
        inputs = self.inputs()
        with mock.patch.object(_library.Kernel, "launch", autospec=True) as launch:
            mla_attention(**inputs, is_causal=True)
        kernel, fields = launch.call_args[0][:2]
        self.assertEqual(kernel.options, CAUSAL)
        self.assertIn(192**-0.5, fields)

    def test_out(self):
        inputs = self.inputs()
        out = self.make("bf16", (2, 16, 100, 128))
        inputs = {name: tensor.transpose(1, 2) for name, tensor in inputs.items()}
        self.assertIs(mla_attention(**inputs, qkv_format="bhsd", out=out), out)

    def test_errors(self):
        inputs = self.inputs()
        trained = self.inputs()["k"]
        trained.requires_grad = True
        for kind, text, changes in [
            (
                ValueError,
                "qkv_format: expected one of 'bshd', 'bhsd', 'sbhd', got 'shbd'",
                {"qkv_format": "shbd"},
            ),
            (ValueError, "got 'thd'", {"qkv_format": "thd"}),
            (
                ValueError,
                "softmax_scale: expected a value above 0, got 0",
                {"softmax_scale": 0},
            ),
            (
                ValueError,
                "out: expected None where q, k or v requires a gradient, got Tensor",
                {"k": trained, "out": self.make("bf16", (2, 100, 16, 128))},
            ),
            (
                TypeError,
                "v: expected a torch tensor, got CudaArray",
                {"v": CudaArray("bf16", (2, 300, 16, 128))},
            ),
            (
                ValueError,
                "v: expected 4 dimensions, got 3",
                {"v": self.make("bf16", (2, 300, 128))},
            ),
            (
                ValueError,
                "argument 'v': expected size s_kv = 300 in dim 1 (as in 'k'), got 299",
                {"v": self.make("bf16", (2, 299, 16, 128))},
            ),
            (
                ValueError,
                "out: expected 4 dimensions, got 2",
                {"out": self.make("bf16", (2, 128))},
            ),
        ]:
            with self.subTest(text):
                self.expect_error(kind, text, mla_attention, **{**inputs, **changes})
        with mock.patch.object(self.torch, "is_grad_enabled", lambda: False):
            mla_attention(**{**inputs, "k": trained})


class FlashAttention(Base):
    def flat(self):
        return {
            "q": self.make("bf16", (100, 16, 192)),
            "k": self.make("bf16", (300, 16, 192)),
            "v": self.make("bf16", (300, 16, 128)),
            **self.bounds(),
        }

    def test_batches(self):
        self.use("flash")
        inputs = self.inputs()
        out, lse = flash_attn_func(*inputs.values(), 0.5, return_attn_probs=True)
        self.assertEqual((lse.sizes, lse.steps), ((2, 16, 100), (1600, 100, 1)))
        self.expect_launch(
            {**inputs, "scale": 0.5, "out": out, "lse": lse.transpose(1, 2)}
        )
        self.use("flash-causal")
        out = flash_attn_func(*inputs.values(), 0.5, True)
        self.assertEqual(out.sizes, (2, 100, 16, 128))
        self.assertEqual(len(driver.launches), 1)

    def test_sequences(self):
        self.use("flash-varlen")
        inputs = self.flat()
        out, lse = flash_attn_varlen_func(
            *inputs.values(), 100, 200, softmax_scale=0.5, return_attn_probs=True
        )
        self.assertEqual((out.sizes, lse.sizes), ((100, 16, 128), (16, 100)))
        self.assertEqual(lse.steps, (100, 1))
        with_batch = {
            name: tensor if len(tensor.sizes) == 1 else tensor.unsqueeze(0)
            for name, tensor in inputs.items()
        }
        ((values, *_),) = driver.launches
        ((made_out, _), (made_lse, _)) = self.torch.made[-2:]
        expected = {
            **with_batch,
            "scale": 0.5,
            "out": made_out,
            "lse": made_lse.transpose(1, 2),
        }
        # The stride of a dimension of one element is any.
        strides = [
            (parameter["kind"], parameter.get("dim"))
            for parameter in self.descriptor["kernels"][0]["parameters"]
        ]
        for place, got, want in zip(
            strides, values, expected_parameters(self.descriptor, expected)
        ):
            if place != ("stride", 0):
                self.assertEqual(got, want)
        given = self.make("bf16", (100, 16, 128))
        self.assertIs(flash_attn_varlen_func(*inputs.values(), out=given), given)

    def test_default_scale(self):
        with mock.patch.object(_library.Kernel, "launch", autospec=True) as launch:
            flash_attn_func(**self.inputs())
            self.assertIn(192**-0.5, launch.call_args[0][1])
            flash_attn_varlen_func(**self.flat())
            self.assertIn(192**-0.5, launch.call_args[0][1])

    def test_what_has_no_effect(self):
        inputs = self.inputs()
        flash_attn_func(
            **inputs,
            num_splits=4,
            pack_gqa=True,
            deterministic=True,
            sm_margin=8,
            window_size=(None, None),
            softcap=0,
        )
        self.assertEqual(len(driver.launches), 1)

    def test_what_is_not_supported(self):
        tensor = self.make("f32", (2, 16))
        both = {
            "qv": tensor,
            "q_descale": tensor,
            "k_descale": tensor,
            "v_descale": tensor,
            "attention_chunk": 128,
            "softcap": 30.0,
            "dropout_p": 0.1,
            "alibi_slopes": tensor,
        }
        only_flat = {"seqused_q": tensor, "seqused_k": tensor, "block_table": tensor}
        for function, inputs, refused in (
            (flash_attn_func, self.inputs(), both),
            (flash_attn_varlen_func, self.flat(), {**both, **only_flat}),
        ):
            for name, value in refused.items():
                text = f"{name}: expected "
                with self.subTest(text):
                    self.expect_error(
                        ValueError, text, function, **inputs, **{name: value}
                    )
            text = "window_size: expected (-1, -1): no window is supported, got (5, 0)"
            self.expect_error(ValueError, text, function, **inputs, window_size=(5, 0))
        text = "softcap: expected 0.0: it is not supported, got 30.0"
        self.expect_error(ValueError, text, flash_attn_func, **self.inputs(), softcap=30.0)
        text = "qv: expected None: it is not supported, got a tensor"
        self.expect_error(ValueError, text, flash_attn_func, **self.inputs(), qv=tensor)

    def test_errors(self):
        inputs = self.flat()
        trained = self.make("bf16", (100, 16, 192))
        trained.requires_grad = True
        for kind, text, changes in [
            (ValueError, "q: expected 3 dimensions, got 4", self.inputs()),
            (
                TypeError,
                "cu_seqlens_k: expected a torch tensor, got NoneType",
                {"cu_seqlens_k": None},
            ),
            (
                ValueError,
                "cu_seqlens_q: expected 1 dimension",
                {"cu_seqlens_q": self.make("i32", (4, 1))},
            ),
            (
                ValueError,
                "out: expected None where q, k or v requires a gradient, got Tensor",
                {"q": trained, "out": self.make("bf16", (100, 16, 128))},
            ),
            (
                ValueError,
                "out: expected 3 dimensions, got 4",
                {"out": self.make("bf16", (1, 100, 16, 128))},
            ),
            (
                ValueError,
                "softmax_scale: expected a value above 0, got -0.5",
                {"softmax_scale": -0.5},
            ),
        ]:
            with self.subTest(text):
                self.expect_error(
                    kind, text, flash_attn_varlen_func, **{**inputs, **changes}
                )
        text = "q: expected 4 dimensions, got 3"
        flat = {name: inputs[name] for name in "qkv"}
        self.expect_error(ValueError, text, flash_attn_func, **flat)


if __name__ == "__main__":
    unittest.main()
