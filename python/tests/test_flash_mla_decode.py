# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""get_mla_metadata and flash_mla_with_kvcache with a fake torch, on the fake driver."""

import unittest
from unittest import mock

import mla
from fakes import CudaArray
from mla import flash_mla
from support import driver, setUpModule  # noqa: F401

from decode_support import SMS, Base as DecodeBase, expect_kernels


class Base(DecodeBase):
    def call(self, inputs, metadata, num_splits=None, **more):
        return mla.flash_mla_with_kvcache(
            *inputs.values(), 512, metadata, num_splits, **more
        )

    def plan_address(self, *arguments, **options):
        """The results of a call, which plans nothing, and the plan that it reads."""
        expect_kernels("decode", "decode_combine")
        results = self.call(*arguments, **options)
        ((main, *_), _) = driver.launches
        return results, int.from_bytes(main[6], "little")


class Tuples(Base):
    def metadata(self, b=3, rows=128, **more):
        expect_kernels("decode_plan")
        return mla.get_mla_metadata(self.lengths(b), rows, 1, **more)

    def test_shapes(self):
        metadata, num_splits = self.metadata()
        self.assertEqual((metadata.sizes, metadata.word), ((SMS, 8), "i32"))
        self.assertEqual((num_splits.sizes, num_splits.word), ((4,), "i32"))
        self.assertTrue(num_splits.is_zeros)
        ((values, *_),) = driver.launches
        self.assertEqual(int.from_bytes(values[1], "little"), metadata.address)

    def test_names(self):
        for name in "num_q_tokens_per_head_k", "num_heads_per_head_k":
            expect_kernels("decode_plan")
            metadata, _ = mla.get_mla_metadata(
                cache_seqlens=self.lengths(), num_heads_k=1, **{name: 128}
            )
            self.assertEqual(metadata.sizes, (SMS, 8))

    def test_calls(self):
        inputs = self.inputs()
        metadata, num_splits = self.metadata()
        (out, lse), used = self.plan_address(inputs, metadata, num_splits)
        self.assertEqual(used, metadata.address)
        self.assertEqual((out.sizes, out.dtype), ((3, 1, 128, 512), self.torch.bfloat16))
        self.assertEqual((lse.sizes, lse.steps), ((3, 128, 1), (128, 1, 1)))

    def test_copies(self):
        """Engines copy both into persistent buffers, and pass parts of these."""
        inputs = self.inputs()
        self.metadata()
        metadata = self.make("i32", (200, 8))[:SMS]
        num_splits = self.make("i32", (100,))[:4]
        _, used = self.plan_address(inputs, metadata, num_splits)
        self.assertEqual(used, metadata.address)

    def test_products_of_queries_and_heads(self):
        for rows, h_kv, h_q, expected in [
            (128, 1, None, (1, 128)),
            (16, 1, None, (1, 16)),
            (256, 1, None, (2, 128)),
            (130, 1, None, (2, 65)),
            (64, 2, None, (1, 128)),
            (96, 2, None, (2, 96)),
            (128, 1, 64, (2, 64)),
            (2048, 1, None, (16, 128)),
            (8, 1, 1, (8, 1)),
        ]:
            self.assertEqual(flash_mla._divide_rows(rows, h_kv, h_q), expected)
        for rows, h_kv, h_q in ((4096, 1, None), (131, 1, None), (128, 1, 60), (17, 1, 1)):
            text = f"128 query heads, divided by the {h_kv} heads of the cache, got {rows}"
            self.expect_error(ValueError, text, flash_mla._divide_rows, rows, h_kv, h_q)

    def test_other_calls_of_the_same_rows(self):
        inputs = self.inputs(s_q=2, h_q=64)
        metadata, num_splits = self.metadata()
        _, used = self.plan_address(inputs, metadata, num_splits, causal=True)
        self.assertEqual(used, metadata.address)

    def test_a_kernel_with_other_tiles(self):
        inputs = self.inputs(page_size=128)
        metadata, num_splits = self.metadata()
        text = "plan: expected one for 3 row tiles"
        self.expect_error(ValueError, text, self.call, inputs, metadata, num_splits)

    def test_errors(self):
        lengths, make = self.lengths(), mla.get_mla_metadata
        for kind, text, arguments in [
            (TypeError, "cache_seqlens: expected a torch tensor, got CudaArray",
             (CudaArray("i32", (3,)), 128, 1)),
            (ValueError, "cache_seqlens: expected 1 dimension, got 2",
             (self.make("i32", (3, 1)), 128, 1)),
            (TypeError, "cache_seqlens: expected i32, got i64",
             (self.make("i64", (3,)), 128, 1)),
            (ValueError, "num_q_tokens_per_head_k: expected an integer of 1 or more, got None",
             (lengths,)),
            (ValueError, "num_heads_k: expected an integer of 1 or more, got 0",
             (lengths, 128, 0)),
            (ValueError, "is_fp8_kvcache: expected False: only dense attention",
             (lengths, 128, 1, 128, True)),
            (ValueError, "topk: expected None: only dense attention to a bf16 or float16 "
             "cache is supported, got 2048", (lengths, 128, 1, 128, False, 2048)),
        ]:
            with self.subTest(text):
                self.expect_error(kind, text, make, *arguments)
        inputs = self.inputs()
        metadata, num_splits = self.metadata()
        for kind, text, first, second in [
            (TypeError, "tile_scheduler_metadata: expected a FlashMLASchedMeta or a tensor "
             "of get_mla_metadata, got NoneType", None, num_splits),
            (TypeError, "num_splits: expected the tensor that get_mla_metadata returned, "
             "got NoneType", metadata, None),
            (ValueError, "num_splits: expected shape (4,), one more than the requests of "
             "q, got (3,)", metadata, num_splits[:3]),
            (ValueError, "argument 'plan': expected size 8 in dim 1, got 4",
             self.make("i32", (SMS, 4)), num_splits),
            (TypeError, "plan: expected i32, got f32", self.make("f32", (SMS, 8)), num_splits),
        ]:
            with self.subTest(text):
                self.expect_error(kind, text, self.call, inputs, first, second)


