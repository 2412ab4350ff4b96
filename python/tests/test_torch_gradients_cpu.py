# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Gradients of mla.prefill and of the functions on top of it, with torch and without a GPU
or a kernel. Launches are replaced by the reference, on the CPU.

    PYTHONPATH=python python3 python/tests/test_torch_gradients_cpu.py
"""

import itertools
import math
import sys
import unittest

try:
    import torch
except ImportError:
    torch = None

import mla
from mla import prefilling

if torch is not None:
    from gradient_cases import SCALE, Base, bounds, make
    from gradients import attention, prefill_gradients
    from mla.flash_attention import flash_attn_func, flash_attn_varlen_func
    from mla.transformer_engine import mla_attention
    from reference import prefill_reference
    from torch.utils.checkpoint import checkpoint
else:
    Base = unittest.TestCase

LAYOUTS = {"bshd": (0, 1, 2, 3), "bhsd": (0, 2, 1, 3), "sbhd": (1, 0, 2, 3)}


def load_tests(loader, tests, pattern):
    """Excluded from discovery, because other tests install a fake torch."""
    return tests if pattern is None else unittest.TestSuite()


class Reference(Base):
    """The reference of these tests."""

    def test_values(self):
        for inputs, options in (
            (make(s_q=12), {"causal": True}),
            (make(s_kv=0), {"lse_base": 2, "empty_lse": -math.inf}),
            ({**make(b=1), **bounds()}, {"causal": True}),
        ):
            wide = {
                name: tensor.double() if tensor.is_floating_point() else tensor
                for name, tensor in inputs.items()
            }
            results = attention(**wide, scale=SCALE, **options)
            wanted = prefill_reference(**wide, scale=SCALE, **options)
            rows = slice(4 if "cu_seqlens_q" in inputs else None)
            for got, want in zip(results, wanted):
                torch.testing.assert_close(got[:, rows], want[:, rows])

    def test_gradients(self):
        """Against differences of the forward."""
        inputs = [
            tensor.double().detach().requires_grad_()
            for tensor in make(b=1, s_q=3, s_kv=2, h_q=2, h_kv=1).values()
        ]

        def call(*tensors):
            out, lse = attention(*tensors, SCALE, causal=True, lse_base=2, empty_lse=0.0)
            return out, lse

        self.assertTrue(torch.autograd.gradcheck(call, inputs, fast_mode=True))


class Gradients(Base):
    def setUp(self):
        super().setUp()
        self.on_the_cpu()

    def test_prefill(self):
        for inputs, options in (
            (make(), {}),
            (make(), {"causal": True, "lse_base": 2}),
            (make(s_q=12), {"causal": True, "empty_lse": -math.inf}),
            (make(s_kv=0), {}),
            (make(s_q=0), {}),
            ({**make(b=1), **bounds()}, {"causal": True}),
        ):

            def call(**tensors):
                return mla.prefill(**tensors, scale=SCALE, **options)

            torch._dynamo.reset()
            for function in (call, self.compile(call)):
                out, lse = function(**inputs)
                dout, dlse = torch.randn_like(out), torch.randn_like(lse)
                more = {name: t for name, t in inputs.items() if name not in "qkv"}
                for results, gradients in (
                    ((out,), (dout,)),
                    ((out, lse), (dout, dlse)),
                    ((lse,), (dlse,)),
                ):
                    got = torch.autograd.grad(
                        results, [inputs[name] for name in "qkv"], gradients, True
                    )
                    named = dict(zip(results, gradients))
                    self.expect_gradients(
                        *(got, inputs, named.get(out, torch.zeros_like(out))),
                        *(named.get(lse),),
                        **{**more, **options},
                    )

    def test_prefill_backward(self):
        inputs = make(requires_grad=False)
        out, lse = mla.prefill(**inputs, scale=SCALE, causal=True)
        dout, dlse = torch.randn_like(out), torch.randn_like(lse)
        q, k, v = (inputs[name] for name in "qkv")
        dv = torch.empty_like(v)
        results = mla.prefill_backward(
            dout, q, k, v, out, lse, SCALE, dlse=dlse, causal=True, dv=dv
        )
        self.assertIs(results[2], dv)
        self.expect_gradients(results, inputs, dout, dlse, causal=True)

    def test_a_gradient_without_rows_is_copied(self):
        inputs = make()
        out, _ = mla.prefill(**inputs, scale=SCALE)
        self.differentiate(out, torch.ones((), dtype=out.dtype).expand_as(out), inputs)
        dout = self.launch_backward.call_args[0][1]["dout"]
        self.assertTrue(dout.is_contiguous())

    def test_an_unused_lse_is_not_passed(self):
        inputs = make()
        out, lse = mla.prefill(**inputs, scale=SCALE)
        self.differentiate(out, torch.randn_like(out), inputs)
        self.assertNotIn("dlse", self.launch_backward.call_args[0][1])

    def test_rows_behind_all_sequences(self):
        """Their gradients are zeros, and NaN in them goes nowhere."""
        inputs = {**make(b=1, requires_grad=False), **bounds()}
        for name, row in (("q", 4), ("k", 8), ("v", 8)):
            inputs[name][:, row] = math.nan
            inputs[name].requires_grad_()
        out, _ = mla.prefill(**inputs, scale=SCALE)
        dout = torch.randn_like(out)
        dout[:, 4] = math.nan
        for gradient, row in zip(self.differentiate(out, dout, inputs), (4, 8, 8)):
            self.assertTrue(bool((gradient[:, row] == 0).all()))
            self.assertFalse(bool(gradient.isnan().any()))

    def test_transformer_engine(self):
        inputs = make(requires_grad=False)
        for (qkv_format, places), causal in itertools.product(
            LAYOUTS.items(), (False, True)
        ):
            permuted = {
                name: tensor.permute(places).contiguous().requires_grad_()
                for name, tensor in inputs.items()
            }

            def call(**tensors):
                return mla_attention(**tensors, is_causal=causal, qkv_format=qkv_format)

            torch._dynamo.reset()
            for function in (call, self.compile(call)):
                out = function(**permuted)
                self.assertTrue(out.is_contiguous())
                wanted, _ = prefill_reference(**inputs, scale=SCALE, causal=causal)
                torch.testing.assert_close(out, wanted.permute(places).bfloat16())
                dout = torch.randn_like(out)
                out.backward(dout)
                got = [tensor.grad for tensor in permuted.values()]
                self.expect_gradients(got, permuted, dout, places=places, causal=causal)
                for tensor in permuted.values():
                    # In the layout of the input: nothing was copied.
                    self.assertTrue(tensor.grad.is_contiguous())
                    tensor.grad = None

    def test_flash_attention(self):
        inputs = make()

        def call(**tensors):
            return flash_attn_func(**tensors, causal=True, return_attn_probs=True)

        for function in (call, self.compile(call)):
            out, lse = function(**inputs)
            dout, dlse = torch.randn_like(out), torch.randn_like(lse)
            got = self.differentiate((out, lse), (dout, dlse), inputs)
            self.expect_gradients(got, inputs, dout, dlse.transpose(1, 2), causal=True)

    def test_flash_attention_of_sequences(self):
        whole = {**make(b=1, requires_grad=False), **bounds()}
        flat = {
            name: t[0].clone().requires_grad_() if t.dim() == 4 else t
            for name, t in whole.items()
        }

        def call(**tensors):
            return flash_attn_varlen_func(**tensors, causal=True, return_attn_probs=True)

        for function in (call, self.compile(call)):
            out, lse = function(**flat)
            dout, dlse = torch.randn_like(out), torch.randn_like(lse)
            got = self.differentiate((out, lse), (dout, dlse), flat)
            self.expect_gradients(
                *([tensor[None] for tensor in got], whole, dout[None], dlse.T[None]),
                causal=True,
                **bounds(),
            )

    def test_parts_of_a_packed_tensor(self):
        packed = torch.randn(2, 7, 4, 512).bfloat16().requires_grad_()
        names = dict(zip("qkv", packed.split((192, 192, 128), -1)))
        out = mla_attention(**names, is_causal=True)
        dout = torch.randn_like(out)
        out.backward(dout)
        parts = packed.grad.split((192, 192, 128), -1)
        self.expect_gradients(parts, names, dout, causal=True)

    def test_a_head_that_all_share(self):
        """An expanded input gets the sum over its copies."""
        inputs = make(h_kv=1, requires_grad=False)
        shared = inputs["k"].requires_grad_()
        spread = {
            **inputs,
            "k": shared.expand(-1, -1, 4, -1),
            "v": inputs["v"].expand(-1, -1, 4, -1),
        }
        out = mla_attention(**spread)
        dout = torch.randn_like(out)
        (got,) = torch.autograd.grad(out, shared, dout)
        _, dk, _ = prefill_gradients(dout, *spread.values(), SCALE)
        want = dk.bfloat16().sum(2, keepdim=True)
        torch.testing.assert_close(got, want)

    def test_incoming_gradients_of_any_layout(self):
        inputs = make()
        out = mla_attention(**inputs)
        copies = torch.randn(128, 4, 5, 2).bfloat16().permute(3, 2, 1, 0)
        odd = torch.randn(2, 5, 4, 132).bfloat16()[..., :128]
        for dout in (torch.ones(()).bfloat16().expand(out.shape), copies, odd):
            got = torch.autograd.grad(out, list(inputs.values()), dout, True)
            self.expect_gradients(got, inputs, dout)

    def test_some_inputs_require_a_gradient(self):
        for name in "qkv":
            inputs = make(requires_grad=False)
            inputs[name].requires_grad_()
            mla_attention(**inputs).sum().backward()
            for other, tensor in inputs.items():
                self.assertEqual(tensor.grad is not None, other == name)

    def test_without_a_gradient(self):
        """Calls that need none bypass the dispatcher, and save nothing."""
        inputs = make()
        with torch.no_grad():
            self.assertFalse(mla_attention(**inputs).requires_grad)
        detached = {name: tensor.detach() for name, tensor in inputs.items()}
        self.assertFalse(mla_attention(**detached).requires_grad)
        out = torch.empty(2, 5, 4, 128).bfloat16()
        with torch.no_grad():
            self.assertIs(mla_attention(**inputs, out=out), out)


class Training(Base):
    """Around the functions."""

    def setUp(self):
        super().setUp()
        self.on_the_cpu()

    def test_activation_checkpointing(self):
        inputs = make()
        weight = torch.randn(192, 192).bfloat16().requires_grad_()

        def block(q, k, v, weight):
            return mla_attention(q @ weight, k, v, is_causal=True).float().square()

        wanted = torch.autograd.grad(
            block(**inputs, weight=weight).sum(), [*inputs.values(), weight]
        )
        def call(*tensors):
            return checkpoint(block, *tensors, use_reentrant=False)

        def call_reentrant(*tensors):
            return checkpoint(block, *tensors, use_reentrant=True)

        for function in (call, call_reentrant, self.compile(call)):
            function(*inputs.values(), weight).sum().backward()
            for tensor, want in zip((*inputs.values(), weight), wanted):
                self.assertTrue(torch.equal(tensor.grad, want))
                tensor.grad = None

    def test_selective_checkpointing(self):
        """The operator has a name for policies of what is kept."""
        from mla import torch_ops  # noqa: F401

        try:
            from torch.utils.checkpoint import (
                CheckpointPolicy,
                create_selective_checkpoint_contexts,
            )
        except ImportError:
            self.skipTest("needs torch 2.5")
        inputs = make()
        kept = []

        def policy(_, operator, *arguments, **options):
            if operator is torch.ops.mla.attention.default:
                kept.append(operator)
                return CheckpointPolicy.MUST_SAVE
            return CheckpointPolicy.PREFER_RECOMPUTE

        out = checkpoint(
            lambda **tensors: mla_attention(**tensors),
            use_reentrant=False,
            context_fn=lambda: create_selective_checkpoint_contexts(policy),
            **inputs,
        )
        calls = prefilling.launch.call_count
        out.sum().backward()
        self.assertTrue(kept)
        self.assertEqual(prefilling.launch.call_count, calls)

    def test_compiled_sizes_that_change(self):
        compiled = self.compile(lambda **inputs: mla.prefill(**inputs, scale=SCALE)[0])
        for number, sizes in enumerate(((2, 5, 9), (3, 6, 20), (4, 17, 5))):
            inputs = make(**dict(zip(("b", "s_q", "s_kv"), sizes)))
            for tensor in inputs.values():
                torch._dynamo.mark_dynamic(tensor, 0)
                torch._dynamo.mark_dynamic(tensor, 1)
            with torch._dynamo.config.patch(error_on_recompile=number > 0):
                out = compiled(**inputs)
                dout = torch.randn_like(out)
                got = self.differentiate(out, dout, inputs)
            self.expect_gradients(got, inputs, dout)

    def test_export(self):
        inputs = make(requires_grad=False)

        class Module(torch.nn.Module):
            def __init__(self):
                super().__init__()
                self.weight = torch.nn.Parameter(torch.eye(192).bfloat16())

            def forward(self, q, k, v):
                return mla_attention(q @ self.weight, k, v)

        module = Module()
        program = torch.export.export(module, tuple(inputs.values()))
        self.assertIn("mla.attention", str(program.graph))
        again = program.module()
        again(*inputs.values()).sum().backward()
        self.assertIsNotNone(next(again.parameters()).grad)


if __name__ == "__main__":
    if torch is None:
        print("skipped: needs torch")
        sys.exit(77)
    unittest.main()
