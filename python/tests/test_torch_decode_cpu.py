# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The decode functions as torch operators, with torch and without a GPU or a kernel: fake
and meta tensors, torch.export, torch.compile, opcheck. Launches are replaced by the
reference, on the CPU.

    PYTHONPATH=python python3 python/tests/test_torch_decode_cpu.py
"""

import math
import sys
import unittest
from unittest import mock

try:
    import torch
except ImportError:
    torch = None

import mla
from mla import _decode_kernels, decoding

if torch is not None:
    from mla.flashinfer import BatchMLAPagedAttentionWrapper
    from mla.transformer_engine import mla_decode_attention
    from reference import (
        decode_reference,
        decode_reference_launch,
        plan_reference_launch,
    )
    from torch.fx.experimental.proxy_tensor import make_fx
    from torch_cases import Case
else:
    Case = unittest.TestCase


def load_tests(loader, tests, pattern):
    """Excluded from discovery, because other tests install a fake torch."""
    return tests if pattern is None else unittest.TestSuite()


def make(device="cpu", b=3, s_q=2, h_q=4, page_size=16, pages=4, d_qk=576, dtype=None):
    """Inputs by name; one request is empty, and one full."""
    torch.manual_seed(0)
    dtype = dtype or torch.bfloat16
    table = torch.randperm(b * pages, device=device).to(torch.int32).view(b, pages)
    lengths = [0, page_size * pages] + [page_size + 3 + i for i in range(b)]
    cache = torch.randn(b * pages, page_size, 1, d_qk, device=device) / 10
    return {
        "q": (torch.randn(b, s_q, h_q, d_qk, device=device) / 10).to(dtype),
        "k_cache": cache.to(dtype),
        "block_table": table,
        "cache_seqlens": torch.tensor(lengths[:b], dtype=torch.int32, device=device),
    }


SCALE = 576**-0.5


def make_parts(inputs, is_contiguous):
    """The inputs with the last columns of q and k_cache in tensors of their own, and with
    a page for each request that is its own."""
    inputs = dict(inputs)
    for name, rope in (("q", "q_rope"), ("k_cache", "k_rope")):
        whole = inputs[name]
        if is_contiguous and name == "k_cache":
            whole = whole.view(len(inputs["q"]), -1, *whole.shape[2:])
        inputs[name], inputs[rope] = whole[..., :512], whole[..., 512:].clone()
    if is_contiguous:
        inputs["block_table"] = None
    return inputs


class Base(Case):
    def setUp(self):
        torch._dynamo.reset()
        # There is no device that could be asked.
        patch = mock.patch("mla._cuda.sm_count", return_value=132)
        patch.start()
        self.addCleanup(patch.stop)
        # Tensors on the CPU are refused before a plan is allocated.
        patch = mock.patch.object(decoding, "tensor_of")
        patch.start()
        self.addCleanup(patch.stop)

    def replace_launches(self, **how):
        self.launch = self.replace_launch(_decode_kernels, **how)
        patch = mock.patch.object(
            _decode_kernels, "launch_plan", side_effect=plan_reference_launch
        )
        self.launch_plan = patch.start()
        self.addCleanup(patch.stop)

    def expect_shapes(self, results, b=3, s_q=2, h_q=4):
        shapes = [tuple(result.shape) for result in results]
        self.assertEqual(shapes, [(b, s_q, h_q, 512), (b, s_q, h_q)])
        dtypes = [result.dtype for result in results]
        self.assertEqual(dtypes, [torch.bfloat16, torch.float32])

    def expect_values(self, results, inputs, **options):
        wanted = decode_reference(**inputs, scale=SCALE, **options)
        for got, want in zip(results, wanted):
            torch.testing.assert_close(got, want.to(got.dtype))


class Fakes(Base):
    """Calls on fake tensors, which have shapes and no memory."""

    def setUp(self):
        super().setUp()
        # No test may launch.
        self.replace_launches(side_effect=AssertionError)
        self.enter_fake_mode()

    def test_decode(self):
        inputs = make("cuda")
        results = mla.decode(**inputs, scale=SCALE)
        self.expect_shapes(results)
        self.assertEqual({str(result.device) for result in results}, {"cuda:0"})
        plan = mla.plan_decode(inputs["cache_seqlens"], 2, 4, page_size=16)
        self.assertEqual(tuple(plan.plan.shape), (132, 8))
        self.expect_shapes(mla.decode(**inputs, scale=SCALE, plan=plan))
        self.launch_plan.assert_not_called()

    def test_forms(self):
        for is_contiguous in (False, True):
            inputs = make_parts(make("cuda"), is_contiguous)
            self.expect_shapes(mla.decode(**inputs, scale=SCALE))
        for text, changes in [
            ("k_rope: expected a tensor beside q_rope, got None", {"k_rope": None}),
            ("q_rope: size of dimension 3: expected 64, got 32",
             {"q_rope": inputs["q_rope"][..., :32]}),
        ]:
            with self.subTest(text):
                arguments = {**inputs, "scale": SCALE, **changes}
                self.expect_error(ValueError, text, mla.decode, **arguments)

    def test_flash_mla(self):
        inputs = make("cuda")
        out, lse = mla.flash_mla_with_kvcache(
            *inputs.values(), 512, mla.get_mla_metadata()[0]
        )
        self.expect_shapes((out, lse.transpose(1, 2)))
        self.assertTrue(lse.is_contiguous())
        metadata, num_splits = mla.get_mla_metadata(inputs["cache_seqlens"], 8, 1)
        self.assertEqual(tuple(num_splits.shape), (4,))
        out, lse = mla.flash_mla_with_kvcache(
            *inputs.values(), 512, metadata, num_splits
        )
        self.expect_shapes((out, lse.transpose(1, 2)))

    def test_transformer_engine(self):
        q = torch.empty(3, 4, 2, 576, device="cuda", dtype=torch.bfloat16)
        cache = torch.empty(3, 64, 576, device="cuda", dtype=torch.bfloat16)
        out = mla_decode_attention(
            *(q[..., :512], q[..., 512:], cache[..., :512], cache[..., 512:]),
            softmax_scale=SCALE,
        )
        self.assertEqual(tuple(out.shape), (3, 4, 2, 512))

    def test_errors(self):
        inputs = make("cuda")
        plan = mla.plan_decode(inputs["cache_seqlens"], 2, 4)
        for kind, text, changes in [
            (TypeError, "q: expected bf16 or f16, got f32", {"q": inputs["q"].float()}),
            (
                TypeError,
                "cache_seqlens: expected i32, got i64",
                {"cache_seqlens": inputs["cache_seqlens"].long()},
            ),
            (
                ValueError,
                "plan: expected one for s_q = 2, h_q = 8, h_kv = 1, as the call has",
                {"q": make("cuda", h_q=8)["q"]},
            ),
            (
                ValueError,
                "k_cache: page size in dimension 1: expected a power of two",
                {"k_cache": make("cuda", page_size=48)["k_cache"]},
            ),
            (
                ValueError,
                "workspace: expected None where torch traces the call, got 5",
                {"workspace": 5},
            ),
        ]:
            with self.subTest(text):
                arguments = {**inputs, "scale": SCALE, "plan": plan, **changes}
                self.expect_error(kind, text, mla.decode, **arguments)


class OnTheCPU(Base):
    def setUp(self):
        super().setUp()
        self.replace_launches(side_effect=decode_reference_launch)


class Operators(OnTheCPU):
    def planned(self, inputs, **options):
        plan = mla.plan_decode(inputs["cache_seqlens"], 2, 4, page_size=16, **options)
        return plan

    def test_opcheck(self):
        from mla import torch_ops  # noqa: F401

        inputs = make()
        made = self.planned(inputs)
        torch.library.opcheck(
            torch.ops.mla.plan_decode,
            (inputs["cache_seqlens"], made.plan, made.sizes, made.words, 4),
        )
        out, lse = decoding.make_results(torch, inputs["q"], 512)
        for sink in (None, torch.randn(4)):
            arguments = (
                *(*inputs.values(), made.plan, SCALE, out, lse, sink, None, None),
                *("causal=yes lse_base=e empty_lse=+inf", *made[1:]),
            )
            torch.library.opcheck(torch.ops.mla.decode, arguments)

    def test_eager_calls_bypass_the_dispatcher(self):
        from mla import torch_ops

        inputs = make()
        with mock.patch.object(torch_ops, "decode") as operator:
            self.expect_values(mla.decode(**inputs, scale=SCALE), inputs)
        operator.assert_not_called()
        self.launch.assert_called_once()
        self.launch_plan.assert_called_once()

    def test_modes_see_calls(self):
        inputs = make()
        graph = make_fx(lambda *tensors: mla.decode(*tensors, SCALE))(*inputs.values())
        targets = [node.target for node in graph.graph.nodes]
        self.assertIn(torch.ops.mla.decode.default, targets)
        self.assertIn(torch.ops.mla.plan_decode.default, targets)
        self.expect_values(graph(*inputs.values()), inputs)


class Compile(OnTheCPU):
    def test_decode(self):
        inputs, sink = make(), torch.randn(4)
        for options in ({}, {"causal": True, "attn_sink": sink}):

            def step(q, **rest):
                out, lse = mla.decode(q * 2, **rest, scale=SCALE / 2, **options)
                return out, lse

            results = self.compile(step)(**inputs)
            self.expect_values(results, inputs, **options)

    def test_forms(self):
        for is_contiguous in (False, True):
            torch._dynamo.reset()
            inputs = make_parts(make(), is_contiguous)
            for call in (mla.decode, self.compile(mla.decode)):
                self.expect_values(call(**inputs, scale=SCALE), inputs)

    def test_a_plan_for_two_layers(self):
        def step(q, k_cache, block_table, lengths):
            plan = mla.plan_decode(lengths, 2, 4, page_size=16)
            first, _ = mla.decode(q, k_cache, block_table, lengths, SCALE, plan=plan)
            return first, mla.decode(q, k_cache, block_table, lengths, SCALE, plan=plan)

        inputs = make()
        first, results = self.compile(step)(*inputs.values())
        self.expect_values(results, inputs)
        torch.testing.assert_close(first, results[0])
        self.launch_plan.assert_called_once()

    def test_a_plan_from_outside(self):
        inputs = make()
        plan = mla.plan_decode(inputs["cache_seqlens"], 2, 4, page_size=16)
        results = self.compile(mla.decode)(**inputs, scale=SCALE, plan=plan)
        self.expect_values(results, inputs)
        self.launch_plan.assert_called_once()

    def test_results_are_given(self):
        inputs = make()
        buffer = torch.full((3, 2, 4, 1024), 77.0).bfloat16()
        lse = torch.full((3, 4, 2), 77.0).transpose(1, 2)

        def step(buffer, lse, **inputs):
            mla.decode(**inputs, scale=SCALE, out=buffer[..., 256:768], lse=lse)

        self.compile(step)(buffer, lse, **inputs)
        part = buffer[..., 256:768]
        self.expect_values((part, lse), inputs)
        part.fill_(77)
        self.assertTrue(bool((buffer == 77).all()))

    def test_flash_mla(self):
        inputs = make()

        def objects(*tensors):
            meta, _ = mla.get_mla_metadata()
            mla.flash_mla_with_kvcache(*tensors, 512, meta, causal=True)
            return mla.flash_mla_with_kvcache(*tensors, 512, meta, causal=True)

        def tuples(*tensors):
            metadata, num_splits = mla.get_mla_metadata(tensors[3], 8, 1)
            return mla.flash_mla_with_kvcache(
                *tensors, 512, metadata, num_splits, causal=True
            )

        for function in objects, tuples:
            with self.subTest(function.__name__):
                self.launch_plan.reset_mock()
                out, lse = self.compile(function)(*inputs.values())
                self.expect_values((out, lse.transpose(1, 2)), inputs, causal=True)
                self.launch_plan.assert_called_once()

    def test_an_object_from_outside(self):
        inputs = make()
        meta, _ = mla.get_mla_metadata()
        compiled = self.compile(
            lambda *tensors: mla.flash_mla_with_kvcache(*tensors, 512, meta)
        )
        for _ in range(2):
            out, lse = compiled(*inputs.values())
            self.expect_values((out, lse.transpose(1, 2)), inputs)
        self.assertTrue(meta.have_initialized)
        self.launch_plan.assert_called_once()

    def test_sizes_that_change(self):
        """Sizes that no kernel is compiled for do not compile the graph again."""
        compiled = self.compile(lambda **inputs: mla.decode(**inputs, scale=SCALE))
        for b, pages in ((3, 4), (4, 5), (6, 7)):
            inputs = make(b=b, pages=pages)
            for tensor in inputs.values():
                torch._dynamo.mark_dynamic(tensor, 0)
            torch._dynamo.mark_dynamic(inputs["block_table"], 1)
            with torch._dynamo.config.patch(error_on_recompile=b > 3):
                self.expect_values(compiled(**inputs), inputs)

    def test_rows_of_a_contiguous_cache_that_change(self):
        compiled = self.compile(lambda **inputs: mla.decode(**inputs, scale=SCALE))
        for pages in (4, 5, 7):
            inputs = make_parts(make(pages=pages), True)
            for name in ("k_cache", "k_rope"):
                torch._dynamo.mark_dynamic(inputs[name], 1)
            with torch._dynamo.config.patch(error_on_recompile=pages > 4):
                self.expect_values(compiled(**inputs), inputs)


class Export(OnTheCPU):
    def test_decode(self):
        inputs = make()
        for strict in (False, True):
            with self.subTest(strict=strict):
                program = self.export(
                    lambda *tensors: mla.decode(*tensors, SCALE),
                    *inputs.values(),
                    strict=strict,
                )
                # Torch 2.4 wraps it in auto_functionalized.
                self.assertIn("mla.decode", str(program.graph))
                for again in (program, program.run_decompositions()):
                    self.expect_values(again.module()(*inputs.values()), inputs)


class OtherPackages(OnTheCPU):
    def test_transformer_engine(self):
        for batch, tokens, rows in ((3, 64, 64), (2, 24, 40), (1, 7, 7)):
            # Torch limits how often a function is compiled.
            torch._dynamo.reset()
            torch.manual_seed(0)
            q = (torch.randn(batch, 4, 2, 576) / 10).bfloat16()
            cache = (torch.randn(batch, rows, 576) / 10).bfloat16()[:, :tokens]
            tensors = q[..., :512], q[..., 512:], cache[..., :512], cache[..., 512:]
            table = torch.arange(batch, dtype=torch.int32)[:, None]
            lengths = torch.full((batch,), tokens, dtype=torch.int32)
            for causal in (False, True):
                wanted, _ = decode_reference(
                    *(q.transpose(1, 2), cache[:, :, None], table, lengths, SCALE),
                    causal,
                )
                wanted = wanted.transpose(1, 2).bfloat16()
                # Columns of one tensor, and tensors of their own.
                for parts in (tensors, [tensor.clone() for tensor in tensors]):
                    function = mla_decode_attention
                    for call in (function, self.compile(function)):
                        got = call(*parts, softmax_scale=SCALE, is_causal=causal)
                        torch.testing.assert_close(got, wanted)
            without_rope = tensors[0], q[..., :0], tensors[2], cache[..., :0]
            for parts in (tensors, without_rope):
                torch.library.opcheck(
                    torch.ops.mla.mla_decode_attention, (*parts, SCALE, False)
                )

    def test_flashinfer(self):
        inputs = make()
        b, s_q, h_q, _ = inputs["q"].shape
        counts = torch.tensor([0, 0, 4, 6], dtype=torch.int32)
        wrapper = BatchMLAPagedAttentionWrapper(torch.empty(0))
        table = inputs["block_table"]
        wrapper.plan(
            torch.arange(b + 1, dtype=torch.int32) * s_q,
            counts,
            torch.cat((table[1], table[2, :2])),
            inputs["cache_seqlens"],
            *(h_q, 512, 64, 16, True, SCALE, torch.bfloat16, torch.bfloat16),
        )
        q, cache = inputs["q"].flatten(0, 1), inputs["k_cache"][:, :, 0]
        parts = q[..., :512], q[..., 512:], cache[..., :512], cache[..., 512:]
        for in_base_e, lse_base in ((False, 2), (True, "e")):
            wanted = decode_reference(
                *(*inputs.values(), SCALE, True),
                lse_base=lse_base,
                empty_lse=-math.inf,
            )

            def call(*parts):
                return wrapper.run(
                    *parts, return_lse=True, return_lse_base_on_e=in_base_e
                )

            for function in (call, self.compile(call)):
                for got, want in zip(function(*parts), wanted):
                    want = want.flatten(0, 1).to(got.dtype)
                    torch.testing.assert_close(got, want)
        copied = [part.clone() for part in parts]
        torch.testing.assert_close(wrapper.run(*copied), wrapper.run(*parts))


if __name__ == "__main__":
    if torch is None:
        print("skipped: needs torch")
        sys.exit(77)
    unittest.main()
