# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Dense attention over whole sequences on a GPU with torch: values against a reference in
float64, layouts, sequences of all lengths with sentinels around them, merges, graphs,
torch.compile.

    MLA_LIBRARY=<libmla-jit.so> PYTHONPATH=python python3 python/tests/test_torch_prefill.py

With MLA_TEST_PEER=<library>, that of bench/peers/flashattention, its error is compared with
ours.
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
    from mla.flash_attention import flash_attn_varlen_func
    from mla.transformer_engine import mla_attention
    from peer import Peer
    from reference import prefill_reference

SCALE = 192**-0.5
# Of TransformerEngine's tests, absolute; and of the relative Frobenius norm.
MOST = {"torch.bfloat16": (2.5e-2, 4e-3), "torch.float16": (5e-3, 5e-4)}
SENTINEL = 77.0


def make(b, s_q, s_kv, h_q, h_kv=None, d_qk=192, d_v=128, dtype=None, seed=0):
    generator = torch.Generator("cuda").manual_seed(seed)
    heads = h_kv or h_q
    shapes = {"q": (b, s_q, h_q, d_qk), "k": (b, s_kv, heads, d_qk), "v": (b, s_kv, heads, d_v)}
    return {
        name: torch.randn(shape, generator=generator, device="cuda").to(
            dtype or torch.bfloat16
        )
        for name, shape in shapes.items()
    }


def make_sequences(lengths_q, lengths_k, h_q=4, h_kv=4, gap=7, seed=0):
    """`gap` rows of NaN behind all sequences."""
    bounds = {
        name: torch.tensor([0, *itertools.accumulate(lengths)], dtype=torch.int32)
        for name, lengths in (("cu_seqlens_q", lengths_q), ("cu_seqlens_k", lengths_k))
    }
    inputs = make(
        *(1, sum(lengths_q) + gap, sum(lengths_k) + gap, h_q, h_kv), seed=seed
    )
    for name, lengths in (("q", lengths_q), ("k", lengths_k), ("v", lengths_k)):
        inputs[name][:, sum(lengths) :] = math.nan
    return {**inputs, **{name: b.cuda() for name, b in bounds.items()}}


@unittest.skipUnless(HAS_GPU, "needs torch and a GPU")
class Base(unittest.TestCase):
    def expect_out(self, got, want):
        absolute, relative = MOST[str(got.dtype)]
        self.assertEqual(tuple(got.shape), tuple(want.shape))
        error = got.double() - want
        self.assertFalse(bool(error.isnan().any()), "out is NaN")
        self.assertLessEqual(float(error.abs().amax()) if error.numel() else 0, absolute)
        self.assertLessEqual(float(error.norm()), relative * float(want.norm()) + 1e-30)

    def check(self, results, inputs, scale=SCALE, **options):
        out, lse = prefill_reference(**inputs, scale=scale, **options)
        self.expect_out(results[0], out)
        torch.testing.assert_close(results[1].double(), lse, atol=2e-5, rtol=1e-5)

    def prefill(self, inputs, scale=SCALE, **options):
        try:
            return mla.prefill(**inputs, scale=scale, **options)
        except LookupError as error:
            self.skipTest(str(error))


