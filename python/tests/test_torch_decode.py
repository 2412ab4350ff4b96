# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Dense decode on a GPU with torch: values against a reference in float64, FlashMLA's
test grid, plans, graphs, batch invariance, torch.compile and torch.export.

    MLA_LIBRARY=<libmla-jit.so> PYTHONPATH=python python3 python/tests/test_torch_decode.py

With MLA_TEST_GRID=all it runs all 2,352 cases of FlashMLA's grid, which compiles 80
kernels; otherwise every 37th.
"""

import itertools
import math
import os
import unittest

try:
    import torch
except ImportError:
    torch = None
HAS_GPU = torch is not None and torch.cuda.is_available()

if HAS_GPU:
    import mla
    from decode_cases import Case, flash_mla_grid, make_inputs
    from mla.flashinfer import BatchMLAPagedAttentionWrapper
    from mla.transformer_engine import mla_decode_attention
    from reference import decode_reference

SCALE = 576**-0.5
# Of FlashMLA's tests: absolute, relative, and of 1 - cosine.
OUT, LSE = (8e-4, 2.01 / 128, 5e-6), (1e-6, 8.01 / 65536, None)


@unittest.skipUnless(HAS_GPU, "needs torch and a GPU")
class Base(unittest.TestCase):
    def expect_close(self, name, got, want, tolerances):
        absolute, relative, of_cosine = tolerances
        got, want = got.double(), want.double()
        special = ~torch.isfinite(want)
        self.assertTrue(torch.equal(got[special], want[special]), name)
        got, want = got[~special], want[~special]
        error = (got - want).abs()
        bad = error[~((error < absolute) | (error < relative * want.abs()))]
        self.assertEqual(bad.numel(), 0, f"{name}: off by {bad.tolist()[:3]}")
        squares = float((got * got + want * want).sum())
        if of_cosine is not None and squares > 1e-12:
            difference = 1 - 2 * float((got * want).sum()) / squares
            self.assertLess(difference, of_cosine, name)

    def check(self, results, inputs, scale=SCALE, **options):
        out, lse = decode_reference(**inputs, scale=scale, **options)
        self.expect_close("out", results[0], out, OUT)
        self.expect_close("lse", results[1], lse, LSE)

    def decode(self, inputs, **options):
        try:
            return mla.decode(**inputs, scale=SCALE, **options)
        except LookupError as error:
            self.skipTest(str(error))


class Values(Base):
    def test_shapes(self):
        for b, s_q, lengths, h_q, page_size in [
            (1, 1, (4096,), 128, 64),
            (3, 1, (0, 1, 140), 16, 64),
            (6, 2, (20, 0, 4096, 1, 63, 64), 8, 1),
            (2, 3, (1, 2), 12, 16),
            (2, 13, (5, 4096), 3, 128),
            (2, 4, (140, 65), 22, 256),
            (1, 16, (1000,), 128, 64),
            (64, 1, None, 48, 64),
        ]:
            for is_causal in (False, True):
                case = Case(
                    *(b, s_q, 300, h_q),
                    is_ragged=True,
                    is_causal=is_causal,
                    page_size=page_size,
                    lengths=lengths,
                )
                with self.subTest(case):
                    inputs = make_inputs(case)
                    results = self.decode(inputs, causal=is_causal)
                    self.check(results, inputs, causal=is_causal)

    def test_types_and_dimensions(self):
        for dtype, d_qk in itertools.product((torch.bfloat16, torch.float16), (576, 512)):
            inputs = make_inputs(Case(is_ragged=True, d_qk=d_qk), dtype=dtype)
            self.check(self.decode(inputs), inputs)

    def test_contiguous(self):
        """One kernel for caches of any number of rows, and any stride between requests."""
        lengths = (0, 1, 64, 100, 2**31 - 1)
        for h_q, s_q, is_apart in itertools.product((16, 128), (1, 2), (False, True)):
            for rows in (1, 37, 64, 100, 4096):
                case = Case(5, s_q, lengths=[min(max(n, 0), rows) for n in lengths], h_q=h_q)
                paged = make_inputs(case._replace(page_size=1))
                table, counts = paged["block_table"], paged["cache_seqlens"].tolist()
                # Requests are no multiple of rows apart.
                step = (rows + 3) * 576 + 8
                memory = torch.full((5 * step,), math.nan, device="cuda").bfloat16()
                cache = memory.as_strided((5, rows, 1, 576), (step, 576, 576, 1))
                for request, count in enumerate(counts):
                    pages = table[request, :count].long()
                    cache[request, :count] = paged["k_cache"][pages, 0]
                inputs = {
                    "q": paged["q"],
                    "k_cache": cache,
                    "block_table": None,
                    "cache_seqlens": torch.tensor(lengths, device="cuda").int(),
                }
                with self.subTest(h_q=h_q, s_q=s_q, is_apart=is_apart, rows=rows):
                    self.check_form(inputs, is_apart, causal=s_q > 1)

    def check_form(self, inputs, is_apart, **options):
        if is_apart:
            q, cache = inputs["q"], inputs["k_cache"]
            inputs = {
                **inputs,
                "q": q[..., :512],
                "q_rope": q[..., 512:].clone(),
                "k_cache": cache[..., :512].clone(),
                "k_rope": cache[..., 512:],
            }
        self.check(self.decode(inputs, **options), inputs, **options)

    def test_columns_in_tensors_of_their_own(self):
        for h_q, page_size in itertools.product((3, 16, 128), (1, 64, 128)):
            inputs = make_inputs(Case(h_q=h_q, page_size=page_size, is_ragged=True))
            with self.subTest(h_q=h_q, page_size=page_size):
                self.check_form(inputs, True)

    def test_options(self):
        inputs = make_inputs(Case(lengths=(0, 100, 400), h_q=16))
        sink = torch.randn(16, device="cuda")
        sink[0], sink[1] = math.inf, -math.inf
        for options in (
            {"attn_sink": sink},
            {"lse_base": 2},
            {"empty_lse": -math.inf},
            {"lse_base": 2, "empty_lse": -math.inf, "attn_sink": sink},
        ):
            with self.subTest(list(options)):
                self.check(self.decode(inputs, **options), inputs, **options)

    def test_shared_pages(self):
        inputs = make_inputs(Case(b=4, lengths=(256, 256, 256, 256), h_q=16))
        inputs["block_table"][1:] = inputs["block_table"][:1]
        self.check(self.decode(inputs), inputs)

    def test_lengths_that_the_table_does_not_hold(self):
        inputs = make_inputs(Case(b=2, lengths=(128, 128), h_q=16), max_pages=2)
        for lengths in ((-5, 128), (-(2**31), 10**6), (2**31 - 1, 128)):
            inputs["cache_seqlens"].copy_(torch.tensor(lengths, dtype=torch.int32))
            self.check(self.decode(inputs), inputs)

    def test_results_in_larger_buffers(self):
        inputs = make_inputs(Case(s_q=2, h_q=64, is_ragged=True))
        out = torch.full((3, 4, 66, 768), 77.0, device="cuda", dtype=torch.bfloat16)
        lse = torch.full((64, 5, 4), 77.0, device="cuda")
        parts = out[:, 1:3, 1:65, 128:640], lse[:, 1:4, 1:3].permute(1, 2, 0)
        results = self.decode(inputs, out=parts[0], lse=parts[1])
        self.assertIs(results[0], parts[0])
        self.check(results, inputs)
        for buffer, part in ((out, parts[0]), (lse, parts[1])):
            part.fill_(77)
            self.assertTrue(bool((buffer == 77).all()))

    def test_no_requests(self):
        inputs = make_inputs(Case(lengths=(1, 2, 3)))
        inputs = {**inputs, "block_table": inputs["block_table"][:0]}
        inputs["q"], inputs["cache_seqlens"] = inputs["q"][:0], inputs["cache_seqlens"][:0]
        out, lse = self.decode(inputs)
        self.assertEqual((out.shape, lse.shape), ((0, 1, 128, 512), (0, 1, 128)))


class Plans(Base):
    def plan(self, inputs, **options):
        (_, s_q, h_q, _), page_size = inputs["q"].shape, inputs["k_cache"].shape[1]
        return mla.plan_decode(
            inputs["cache_seqlens"], s_q, h_q, page_size=page_size, **options
        )

    def test_every_number_of_parts(self):
        inputs = make_inputs(Case(b=1, lengths=(64 * 160 + 7,), h_q=16))
        self.decode(inputs)
        for num_splits in range(1, 161):
            with self.subTest(num_splits):
                plan = self.plan(inputs, num_splits=num_splits)
                self.check(self.decode(inputs, plan=plan), inputs)

    def test_numbers_of_ctas(self):
        inputs = make_inputs(Case(b=5, lengths=(4096, 1, 0, 777, 2000)))
        for ctas in (1, 2, 3, 7, 131, 132, 1000):
            with self.subTest(ctas):
                plan = self.plan(inputs, ctas=ctas)
                self.check(self.decode(inputs, plan=plan), inputs)

    def test_a_plan_of_other_lengths(self):
        """Only the balance depends on it."""
        inputs = make_inputs(Case(b=4, lengths=(4096, 1000, 64, 2000), h_q=16))
        lengths = inputs["cache_seqlens"]
        for other in ((0, 0, 0, 0), (1, 1, 1, 1), (0, 4096, 0, 0), (2**31 - 1,) * 4):
            planned = {**inputs, "cache_seqlens": lengths.new_tensor(other)}
            plan = self.plan(planned)
            self.check(self.decode(inputs, plan=plan), inputs)

    def test_copies(self):
        inputs = make_inputs(Case(b=4, lengths=(4096, 1000, 64, 2000), h_q=16))
        plan = self.plan(inputs)
        table = torch.zeros(plan.plan.shape[0] + 5, 8, device="cuda", dtype=torch.int32)
        rows = table[: plan.plan.shape[0]]
        rows.copy_(plan.plan)
        copied = plan._replace(plan=rows)
        self.check(self.decode(inputs, plan=copied), inputs)

    def test_batch_invariance(self):
        lengths = (1000, 1, 64, 4096, 0, 333)
        inputs = make_inputs(Case(b=6, lengths=lengths, h_q=16))
        together = self.decode(inputs, plan=self.plan(inputs, batch_invariant=True))
        for request in range(6):
            part = slice(request, request + 1)
            alone = {
                name: tensor if name == "k_cache" else tensor[part]
                for name, tensor in inputs.items()
            }
            results = self.decode(alone, plan=self.plan(alone, batch_invariant=True))
            for got, want in zip(results, together):
                self.assertTrue(torch.equal(got, want[part]))

    def test_the_last_of_many_queries(self):
        inputs = make_inputs(Case(b=2, s_q=16, lengths=(1000, 333), h_q=16))
        many = self.decode(
            inputs, causal=True, plan=self.plan(inputs, causal=True, num_splits=8)
        )
        last = {**inputs, "q": inputs["q"][:, -1:]}
        one = self.decode(last, plan=self.plan(last, num_splits=8))
        for got, want in zip(one, many):
            self.assertTrue(torch.equal(got, want[:, -1:]))

    def test_repeats(self):
        inputs = make_inputs(Case(b=6, lengths=(4096, 5, 777, 1, 0, 2000)))
        first = self.decode(inputs)
        for _ in range(100):
            for got, want in zip(self.decode(inputs), first):
                self.assertTrue(torch.equal(got, want))


class Graphs(Base):
    def fill(self, inputs, case, seed):
        """Other values into the same tensors; pages of `inputs` are enough."""
        fresh = make_inputs(case, seed, max_pages=inputs["block_table"].shape[1])
        inputs["k_cache"].fill_(math.nan)
        inputs["k_cache"][: len(fresh["k_cache"])] = fresh["k_cache"]
        for name in ("q", "block_table", "cache_seqlens"):
            inputs[name][: case.b] = fresh[name]

    def capture(self, inputs, step):
        step()
        torch.cuda.synchronize()
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            results = step()
        return graph, results

    def test_other_lengths(self):
        """Captured with lengths of 1, replayed with long ones and with fewer requests,
        the others having any length."""
        most = Case(b=8, lengths=(8192,) * 8, h_q=16)
        inputs = make_inputs(most)
        inputs["cache_seqlens"].fill_(1)

        def object_step():
            meta, nothing = mla.get_mla_metadata()
            out, lse = mla.flash_mla_with_kvcache(
                *inputs.values(), 512, meta, nothing, softmax_scale=SCALE
            )
            return out, lse.transpose(1, 2)

        graph, results = self.capture(inputs, object_step)
        for seed, lengths in enumerate([(8192,) * 8, (1, 8000, 3), (0,), (5000,) * 5]):
            case = most._replace(b=len(lengths), lengths=lengths)
            self.fill(inputs, case, seed)
            inputs["cache_seqlens"][case.b :] = 0
            graph.replay()
            torch.cuda.synchronize()
            self.check(results, inputs)

    def test_persistent_metadata(self):
        """As vLLM does: planned outside the graph, copied into its tensors."""
        most = Case(b=8, lengths=(8192,) * 8, h_q=16)
        inputs = make_inputs(most)
        kept = [
            torch.zeros_like(tensor)
            for tensor in mla.get_mla_metadata(inputs["cache_seqlens"], 16, 1)
        ]

        def plan():
            fresh = mla.get_mla_metadata(inputs["cache_seqlens"], 16, 1)
            for tensor, value in zip(kept, fresh):
                tensor.copy_(value)

        def step():
            out, lse = mla.flash_mla_with_kvcache(
                *inputs.values(), 512, *kept, softmax_scale=SCALE
            )
            return out, lse.transpose(1, 2)

        plan()
        graph, results = self.capture(inputs, step)
        for seed, lengths in enumerate([(8192,) * 8, (1, 8000, 3, 9, 9, 9, 0, 100)]):
            self.fill(inputs, most._replace(lengths=lengths), seed)
            plan()
            graph.replay()
            torch.cuda.synchronize()
            self.check(results, inputs)

    def test_stream_of_torch(self):
        inputs = make_inputs(Case(h_q=16))
        self.decode(inputs)
        stream = torch.cuda.Stream()
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            # The launch has to wait for the work in front of it on its stream.
            torch.cuda._sleep(100_000_000)
            results = self.decode({**inputs, "q": inputs["q"].clone()})
        stream.synchronize()
        self.check(results, inputs)


class FlashMLA(Base):
    def test_grid(self):
        step = 1 if os.environ.get("MLA_TEST_GRID") == "all" else 37
        for case in itertools.islice(flash_mla_grid(), 0, None, step):
            with self.subTest(case):
                inputs = make_inputs(case)
                meta, nothing = mla.get_mla_metadata()
                try:
                    out, lse = mla.flash_mla_with_kvcache(
                        *(*inputs.values(), 512, meta, nothing), causal=case.is_causal
                    )
                except LookupError as error:
                    self.skipTest(str(error))
                results = out, lse.transpose(1, 2)
                self.check(results, inputs, causal=case.is_causal)


class OtherPackages(Base):
    def test_transformer_engine(self):
        for batch, heads, s_q, tokens in ((2, 16, 1, 128), (1, 128, 4, 1000), (2, 8, 2, 77)):
            generator = torch.Generator("cuda").manual_seed(0)
            make = lambda *shape: (  # noqa: E731
                torch.randn(*shape, generator=generator, device="cuda") / 10
            ).bfloat16()
            q, cache = make(batch, heads, s_q, 576), make(batch, tokens, 576)
            parts = q[..., :512], q[..., 512:], cache[..., :512], cache[..., 512:].clone()
            for is_causal in (False, True):
                got = mla_decode_attention(
                    *parts, softmax_scale=SCALE, is_causal=is_causal
                )
                table = torch.arange(batch, device="cuda", dtype=torch.int32)[:, None]
                lengths = torch.full_like(table[:, 0], tokens)
                wanted, _ = decode_reference(
                    *(q.transpose(1, 2), cache[:, :, None], table, lengths, SCALE),
                    is_causal,
                )
                self.expect_close("out", got, wanted.transpose(1, 2), OUT)

    def test_flashinfer(self):
        inputs = make_inputs(Case(b=3, s_q=2, lengths=(0, 100, 2000), h_q=16))
        used = [0, 2, 32]
        pages = [inputs["block_table"][i, :count] for i, count in enumerate(used)]
        wrapper = BatchMLAPagedAttentionWrapper(torch.empty(1, device="cuda"))
        wrapper.plan(
            torch.tensor([0, 2, 4, 6], dtype=torch.int32),
            torch.tensor([0, 0, 2, 34], dtype=torch.int32, device="cuda"),
            torch.cat(pages),
            inputs["cache_seqlens"],
            *(16, 512, 64, 64, True, SCALE, torch.bfloat16, torch.bfloat16),
        )
        q, cache = inputs["q"].flatten(0, 1), inputs["k_cache"][:, :, 0]
        out, lse = wrapper.run(
            *(q[..., :512], q[..., 512:], cache[..., :512], cache[..., 512:]),
            return_lse=True,
        )
        results = out.unflatten(0, (3, 2)), lse.unflatten(0, (3, 2))
        self.check(results, inputs, causal=True, lse_base=2, empty_lse=-math.inf)


class Traced(Base):
    def setUp(self):
        torch._dynamo.reset()

    def step(self, *tensors):
        meta, nothing = mla.get_mla_metadata()
        out, lse = mla.flash_mla_with_kvcache(
            *(*tensors, 512, meta, nothing, SCALE), causal=True
        )
        return out, lse.transpose(1, 2)

    def test_compile(self):
        inputs = make_inputs(Case(s_q=2, h_q=16, is_ragged=True))
        self.step(*inputs.values())
        for backend in ("aot_eager", "cudagraphs"):
            with self.subTest(backend):
                compiled = torch.compile(self.step, fullgraph=True, backend=backend)
                for _ in range(3):
                    results = compiled(*inputs.values())
                self.check(results, inputs, causal=True)

    def test_compile_with_a_plan(self):
        inputs = make_inputs(Case(h_q=16, is_ragged=True))
        plan = mla.plan_decode(inputs["cache_seqlens"], 1, 16)
        compiled = torch.compile(mla.decode, fullgraph=True, backend="aot_eager")
        self.check(compiled(**inputs, scale=SCALE, plan=plan), inputs)

    def test_export(self):
        inputs = make_inputs(Case(h_q=16, is_ragged=True))
        self.decode(inputs)

        class Module(torch.nn.Module):
            def forward(self, q, k_cache, block_table, cache_seqlens):
                return mla.decode(q, k_cache, block_table, cache_seqlens, SCALE)

        program = torch.export.export(Module(), tuple(inputs.values()))
        for again in (program, program.run_decompositions()):
            self.check(again.module()(*inputs.values()), inputs)

    def test_opcheck(self):
        from mla import torch_ops  # noqa: F401

        inputs = make_inputs(Case(h_q=16, is_ragged=True))
        plan = mla.plan_decode(inputs["cache_seqlens"], 1, 16)
        out, lse = self.decode(inputs)
        torch.library.opcheck(
            torch.ops.mla.decode,
            (
                *(*inputs.values(), plan.plan, SCALE, out, lse, None, None, None),
                *("causal=no lse_base=e empty_lse=+inf", *plan[1:]),
            ),
        )


if __name__ == "__main__":
    unittest.main()
