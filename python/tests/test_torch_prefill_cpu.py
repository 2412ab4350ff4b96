# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""mla.prefill, mla.merge and the functions of other packages on top of them as torch
operators, with torch and without a GPU or a kernel: fake and meta tensors, torch.export,
torch.compile, opcheck. Launches are replaced by the reference, on the CPU.

    PYTHONPATH=python python3 python/tests/test_torch_prefill_cpu.py
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
from mla import prefilling, split_kv

if torch is not None:
    from mla.flash_attention import flash_attn_func, flash_attn_varlen_func
    from mla.transformer_engine import mla_attention
    from prefill_cases import make
    from reference import (
        combine_reference_launch,
        prefill_reference,
        prefill_reference_launch,
    )
    from torch.fx.experimental.proxy_tensor import make_fx
    from torch_cases import Case
else:
    Case = unittest.TestCase

SCALE = 192**-0.5
WORDS = "causal=yes lse_base=e empty_lse=+inf"


def load_tests(loader, tests, pattern):
    """Excluded from discovery, because other tests install a fake torch."""
    return tests if pattern is None else unittest.TestSuite()


def bounds(device="cpu"):
    """Three sequences of 5 queries and 9 keys: one has no keys, one no queries."""
    return {
        "cu_seqlens_q": torch.tensor([0, 2, 5, 5], dtype=torch.int32, device=device),
        "cu_seqlens_k": torch.tensor([0, 0, 6, 9], dtype=torch.int32, device=device),
    }


class Base(Case):
    def setUp(self):
        torch._dynamo.reset()

    def expect_shapes(self, results, b=2, s_q=5, h_q=4):
        shapes = [tuple(result.shape) for result in results]
        self.assertEqual(shapes, [(b, s_q, h_q, 128), (b, s_q, h_q)])
        dtypes = [result.dtype for result in results]
        self.assertEqual(dtypes, [torch.bfloat16, torch.float32])

    def expect_values(self, results, inputs, **options):
        wanted = prefill_reference(**inputs, scale=SCALE, **options)
        for got, want in zip(results, wanted):
            torch.testing.assert_close(got, want.to(got.dtype))


class Fakes(Base):
    """Calls on fake tensors, which have shapes and no memory."""

    def setUp(self):
        super().setUp()
        # No test may launch.
        self.replace_launch(prefilling, side_effect=AssertionError)
        self.replace_launch(split_kv, side_effect=AssertionError)
        self.enter_fake_mode()

    def test_prefill(self):
        results = mla.prefill(**make("cuda"), scale=SCALE)
        self.expect_shapes(results)
        self.assertEqual({str(result.device) for result in results}, {"cuda:0"})
        inputs = {**make("cuda", b=1), **bounds("cuda")}
        self.expect_shapes(mla.prefill(**inputs, scale=SCALE, causal=True), b=1)

    def test_meta_tensors(self):
        self.expect_shapes(mla.prefill(**make("meta"), scale=SCALE))

    def test_other_packages(self):
        inputs = make("cuda")
        out = mla_attention(**inputs)
        self.assertEqual(tuple(out.shape), (2, 5, 4, 128))
        out, lse = flash_attn_func(**inputs, return_attn_probs=True)
        self.expect_shapes((out, lse.transpose(1, 2)))
        self.assertTrue(lse.is_contiguous())
        flat = {name: tensor[0] for name, tensor in make("cuda", b=1).items()}
        out, lse = flash_attn_varlen_func(
            *(*flat.values(), *bounds("cuda").values(), 5, 9), return_attn_probs=True
        )
        self.assertEqual((tuple(out.shape), tuple(lse.shape)), ((5, 4, 128), (4, 5)))

    def test_merge(self):
        results = mla.prefill(**make("cuda"), scale=SCALE)
        self.expect_shapes(mla.merge(*results, *results))

    def test_errors(self):
        inputs = make("cuda")
        for kind, text, changes in [
            (TypeError, "q: expected bf16 or f16, got f32", {"q": inputs["q"].float()}),
            (TypeError, "k: expected bf16, as q has, got f16", {"k": inputs["k"].half()}),
            (
                ValueError,
                "k: expected a divisor of the 4 query heads in dimension 2, got 3",
                {"k": make("cuda", h_kv=3)["k"]},
            ),
            (
                ValueError,
                "v: expected a multiple of 16 up to 256 in dimension 3, got 120",
                {"v": inputs["v"][..., :120]},
            ),
            (
                ValueError,
                "cu_seqlens_k: expected a tensor beside cu_seqlens_q, got None",
                {"cu_seqlens_q": bounds("cuda")["cu_seqlens_q"]},
            ),
            (
                ValueError,
                "q: expected size 1 in dimension 0 beside cu_seqlens_q, got 2",
                bounds("cuda"),
            ),
            (ValueError, "stream: expected None where torch traces", {"stream": 5}),
            (ValueError, "scale: expected a value above 0, got 0", {"scale": 0}),
        ]:
            with self.subTest(text):
                arguments = {**inputs, "scale": SCALE, **changes}
                self.expect_error(kind, text, mla.prefill, **arguments)
        text = "qkv_format: expected one of 'bshd', 'bhsd', 'sbhd', got 'bsdh'"
        self.expect_error(ValueError, text, mla_attention, **inputs, qkv_format="bsdh")

    def test_words_of_the_operator(self):
        from mla import torch_ops  # noqa: F401

        inputs = make("cuda")
        out, lse = mla.prefill(**inputs, scale=SCALE)
        for text, words in [
            ("words: expected values of causal, lse_base, empty_lse", "causal=yes"),
            ("causal: expected 'no' or 'yes', got 'true'", WORDS.replace("yes", "true")),
            ("lse_base: expected 'e' or '2', got '10'", WORDS.replace("=e ", "=10 ")),
        ]:
            with self.subTest(text):
                self.expect_error(
                    *(ValueError, text, torch.ops.mla.prefill),
                    **inputs,
                    **{"scale": SCALE, "out": out, "lse": lse, "words": words},
                    **{"cu_seqlens_q": None, "cu_seqlens_k": None},
                )