class Values(Base):
    def test_lengths(self):
        for (s_q, s_kv), h_q, causal in itertools.product(
            [
                *((1, 1), (1, 513), (127, 127), (128, 128), (129, 129), (257, 513)),
                *((513, 257), (513, 513), (300, 1), (1024, 1024), (64, 2048)),
            ],
            (1, 8, 16),
            (False, True),
        ):
            with self.subTest(s_q=s_q, s_kv=s_kv, h_q=h_q, causal=causal):
                inputs = make(2, s_q, s_kv, h_q)
                self.check(self.prefill(inputs, causal=causal), inputs, causal=causal)

    def test_many_heads(self):
        for h_q, h_kv in ((128, 128), (128, 1), (16, 4), (6, 2)):
            inputs = make(1, 257, 257, h_q, h_kv)
            self.check(self.prefill(inputs, causal=True), inputs, causal=True)

    def test_head_dimensions_and_types(self):
        for dtype in (torch.bfloat16, torch.float16):
            for d_qk, d_v in ((192, 128), (128, 128), (64, 64), (256, 256), (80, 48)):
                with self.subTest(d_qk=d_qk, d_v=d_v, dtype=dtype):
                    inputs = make(1, 200, 333, 4, d_qk=d_qk, d_v=d_v, dtype=dtype)
                    scale = d_qk**-0.5
                    results = self.prefill(inputs, scale, causal=True)
                    self.check(results, inputs, scale, causal=True)

    def test_options(self):
        inputs = make(1, 300, 100, 4)
        for options in (
            {"lse_base": 2},
            {"empty_lse": -math.inf},
            {"lse_base": 2, "empty_lse": -math.inf},
        ):
            results = self.prefill(inputs, causal=True, **options)
            self.check(results, inputs, causal=True, **options)

    def test_no_queries_or_keys(self):
        for b, s_q, s_kv in ((0, 5, 5), (2, 0, 5), (2, 5, 0)):
            inputs = make(b, s_q, s_kv, 4)
            out, lse = self.prefill(inputs)
            self.assertTrue(bool((out == 0).all()) and bool((lse == math.inf).all()))

    def test_the_same_bits_each_time(self):
        inputs = make(2, 1000, 1000, 16)
        first = self.prefill(inputs, causal=True)
        for _ in range(20):
            for got, want in zip(self.prefill(inputs, causal=True), first):
                self.assertTrue(torch.equal(got, want))


class Layouts(Base):
    def test_formats(self):
        inputs = make(3, 257, 300, 8)
        for qkv_format, places in (
            ("bshd", (0, 1, 2, 3)),
            ("bhsd", (0, 2, 1, 3)),
            ("sbhd", (1, 0, 2, 3)),
        ):
            permuted = {
                name: tensor.permute(places).contiguous() for name, tensor in inputs.items()
            }
            for causal in (False, True):
                out = mla_attention(**permuted, is_causal=causal, qkv_format=qkv_format)
                wanted, _ = prefill_reference(**inputs, scale=SCALE, causal=causal)
                self.expect_out(out, wanted.permute(places))

    def test_parts_of_a_packed_tensor_beyond_2_31_elements(self):
        h, s = 4, 300
        rows = 2**31 // (h * 512) + 2 * s
        packed = torch.empty(1, rows, h, 512, device="cuda", dtype=torch.bfloat16)
        packed[:, -s:] = torch.randn(1, s, h, 512, device="cuda")
        parts = packed[:, -s:].split((192, 192, 128), -1)
        inputs = dict(zip("qkv", parts))
        self.check(self.prefill(inputs, causal=True), inputs, causal=True)

    def test_results_in_larger_buffers(self):
        inputs = make(2, 200, 300, 8)
        out = torch.full((2, 10, 204, 256), SENTINEL, device="cuda", dtype=torch.bfloat16)
        lse = torch.full((8, 203, 3), SENTINEL, device="cuda")
        parts = (
            out[:, 1:9, 2:202, 64:192].transpose(1, 2),
            lse[:, 1:201, 1:3].permute(2, 1, 0),
        )
        self.check(self.prefill(inputs, out=parts[0], lse=parts[1]), inputs)
        for buffer, part in ((out, parts[0]), (lse, parts[1])):
            part.fill_(SENTINEL)
            self.assertTrue(bool((buffer == SENTINEL).all()))


