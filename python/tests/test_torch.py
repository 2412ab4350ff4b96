# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""On a GPU with torch: values against a reference in float64, streams, graphs.

    MLA_LIBRARY=<libmla-jit.so> PYTHONPATH=python python3 python/tests/test_torch.py

With the runtime alone, MLA_PACKAGES names the packages; cases without one are
skipped.
"""

import math
import unittest

try:
    import torch
except ImportError:
    torch = None
HAS_GPU = torch is not None and torch.cuda.is_available()

if HAS_GPU:
    import mla


def make_inputs(s_q=62, s_kv=1024, topk=500, h_q=128, d_qk=576, seed=0, device="cuda"):
    """As FlashMLA's tests make them: normal, a tenth, with entries that are no
    index, and NaN in rows that no entry names."""
    generator = torch.Generator().manual_seed(seed)
    q = torch.randn(s_q, h_q, d_qk, generator=generator) / 10
    kv = torch.randn(s_kv, 1, d_qk, generator=generator) / 10
    used = s_kv - s_kv // 8
    kv[used:] = math.nan
    indices = torch.randint(0, used, (s_q, 1, topk), generator=generator)
    wild = torch.tensor([-(2**31), -123456, -1, s_kv, 114514, 2**31 - 1])
    which = torch.randint(0, len(wild), indices.shape, generator=generator)
    bad = torch.rand(indices.shape, generator=generator) < 0.1
    indices = torch.where(bad, wild[which], indices)
    indices[s_q // 2] = -1  # A query that sees nothing.
    return (
        q.to(device, torch.bfloat16),
        kv.to(device, torch.bfloat16),
        indices.to(device, torch.int32),
        d_qk**-0.5,
    )


def reference(q, kv, indices, scale, attn_sink=None, topk_length=None):
    q, rows, indices = q.double(), kv.double()[:, 0], indices.long()[:, 0]
    valid = (indices >= 0) & (indices < len(rows))
    if topk_length is not None:
        position = torch.arange(indices.shape[1], device=q.device)
        valid &= position < topk_length[:, None]
    chosen = rows[torch.where(valid, indices, 0)]
    chosen = torch.where(valid[:, :, None], chosen, 0.0)
    logits = torch.einsum("shd,std->sht", q, chosen) * scale
    logits = logits.masked_fill(~valid[:, None], -math.inf)
    max_logits, lse = logits.amax(-1), logits.logsumexp(-1)
    total = lse
    if attn_sink is not None:
        total = torch.logaddexp(lse, attn_sink.double()[None])
    weights = torch.exp(logits - total[:, :, None])
    weights = torch.where(lse[:, :, None] == -math.inf, 0.0, weights)
    out = torch.einsum("sht,std->shd", weights, chosen[:, :, :512])
    return out, max_logits, torch.where(lse == -math.inf, math.inf, lse)


@unittest.skipUnless(HAS_GPU, "needs torch and a GPU")
class Values(unittest.TestCase):
    def expect_close(self, name, got, want, absolute, relative):
        got = got.double()
        special = ~torch.isfinite(want)
        self.assertTrue(torch.equal(got[special], want[special]), name)
        got, want = got[~special], want[~special]
        error = (got - want).abs()
        bad = error[(error >= absolute) & (error >= relative * want.abs())]
        self.assertEqual(bad.numel(), 0, f"{name}: off by {bad.tolist()[:3]}")

    def call(self, *arguments, **options):
        try:
            return mla.flash_mla_sparse_fwd(*arguments, **options)
        except LookupError as error:
            self.skipTest(str(error))

    def check(self, results, *arguments, **options):
        wanted = reference(*arguments, **options)
        for name, got, want, absolute, relative in zip(
            ("out", "max_logits", "lse"),
            results,
            wanted,
            (8e-4, 1e-6, 1e-6),
            (3.01 / 128, 2.01 / 65536, 2.01 / 65536),
        ):
            self.expect_close(name, got, want, absolute, relative)

    def test_shapes(self):
        for h_q in (128, 64):
            for d_qk in (576, 512):
                for s_q, s_kv, topk in ((62, 1024, 500), (1, 64, 1), (5, 4096, 2048)):
                    case = dict(h_q=h_q, d_qk=d_qk, s_q=s_q, s_kv=s_kv, topk=topk)
                    with self.subTest(**case):
                        inputs = make_inputs(**case)
                        self.check(self.call(*inputs), *inputs)

    def test_sink_and_length(self):
        for h_q, d_qk in ((128, 576), (64, 512)):
            inputs = make_inputs(h_q=h_q, d_qk=d_qk)
            sink = torch.randn(h_q, device="cuda")
            sink[0], sink[1] = math.inf, -math.inf
            length = torch.randint(0, 600, (62,), device="cuda", dtype=torch.int32)
            for options in (
                {"attn_sink": sink},
                {"topk_length": length},
                {"attn_sink": sink, "topk_length": length},
            ):
                with self.subTest(h_q=h_q, options=list(options)):
                    self.check(self.call(*inputs, **options), *inputs, **options)

    def test_what_lse_is(self):
        inputs = make_inputs()
        inputs[2][3] = -1
        out, max_logits, lse = reference(*inputs)
        for lse_base, empty_lse in ((2, math.inf), ("e", -math.inf), (2, -math.inf)):
            with self.subTest(lse_base=lse_base, empty_lse=empty_lse):
                options = dict(lse_base=lse_base, empty_lse=empty_lse)
                got = self.call(*inputs, **options)
                want = lse / math.log(2) if lse_base == 2 else lse
                want = torch.where(lse == math.inf, empty_lse, want)
                self.assertEqual(want[3, 0], empty_lse)
                self.expect_close("out", got[0], out, 8e-4, 3.01 / 128)
                self.expect_close("lse", got[2], want, 1e-6, 2.01 / 65536)

    def test_strides(self):
        q, kv, indices, scale = make_inputs()
        wide = torch.full((1024, 1, 656), math.nan, device="cuda", dtype=kv.dtype)
        wide[:, :, :576] = kv
        turned = q.transpose(0, 1).contiguous().transpose(0, 1)
        self.check(
            self.call(turned, wide[:, :, :576], indices, scale), q, kv, indices, scale
        )

    def test_nothing(self):
        q, kv, indices, scale = make_inputs(s_q=2)
        out, max_logits, lse = self.call(q[:0], kv, indices[:0], scale)
        self.assertEqual(out.shape, (0, 128, 512))
        self.assertEqual(lse.shape, (0, 128))

    def test_stream_of_torch(self):
        inputs = make_inputs()
        self.call(*inputs)
        stream = torch.cuda.Stream()
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            # The launch has to come behind what its stream is busy with.
            torch.cuda._sleep(100_000_000)
            q = inputs[0].clone()
            results = self.call(q, *inputs[1:])
        stream.synchronize()
        self.check(results, *inputs)

    def test_graph(self):
        inputs = make_inputs()
        self.call(*inputs)
        q = torch.zeros_like(inputs[0])
        torch.cuda.synchronize()
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            results = self.call(q, *inputs[1:])
        for seed in (1, 2):
            q.copy_(make_inputs(seed=seed)[0])
            graph.replay()
            torch.cuda.synchronize()
            self.check(results, q, *inputs[1:])

    @unittest.skipUnless(HAS_GPU and torch.cuda.device_count() > 1, "needs two GPUs")
    def test_the_tensors_device(self):
        inputs = make_inputs(device="cuda:1")
        self.assertEqual(torch.cuda.current_device(), 0)
        results = self.call(*inputs)
        self.assertEqual(results[0].device, inputs[0].device)
        self.assertEqual(torch.cuda.current_device(), 0)
        self.check(results, *inputs)


if __name__ == "__main__":
    unittest.main()