class OnTheCPU(Base):
    def setUp(self):
        super().setUp()
        self.launch = self.replace_launch(
            prefilling, side_effect=prefill_reference_launch
        )
        self.combine = self.replace_launch(
            split_kv, side_effect=combine_reference_launch
        )


class Operators(OnTheCPU):
    def test_opcheck(self):
        from mla import torch_ops  # noqa: F401

        for inputs, of_sequences in (
            (make(), (None, None)),
            (make(b=1), tuple(bounds().values())),
        ):
            results = prefilling.make_results(torch, inputs["q"], inputs["v"])
            arguments = *inputs.values(), SCALE, *results, *of_sequences, WORDS
            torch.library.opcheck(torch.ops.mla.prefill, arguments)
        out, lse = mla.prefill(**make(), scale=SCALE)
        arguments = (
            *(out, lse, out.clone(), lse.clone()),
            *(torch.empty_like(out), torch.empty_like(lse), "e", "-inf"),
        )
        torch.library.opcheck(torch.ops.mla.merge, arguments)

    def test_eager_calls_bypass_the_dispatcher(self):
        from mla import torch_ops

        inputs = make()
        with mock.patch.object(torch_ops, "prefill") as operator:
            self.expect_values(mla.prefill(**inputs, scale=SCALE), inputs)
        operator.assert_not_called()
        self.launch.assert_called_once()

    def test_modes_see_calls(self):
        inputs = make()
        graph = make_fx(lambda *tensors: mla.prefill(*tensors, SCALE))(*inputs.values())
        self.assertIn(torch.ops.mla.prefill.default, self.targets(graph))
        self.expect_values(graph(*inputs.values()), inputs)


class Compile(OnTheCPU):
    def test_prefill(self):
        for inputs, options in [
            (make(), {}),
            (make(), {"causal": True, "lse_base": 2}),
            (make(s_q=12), {"causal": True, "empty_lse": -math.inf}),
            ({**make(b=1), **bounds()}, {"causal": True}),
        ]:

            def step(q, **rest):
                return mla.prefill(q * 2, **rest, scale=SCALE / 2, **options)

            torch._dynamo.reset()
            self.expect_values(self.compile(step)(**inputs), inputs, **options)

    def test_results_are_given(self):
        inputs = make()
        buffer = torch.full((2, 5, 4, 512), 77.0).bfloat16()
        lse = torch.full((2, 4, 5), 77.0).transpose(1, 2)

        def step(buffer, lse, **inputs):
            mla.prefill(**inputs, scale=SCALE, out=buffer[..., 128:256], lse=lse)

        self.compile(step)(buffer, lse, **inputs)
        part = buffer[..., 128:256]
        self.expect_values((part, lse), inputs)
        part.fill_(77)
        self.assertTrue(bool((buffer == 77).all()))

    def test_sizes_that_change(self):
        """Sizes that no kernel is compiled for do not compile the graph again."""
        compiled = self.compile(lambda **inputs: mla.prefill(**inputs, scale=SCALE))
        for number, sizes in enumerate(((2, 5, 9), (3, 6, 20), (4, 17, 5))):
            inputs = make(**dict(zip(("b", "s_q", "s_kv"), sizes)))
            for tensor in inputs.values():
                torch._dynamo.mark_dynamic(tensor, 0)
                torch._dynamo.mark_dynamic(tensor, 1)
            with torch._dynamo.config.patch(error_on_recompile=number > 0):
                self.expect_values(compiled(**inputs), inputs)


