# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Gradients of dense attention on a GPU with torch: values against float64 by autograd,
layouts, sequences of all lengths, the same bits each time, CUDA graphs, torch.compile.

    MLA_LIBRARY=<libmla-jit.so> PYTHONPATH=python \\
        python3 python/tests/test_torch_gradients.py

A part of TransformerEngine's grid, and all of it with MLA_TEST_GRID=all.
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
    from gradients import prefill_gradients
    from mla.flash_attention import flash_attn_func, flash_attn_varlen_func
    from mla.transformer_engine import mla_attention
    from torch.utils.checkpoint import checkpoint

SCALE = 192**-0.5
# Absolute and relative, of TransformerEngine's tests of the backward; and of the relative
# Frobenius norm.
MOST = {"torch.bfloat16": (2.5e-2, 6e-3), "torch.float16": (5e-3, 1e-3)}
SENTINEL = 77.0
ALL = os.environ.get("MLA_TEST_GRID") == "all"


def make(b, s_q, s_kv, h_q=4, h_kv=None, d_qk=192, d_v=128, dtype=None, seed=0):
    """dout, q, k and v by name, of the magnitudes of TransformerEngine's tests."""
    generator = torch.Generator("cuda").manual_seed(seed)
    heads = h_kv or h_q
    shapes = {
        "dout": (b, s_q, h_q, d_v),
        "q": (b, s_q, h_q, d_qk),
        "k": (b, s_kv, heads, d_qk),
        "v": (b, s_kv, heads, d_v),
    }
    return {
        name: (
            torch.randn(shape, generator=generator, device="cuda")
            * (0.1 if name == "dout" else 0.5)
        ).to(dtype or torch.bfloat16)
        for name, shape in shapes.items()
    }


def make_sequences(lengths_q, lengths_k, h_q=4, h_kv=4, gap=7, seed=0):
    """`gap` rows of NaN behind all sequences. Returns the tensors, and their bounds."""
    bounds = {
        name: torch.tensor(
            [0, *itertools.accumulate(lengths)], dtype=torch.int32, device="cuda"
        )
        for name, lengths in (("cu_seqlens_q", lengths_q), ("cu_seqlens_k", lengths_k))
    }
    rows = sum(lengths_q), sum(lengths_k)
    inputs = make(1, rows[0] + gap, rows[1] + gap, h_q, h_kv, seed=seed)
    for name, tensor in inputs.items():
        tensor[:, rows[name in ("k", "v")] :] = math.nan
    return inputs, bounds


def poison():
    """Leaves NaN in the memory that results and workspaces will be allocated from."""
    for size in (1 << 12, 1 << 20, 1 << 22, 1 << 25, 1 << 27):
        torch.full((size,), math.nan, device="cuda")


@unittest.skipUnless(HAS_GPU, "needs torch and a GPU")
class Base(unittest.TestCase):
    def expect(self, got, inputs, scale=SCALE, few_keys=False, dlse=None, **options):
        """`few_keys`: the gradients may be sums that cancel, whose relative errors are
        large."""
        wanted = prefill_gradients(**inputs, scale=scale, dlse=dlse, **options)
        for name, mine, want in zip(("dq", "dk", "dv"), got, wanted):
            absolute, relative = MOST[str(mine.dtype)]
            self.assertEqual(tuple(mine.shape), tuple(want.shape), name)
            self.assertFalse(bool(mine.isnan().any()), f"{name} is NaN")
            torch.testing.assert_close(
                *(mine.double(), want),
                atol=absolute,
                rtol=absolute,
                msg=lambda text: f"{name}: {text}",
            )
            if not few_keys:
                error = float((mine.double() - want).norm())
                most = relative * float(want.norm()) + 1e-30
                self.assertLessEqual(error, most, f"{name}: {error / most * relative:.2e}")

    def backward(self, inputs, scale=SCALE, dlse=None, **options):
        """Gradients of prefill."""
        tensors = [inputs[name].detach().requires_grad_() for name in "qkv"]
        poison()
        try:
            results = mla.prefill(*tensors, scale, **options)
        except LookupError as error:
            self.skipTest(str(error))
        gradients = inputs["dout"], dlse
        pairs = [pair for pair in zip(results, gradients) if pair[1] is not None]
        return torch.autograd.grad(
            [result for result, _ in pairs], tensors, [gradient for _, gradient in pairs]
        )

    def differentiate(self, function, inputs, dout):
        """Gradients by autograd."""
        tensors = [inputs[name].detach().requires_grad_() for name in "qkv"]
        try:
            out = function(*tensors)
            return torch.autograd.grad(out, tensors, dout)
        except LookupError as error:
            self.skipTest(str(error))

    def expect_same(self, got, wanted):
        for mine, want in zip(got, wanted):
            self.assertTrue(torch.equal(mine, want))


