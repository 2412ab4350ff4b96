# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""mla.combine as a torch operator, with torch and without a GPU or a kernel: fake and
meta tensors, torch.export, torch.compile, opcheck. Launches are replaced by the
reference, on the CPU.

    PYTHONPATH=python python3 python/tests/test_torch_combine_cpu.py
"""

import math
import sys
import unittest
from unittest import mock

try:
    import torch
except ImportError:
    torch = None

import mla
from mla import split_kv

if torch is not None:
    from reference import combine_reference, combine_reference_launch
    from torch.fx.experimental.proxy_tensor import make_fx
    from torch_cases import Case
else:
    Case = unittest.TestCase


def load_tests(loader, tests, pattern):
    """Excluded from discovery, because other tests install a fake torch."""
    return tests if pattern is None else unittest.TestSuite()


def make(device="cpu", splits=4, rows=6, d_v=128, dtype=None, **more):
    """Inputs by name. One split of each row is empty, and all of the first row."""
    torch.manual_seed(0)
    dtype = dtype or torch.float32
    inputs = {
        "partial_out": torch.randn((splits, rows, d_v), device=device).to(dtype),
        "partial_lse": torch.randn((splits, rows), device=device),
    }
    inputs["partial_lse"][1] = -math.inf
    inputs["partial_lse"][:, 0] = -math.inf
    if more.pop("counted", False):
        inputs["num_splits"] = torch.arange(
            rows, dtype=torch.int32, device=device
        ) % (splits + 1)
    return {**inputs, **more}


def results_like(inputs, dtype=None):
    """Contiguous results, filled with a number that no result has."""
    _, rows, d_v = inputs["partial_out"].shape
    device = inputs["partial_out"].device
    return {
        "out": torch.full((rows, d_v), 77.0, device=device).to(dtype or torch.bfloat16),
        "lse": torch.full((rows,), 77.0, device=device),
    }


class Base(Case):
    def expect_shapes(self, results, dtype=None, rows=6, d_v=128):
        shapes = [tuple(result.shape) for result in results]
        self.assertEqual(shapes, [(rows, d_v), (rows,)])
        dtypes = [result.dtype for result in results]
        self.assertEqual(dtypes, [dtype or torch.bfloat16, torch.float32])

    def expect_values(self, results, inputs):
        for got, want in zip(results, combine_reference(**inputs)):
            torch.testing.assert_close(got, want.to(got.dtype))


class Fakes(Base):
    """Calls on fake tensors, which have shapes and no memory."""

    def setUp(self):
        # No test may launch.
        self.replace_launch(split_kv, side_effect=AssertionError)
        self.enter_fake_mode()

    def test_results_are_made(self):
        results = mla.combine(**make("cuda", counted=True))
        self.expect_shapes(results)
        self.assertEqual({str(result.device) for result in results}, {"cuda:0"})
        half = mla.combine(**make("cuda", dtype=torch.float16))
        self.expect_shapes(half, torch.float16)

    def test_results_are_given(self):
        inputs = make("cuda")
        given = results_like(inputs, torch.float16)
        for names in (("out",), ("lse",), ("out", "lse")):
            results = mla.combine(**inputs, **{name: given[name] for name in names})
            for got, name in zip(results, ("out", "lse")):
                if name in names:
                    self.assertIs(got, given[name])
            half = torch.float16 if "out" in names else torch.bfloat16
            self.expect_shapes(results, half)

    def test_meta(self):
        with torch.utils._python_dispatch._disable_current_modes():
            results = mla.combine(**make("meta"))
            self.expect_shapes(results)
            self.assertEqual(results[0].device.type, "meta")

    def test_errors(self):
        inputs = make("cuda")
        empty = lambda *shape, dtype=torch.float32: torch.empty(  # noqa: E731
            shape, dtype=dtype, device="cuda"
        )
        for kind, text, changes in [
            (
                ValueError,
                "partial_out: expected 3 dimensions, got 2",
                {"partial_out": empty(6, 128)},
            ),
            (
                ValueError,
                "partial_out: expected a multiple of 64 in dimension 2, got 100",
                {"partial_out": empty(4, 6, 100)},
            ),
            (
                TypeError,
                "partial_lse: expected f32, got f64",
                {"partial_lse": empty(4, 6, dtype=torch.float64)},
            ),
            (
                ValueError,
                "num_splits: expected 1 dimensions, got 2",
                {"num_splits": empty(6, 1, dtype=torch.int32)},
            ),
            (TypeError, "out: expected bf16 or f16, got f32", {"out": empty(6, 128)}),
            (ValueError, "lse_base: expected 'e' or 2, got 10", {"lse_base": 10}),
            (
                ValueError,
                "empty_split: expected -inf or inf, got 0",
                {"empty_split": 0},
            ),
            (
                ValueError,
                "stream: expected None where torch traces the call, got 5",
                {"stream": 5},
            ),
            (
                ValueError,
                "workspace: expected None where torch traces the call, got 5",
                {"workspace": 5},
            ),
        ]:
            with self.subTest(text):
                self.expect_error(kind, text, mla.combine, **{**inputs, **changes})


class OnTheCPU(Base):
    """The reference replaces the launch."""

    def setUp(self):
        self.launch = self.replace_launch(
            split_kv, side_effect=combine_reference_launch
        )
        torch._dynamo.reset()


OPTIONS = {"lse_base": 2, "empty_lse": -math.inf, "empty_split": math.inf}
WORDS = {"lse_base": "2", "empty_lse": "-inf", "empty_split": "+inf"}


class Operators(OnTheCPU):
    def test_opcheck(self):
        from mla import torch_ops  # noqa: F401

        for counted in (False, True):
            inputs = make(counted=counted)
            with self.subTest(counted=counted):
                torch.library.opcheck(torch.ops.mla.combine, (), inputs)
                arguments = {**inputs, **results_like(inputs), **WORDS}
                torch.library.opcheck(torch.ops.mla.combine_out, (), arguments)

    def test_opcheck_sees_faults(self):
        from mla import torch_ops  # noqa: F401

        def fault(torch, given, options):
            combine_reference_launch(torch, given, options)
            given["partial_out"].zero_()

        self.launch.side_effect = fault
        with self.assertRaises(Exception):
            torch.library.opcheck(torch.ops.mla.combine, (), make())

    def test_eager_calls_bypass_the_dispatcher(self):
        from mla import torch_ops

        inputs = make(counted=True)
        with mock.patch.object(torch_ops, "combine") as operator:
            self.expect_values(mla.combine(**inputs), inputs)
        operator.assert_not_called()
        self.launch.assert_called_once()

    def test_modes_see_calls(self):
        inputs = make()
        graph = make_fx(lambda *tensors: mla.combine(*tensors))(*inputs.values())
        targets = [node.target for node in graph.graph.nodes]
        self.assertIn(torch.ops.mla.combine.default, targets)
        self.expect_values(graph(*inputs.values()), inputs)

    def test_unknown_words(self):
        from mla import torch_ops  # noqa: F401

        self.expect_error(
            Exception,
            "empty_split: expected '-inf' or '+inf', got '0'",
            torch.ops.mla.combine,
            **make(),
            empty_split="0",
        )


class Compile(OnTheCPU):
    def test_results_are_made(self):
        for options in ({}, OPTIONS):
            inputs = make(counted=True)

            def step(partial_out, **rest):
                out, lse = mla.combine(partial_out * 2, **rest, **options)
                return out / 2, lse + 1

            out, lse = self.compile(step)(**inputs)
            self.expect_values((out, lse - 1), {**inputs, **options})

    def test_results_are_given(self):
        inputs = make()
        for names in (("out",), ("lse",), ("out", "lse")):
            given = {name: results_like(inputs)[name] for name in names}
            results = self.compile(mla.combine)(**inputs, **given)
            self.expect_values(results, inputs)
            for result, name in zip(results, ("out", "lse")):
                if name in given:
                    self.assertIs(result, given[name])

    def test_a_part_of_a_buffer(self):
        inputs = make()
        buffer = torch.full((8, 256), 77.0).bfloat16()

        def step(buffer, partial_out, partial_lse):
            return mla.combine(partial_out, partial_lse, out=buffer[1:-1, 64:192])[1]

        lse = self.compile(step)(buffer, *inputs.values())
        part = buffer[1:-1, 64:192]
        self.expect_values((part, lse), inputs)
        part.fill_(77)
        self.assertTrue(bool((buffer == 77).all()))

    def test_sizes_that_change(self):
        """Sizes that no kernel is compiled for do not compile the graph again."""
        compiled = self.compile(mla.combine, dynamic=True)
        with torch._dynamo.config.patch(error_on_recompile=True):
            for splits, rows in ((4, 6), (7, 9), (3, 33)):
                inputs = make(splits=splits, rows=rows, counted=True)
                self.expect_values(compiled(**inputs), inputs)


class Export(OnTheCPU):
    def test_results_are_made(self):
        tensors = tuple(make().values())
        rows = torch.export.Dim("rows", min=2)
        shapes = {"tensors": ({1: rows}, {1: rows})}
        for strict in (False, True):
            with self.subTest(strict=strict):
                program = self.export(
                    lambda *tensors: mla.combine(*tensors),
                    *tensors,
                    dynamic_shapes=shapes,
                    strict=strict,
                )
                operator = torch.ops.mla.combine.default
                self.assertIn(operator, self.targets(program))
                self.assertIn(operator, self.targets(program.run_decompositions()))
                self.launch.assert_not_called()
                other = make(rows=9)
                self.expect_values(program.module()(*other.values()), other)
                self.launch.reset_mock()

    def test_results_are_given(self):
        inputs = make()
        program = self.export(
            lambda partial_out, partial_lse, out: mla.combine(
                partial_out, partial_lse, out=out
            ),
            *inputs.values(),
            results_like(inputs)["out"],
        )
        # Torch 2.4 wraps it in auto_functionalized.
        self.assertIn("mla.combine_out", str(program.graph))
        for again in (program, program.run_decompositions()):
            given = results_like(inputs)["out"]
            _, lse = again.module()(*inputs.values(), given)
            self.expect_values((given, lse), inputs)


if __name__ == "__main__":
    if torch is None:
        print("skipped: needs torch")
        sys.exit(77)
    unittest.main()