class Export(OnTheCPU):
    def test_prefill(self):
        inputs = make()
        for strict in (False, True):
            with self.subTest(strict=strict):
                program = self.export(
                    lambda *tensors: mla.prefill(*tensors, SCALE),
                    *inputs.values(),
                    strict=strict,
                )
                # Torch 2.4 wraps it in auto_functionalized.
                self.assertIn("mla.prefill", str(program.graph))
                for again in (program, program.run_decompositions()):
                    self.expect_values(again.module()(*inputs.values()), inputs)


class OtherPackages(OnTheCPU):
    def test_transformer_engine(self):
        inputs = make()
        for qkv_format, places in (
            ("bshd", (0, 1, 2, 3)),
            ("bhsd", (0, 2, 1, 3)),
            ("sbhd", (1, 0, 2, 3)),
        ):
            permuted = {
                name: tensor.permute(places).contiguous() for name, tensor in inputs.items()
            }
            for causal in (False, True):
                wanted, _ = prefill_reference(**inputs, scale=SCALE, causal=causal)
                wanted = wanted.permute(places).bfloat16()

                def call(**tensors):
                    return mla_attention(
                        **tensors, is_causal=causal, qkv_format=qkv_format
                    )

                torch._dynamo.reset()
                for function in (call, self.compile(call)):
                    got = function(**permuted)
                    torch.testing.assert_close(got, wanted)
                    self.assertTrue(got.is_contiguous())

    def test_flash_attention(self):
        inputs = make()
        wanted = prefill_reference(
            **inputs, scale=SCALE, causal=True, empty_lse=-math.inf
        )

        def call(**tensors):
            return flash_attn_func(**tensors, causal=True, return_attn_probs=True)

        for function in (call, self.compile(call)):
            out, lse = function(**inputs)
            torch.testing.assert_close(out, wanted[0].bfloat16())
            torch.testing.assert_close(lse, wanted[1].transpose(1, 2).float())

    def test_flash_attention_of_sequences(self):
        inputs = {**make(b=1), **bounds()}
        flat = {name: t[0] if t.dim() == 4 else t for name, t in inputs.items()}
        for causal in (False, True):
            wanted = prefill_reference(
                **inputs, scale=SCALE, causal=causal, empty_lse=-math.inf
            )

            def call(**tensors):
                out = torch.zeros(5, 4, 128, dtype=torch.bfloat16)
                flash_attn_varlen_func(**tensors, causal=causal, out=out)
                made, lse = flash_attn_varlen_func(
                    **tensors, causal=causal, return_attn_probs=True
                )
                return out, made, lse

            torch._dynamo.reset()
            for function in (call, self.compile(call)):
                out, made, lse = function(**flat)
                torch.testing.assert_close(made, wanted[0][0].bfloat16())
                torch.testing.assert_close(out, made)
                torch.testing.assert_close(lse, wanted[1][0].T.float())


