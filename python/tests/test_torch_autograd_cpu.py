# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The operators of torch behind gradients of attention, and what they refuse, without a
GPU or a kernel: opcheck, fake tensors, second derivatives, torch.func.

    PYTHONPATH=python python3 python/tests/test_torch_autograd_cpu.py
"""

import sys
import unittest
from unittest import mock

try:
    import torch
except ImportError:
    torch = None

import mla
from mla import attention_gradients, prefilling

if torch is not None:
    import torch.autograd.forward_ad as forward_ad
    from gradient_cases import SCALE, Base, bounds, make
    from mla.flash_attention import flash_attn_func
    from mla.transformer_engine import mla_attention
    from torch.fx.experimental.proxy_tensor import make_fx
else:
    Base = unittest.TestCase

WORDS = "causal=yes lse_base=e empty_lse=+inf"


def load_tests(loader, tests, pattern):
    """Excluded from discovery, because other tests install a fake torch."""
    return tests if pattern is None else unittest.TestSuite()


class Operators(Base):
    def test_opcheck(self):
        self.on_the_cpu()
        from mla import torch_ops  # noqa: F401

        # No row is behind them, which would have no value.
        ends = [torch.tensor([0, 2, end], dtype=torch.int32) for end in (5, 9)]
        for inputs, of_sequences, layout in (
            (make(), (None, None), "sbhd"),
            (make(b=1), ends, "bhsd"),
        ):
            arguments = *inputs.values(), SCALE, *of_sequences, layout, WORDS
            torch.library.opcheck(torch.ops.mla.attention, arguments)
            detached = [tensor.detach() for tensor in inputs.values()]
            out, lse = torch.ops.mla.attention(*detached, *arguments[3:])
            gradients = torch.randn_like(out), torch.randn_like(lse)
            saved = *detached, out, lse
            arguments = *gradients, *saved, SCALE, *of_sequences, WORDS
            torch.library.opcheck(torch.ops.mla.attention_backward, arguments)

    def test_eager_calls_bypass_the_dispatcher(self):
        self.on_the_cpu()
        from mla import torch_autograd

        inputs = make()
        with mock.patch.object(torch_autograd, "attention", side_effect=AssertionError):
            out = mla_attention(**inputs)
            with mock.patch.object(
                torch_autograd, "attention_backward", side_effect=AssertionError
            ):
                out.sum().backward()
        self.assertIsNotNone(inputs["q"].grad)

    def test_fake_tensors(self):
        self.replace_launch(prefilling, side_effect=AssertionError)
        self.replace_launch(attention_gradients, side_effect=AssertionError)
        self.enter_fake_mode()
        for inputs in (make(), {**make(b=1), **bounds()}):
            out, lse = mla.prefill(**inputs, scale=SCALE, causal=True)
            (out.sum() + lse.sum()).backward()
            for tensor in (inputs[name] for name in "qkv"):
                self.assertEqual(tensor.grad.shape, tensor.shape)
                self.assertEqual(tensor.grad.stride(), tensor.stride())


class Refusals(Base):
    def setUp(self):
        super().setUp()
        self.on_the_cpu()

    def test_shapes_of_the_backward(self):
        self.enter_fake_mode()
        inputs = make(requires_grad=False)
        out, lse = mla.prefill(**inputs, scale=SCALE)
        q, k, v = (inputs[name] for name in "qkv")
        more = out.new_empty((*out.shape[:3], out.shape[3] + 16))
        for wrong, what in (
            ((out, q, k, v, out, lse[:, :1]), "lse"),
            ((more, q, k, v, out, lse), "dout: expected the shape of out"),
            ((out, q.int(), k, v, out, lse), "q"),
        ):
            with self.assertRaisesRegex((TypeError, ValueError), what):
                mla.prefill_backward(*wrong, SCALE)
        with self.assertRaisesRegex(ValueError, "dlse: expected the shape of lse"):
            mla.prefill_backward(out, q, k, v, out, lse, SCALE, dlse=lse[..., :1])
        with self.assertRaisesRegex(ValueError, "dq: expected None where torch traces"):
            mla.prefill_backward(out, q, k, v, out, lse, SCALE, dq=q)

    def test_second_derivatives(self):
        inputs = make()
        text = "mla::attention_backward: expected a first derivative of attention"
        for call in (mla_attention, flash_attn_func):
            out = call(**inputs).float().square().sum()
            (dq,) = torch.autograd.grad(out, inputs["q"], create_graph=True)
            self.assertTrue(dq.requires_grad)
            with self.assertRaisesRegex(NotImplementedError, text):
                dq.sum().backward()

    def test_transforms(self):
        inputs = make(requires_grad=False)
        values = tuple(inputs.values())
        many = tuple(tensor[None].expand(3, *tensor.shape) for tensor in values)
        text = "q: expected a tensor outside of torch.func's transforms"

        def loss(q, k, v):
            return mla_attention(q, k, v).sum()

        for call in (
            lambda: torch.func.vmap(mla_attention)(*many),
            lambda: torch.func.grad(loss)(*values),
            lambda: torch.func.jvp(mla_attention, values, values),
            lambda: torch.func.vjp(mla_attention, *values),
            lambda: torch.func.jacrev(mla_attention)(*values),
        ):
            self.expect_error(ValueError, text, call)
            # Torch 2.4 fails to compile the exception.
            with self.assertRaisesRegex(Exception, f"{text}|while exception handling"):
                self.compile(call)()

    def test_tangents(self):
        inputs = make(requires_grad=False)
        text = "k: expected a tensor without a tangent"
        with forward_ad.dual_level():
            dual = {**inputs, "k": forward_ad.make_dual(inputs["k"], inputs["k"])}
            self.expect_error(ValueError, text, mla_attention, **dual)
            # Torch 2.4 does not say which exception it observed.
            text = "forward_ad.dual_level|Observed exception"
            with self.assertRaisesRegex(Exception, text):
                self.compile(mla_attention)(**dual)

    def test_transforms_of_the_operators(self):
        from mla import torch_ops  # noqa: F401

        many = [tensor.expand(3, *tensor.shape) for tensor in make().values()]

        def call(q, k, v):
            more = SCALE, None, None, "bshd", WORDS
            return torch.ops.mla.attention(q, k, v, *more)

        if hasattr(torch.library, "register_vmap"):
            with self.assertRaisesRegex(NotImplementedError, "mla::attention: expected"):
                torch.func.vmap(call)(*many)

    def test_batched_gradients(self):
        """These are a loop over the backward, and right."""
        inputs = make()
        out = mla_attention(**inputs)
        many = torch.randn(3, *out.shape).bfloat16()
        got = torch.autograd.grad(
            *(out, list(inputs.values()), many, True), is_grads_batched=True
        )
        for number, dout in enumerate(many):
            wanted = torch.autograd.grad(out, list(inputs.values()), dout, True)
            for batch, want in zip(got, wanted):
                self.assertTrue(torch.equal(batch[number], want))

    def test_functions_without_a_gradient(self):
        inputs = make()
        out, lse = mla.prefill(**inputs, scale=SCALE)
        text = "expected a tensor that requires no gradient, or torch.no_grad()"
        self.expect_error(
            *(ValueError, f"out_a: {text}, because merge has no gradient"),
            *(lambda: mla.merge(out, lse, out, lse),),
        )
        partial = {"partial_out": out[0].float(), "partial_lse": lse[0]}
        self.expect_error(ValueError, f"partial_out: {text}", mla.combine, **partial)

    def test_arguments(self):
        inputs = make()
        out = torch.empty(2, 5, 4, 128).bfloat16()
        text = "out: expected None where q, k or v requires a gradient, got Tensor"
        for call in (mla_attention, flash_attn_func):
            self.expect_error(ValueError, text, call, **inputs, out=out)
        text = "stream: expected None where q, k or v requires a gradient, got int"
        self.expect_error(
            ValueError, text, mla.prefill, **inputs, scale=SCALE, stream=5
        )

    def test_inputs(self):
        """Bad inputs are the errors of the call without a gradient."""
        self.enter_fake_mode()
        inputs = make()
        for kind, text, changes in (
            (
                TypeError,
                "q: expected bf16 or f16, got f32",
                {"q": inputs["q"].detach().float().requires_grad_()},
            ),
            (TypeError, "q: expected bf16 or f16, got i32", {"q": inputs["q"].int()}),
            (TypeError, "k: expected bf16, as q has, got f16", {"k": inputs["k"].half()}),
            (
                ValueError,
                "v: expected a multiple of 16 up to 256 in dimension 3, got 120",
                {"v": inputs["v"][..., :120]},
            ),
            (ValueError, "scale: expected a value above 0, got 0", {"scale": 0.0}),
        ):
            with self.subTest(text):
                arguments = {**inputs, "scale": SCALE, **changes}
                self.expect_error(kind, text, mla.prefill, **arguments)


if __name__ == "__main__":
    if torch is None:
        print("skipped: needs torch")
        sys.exit(77)
    unittest.main()
