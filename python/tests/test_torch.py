# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""On a GPU with torch: values against a reference in float64, streams, graphs,
results that the caller gives, torch.compile and torch.export.

    MLA_LIBRARY=<libmla-jit.so> PYTHONPATH=python python3 python/tests/test_torch.py

With the runtime alone, MLA_PACKAGES names the packages; cases without one are
skipped.
"""

import math
import os
import shutil
import sysconfig
import unittest

try:
    import torch
except ImportError:
    torch = None
HAS_GPU = torch is not None and torch.cuda.is_available()

# Triton compiles a Python extension module.
HAS_INDUCTOR = any(map(shutil.which, ("cc", "gcc", "clang"))) and os.path.exists(
    os.path.join(sysconfig.get_paths()["include"], "Python.h")
)

if HAS_GPU:
    import mla
    from reference import reference


def make_inputs(s_q=62, s_kv=1024, topk=500, h_q=128, d_qk=576, seed=0, device="cuda"):
    """Inputs as in FlashMLA's tests: normal with deviation 0.1, with invalid indices,
    and NaN in rows that no index names."""
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
    indices[s_q // 2] = -1  # A query without a valid index.
    return (
        q.to(device, torch.bfloat16),
        kv.to(device, torch.bfloat16),
        indices.to(device, torch.int32),
        d_qk**-0.5,
    )


@unittest.skipUnless(HAS_GPU, "needs torch and a GPU")
class Base(unittest.TestCase):
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


class Values(Base):
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
            # The launch has to wait for the work in front of it on its stream.
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


CANARY = 77.0


class Part:
    """A result of `shape` in the middle of a larger buffer, in each dimension."""

    def __init__(self, shape, dtype, margin):
        sizes = [size + 2 * margin for size in shape]
        self.buffer = torch.full(sizes, CANARY, dtype=dtype, device="cuda")
        self.place = tuple(slice(margin, margin + size) for size in shape)
        self.part = self.buffer[self.place]

    def is_clean_outside(self):
        around = self.buffer.clone()
        around[self.place] = CANARY
        return bool((around == CANARY).all())


def make_parts(s_q, h_q):
    # Addresses and strides of out have to be multiples of 16 bytes.
    return {
        "out": Part((s_q, h_q, 512), torch.bfloat16, 8),
        "max_logits": Part((s_q, h_q), torch.float32, 3),
        "lse": Part((s_q, h_q), torch.float32, 5),
    }


class GivenResults(Base):
    def check_parts(self, given, results, *inputs, **options):
        torch.cuda.synchronize()
        for name, result in zip(("out", "max_logits", "lse"), results):
            if name in given:
                self.assertIs(result, given[name].part)
                self.assertTrue(given[name].is_clean_outside(), name)
        self.check(results, *inputs, **options)

    def test_parts_of_buffers(self):
        for h_q, d_qk in ((128, 576), (64, 512)):
            inputs = make_inputs(h_q=h_q, d_qk=d_qk)
            for names in (("out",), ("lse",), ("out", "max_logits", "lse")):
                with self.subTest(h_q=h_q, names=names):
                    parts = make_parts(62, h_q)
                    given = {name: parts[name] for name in names}
                    tensors = {name: given[name].part for name in names}
                    for _ in range(2):  # The second call finds a known Launch.
                        results = self.call(*inputs, **tensors)
                        self.check_parts(given, results, *inputs)

    def test_other_orders_of_dimensions(self):
        inputs = make_inputs()
        storage = torch.full((128, 62, 512 + 64), CANARY, device="cuda").bfloat16()
        out = storage.transpose(0, 1)[:, :, :512]
        results = self.call(*inputs, out=out)
        self.assertIs(results[0], out)
        self.check(results, *inputs)
        self.assertTrue(bool((storage[:, :, 512:] == CANARY).all()))

    def test_beside_the_inputs(self):
        """q and out in columns of one buffer."""
        q, *rest = make_inputs()
        buffer = torch.full((62, 128, 576 + 512), CANARY, device="cuda").bfloat16()
        buffer[:, :, :576] = q
        out = buffer[:, :, 576:]
        results = self.call(buffer[:, :, :576], *rest, out=out)
        self.check(results, q, *rest)
        self.assertTrue(torch.equal(buffer[:, :, :576], q))

    def test_in_a_graph(self):
        inputs = make_inputs()
        parts = make_parts(62, 128)
        tensors = {name: part.part for name, part in parts.items()}
        self.call(*inputs, **tensors)
        for part in tensors.values():
            part.fill_(CANARY)
        torch.cuda.synchronize()
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            results = mla.flash_mla_sparse_fwd(*inputs, **tensors)
        graph.replay()
        self.check_parts(parts, results, *inputs)

    def test_errors(self):
        inputs = make_inputs()
        empty = lambda *shape, **how: torch.empty(  # noqa: E731
            shape, **{"dtype": torch.bfloat16, "device": "cuda", **how}
        )
        self.call(*inputs)
        for kind, text, given in [
            (ValueError, "'out': expected size s_q = 62", {"out": empty(61, 128, 512)}),
            (ValueError, "'out': expected size 128 in dim 1", {"out": empty(62, 64, 512)}),
            (
                TypeError,
                "out: expected bf16 or f16, got f32",
                {"out": empty(62, 128, 512, dtype=torch.float32)},
            ),
            (
                ValueError,
                "out: expected a CUDA tensor, got one on cpu",
                {"out": empty(62, 128, 512, device="cpu")},
            ),
            (
                ValueError,
                "'out': expected memory apart from that of 'q', got an overlap",
                {"out": inputs[0][:, :, :512]},
            ),
            (
                ValueError,
                "'out': expected a written tensor whose elements do not overlap",
                {"out": empty(1, 128, 512).expand(62, 128, 512)},
            ),
        ]:
            with self.subTest(text), self.assertRaises(kind) as caught:
                mla.flash_mla_sparse_fwd(*inputs, **given)
            self.assertIn(text, str(caught.exception))


class Traced(Base):
    """Calls that torch compiles, exports or runs on fake tensors."""

    OPTIONS = ({"backend": "aot_eager"}, {"backend": "cudagraphs"})
    if HAS_INDUCTOR:
        OPTIONS += ({}, {"mode": "reduce-overhead"})

    def setUp(self):
        torch._dynamo.reset()

    def step(self, q, kv, indices, sm_scale, **options):
        """Ops before and after the call, which inductor compiles to kernels."""
        out, max_logits, lse = mla.flash_mla_sparse_fwd(
            q * 2, kv, indices, sm_scale / 2, **options
        )
        return out * 2, max_logits + 1, lse + 1

    def check_step(self, results, *inputs, **options):
        out, max_logits, lse = results
        self.check((out / 2, max_logits - 1, lse - 1), *inputs, **options)

    def test_compile(self):
        inputs = make_inputs()
        self.call(*inputs)
        for options in self.OPTIONS:
            with self.subTest(**options):
                compiled = torch.compile(self.step, fullgraph=True, **options)
                for seed in range(4):
                    inputs = make_inputs(seed=seed)
                    self.check_step(compiled(*inputs), *inputs)

    def test_compile_with_options(self):
        inputs = make_inputs()
        options = {
            "attn_sink": torch.nn.Parameter(torch.randn(128, device="cuda"), False),
            "topk_length": torch.full((62,), 300, device="cuda", dtype=torch.int32),
        }
        self.call(*inputs, **options)
        compiled = torch.compile(self.step, fullgraph=True, **self.OPTIONS[-1])
        self.check_step(compiled(*inputs, **options), *inputs, **options)

    def test_compile_sizes_that_change(self):
        self.call(*make_inputs())
        compiled = torch.compile(self.step, fullgraph=True, dynamic=True, **self.OPTIONS[0])
        with torch._dynamo.config.patch(error_on_recompile=True):
            for s_q, s_kv, topk in ((62, 1024, 500), (5, 900, 128), (33, 4096, 70)):
                inputs = make_inputs(s_q=s_q, s_kv=s_kv, topk=topk)
                self.check_step(compiled(*inputs), *inputs)

    def test_compile_with_given_results(self):
        inputs = make_inputs()
        self.call(*inputs)

        def step(buffer, lses, *inputs):
            buffer.add_(0)  # The graph mutates the buffer of the results too.
            out, max_logits, _ = mla.flash_mla_sparse_fwd(
                *inputs, out=buffer[8:-8, 8:-8, 8:-8], lse=lses[5:-5, 5:-5]
            )
            return max_logits, out + 1

        for options in self.OPTIONS:
            with self.subTest(**options):
                compiled = torch.compile(step, fullgraph=True, **options)
                parts = make_parts(62, 128)
                out, lse = parts["out"], parts["lse"]
                max_logits, more = compiled(out.buffer, lse.buffer, *inputs)
                self.check((out.part, max_logits, lse.part), *inputs)
                self.assertTrue(torch.equal(more, out.part + 1))
                self.assertTrue(out.is_clean_outside() and lse.is_clean_outside())

    def test_compile_sparse_prefill(self):
        inputs = make_inputs()
        self.call(*inputs)
        tensors = {name: part.part for name, part in make_parts(62, 128).items()}
        compiled = torch.compile(mla.sparse_prefill, fullgraph=True, **self.OPTIONS[0])
        compiled(*inputs, **tensors)
        self.check(tensors.values(), *inputs)

    def test_export(self):
        inputs = make_inputs()
        self.call(*inputs)
        step, scale = self.step, inputs[3]

        class Module(torch.nn.Module):
            def forward(self, q, kv, indices):
                return step(q, kv, indices, scale)

        s_q = torch.export.Dim("s_q", min=2)
        for strict in (False, True):
            with self.subTest(strict=strict):
                program = torch.export.export(
                    Module(),
                    inputs[:3],
                    dynamic_shapes=({0: s_q}, None, {0: s_q}),
                    strict=strict,
                )
                targets = [node.target for node in program.graph.nodes]
                self.assertIn(torch.ops.mla.flash_mla_sparse_fwd.default, targets)
                for again in (program, program.run_decompositions()):
                    other = make_inputs(s_q=17)
                    self.check_step(again.module()(*other[:3]), *other)

    def test_opcheck(self):
        for h_q, d_qk in ((128, 576), (64, 512)):
            inputs = make_inputs(h_q=h_q, d_qk=d_qk, s_q=4)
            length = torch.full((4,), 300, device="cuda", dtype=torch.int32)
            for options in ({}, {"topk_length": length}):
                self.call(*inputs, **options)
                torch.library.opcheck(
                    torch.ops.mla.flash_mla_sparse_fwd, inputs, options
                )
                tensors = {name: part.part for name, part in make_parts(4, h_q).items()}
                torch.library.opcheck(
                    torch.ops.mla.sparse_prefill, inputs, {**tensors, **options}
                )

    def test_fake_tensors(self):
        with torch._subclasses.fake_tensor.FakeTensorMode() as mode:
            inputs = make_inputs(s_q=4)
            results = mla.flash_mla_sparse_fwd(*inputs)
            self.assertEqual(
                [tuple(result.shape) for result in results],
                [(4, 128, 512), (4, 128), (4, 128)],
            )
            self.assertTrue(all(result.fake_mode is mode for result in results))


if __name__ == "__main__":
    unittest.main()