class Sequences(Base):
    def check_sequences(self, inputs, causal):
        """Results of all sequences; what lies behind them keeps its sentinels."""
        rows = int(inputs["cu_seqlens_q"][-1])
        shape = inputs["q"].shape[:3]
        out = torch.full((*shape, 128), SENTINEL, device="cuda", dtype=torch.bfloat16)
        lse = torch.full(shape, SENTINEL, device="cuda")
        self.prefill(inputs, causal=causal, out=out, lse=lse)
        for result in out, lse:
            self.assertTrue(bool((result[:, rows:] == SENTINEL).all()))
        wanted = prefill_reference(**inputs, scale=SCALE, causal=causal)
        self.expect_out(out[:, :rows], wanted[0][:, :rows])
        torch.testing.assert_close(
            lse[:, :rows].double(), wanted[1][:, :rows], atol=2e-5, rtol=1e-5
        )

    def test_lengths(self):
        for lengths_q, lengths_k in (
            ((5,), (9,)),
            ((0, 1, 0, 127, 128, 129, 0), (3, 0, 0, 127, 300, 1, 64)),
            ((257, 513, 1), (257, 513, 1)),
            ((1,) * 40, tuple(range(40))),
            ((1000, 3, 200), (50, 700, 200)),
        ):
            for causal in (False, True):
                with self.subTest(lengths_q=lengths_q, causal=causal):
                    self.check_sequences(make_sequences(lengths_q, lengths_k), causal)

    def test_random_lengths(self):
        generator = torch.Generator().manual_seed(1)
        for number in range(8):
            count = int(torch.randint(1, 60, (1,), generator=generator))
            lengths = torch.randint(0, 400, (2, count), generator=generator)
            lengths[torch.rand(2, count, generator=generator) < 0.2] = 0
            inputs = make_sequences(*lengths.tolist(), h_q=8, h_kv=2, seed=number)
            self.check_sequences(inputs, causal=number % 2 == 1)

    def test_neighbours_with_nan(self):
        inputs = make_sequences((200, 100, 150), (200, 100, 150))
        clean = self.prefill(inputs, causal=True)
        for tensor in (inputs["q"], inputs["k"], inputs["v"]):
            tensor[:, 200:300] = math.nan
        dirty = self.prefill(inputs, causal=True)
        for got, want in zip(dirty, clean):
            for part in (slice(0, 200), slice(300, 450)):
                self.assertTrue(torch.equal(got[:, part], want[:, part]))
            self.assertTrue(bool(got[:, 200:300].isnan().all()))

    def test_bounds_outside_the_tensors(self):
        """They write nothing outside the results."""
        most = 2**31 - 1
        inputs = make_sequences((100, 200), (100, 200), gap=0)
        whole = {
            "out": torch.full((1, 900, 4, 128), SENTINEL, device="cuda").bfloat16(),
            "lse": torch.full((1, 900, 4), SENTINEL, device="cuda"),
        }
        results = {name: tensor[:, 300:600] for name, tensor in whole.items()}
        for bounds_q, bounds_k in (
            ((0, 100, most), (0, most, most)),
            ((-most, most, 5), (-most, most, -7)),
            ((most - 200, most, most), (300, 0, 5)),
            ((0, -100, 300), (0, 200, 100)),
        ):
            for name, bounds in (("cu_seqlens_q", bounds_q), ("cu_seqlens_k", bounds_k)):
                inputs[name].copy_(torch.tensor(bounds, dtype=torch.int32))
            for causal in (False, True):
                self.prefill(inputs, causal=causal, **results)
                torch.cuda.synchronize()
        for tensor in whole.values():
            for rows in (slice(0, 300), slice(600, 900)):
                self.assertTrue(bool((tensor[:, rows] == SENTINEL).all()))

    def test_many_short_sequences(self):
        inputs = make_sequences((16,) * 80000, (16,) * 80000, h_q=1, h_kv=1, gap=0)
        out, _ = self.prefill(inputs, causal=True)
        batch = {
            name: inputs[name].view(80000, 16, 1, -1)[-100:] for name in ("q", "k", "v")
        }
        wanted, _ = prefill_reference(**batch, scale=SCALE, causal=True)
        self.expect_out(out.view(80000, 16, 1, 128)[-100:], wanted)

    def test_flash_attention(self):
        inputs = make_sequences((100, 0, 300), (200, 50, 300), gap=0)
        flat = {name: t[0] if t.dim() == 4 else t for name, t in inputs.items()}
        out, lse = flash_attn_varlen_func(
            *flat.values(), 300, 300, causal=True, return_attn_probs=True
        )
        wanted = prefill_reference(
            **inputs, scale=SCALE, causal=True, empty_lse=-math.inf
        )
        self.expect_out(out, wanted[0][0])
        torch.testing.assert_close(
            lse.double(), wanted[1][0].T, atol=2e-5, rtol=1e-5
        )


