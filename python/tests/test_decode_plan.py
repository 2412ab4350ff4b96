# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""mla.plan_decode on the fake driver: arguments, launches, errors."""

import unittest
from unittest import mock

import mla
from decode_support import SMS, Base, address
from fakes import CudaArray
from mla import _decode_kernels, _kernel, decoding
from support import driver, setUpModule  # noqa: F401


class Plan(Base):
    def expect_plan(self, made, lengths, stream, ctas, max_pages):
        ((values, launched_on, _),) = driver.launches
        self.assertEqual(launched_on, stream)
        self.assertEqual(
            [address(value) for value in values],
            [lengths.address, made.plan.address, max_pages],
        )
        self.assertEqual(made.plan.sizes, (ctas, 8))
        self.assertEqual(made.batch, lengths.sizes[0])

    def test_torch(self):
        lengths = self.lengths()
        made = mla.plan_decode(lengths, 1, 128)
        largest = (2**31 - 257) // 64
        self.expect_plan(made, lengths, 900, SMS, largest)
        self.assertEqual(made.plan.dtype, self.torch.int32)

    def test_in_place(self):
        lengths = self.lengths()
        plan = self.make("i32", (78, 8))
        made = mla.plan_decode(lengths, 1, 128, plan=plan, max_pages=12, stream=77)
        self.assertIs(made.plan, plan)
        self.expect_plan(made, lengths, 77, 78, 12)

    def test_any_library(self):
        lengths, plan = CudaArray("i32", (3,)), CudaArray("i32", (SMS, 8))
        made = mla.plan_decode(lengths, 1, 128, plan=plan, stream=77)
        self.expect_plan(made, lengths, 77, SMS, (2**31 - 257) // 64)
        self.expect_error(
            TypeError, "plan: expected a tensor, got None", mla.plan_decode, lengths, 1, 128
        )

    def test_numbers_of_parts(self):
        cases = (3, 16, 1, 5), (2, 128, 2, 4), (1, 16, 1, 1)
        for batch, h_q, tiles, num_splits in cases:
            driver.launches.clear()
            made = mla.plan_decode(self.lengths(batch), 1, h_q, num_splits=num_splits)
            self.assertEqual(made.plan.sizes[0], num_splits * tiles * batch)
            self.assertIn("batch_invariant=yes", made.words)
        made = mla.plan_decode(self.lengths(3), 1, 16, batch_invariant=True)
        self.assertEqual(made.plan.sizes[0], decoding.DEFAULT_SPLITS * 3)
        made = mla.plan_decode(self.lengths(3), 1, 16, ctas=40)
        self.assertEqual(made.plan.sizes[0], 40)
        self.assertIn("batch_invariant=no", made.words)

    def test_no_requests(self):
        made = mla.plan_decode(self.lengths(0), 1, 16, num_splits=2)
        self.assertEqual(made.plan.sizes, (2, 8))

    def test_one_query_is_not_causal(self):
        made = mla.plan_decode(self.lengths(), 1, 128, causal=True)
        self.assertIn("causal=no", made.words)
        made = mla.plan_decode(self.lengths(), 2, 64, causal=True)
        self.assertIn("causal=yes", made.words)

    def test_plans_of_one_kind_share_a_launch(self):
        with mock.patch.object(
            _kernel.Kernel,
            "marshal",
            autospec=True,
            side_effect=_kernel.Kernel.marshal,
        ) as marshal:
            for _ in range(3):
                mla.plan_decode(self.lengths(), 1, 128)
        self.assertEqual(marshal.call_count, 1)

    def test_errors(self):
        make, lengths = self.make, self.lengths()
        for kind, text, s_q, h_q, options in [
            (ValueError, "s_q: expected 1 to 16, got 17", 17, 8, {}),
            (ValueError, "s_q: expected 1 to 16, got 0", 0, 8, {}),
            (ValueError, "h_q: expected 1 to 128, got 129", 1, 129, {}),
            (ValueError, "h_kv: expected a divisor of the 16", 1, 16, {"h_kv": 3}),
            (ValueError, "d_qk: expected 512 or 576, got 100", 1, 16, {"d_qk": 100}),
            (ValueError, "d_v: expected 512, got 128", 1, 16, {"d_v": 128}),
            (TypeError, "dtype: expected bf16 or f16, got f32", 1, 16, {"dtype": "f32"}),
            (ValueError, "num_splits: expected an integer", 1, 16, {"num_splits": 0}),
            (ValueError, "ctas: expected an integer", 1, 16, {"ctas": 1.5}),
            (ValueError, "max_pages: expected 1 or more, got 0", 1, 16, {"max_pages": 0}),
            (
                ValueError,
                "ctas: expected None beside num_splits, got 8",
                *(1, 16, {"ctas": 8, "num_splits": 2}),
            ),
            (
                ValueError,
                "num_splits: expected at most 16777216 parts",
                *(1, 16, {"num_splits": 2**24 // 3 + 1}),
            ),
            (ValueError, "lse_base: expected 'e' or 2, got 3", 1, 16, {"lse_base": 3}),
            (
                TypeError,
                "plan: expected i32, got f32",
                *(1, 128, {"plan": make("f32", (SMS, 8))}),
            ),
            (
                ValueError,
                "argument 'plan': expected size 8 in dim 1, got 4",
                *(1, 128, {"plan": make("i32", (SMS, 4))}),
            ),
            (
                ValueError,
                "plan: expected 2 dimensions, got 1",
                *(1, 128, {"plan": make("i32", (SMS * 8,))}),
            ),
            (
                ValueError,
                "plan: expected a tensor on device 0, as cache_seqlens is, got one on "
                "device 1",
                *(1, 128, {"plan": make("i32", (SMS, 8), device=1)}),
            ),
            (
                ValueError,
                "argument 'plan': expected memory apart from that of 'cache_seqlens'",
                *(1, 128, {"plan": make("i32", (SMS, 8), data=lengths.address)}),
            ),
        ]:
            with self.subTest(text):
                self.expect_error(
                    kind, text, mla.plan_decode, lengths, s_q, h_q, **options
                )
        for kind, text, wrong in [
            (TypeError, "cache_seqlens: expected i32, got i64", make("i64", (3,))),
            (ValueError, "cache_seqlens: expected 1 dimension, got 2", make("i32", (3, 1))),
            (
                ValueError,
                "cache_seqlens: expected a CUDA tensor, got one on cpu",
                make("i32", (3,), device=None),
            ),
        ]:
            with self.subTest(text):
                self.expect_error(kind, text, mla.plan_decode, wrong, 1, 128)

    def test_page_sizes(self):
        for page_size in (0, -64, 3, 48, 96, 512 + 32):
            self.expect_error(
                ValueError,
                "page_size: expected a power of two up to 256 or a multiple of 64, got "
                f"{page_size}",
                *(mla.plan_decode, self.lengths(), 1, 128),
                page_size=page_size,
            )
        for page_size in (1, 2, 128, 256, 64 * 3, 512):
            _decode_kernels.check_sizes((1, 128, 1, 576, 512, page_size))


if __name__ == "__main__":
    unittest.main()
