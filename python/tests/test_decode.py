# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""mla.decode on the fake driver: arguments, plans, errors."""

import math
import unittest
from unittest import mock

import mla
from decode_support import SMS, Base, address, expect_kernels
from fakes import CudaArray
from mla import _kernel
from support import driver, setUpModule  # noqa: F401


class Decode(Base):
    def expect_launches(self, inputs, made, out, lse, stream=900, context=16):
        """Only "decode" and "decode_combine" were launched, on these tensors."""
        self.assertEqual(len(driver.launches), 2)
        names = "q k_cache block_table cache_seqlens".split()
        outputs = [out.address, lse.address, made.plan.address]
        expected = [inputs[name].address for name in names] + outputs
        for (values, launched_on, current), wanted in zip(
            driver.launches, (expected, outputs)
        ):
            got = [address(value) for value in values]
            self.assertEqual(got[: len(wanted)], wanted)
            self.assertEqual((launched_on, current), (stream, context))
        workspaces = [values[-2:] for values, *_ in driver.launches]
        self.assertEqual(*workspaces)
        return address(workspaces[0][0])

    def plan(self, *arguments, **options):
        """plan_decode, whose launch is forgotten."""
        expect_kernels("decode_plan")
        made = mla.plan_decode(*arguments, **options)
        expect_kernels("decode", "decode_combine")
        return made

    def test_results_are_made(self):
        inputs = self.inputs()
        made = self.plan(inputs["cache_seqlens"], 1, 128)
        out, lse = mla.decode(**inputs, scale=0.5, plan=made)
        # Allocated on the stream of the launch, with 2 * 66 parts.
        workspace = self.expect_launches(inputs, made, out, lse)
        tensor, stream = self.torch.made[-1]
        self.assertEqual((tensor.address, stream), (workspace, 900))
        self.assertEqual(tensor.sizes, (132 * 128 * (512 * 2 + 4),))
        self.assertEqual((out.sizes, out.dtype), ((3, 1, 128, 512), self.torch.bfloat16))
        self.assertEqual((lse.sizes, lse.steps), ((3, 1, 128), (128, 1, 1)))

    def test_results_are_given(self):
        inputs = self.inputs()
        made = self.plan(inputs["cache_seqlens"], 1, 128)
        out = self.make("bf16", (3, 1, 128, 512), (200000, 100000, 640, 1))
        lse = self.make("f32", (3, 1, 128), (1000, 1, 3))
        results = mla.decode(**inputs, scale=0.5, plan=made, out=out, lse=lse)
        self.assertIs(results[0], out)
        self.assertIs(results[1], lse)
        self.expect_launches(inputs, made, out, lse)

    def test_a_workspace_is_given(self):
        inputs = self.inputs()
        made = self.plan(inputs["cache_seqlens"], 1, 128)
        needed = 132 * 128 * (512 * 2 + 4)
        # Tensors that get no address of their own are 16 MiB apart.
        workspace = self.make("u8", (needed,), data=0x7D0000000000)
        out, lse = mla.decode(**inputs, scale=1, plan=made, workspace=workspace)
        got = self.expect_launches(inputs, made, out, lse)
        self.assertEqual(got, workspace.address)
        for kind, text, wrong in [
            (ValueError, f"workspace: expected {needed} bytes or more, got 64", (64,)),
            (ValueError, f"workspace: expected {needed} bytes aligned to 256", (needed,)),
        ]:
            tensor = self.make("u8", wrong)
            tensor.address += 0 if wrong == (64,) else 16
            self.expect_error(
                kind, text, mla.decode, **inputs, scale=1, plan=made, workspace=tensor
            )

    def test_a_workspace_that_overlaps(self):
        inputs = self.inputs()
        made = self.plan(inputs["cache_seqlens"], 1, 128)
        given = {"out": self.make("bf16", (3, 1, 128, 512), data=0x7D0000001000)}
        workspace = self.make("u8", (132 * 128 * (512 * 2 + 4),), data=0x7D0000000000)
        self.expect_error(
            ValueError,
            "'workspace': expected memory apart from that of argument 'out'",
            *(mla.decode, *inputs.values(), 1),
            plan=made,
            workspace=workspace,
            **given,
        )

    def test_any_library(self):
        inputs = {
            name: CudaArray(tensor.word, tensor.sizes)
            for name, tensor in self.inputs().items()
        }
        plan = CudaArray("i32", (SMS, 8))
        made = self.plan(inputs["cache_seqlens"], 1, 128, plan=plan)
        out, lse = CudaArray("bf16", (3, 1, 128, 512)), CudaArray("f32", (3, 1, 128))
        workspace = CudaArray("u8", (132 * 128 * (512 * 2 + 4),))
        more = {"scale": 0.5, "plan": made, "stream": 77}
        mla.decode(**inputs, **more, out=out, lse=lse, workspace=workspace)
        self.expect_launches(inputs, made, out, lse, stream=77)
        for text, options in [
            ("plan: expected a DecodePlan, got None", {"plan": None}),
            ("out, lse: expected tensors, got None", {"out": None}),
            ("workspace: expected", {"workspace": None}),
        ]:
            arguments = {**inputs, "out": out, "lse": lse, "workspace": workspace}
            arguments.update(more)
            self.expect_error(TypeError, text, mla.decode, **{**arguments, **options})

    def test_a_plan_is_made_for_one_call(self):
        inputs = self.inputs()
        expect_kernels("decode_plan", "decode", "decode_combine")
        mla.decode(**inputs, scale=0.5)
        symbols = [len(values) for values, *_ in driver.launches]
        self.assertEqual(symbols, [3, 9, 5])
        # Lengths are clamped to what the table holds.
        self.assertEqual(address(driver.launches[0][0][2]), 12)

    def test_nothing(self):
        inputs = self.inputs(b=0)
        made = self.plan(inputs["cache_seqlens"], 1, 128)
        out, lse = mla.decode(**inputs, scale=0.5, plan=made)
        self.assertEqual((out.sizes, lse.sizes), ((0, 1, 128, 512), (0, 1, 128)))

    def test_the_kernel_follows_options(self):
        for options, plan_options, expected in [
            ({}, {}, {}),
            ({"causal": True}, {"causal": True}, {}),
            (
                {"lse_base": 2, "empty_lse": -math.inf},
                {},
                {"lse_base": "2", "empty_lse": "-inf"},
            ),
            ({}, {"num_splits": 3}, {"batch_invariant": "yes"}),
        ]:
            inputs = self.inputs()
            made = mla.plan_decode(inputs["cache_seqlens"], 1, 128, **plan_options)
            with mock.patch.object(_kernel.Kernel, "launch", autospec=True) as launch:
                mla.decode(**inputs, scale=0.5, plan=made, **options)
            self.assertEqual(launch.call_args[0][0].options, expected)
        inputs = self.inputs(s_q=2, h_q=64)
        made = mla.plan_decode(inputs["cache_seqlens"], 2, 64)
        with mock.patch.object(_kernel.Kernel, "launch", autospec=True) as launch:
            mla.decode(**inputs, scale=0.5, plan=made, causal=True)
        self.assertEqual(launch.call_args[0][0].options, {"causal": "yes"})

    def test_a_sink(self):
        inputs = self.inputs()
        made = self.plan(inputs["cache_seqlens"], 1, 128)
        sink = self.make("f32", (128,))
        with mock.patch.object(_kernel.Kernel, "launch", autospec=True) as launch:
            mla.decode(**inputs, scale=0.5, plan=made, attn_sink=sink)
            self.assertIn("attn_sink", launch.call_args[0][0].arguments)
            mla.decode(**inputs, scale=0.5, plan=made)
            # The package without it is preferred.
            self.assertNotIn("attn_sink", launch.call_args[0][0].arguments)

    def test_a_plan_of_other_calls(self):
        driver.set_devices(2)
        inputs = self.inputs()
        lengths = inputs["cache_seqlens"]
        for text, made in [
            (
                "plan: expected one for 3 requests, as q has, got one for 2",
                mla.plan_decode(self.lengths(2), 1, 128),
            ),
            (
                "plan: expected one for s_q = 1, h_q = 128, h_kv = 1, as the call has, "
                "got one for 1, 16, 1",
                mla.plan_decode(lengths, 1, 16),
            ),
            (
                "h_kv = 1, as the call has, got one for 1, 64, 2",
                mla.plan_decode(lengths, 1, 64, h_kv=2),
            ),
            (
                "plan: expected a tensor on device 0, as q is, got one on device 1",
                mla.plan_decode(self.lengths(device=1), 1, 128),
            ),
            (
                "plan: expected one for 2 row tiles, as the kernel of",
                mla.plan_decode(lengths, 1, 128, page_size=128),
            ),
        ]:
            with self.subTest(text):
                self.expect_error(
                    ValueError, text, mla.decode, **inputs, scale=1, plan=made
                )
        # The same number of rows and of tiles.
        made = self.plan(lengths, 2, 64)
        out, lse = mla.decode(**inputs, scale=1, plan=made)
        self.expect_launches(inputs, made, out, lse)
        text = "plan: expected a DecodePlan of plan_decode, got Tensor"
        self.expect_error(TypeError, text, mla.decode, **inputs, scale=1, plan=made.plan)

    def test_errors(self):
        make, inputs = self.make, self.inputs()
        q, lengths = inputs["q"], inputs["cache_seqlens"]
        made = self.plan(lengths, 1, 128)
        out_shape = (3, 1, 128, 512)
        for kind, text, changes in [
            (ValueError, "scale: expected a value above 0, got 0", {"scale": 0}),
            (TypeError, "q: expected bf16 or f16, got f32", {"q": make("f32", q.sizes)}),
            (
                TypeError,
                "k_cache: expected bf16, as q has, got f16",
                {"k_cache": make("f16", (40, 64, 1, 576))},
            ),
            (
                ValueError,
                "q: queries of a request in dimension 1: expected 1 to 16, got 17",
                {"q": make("bf16", (3, 17, 8, 576))},
            ),
            (
                ValueError,
                "q: heads in dimension 2: expected 1 to 128, got 129",
                {"q": make("bf16", (3, 1, 129, 576))},
            ),
            (
                ValueError,
                "q: size of dimension 3: expected 512 or 576, got 64",
                {"q": make("bf16", (3, 1, 128, 64))},
            ),
            (
                ValueError,
                "k_cache: page size in dimension 1: expected a power of two up to 256 "
                "or a multiple of 64, got 48",
                {"k_cache": make("bf16", (40, 48, 1, 576))},
            ),
            (
                ValueError,
                "k_cache: page size in dimension 1: expected a power of two up to 256 "
                "or a multiple of 64, got 0",
                {"k_cache": make("bf16", (40, 0, 1, 576))},
            ),
            (
                ValueError,
                "k_cache: heads in dimension 2: expected a divisor of the 128 query "
                "heads, got 3",
                {"k_cache": make("bf16", (40, 64, 3, 576))},
            ),
            (
                ValueError,
                "argument 'k_cache': expected size 576 in dim 3, got 512",
                {"k_cache": make("bf16", (40, 64, 1, 512))},
            ),
            (
                TypeError,
                "block_table: expected i32, got i64",
                {"block_table": make("i64", (3, 12))},
            ),
            (
                ValueError,
                "argument 'block_table': expected size b = 3 in dim 0 (as in 'q'), got 4",
                {"block_table": make("i32", (4, 12))},
            ),
            (
                TypeError,
                "cache_seqlens: expected i32, got i64",
                {"cache_seqlens": make("i64", (3,))},
            ),
            (
                ValueError,
                "cache_seqlens: expected one for 3 requests, as q has, got one for 4",
                {"cache_seqlens": make("i32", (4,))},
            ),
            (
                ValueError,
                "cache_seqlens: expected a CUDA tensor, got one on cpu",
                {"cache_seqlens": make("i32", (3,), device=None)},
            ),
            (
                ValueError,
                "cache_seqlens: expected a tensor on device 0, as q is, got one on "
                "device 1",
                {"cache_seqlens": make("i32", (3,), device=1)},
            ),
            (
                ValueError,
                "argument 'q': expected stride 1 in dim 3, got 2",
                {"q": make("bf16", q.sizes, (0, 0, 1152, 2))},
            ),
            (
                ValueError,
                "argument 'k_cache': expected stride multiple of 8 elements (16 bytes) "
                "in dim 1, got 580",
                {"k_cache": make("bf16", (40, 64, 1, 576), (40000, 580, 576, 1))},
            ),
            (
                ValueError,
                "argument 'q': expected an address aligned to 16 bytes",
                {"q": make("bf16", q.sizes, data=q.address + 2)},
            ),
            (
                ValueError,
                "argument 'out': expected memory apart from that of 'q', got an overlap",
                {"out": make("bf16", out_shape, data=q.address)},
            ),
            (
                ValueError,
                "argument 'out': expected an address aligned to 16 bytes",
                {"out": make("bf16", out_shape, data=0x7E0000000008)},
            ),
            (
                ValueError,
                "argument 'out': expected stride 1 in dim 3, got 2",
                {"out": make("bf16", out_shape, (200000, 200000, 1024, 2))},
            ),
            (
                ValueError,
                "argument 'lse': expected a written tensor whose elements do not "
                "overlap, got stride 0 in dim 0",
                {"lse": make("f32", (3, 1, 128), (0, 128, 1))},
            ),
            (TypeError, "lse: expected f32, got bf16", {"lse": make("bf16", (3, 1, 128))}),
            (
                TypeError,
                "attn_sink: expected f32, got bf16",
                {"attn_sink": make("bf16", (128,))},
            ),
            (
                ValueError,
                "argument 'attn_sink': expected size 128 in dim 0, got 64",
                {"attn_sink": make("f32", (64,))},
            ),
            (ValueError, "out: size of dimension 3: expected 512, got 64", {"d_v": 64}),
            (ValueError, "lse_base: expected 'e' or 2, got 10", {"lse_base": 10}),
        ]:
            with self.subTest(text):
                arguments = {**inputs, "scale": 1, "plan": made, **changes}
                self.expect_error(kind, text, mla.decode, **arguments)


if __name__ == "__main__":
    unittest.main()