class Values(Base):
    def test_lengths(self):
        for (s_q, s_kv), causal in itertools.product(
            [
                *((1, 1), (1, 513), (300, 1), (63, 65), (127, 127), (128, 128)),
                *((129, 129), (257, 513), (513, 257), (64, 1500), (1024, 1024)),
            ],
            (False, True),
        ):
            with self.subTest(s_q=s_q, s_kv=s_kv, causal=causal):
                inputs = make(2, s_q, s_kv)
                got = self.backward(inputs, causal=causal)
                few_keys = min(s_q, s_kv) == 1
                self.expect(got, inputs, causal=causal, few_keys=few_keys)

    def test_transformer_engine(self):
        shapes = [
            (2, 128, 128, 4, 64, 64),
            (2, 256, 256, 4, 128, 128),
            (2, 256, 256, 8, 192, 128),
            (2, 512, 512, 8, 192, 128),
            (2, 256, 512, 4, 192, 128),
            (2, 257, 257, 4, 192, 128),
        ]
        for (b, s_q, s_kv, h, d_qk, d_v), dtype, causal in itertools.product(
            shapes, (torch.bfloat16, torch.float16), (False, True)
        ):
            # Each number of heads and type is a compilation.
            is_usual = causal and (h == 8) == (dtype == torch.float16)
            if not (ALL or is_usual):
                continue
            with self.subTest(s_q=s_q, h=h, d_qk=d_qk, dtype=dtype, causal=causal):
                inputs = make(b, s_q, s_kv, h, d_qk=d_qk, d_v=d_v, dtype=dtype)
                scale = d_qk**-0.5
                got = self.backward(inputs, scale, causal=causal)
                self.expect(got, inputs, scale, causal=causal)

    def test_grouped_heads(self):
        for h_q, h_kv in ((8, 2), (6, 1)) if ALL else ((8, 2),):
            inputs = make(2, 257, 300, h_q, h_kv)
            self.expect(self.backward(inputs, causal=True), inputs, causal=True)

    def test_long(self):
        inputs = make(1, 2048, 2048, 16)
        self.expect(self.backward(inputs, causal=True), inputs, causal=True)

    def test_the_gradient_of_lse(self):
        for options in ({}, {"lse_base": 2, "empty_lse": -math.inf}):
            # The first queries have no key.
            inputs = make(2, 300, 200)
            dlse = torch.randn(2, 4, 300, device="cuda").transpose(1, 2) * 0.1
            more = {"dlse": dlse, "causal": True, **options}
            self.expect(self.backward(inputs, **more), inputs, **more)

    def test_large_scores(self):
        """Softmax that picks one key: P is 1 or 0, to the last bit."""
        inputs = make(1, 200, 200)
        inputs["q"] *= 40
        got = self.backward(inputs, causal=True)
        for mine in got:
            self.assertTrue(bool(mine.isfinite().all()))
        dv = prefill_gradients(**inputs, scale=SCALE, causal=True)[2]
        torch.testing.assert_close(got[2].double(), dv, atol=2.5e-2, rtol=2.5e-2)

    def test_no_queries_or_keys(self):
        for b, s_q, s_kv in ((0, 5, 5), (2, 0, 5), (2, 5, 0)):
            for gradient in self.backward(make(b, s_q, s_kv)):
                self.assertTrue(bool((gradient == 0).all()))

    def test_the_same_bits_each_time(self):
        """Also while other work disturbs the order in which CTAs run."""
        noise, stream = torch.randn(2048, 2048, device="cuda"), torch.cuda.Stream()
        for options, inputs in (
            ({"causal": True}, make(2, 1000, 1000)),
            ({}, make(1, 300, 2500)),
        ):
            tensors = [inputs[name].detach().requires_grad_() for name in "qkv"]
            wanted = self.backward(inputs, **options)
            out, _ = mla.prefill(*tensors, SCALE, **options)
            for number in range(100):
                if number % 2:
                    with torch.cuda.stream(stream):
                        noise @ noise
                got = torch.autograd.grad(out, tensors, inputs["dout"], True)
                self.expect_same(got, wanted)