@unittest.skipUnless("MLA_TEST_PEER" in os.environ, "needs MLA_TEST_PEER")
class Peers(Base):
    """The error of ours is at most 1.2 times that of another implementation."""

    def expect_better(self, inputs, causal):
        b, s_q, h_q, _ = inputs["q"].shape
        out = torch.full((b, s_q, h_q, 128), math.nan, device="cuda").to(inputs["q"].dtype)
        lse = torch.full((b, h_q, s_q), math.nan, device="cuda").transpose(1, 2)
        peer = Peer(os.environ["MLA_TEST_PEER"])
        options = f"prefill causal={'yes' if causal else 'no'} empty_lse=-inf"
        stream = torch.cuda.current_stream().cuda_stream
        peer.run(options, stream, **inputs, scale=SCALE, out=out, lse=lse)
        more = {"causal": causal, "empty_lse": -math.inf}
        wanted = prefill_reference(**inputs, scale=SCALE, **more)
        ours = self.prefill(inputs, **more)
        for name, mine, theirs, want in zip(("out", "lse"), ours, (out, lse), wanted):
            empty = want == -math.inf
            self.assertTrue(torch.equal(mine == -math.inf, empty))
            errors = [
                float((got.double() - want).masked_fill(empty, 0).norm())
                for got in (mine, theirs)
            ]
            scale = float(want.masked_fill(empty, 0).norm())
            # The peer's results are right as well.
            self.assertLess(errors[1], 5e-3 * scale, f"{peer.name}: {name}")
            self.assertLessEqual(errors[0], 1.2 * errors[1] + 1e-7 * scale, name)

    def test_dense(self):
        for b, s_q, s_kv, h_q, dtype in (
            (1, 2048, 2048, 16, torch.bfloat16),
            (2, 257, 513, 8, torch.bfloat16),
            (1, 513, 257, 4, torch.bfloat16),
            (1, 1, 1000, 16, torch.bfloat16),
            (1, 1000, 1000, 16, torch.float16),
        ):
            for causal in (False, True):
                with self.subTest(s_q=s_q, s_kv=s_kv, dtype=dtype, causal=causal):
                    self.expect_better(make(b, s_q, s_kv, h_q, dtype=dtype), causal)

    def test_grouped_heads(self):
        for causal in (False, True):
            self.expect_better(make(1, 300, 300, 16, 2), causal)

    def test_sequences(self):
        made = make_sequences((0, 1, 0, 127, 300), (3, 1, 0, 300, 300), gap=0)
        for causal in (False, True):
            self.expect_better(made, causal)


class Merges(Base):
    def test_chunks(self):
        """A prompt whose prefix is attended to in chunks, and then to itself."""
        whole = make(1, 200, 1200, 8)
        wanted = prefill_reference(**whole, scale=SCALE, causal=True)
        for lse_base, bounds in ((2, (0, 300, 300, 1000)), ("e", (0, 1000))):
            merged = None
            for begin, end in zip(bounds, (*bounds[1:], 1200)):
                keys = slice(begin, end)
                part = {
                    "q": whole["q"],
                    "k": whole["k"][:, keys],
                    "v": whole["v"][:, keys],
                }
                got = self.prefill(part, causal=end == 1200, lse_base=lse_base)
                merged = got if merged is None else mla.merge(
                    *merged, *got, lse_base=lse_base
                )
            out, lse = merged
            self.expect_out(out, wanted[0])
            in_base = wanted[1] / math.log(2) if lse_base == 2 else wanted[1]
            torch.testing.assert_close(lse.double(), in_base, atol=2e-5, rtol=1e-5)


class Graphs(Base):
    def test_capture(self):
        inputs = make(1, 300, 300, 8)
        out, lse = self.prefill(inputs, causal=True)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            mla.prefill(**inputs, scale=SCALE, causal=True, out=out, lse=lse)
        for name, tensor in make(1, 300, 300, 8, seed=1).items():
            inputs[name].copy_(tensor)
        graph.replay()
        self.check((out, lse), inputs, causal=True)

    def test_compile(self):
        inputs = make(2, 257, 257, 8)
        self.prefill(inputs)
        for backend in ("aot_eager", "inductor"):
            torch._dynamo.reset()
            compiled = torch.compile(
                lambda q, k, v: mla_attention(q * 1, k, v, is_causal=True) + 0,
                fullgraph=True,
                backend=backend,
            )
            wanted, _ = prefill_reference(**inputs, scale=SCALE, causal=True)
            self.expect_out(compiled(**inputs), wanted)


if __name__ == "__main__":
    unittest.main()