class Objects(Base):
    def filled(self, inputs, **more):
        expect_kernels("decode_plan", "decode", "decode_combine")
        meta, nothing = mla.get_mla_metadata()
        self.assertIsNone(nothing)
        self.assertFalse(meta.have_initialized)
        self.call(inputs, meta, nothing, **more)
        self.assertEqual(len(driver.launches), 3)
        return meta

    def test_filled_by_the_first_call(self):
        inputs = self.inputs()
        meta = self.filled(inputs, causal=True)
        self.assertTrue(meta.have_initialized)
        config = meta.config
        self.assertEqual(
            (config.b, config.s_q, config.h_q, config.page_block_size, config.h_k),
            (3, 1, 128, 64, 1),
        )
        self.assertEqual((config.causal, config.is_fp8_kvcache), (True, False))
        self.assertEqual(meta.tile_scheduler_metadata.sizes, (SMS, 8))
        self.assertEqual(meta.num_splits.sizes, (4,))
        self.assertTrue(meta.num_splits.is_zeros)
        # Later calls launch no plan.
        (out, lse), used = self.plan_address(inputs, meta, causal=True)
        self.assertEqual(used, meta.tile_scheduler_metadata.address)
        self.assertEqual((out.sizes, lse.sizes), ((3, 1, 128, 512), (3, 128, 1)))

    def test_arguments_of_the_newest_form(self):
        self.assertEqual(mla.get_mla_metadata()[0], flash_mla.FlashMLASchedMeta())

    def test_two_queries(self):
        inputs = self.inputs(s_q=2, h_q=64)
        meta = self.filled(inputs, causal=True)
        (out, lse), _ = self.plan_address(inputs, meta, causal=True)
        self.assertEqual((lse.sizes, lse.steps), ((3, 64, 2), (128, 2, 1)))
        self.assertEqual(out.sizes, (3, 2, 64, 512))

    def test_results_are_given(self):
        inputs = self.inputs()
        meta = self.filled(inputs)
        given = {
            "out": self.make("bf16", (3, 1, 128, 512), (200000, 65536, 512, 1)),
            "lse": self.make("f32", (3, 128, 1), (256, 1, 1)),
        }
        results, _ = self.plan_address(inputs, meta, **given)
        self.assertIs(results[0], given["out"])
        self.assertIs(results[1], given["lse"])
        main = driver.launches[0][0]
        got = [int.from_bytes(value, "little") for value in main[4:6]]
        self.assertEqual(got, [given["out"].address, given["lse"].address])

    def test_the_scale(self):
        inputs = self.inputs(d_qk=512)
        for scale, expected in ((None, 512**-0.5), (0.25, 0.25)):
            with mock.patch("mla._decode_kernels.launch") as launch, mock.patch(
                "mla._decode_kernels.launch_plan"
            ):
                self.call(inputs, mla.get_mla_metadata()[0], softmax_scale=scale)
            self.assertEqual(launch.call_args[0][2], expected)

    def test_inconsistent_calls(self):
        meta = self.filled(self.inputs())
        self.assertEqual(len(driver.launches), 3)
        for text, sizes, more in [
            ("b = 4, as the call has, got one for b = 3", {"b": 4}, {}),
            ("s_q = 2", {"s_q": 2, "h_q": 64}, {}),
            ("h_q = 16", {"h_q": 16}, {}),
            ("page_block_size = 16", {"page_size": 16}, {}),
            ("h_k = 2", {"h_kv": 2, "h_q": 128}, {}),
            ("causal = True, as the call has, got one for causal = False", {},
             {"causal": True}),
        ]:
            with self.subTest(text):
                text = f"tile_scheduler_metadata: expected one for {text}"
                inputs = self.inputs(**sizes)
                self.expect_error(ValueError, text, self.call, inputs, meta, **more)

    def test_a_first_call_that_fails_fills_nothing(self):
        meta, _ = mla.get_mla_metadata()
        inputs = {**self.inputs(), "cache_seqlens": self.make("i64", (3,))}
        text = "cache_seqlens: expected i32, got i64"
        self.expect_error(TypeError, text, self.call, inputs, meta)
        self.assertEqual(meta, flash_mla.FlashMLASchedMeta())

    def test_another_device(self):
        driver.set_devices(2)
        meta = self.filled(self.inputs())
        text = "plan: expected a tensor on device 1, as q is, got one on device 0"
        self.expect_error(ValueError, text, self.call, self.inputs(device=1), meta)

    def test_what_is_not_supported(self):
        tensor = self.make("i32", (3, 1, 64))
        for name, value, got in [
            ("is_fp8_kvcache", True, "True"),
            ("indices", tensor, "a tensor"),
            ("extra_k_cache", tensor, "a tensor"),
            ("extra_indices_in_kvcache", tensor, "a tensor"),
            ("topk_length", tensor, "a tensor"),
            ("extra_topk_length", tensor, "a tensor"),
        ]:
            with self.subTest(name):
                expected = "False" if name == "is_fp8_kvcache" else "None"
                text = (
                    f"{name}: expected {expected}: only dense attention to a bf16 or "
                    f"float16 cache is supported, got {got}"
                )
                meta = mla.get_mla_metadata()[0]
                more = {name: value}
                self.expect_error(
                    ValueError, text, self.call, self.inputs(), meta, **more
                )

    def test_errors(self):
        make, meta = self.make, mla.get_mla_metadata()[0]
        inputs = self.inputs()
        for kind, text, changes in [
            (TypeError, "block_table: expected a torch tensor, got NoneType",
             {"block_table": None}),
            (TypeError, "cache_seqlens: expected a torch tensor, got NoneType",
             {"cache_seqlens": None}),
            (TypeError, "q: expected a torch tensor, got CudaArray",
             {"q": CudaArray("bf16", (3, 1, 128, 576))}),
            (ValueError, "q: expected 4 dimensions, got 3",
             {"q": make("bf16", (3, 128, 576))}),
            (ValueError, "k_cache: expected 4 dimensions, got 3",
             {"k_cache": make("bf16", (40, 64, 576))}),
            (ValueError, "k_cache: page size in dimension 1: expected a power of two up to "
             "256 or a multiple of 64, got 3", {"k_cache": make("bf16", (40, 3, 1, 576))}),
            (ValueError, "q: queries of a request in dimension 1: expected 1 to 16, got 32",
             {"q": make("bf16", (3, 32, 4, 576))}),
        ]:
            with self.subTest(text):
                self.expect_error(kind, text, self.call, {**inputs, **changes}, meta)
        self.expect_error(
            ValueError,
            "head_dim_v: expected 512, got 576",
            *(mla.flash_mla_with_kvcache, *inputs.values(), 576, meta),
        )
        self.expect_error(
            ValueError,
            "num_splits: expected None beside a FlashMLASchedMeta, got a tensor",
            *(self.call, inputs, meta, self.lengths(4)),
        )
        self.expect_error(
            ValueError,
            "softmax_scale: expected a value above 0, got -1",
            *(self.call, inputs, meta),
            softmax_scale=-1,
        )
        self.assertEqual(meta, flash_mla.FlashMLASchedMeta())


if __name__ == "__main__":
    unittest.main()