class Layouts(Base):
    def test_formats(self):
        inputs = make(3, 257, 300)
        for qkv_format, places in (
            ("bshd", (0, 1, 2, 3)),
            ("bhsd", (0, 2, 1, 3)),
            ("sbhd", (1, 0, 2, 3)),
        ):
            permuted = {name: t.permute(places).contiguous() for name, t in inputs.items()}
            for causal in (False, True):
                got = self.differentiate(
                    lambda *tensors: mla_attention(
                        *tensors, is_causal=causal, qkv_format=qkv_format
                    ),
                    *(permuted, permuted["dout"]),
                )
                for gradient in got:
                    self.assertTrue(gradient.is_contiguous())
                got = [gradient.permute(places) for gradient in got]
                self.expect(got, inputs, causal=causal)

    def test_flash_attention(self):
        """With the gradient of its lse."""
        inputs = make(2, 200, 300)
        tensors = [inputs[name].detach().requires_grad_() for name in "qkv"]
        out, lse = flash_attn_func(*tensors, causal=True, return_attn_probs=True)
        dlse = torch.randn_like(lse) * 0.1
        got = torch.autograd.grad((out, lse), tensors, (inputs["dout"], dlse))
        self.expect(got, inputs, causal=True, dlse=dlse.transpose(1, 2))

    def test_inputs_in_parts_of_a_buffer_beyond_2_31_elements(self):
        h, s = 4, 300
        rows = 2**31 // (h * 512) + 2 * s
        packed = torch.empty(1, rows, h, 512, device="cuda", dtype=torch.bfloat16)
        packed[:, -s:] = torch.randn(1, s, h, 512, device="cuda") * 0.5
        parts = packed[:, -s:].split((192, 192, 128), -1)
        inputs = {**make(1, s, s), **dict(zip("qkv", parts))}
        self.expect(self.backward(inputs, causal=True), inputs, causal=True)

    def test_incoming_gradients_of_any_layout(self):
        inputs = make(2, 100, 100)
        for dout in (
            torch.ones((), device="cuda").bfloat16().expand(2, 100, 4, 128),
            inputs["dout"].transpose(1, 3).contiguous().transpose(1, 3),
        ):
            got = self.differentiate(mla_attention, inputs, dout)
            self.expect(got, {**inputs, "dout": dout})


