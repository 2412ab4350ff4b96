# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The decode functions under the names of TransformerEngine and FlashInfer, with a fake
torch on the fake driver."""

import unittest
from unittest import mock

from fakes import CudaArray
from mla import _columns, _decode_kernels, flashinfer, transformer_engine
from support import driver, setUpModule  # noqa: F401

from decode_support import SMS, Base as DecodeBase, expect_kernels


class Columns(DecodeBase):
    def test_parts_that_do_not_fit(self):
        first = self.make("bf16", (40, 64, 512))
        for kind, text, wrong in [
            (TypeError, "b: expected a torch tensor, got CudaArray", CudaArray("bf16", (1,))),
            (ValueError, "b: expected 3 dimensions, got 2", self.make("bf16", (40, 64))),
            (TypeError, "b: expected torch.bfloat16, as a has, got torch.float16",
             self.make("f16", (40, 64, 64))),
            (ValueError, "b: expected shape (40, 64, 64), as a has, got (40, 32, 64)",
             self.make("bf16", (40, 32, 64))),
        ]:
            self.expect_error(kind, text, _columns.check_parts, "a", first, "b", wrong, 3)


class TransformerEngine(DecodeBase):
    def inputs(self, batch=3, heads=128, s_q=1, tokens=256, rows=256):
        q = self.make("bf16", (batch, heads, s_q, 576))
        cache = self.make("bf16", (batch, tokens, 576), (rows * 576, 576, 1))
        return {
            "q_nope_abs": q.columns(0, 512),
            "q_rope": q.columns(512, 576),
            "c_kv": cache.columns(0, 512),
            "k_rope": cache.columns(512, 576),
        }

    def call(self, **changes):
        inputs = {**self.inputs(), "softmax_scale": 0.5, **changes}
        return transformer_engine.mla_decode_attention(**inputs)

    def test_calls(self):
        """The tensors themselves are launched on, whether they are columns of one tensor
        or not."""
        apart = {
            "q_nope_abs": self.make("bf16", (3, 128, 1, 512)),
            "q_rope": self.make("bf16", (3, 128, 1, 64)),
            "c_kv": self.make("bf16", (3, 256, 512), (300 * 512, 512, 1)),
            "k_rope": self.make("bf16", (3, 256, 64)),
        }
        for inputs in (self.inputs(), apart):
            expect_kernels(
                "decode_plan", "decode", "decode_combine", package="contiguous-rope"
            )
            out = self.call(**inputs)
            self.assertEqual(
                (out.sizes, out.dtype), ((3, 128, 1, 512), self.torch.bfloat16)
            )
            lengths = next(
                tensor for tensor, _ in self.torch.made if hasattr(tensor, "value")
            )
            self.assertEqual((lengths.sizes, lengths.value), ((3,), 256))
            main = [int.from_bytes(value, "little") for value in driver.launches[1][0]]
            wanted = [inputs[name] for name in ("q_nope_abs", "q_rope", "c_kv", "k_rope")]
            wanted += [lengths, out]
            self.assertEqual(main[:6], [tensor.address for tensor in wanted])
            self.torch.made.clear()

    def test_no_rope(self):
        inputs = {
            "q_nope_abs": self.make("bf16", (3, 128, 1, 512)),
            "q_rope": self.make("bf16", (3, 128, 1, 0)),
            "c_kv": self.make("bf16", (3, 37, 512)),
            "k_rope": self.make("bf16", (3, 37, 0)),
        }
        expect_kernels(
            "decode_plan", "decode", "decode_combine", package="contiguous-nope"
        )
        self.call(**inputs)
        main = [int.from_bytes(value, "little") for value in driver.launches[1][0]]
        self.assertEqual(main[1], inputs["c_kv"].address)

    def test_errors(self):
        make = self.make
        for kind, text, changes in [
            (ValueError, "softmax_scale: expected a value above 0, got 0",
             {"softmax_scale": 0}),
            (ValueError, "q_nope_abs: expected 4 dimensions, got 3",
             {"q_nope_abs": make("bf16", (3, 128, 512))}),
            (ValueError, "q_nope_abs: queries in dimension 2: expected 1 to 16, got 17",
             self.inputs(s_q=17, heads=8)),
            (ValueError, "q_nope_abs: heads in dimension 1: expected 1 to 128, got 129",
             self.inputs(heads=129)),
            (ValueError, "c_kv: expected shape (2, 256, 512), as q_nope_abs has, got "
             "(3, 256, 512)",
             {name: self.inputs(2)[name] for name in ("q_nope_abs", "q_rope")}),
            (ValueError, "q_rope: size of dimension 3: expected 64, got 32",
             {"q_rope": make("bf16", (3, 128, 1, 32)),
              "k_rope": make("bf16", (3, 256, 32))}),
            (ValueError, "q_nope_abs: size of dimension 3: expected 512 with 64 further "
             "columns, got 448",
             {"q_nope_abs": make("bf16", (3, 128, 1, 448)),
              "c_kv": make("bf16", (3, 256, 448))}),
            (ValueError, "k_rope: expected size 64 in dimension 2, as q_rope has, got 32",
             {"k_rope": make("bf16", (3, 256, 32))}),
            (ValueError, "k_rope: expected shape (3, 256, 64), as c_kv has, got (3, 9, 64)",
             {"k_rope": make("bf16", (3, 9, 64))}),
        ]:
            with self.subTest(text):
                self.expect_error(kind, text, self.call, **changes)


class Numbers(list):
    """A tensor on the CPU, of which only the numbers are read."""

    def tolist(self):
        return list(self)


class FlashInfer(DecodeBase):
    def setUp(self):
        super().setUp()
        patch = mock.patch.object(flashinfer, "fill_table")
        self.filled = patch.start()
        self.addCleanup(patch.stop)
        self.lengths_given = self.lengths(3)
        expect_kernels("decode_plan", package="rope-base2")
        self.torch.Tensor.to = lambda tensor, device, dtype: tensor

    def wrapper(self, **options):
        buffer = self.make("u8", (1024,))
        return flashinfer.BatchMLAPagedAttentionWrapper(buffer, **options)

    def plan(self, wrapper, **changes):
        arguments = {
            "qo_indptr": Numbers([0, 1, 2, 3]),
            "kv_indptr": Numbers([0, 4, 4, 11]),
            "kv_indices": self.make("i32", (11,)),
            "kv_len_arr": self.lengths_given,
            "num_heads": 128,
            "head_dim_ckv": 512,
            "head_dim_kpe": 64,
            "page_size": 64,
            "causal": False,
            "sm_scale": 0.5,
            "q_data_type": self.torch.bfloat16,
            "kv_data_type": self.torch.bfloat16,
            **changes,
        }
        wrapper.plan(**arguments)
        return wrapper

    def inputs(self, rows=3, heads=128):
        q = self.make("bf16", (rows, heads, 576))
        cache = self.make("bf16", (40, 64, 576))
        return {
            "q_nope": q.columns(0, 512),
            "q_pe": q.columns(512, 576),
            "ckv_cache": cache.columns(0, 512),
            "kpe_cache": cache.columns(512, 576),
        }

    def test_a_step(self):
        wrapper = self.plan(self.wrapper())
        self.assertEqual(wrapper._table.sizes, (3, 7))
        self.assertEqual(wrapper._plan.plan.sizes, (SMS, 8))
        inputs = self.inputs()
        for return_lse, lse_base in ((False, False), (True, False), (True, True)):
            with mock.patch.object(_decode_kernels, "launch") as launch:
                results = wrapper.run(
                    *inputs.values(),
                    return_lse=return_lse,
                    return_lse_base_on_e=lse_base,
                )
            _, given, scale, options = launch.call_args[0][:4]
            self.assertEqual(scale, 0.5)
            base = "e" if lse_base else "2"
            words = f"causal=no lse_base={base} empty_lse=-inf"
            self.assertEqual(options[0], words)
            self.assertEqual(given["q"].sizes, (3, 1, 128, 512))
            self.assertEqual(given["q_rope"].sizes, (3, 1, 128, 64))
            self.assertEqual(given["k_cache"].sizes, (40, 64, 1, 512))
            self.assertEqual(given["k_rope"].sizes, (40, 64, 1, 64))
            for name, of in zip(("q", "q_rope", "k_cache", "k_rope"), inputs.values()):
                self.assertEqual(given[name].address, of.address)
            self.assertEqual(given["out"].sizes, (3, 1, 128, 512))
            self.assertEqual(given["lse"].sizes, (3, 1, 128))
            self.assertIs(given["block_table"], wrapper._table)
            self.assertIs(given["cache_seqlens"], self.lengths_given)
            out = results[0] if return_lse else results
            self.assertEqual(out.sizes, (3, 128, 512))
            self.assertEqual(given["out"].address, out.address)

    def test_results_are_given(self):
        wrapper = self.plan(self.wrapper())
        out, lse = self.make("bf16", (3, 128, 512)), self.make("f32", (3, 128))
        with mock.patch.object(_decode_kernels, "launch"):
            results = wrapper.run(**self.inputs(), out=out, lse=lse, return_lse=True)
        self.assertIs(results[0], out)
        self.assertIs(results[1], lse)

    def test_graphs(self):
        kept = self.make("i32", (50,))
        wrapper = self.wrapper(use_cuda_graph=True, kv_indices=kept)
        copies = self.torch.Tensor.clone = lambda tensor: self.lengths(3)
        del copies
        self.plan(wrapper)
        before = wrapper._table, wrapper._lengths, wrapper._plan
        copied = self.torch.Tensor.copy_ = mock.Mock()
        self.plan(wrapper)
        self.assertIs(wrapper._table, before[0])
        self.assertIs(wrapper._lengths, before[1])
        self.assertIs(wrapper._plan.plan, before[2].plan)
        copied.assert_called_once_with(self.lengths_given)
        self.assertEqual(wrapper._table.sizes, (3, 50))
        text = "qo_indptr: expected 3 requests, as before"
        two = {"qo_indptr": Numbers([0, 1, 2]), "kv_indptr": Numbers([0, 1, 2])}
        self.expect_error(ValueError, text, self.plan, wrapper, **two)
        text = "kv_indptr: expected at most 50 pages of a request"
        more = {"kv_indptr": Numbers([0, 1, 2, 53])}
        self.expect_error(ValueError, text, self.plan, wrapper, **more)

    def test_errors_of_a_plan(self):
        wrapper = self.wrapper()
        for kind, text, changes in [
            (ValueError, "qo_indptr: expected the same number of queries for every "
             "request, got 1 to 2", {"qo_indptr": Numbers([0, 1, 3, 4])}),
            (ValueError, "qo_indptr: queries of a request: expected 1 to 16, got 20",
             {"qo_indptr": Numbers([0, 20, 40, 60])}),
            (ValueError, "kv_indptr: expected 4 entries, one more than there are requests, "
             "got 3", {"kv_indptr": Numbers([0, 4, 11])}),
            (ValueError, "kv_indptr: expected entries that do not decrease, got -1 pages for "
             "request 1", {"kv_indptr": Numbers([0, 4, 3, 11])}),
            (ValueError, "num_heads: expected 1 to 128, got 129", {"num_heads": 129}),
            (ValueError, "head_dim_ckv: expected 512 with 64 further columns, got 448",
             {"head_dim_ckv": 448}),
            (ValueError, "head_dim_kpe: expected 64, got 32", {"head_dim_kpe": 32}),
            (ValueError, "page_size: expected a power of two", {"page_size": 48}),
            (ValueError, "sm_scale: expected a value above 0, got -1", {"sm_scale": -1}),
            (TypeError, "kv_data_type: expected torch.bfloat16, as q_data_type, got "
             "torch.float16", {"kv_data_type": self.torch.float16}),
            (ValueError, "use_profiler: expected None", {"use_profiler": True}),
        ]:
            with self.subTest(text):
                self.expect_error(kind, text, self.plan, wrapper, **changes)

    def test_errors_of_a_run(self):
        text = "plan: expected a call of plan() before run(), got none"
        self.expect_error(ValueError, text, self.wrapper().run, **self.inputs())
        wrapper, inputs = self.plan(self.wrapper()), self.inputs()
        half = {name: self.make("f16", inputs[name].sizes) for name in ("q_nope", "q_pe")}
        for kind, text, changes in [
            (ValueError, "q_nope: expected shape (3, 128, 512), as planned, got "
             "(4, 128, 512)",
             {name: self.inputs(4)[name] for name in ("q_nope", "q_pe")}),
            (TypeError, "q_nope: expected torch.bfloat16, as planned, got torch.float16",
             half),
            (ValueError, "kpe_cache: expected shape (40, 64, 64), as ckv_cache has, got "
             "(41, 64, 64)",
             {"kpe_cache": self.make("bf16", (41, 64, 64))}),
            *(
                (ValueError, f"{name}: expected None, which is all that is supported", {name: 1.0})
                for name in ("profiler_buffer kv_len page_table o_scale ckv_scale "
                             "ckv_scale_arr kpe_scale").split()
            ),
        ]:
            with self.subTest(text):
                self.expect_error(kind, text, wrapper.run, **{**inputs, **changes})

    def test_errors_of_the_constructor(self):
        wrapper = self.wrapper
        text = "backend: expected auto, fa2 or fa3, got cutlass"
        self.expect_error(ValueError, text, wrapper, backend="cutlass")
        text = "kv_indices: expected a tensor with use_cuda_graph, got None"
        self.expect_error(ValueError, text, wrapper, use_cuda_graph=True)


if __name__ == "__main__":
    unittest.main()