class Merge(OnTheCPU):
    """Attention over two ranges of keys."""

    def halves(self, cut=4, **options):
        inputs = make()
        keys = [
            {"q": inputs["q"], "k": inputs["k"][:, part], "v": inputs["v"][:, part]}
            for part in (slice(None, cut), slice(cut, None))
        ]
        parts = [mla.prefill(**half, scale=SCALE, **options) for half in keys]
        wanted = prefill_reference(**inputs, scale=SCALE, **options)
        return parts, wanted

    def expect_merged(self, got, wanted):
        out, lse = got
        torch.testing.assert_close(out, wanted[0].bfloat16(), atol=0.02, rtol=0.02)
        torch.testing.assert_close(lse, wanted[1].float())

    def test_ranges(self):
        for cut in (4, 0, 9):
            for options in ({}, {"lse_base": 2, "empty_lse": -math.inf}):
                (first, second), wanted = self.halves(cut, **options)
                more = {"lse_base": options.get("lse_base", "e")}
                for call in (mla.merge, self.compile(mla.merge)):
                    self.expect_merged(call(*first, *second, **more), wanted)
                torch._dynamo.reset()

    def test_an_empty_range_changes_nothing(self):
        out, lse = mla.prefill(**make(), scale=SCALE)
        nothing = torch.full_like(out, math.nan)
        for empty in (-math.inf, math.inf):
            absent = torch.full_like(lse, empty)
            for pair in ((out, lse, nothing, absent), (nothing, absent, out, lse)):
                got = mla.merge(*pair)
                torch.testing.assert_close(got[0], out)
                torch.testing.assert_close(got[1], lse)
            for wanted in (-math.inf, math.inf):
                out_of_none, lse_of_none = mla.merge(
                    nothing, absent, nothing, absent, empty_lse=wanted
                )
                self.assertTrue(bool((out_of_none == 0).all()))
                self.assertTrue(bool((lse_of_none == wanted).all()))

    def test_results_are_given(self):
        (first, second), wanted = self.halves()
        out = torch.zeros(2, 4, 5, 128, dtype=torch.bfloat16).transpose(1, 2)
        lse = torch.zeros(2, 4, 5).transpose(1, 2)
        got = mla.merge(*first, *second, out=out, lse=lse)
        self.assertIs(got[0], out)
        self.assertIs(got[1], lse)
        self.expect_merged((out, lse), wanted)

    def test_halves_of_one_tensor_are_not_copied(self):
        (first, second), wanted = self.halves()
        both = torch.stack((first[0], second[0]))
        self.combine.reset_mock()
        with mock.patch.object(torch, "stack", wraps=torch.stack) as stack:
            got = mla.merge(both[0], first[1], both[1], second[1])
            # The lse alone.
            self.assertEqual(stack.call_count, 1)
        given = self.combine.call_args[0][1]
        self.assertEqual(given["partial_out"].data_ptr(), both.data_ptr())
        self.expect_merged(got, wanted)
        # Not in this order.
        mla.merge(both[1], second[1], both[0], first[1])
        given = self.combine.call_args[0][1]
        self.assertNotEqual(given["partial_out"].data_ptr(), both.data_ptr())

    def test_types(self):
        (first, second), wanted = self.halves()
        out, _ = mla.merge(first[0].float(), first[1], second[0].float(), second[1])
        self.assertEqual(out.dtype, torch.bfloat16)
        out, _ = mla.merge(first[0].half(), first[1], second[0].half(), second[1])
        self.assertEqual(out.dtype, torch.float16)

    def test_errors(self):
        out, lse = mla.prefill(**make(), scale=SCALE)
        right = {"out_a": out, "lse_a": lse, "out_b": out.clone(), "lse_b": lse.clone()}
        for kind, text, changes in [
            (TypeError, "out_a: expected a torch tensor, got list", {"out_a": []}),
            (
                ValueError,
                "out_b: expected shape (2, 5, 4, 128), as out_a has, got (2, 5, 4, 64)",
                {"out_b": out[..., :64]},
            ),
            (
                ValueError,
                "lse_b: expected shape (2, 5, 4), as out_a has, got (2, 4, 5)",
                {"lse_b": lse.transpose(1, 2)},
            ),
            (
                ValueError,
                "lse: expected shape (2, 5, 4), as out_a has, got (4,)",
                {"lse": torch.empty(4)},
            ),
            (
                TypeError,
                "out_b: expected torch.bfloat16, as out_a has, got torch.float32",
                {"out_b": out.float()},
            ),
            (
                ValueError,
                "out_a: expected a multiple of 64 in the last dimension, got 100",
                {"out_a": out[..., :100]},
            ),
            (
                ValueError,
                "out_a: expected a multiple of 64 in the last dimension, got no",
                {"out_a": out.sum()},
            ),
            (ValueError, "lse_base: expected 'e' or 2, got 10", {"lse_base": 10}),
            (ValueError, "empty_lse: expected inf or -inf, got 0", {"empty_lse": 0}),
        ]:
            with self.subTest(text):
                self.expect_error(kind, text, mla.merge, **{**right, **changes})


if __name__ == "__main__":
    if torch is None:
        print("skipped: needs torch")
        sys.exit(77)
    unittest.main()