class Sequences(Base):
    def check(self, lengths_q, lengths_k=None, causal=True, **sizes):
        lengths_k = lengths_k or lengths_q
        inputs, bounds = make_sequences(lengths_q, lengths_k, **sizes)
        ends = sum(lengths_q), sum(lengths_k), sum(lengths_k)
        got = self.backward(inputs, causal=causal, **bounds)
        for end, gradient in zip(ends, got):
            self.assertTrue(bool((gradient[:, end:] == 0).all()))
        self.expect(
            *([tensor[:, :end] for tensor, end in zip(got, ends)],),
            {
                name: tensor[:, : ends[1] if name in ("k", "v") else ends[0]]
                for name, tensor in inputs.items()
            },
            causal=causal,
            few_keys=sum(ends) < 100,
            **bounds,
        )

    def test_lengths(self):
        for lengths_q, lengths_k in (
            ((0, 1023), None),
            ((1, 2044), None),
            ((5,), (9,)),
            ((0, 1, 0, 127, 128, 129, 0), (3, 0, 0, 127, 300, 1, 64)),
            ((257, 513, 1), None),
            ((1,) * 40, tuple(range(40))),
            ((1000, 3, 200), (50, 700, 200)),
        ):
            for causal in (False, True):
                with self.subTest(lengths_q=lengths_q, causal=causal):
                    self.check(lengths_q, lengths_k, causal)

    def test_random_lengths(self):
        generator = torch.Generator().manual_seed(1)
        for number in range(4):
            count = int(torch.randint(1, 40, (1,), generator=generator))
            lengths = torch.randint(0, 300, (2, count), generator=generator)
            lengths[torch.rand(2, count, generator=generator) < 0.2] = 0
            lengths[:, 0] = 200
            self.check(*lengths.tolist(), h_q=8, h_kv=2, seed=number)

    def test_neighbours_with_nan(self):
        inputs, bounds = make_sequences((200, 100, 150), (200, 100, 150), gap=0)
        clean = self.backward(inputs, causal=True, **bounds)
        for tensor in inputs.values():
            tensor[:, 200:300] = math.nan
        dirty = self.backward(inputs, causal=True, **bounds)
        for got, want in zip(dirty, clean):
            for part in (slice(0, 200), slice(300, 450)):
                self.assertTrue(torch.equal(got[:, part], want[:, part]))
            self.assertTrue(bool(got[:, 200:300].isnan().all()))

    def test_flash_attention(self):
        inputs, bounds = make_sequences((100, 0, 300), (200, 50, 300), gap=0)
        flat = {name: tensor[0] for name, tensor in inputs.items()}
        got = self.differentiate(
            lambda *tensors: flash_attn_varlen_func(
                *tensors, *bounds.values(), causal=True
            ),
            *(flat, flat["dout"]),
        )
        self.expect([t[None] for t in got], inputs, causal=True, **bounds)


class Training(Base):
    def test_compiled(self):
        inputs = make(2, 257, 257)

        def block(q, k, v):
            return mla_attention(q * 2, k, v, is_causal=True) * 0.5

        wanted = self.differentiate(block, inputs, inputs["dout"])
        compiled = torch.compile(block, fullgraph=True)
        self.expect_same(self.differentiate(compiled, inputs, inputs["dout"]), wanted)

    def test_activation_checkpointing(self):
        inputs = make(2, 257, 257)

        def block(q, k, v):
            return mla_attention(q, k, v, is_causal=True)

        wanted = self.differentiate(block, inputs, inputs["dout"])
        for reentrant in (False, True):

            def call(*tensors):
                return checkpoint(block, *tensors, use_reentrant=reentrant)

            tensors = [inputs[name].detach().requires_grad_() for name in "qkv"]
            call(*tensors).backward(inputs["dout"])
            self.expect_same([tensor.grad for tensor in tensors], wanted)

    def test_graph(self):
        inputs = make(2, 257, 257)
        tensors = [inputs[name].detach().requires_grad_() for name in "qkv"]

        def step():
            out = mla_attention(*tensors, is_causal=True)
            return torch.autograd.grad(out, tensors, inputs["dout"])

        wanted = self.differentiate(
            lambda *inputs: mla_attention(*inputs, is_causal=True), inputs, inputs["dout"]
        )
        stream = torch.cuda.Stream()
        with torch.cuda.stream(stream):
            step()
        stream.synchronize()
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph, stream=stream):
            got = step()
        for _ in range(3):
            for tensor in got:
                tensor.fill_(SENTINEL)
            graph.replay()
            self.expect_same(got, wanted)


if __name__ == "__main__":
    unittest.main()
