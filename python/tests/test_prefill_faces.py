# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The functions of other packages on top of mla.prefill, with a fake torch on the fake
driver: arguments, layouts, errors."""

import unittest
from unittest import mock

from fakes import CudaArray, contiguous
from mla import _kernel
from mla.flash_attention import flash_attn_func, flash_attn_varlen_func
from mla.transformer_engine import mla_attention
from prefill_support import Base, CAUSAL
from support import driver, expected_parameters, setUpModule  # noqa: F401


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
        with mock.patch.object(_kernel.Kernel, "launch", autospec=True) as launch:
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
        with mock.patch.object(_kernel.Kernel, "launch", autospec=True) as launch:
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
