# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""mla.combine and mla.Package on a GPU with torch: values against a reference in
float64, streams, graphs, torch.compile, torch.export, workspaces.

    MLA_LIBRARY=<libmla-jit.so> PYTHONPATH=python python3 python/tests/test_torch_combine.py

With MLA_TEST_JIT, a path of mla-jit, it also compiles and calls a program of two
kernels with a workspace.
"""

import math
import os
import pathlib
import subprocess
import tempfile
import unittest

try:
    import torch
except ImportError:
    torch = None
HAS_GPU = torch is not None and torch.cuda.is_available()

if HAS_GPU:
    import mla
    from reference import combine_reference

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent


def make_inputs(splits=7, rows=100, d_v=512, dtype=None, counted=False, seed=0):
    """Normal partial results, with empty splits, whose values are NaN, and an empty
    row."""
    generator = torch.Generator().manual_seed(seed)
    partial_out = torch.randn(splits, rows, d_v, generator=generator)
    partial_lse = torch.randn(splits, rows, generator=generator)
    partial_lse[torch.rand(splits, rows, generator=generator) < 0.2] = -math.inf
    partial_lse[:, rows // 2] = -math.inf
    partial_out[partial_lse == -math.inf] = math.nan
    inputs = {
        "partial_out": partial_out.to("cuda", dtype or torch.float32),
        "partial_lse": partial_lse.cuda(),
    }
    if counted:
        count = torch.arange(rows, dtype=torch.int32) % (splits + 2) - 1
        inputs["num_splits"] = count.cuda()
    return inputs


@unittest.skipUnless(HAS_GPU, "needs torch and a GPU")
class Base(unittest.TestCase):
    def call(self, *arguments, **options):
        try:
            return mla.combine(*arguments, **options)
        except LookupError as error:
            self.skipTest(str(error))

    def check(self, results, **inputs):
        out, lse = combine_reference(**inputs)
        # One rounding to 16 bits, and sums in fp32.
        torch.testing.assert_close(results[0].double(), out, rtol=2**-8, atol=1e-5)
        torch.testing.assert_close(results[1].double(), lse, rtol=1e-5, atol=1e-5)


class Values(Base):
    def test_sizes_and_types(self):
        for splits, rows in ((1, 1), (7, 100), (64, 9), (256, 8)):
            for dtype in (torch.float32, torch.bfloat16, torch.float16):
                for counted in (False, True):
                    case = dict(splits=splits, rows=rows, dtype=dtype, counted=counted)
                    with self.subTest(**case):
                        inputs = make_inputs(**case)
                        results = self.call(**inputs)
                        self.check(results, **inputs)

    def test_conventions(self):
        inputs = make_inputs()
        inputs["partial_lse"][0, 0] = math.inf
        options = {"lse_base": 2, "empty_lse": -math.inf, "empty_split": math.inf}
        self.check(self.call(**inputs, **options), **inputs, **options)

    def test_stream_of_torch(self):
        inputs = make_inputs()
        self.call(**inputs)
        stream = torch.cuda.Stream()
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            # The launch has to wait for the work in front of it on its stream.
            torch.cuda._sleep(100_000_000)
            partial_out = inputs["partial_out"].clone()
            results = self.call(partial_out, inputs["partial_lse"])
        stream.synchronize()
        self.check(results, **inputs)

    def test_graph(self):
        inputs = make_inputs()
        self.call(**inputs)
        torch.cuda.synchronize()
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            results = mla.combine(**inputs)
        for seed in (1, 2):
            for name, value in make_inputs(seed=seed).items():
                inputs[name].copy_(value)
            graph.replay()
            torch.cuda.synchronize()
            self.check(results, **inputs)


class Traced(Base):
    """Calls that torch compiles, exports or runs on fake tensors."""

    def setUp(self):
        torch._dynamo.reset()

    def test_compile(self):
        for backend in ("aot_eager", "cudagraphs"):
            with self.subTest(backend=backend):
                compiled = torch.compile(self.call, fullgraph=True, backend=backend)
                for seed in range(3):
                    inputs = make_inputs(counted=True, seed=seed)
                    self.call(**inputs)
                    self.check(compiled(**inputs), **inputs)

    def test_compile_with_given_results(self):
        inputs = make_inputs()
        self.call(**inputs)
        buffer = torch.full((116, 1024), 77.0, device="cuda").bfloat16()

        def step(buffer, **inputs):
            return mla.combine(**inputs, out=buffer[8:-8, 256:768])[1]

        lse = torch.compile(step, fullgraph=True, backend="aot_eager")(buffer, **inputs)
        part = buffer[8:-8, 256:768]
        self.check((part, lse), **inputs)
        part.fill_(77)
        self.assertTrue(bool((buffer == 77).all()))

    def test_opcheck(self):
        from mla import torch_ops  # noqa: F401

        for counted in (False, True):
            inputs = make_inputs(counted=counted)
            # Comparisons of opcheck take NaN for a difference.
            inputs["partial_out"].nan_to_num_()
            out, lse = self.call(**inputs)
            torch.library.opcheck(torch.ops.mla.combine, (), inputs)
            torch.library.opcheck(
                torch.ops.mla.combine_out, (), {**inputs, "out": out, "lse": lse}
            )

    def test_export(self):
        inputs = make_inputs()
        self.call(**inputs)

        class Module(torch.nn.Module):
            def forward(self, partial_out, partial_lse):
                return mla.combine(partial_out, partial_lse)

        rows = torch.export.Dim("rows", min=2)
        program = torch.export.export(
            Module(), tuple(inputs.values()), dynamic_shapes=({1: rows}, {1: rows})
        )
        other = make_inputs(rows=33)
        self.check(program.module()(*other.values()), **other)


@unittest.skipUnless("MLA_TEST_JIT" in os.environ, "needs MLA_TEST_JIT")
class TwoKernels(Base):
    """test/Programs/split-sums.mlir: out is the sum of a row of a (b, c)^T."""

    @classmethod
    def setUpClass(cls):
        with tempfile.TemporaryDirectory() as folder:
            source = ROOT / "test" / "Programs" / "split-sums.mlir"
            command = [os.environ["MLA_TEST_JIT"], "compile", source, "-o", folder]
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
            cls.package = mla.Package(folder)

    def make(self, rows=130, keys=600, seed=0):
        generator = torch.Generator().manual_seed(seed)
        integers = lambda *shape: torch.randint(  # noqa: E731
            -2, 3, shape, generator=generator
        ).to("cuda", torch.bfloat16)
        return {
            "a": integers(rows, 64),
            "b": integers(keys, 64),
            "c": integers(64, 64),
            "out": torch.full((rows,), math.nan, device="cuda"),
        }

    def check_sums(self, a, b, c, out):
        want = a.double() @ torch.cat([b, c]).double().sum(0)
        torch.testing.assert_close(out.double(), want, rtol=0, atol=0)

    def test_workspaces(self):
        for keys in (1, 600, 5000):
            arguments = self.make(keys=keys)
            self.package(**arguments)
            self.check_sums(**arguments)
            needed = self.package.workspace_bytes(**arguments)
            workspace = torch.full((needed,), 255, dtype=torch.uint8, device="cuda")
            arguments["out"].fill_(math.nan)
            self.package(**arguments, workspace=workspace)
            self.check_sums(**arguments)

    def test_workspace_of_another_stream(self):
        """The memory of the workspace is not reused before the kernels have run."""
        arguments = self.make(keys=5000)
        stream = torch.cuda.Stream()
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            torch.cuda._sleep(100_000_000)
        needed = self.package.workspace_bytes(**arguments)
        self.package(**arguments, stream=stream)
        for _ in range(4):
            torch.full((needed,), 255, dtype=torch.uint8, device="cuda")
        stream.synchronize()
        self.check_sums(**arguments)

    def test_graph(self):
        arguments = self.make()
        self.package(**arguments)
        torch.cuda.synchronize()
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            self.package(**arguments)
        for seed in (1, 2):
            for name, value in self.make(seed=seed).items():
                arguments[name].copy_(value)
            graph.replay()
            torch.cuda.synchronize()
            self.check_sums(**arguments)


if __name__ == "__main__":
    unittest.main()
