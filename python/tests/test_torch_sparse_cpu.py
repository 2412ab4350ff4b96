# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""sparse_prefill as a torch operator, with torch and without a GPU or a kernel: fake
and meta tensors, torch.export, torch.compile, opcheck. Launches are replaced by the
reference, on the CPU.

    PYTHONPATH=python python3 python/tests/test_torch_sparse_cpu.py
"""

import math
import subprocess
import sys
import unittest
from unittest import mock

try:
    import torch
except ImportError:
    torch = None

import mla
from mla import sparse

if torch is not None:
    from reference import reference, reference_launch
    from torch._subclasses.fake_tensor import FakeTensorMode
    from torch.fx.experimental.proxy_tensor import make_fx
    from torch_cases import Case
else:
    Case = unittest.TestCase


def load_tests(loader, tests, pattern):
    """Excluded from discovery, because other tests install a fake torch."""
    return tests if pattern is None else unittest.TestSuite()


def make(device="cpu", s_q=3, heads=16, d_qk=512, s_kv=100, topk=40, **more):
    """Inputs by FlashMLA's names."""
    torch.manual_seed(0)
    empty = device in ("cuda", "meta")
    normal = torch.empty if empty else torch.randn
    indices = torch.zeros((s_q, 1, topk), dtype=torch.int32, device=device)
    inputs = {
        "q": normal((s_q, heads, d_qk), dtype=torch.bfloat16, device=device),
        "kv": normal((s_kv, 1, d_qk), dtype=torch.bfloat16, device=device),
        "indices": indices if empty else indices.random_(-1, s_kv + 1),
        "sm_scale": 0.0625,
    }
    if more.pop("options", False):
        inputs["attn_sink"] = normal(heads, device=device)
        inputs["topk_length"] = torch.full(
            (s_q,), topk - 3, dtype=torch.int32, device=device
        )
    return {**inputs, **more}


def results_like(inputs):
    """Contiguous results, filled with a number that no result has."""
    s_q, heads = inputs["q"].shape[:2]
    device = inputs["q"].device
    shapes = {"out": (s_q, heads, 512), "max_logits": (s_q, heads), "lse": (s_q, heads)}
    return {
        name: torch.full(
            shape,
            77.0,
            dtype=torch.bfloat16 if name == "out" else torch.float32,
            device=device,
        )
        for name, shape in shapes.items()
    }


def prefill_arguments(inputs, results):
    """Arguments of sparse_prefill and its operator, by name."""
    arguments = {**inputs, **results}
    arguments["scale"] = arguments.pop("sm_scale")
    return arguments


class Base(Case):
    def expect_shapes(self, results, s_q=3, heads=16):
        shapes = [tuple(result.shape) for result in results]
        self.assertEqual(shapes, [(s_q, heads, 512), (s_q, heads), (s_q, heads)])
        dtypes = [result.dtype for result in results]
        self.assertEqual(dtypes, [torch.bfloat16, torch.float32, torch.float32])

    def expect_values(self, results, inputs):
        wanted = reference(**inputs)
        for got, want in zip(results, wanted):
            torch.testing.assert_close(got, want.to(got.dtype))


class Importing(unittest.TestCase):
    def run_python(self, code):
        subprocess.run([sys.executable, "-c", code], check=True)

    def test_does_not_import_torch(self):
        self.run_python("import sys, mla; assert 'torch' not in sys.modules")

    def test_torch_may_come_later(self):
        self.run_python(
            "import mla, torch\n"
            "q = torch.empty(3, 16, 512, dtype=torch.bfloat16, device='meta')\n"
            "kv = torch.empty(9, 1, 512, dtype=torch.bfloat16, device='meta')\n"
            "i = torch.empty(3, 1, 8, dtype=torch.int32, device='meta')\n"
            "assert mla.flash_mla_sparse_fwd(q, kv, i, 1.0)[1].shape == (3, 16)\n"
        )


class Fakes(Base):
    """Calls on fake tensors, which have shapes and no memory."""

    def setUp(self):
        # No test may launch.
        self.replace_launch(sparse, side_effect=AssertionError)
        self.enter_fake_mode()

    def test_results_are_made(self):
        results = mla.flash_mla_sparse_fwd(**make("cuda", options=True))
        self.expect_shapes(results)
        self.assertEqual({str(result.device) for result in results}, {"cuda:0"})

    def test_results_are_given(self):
        inputs = make("cuda")
        given = results_like(inputs)
        results = mla.flash_mla_sparse_fwd(**inputs, **given)
        for got, want in zip(results, given.values()):
            self.assertIs(got, want)
        results = mla.flash_mla_sparse_fwd(**inputs, out=given["out"])
        self.assertIs(results[0], given["out"])
        self.expect_shapes(results)
        self.assertIsNone(mla.sparse_prefill(**prefill_arguments(inputs, given)))

    def test_meta(self):
        with torch.utils._python_dispatch._disable_current_modes():
            results = mla.flash_mla_sparse_fwd(**make("meta"))
            self.expect_shapes(results)
            self.assertEqual(results[0].device.type, "meta")

    def test_errors(self):
        inputs = make("cuda")
        bf16, f32 = torch.bfloat16, torch.float32
        empty = lambda *shape, dtype=bf16: torch.empty(  # noqa: E731
            shape, dtype=dtype, device="cuda"
        )
        for kind, text, changes in [
            (ValueError, "q: expected 3 dimensions, got 2", {"q": empty(16, 512)}),
            (
                ValueError,
                "q: expected 1 to 128 heads in dimension 1, got 129",
                {"q": empty(3, 129, 512)},
            ),
            (
                TypeError,
                "kv: expected bf16 or f16, got f32",
                {"kv": empty(100, 1, 512, dtype=f32)},
            ),
            (
                TypeError,
                "indices: expected bf16, f16, f32, f64, i8, i32, i64, f8E4M3FN, got torch.uint8",
                {"indices": empty(3, 1, 40, dtype=torch.uint8)},
            ),
            (
                ValueError,
                "attn_sink: expected 1 dimensions, got 2",
                {"attn_sink": empty(1, 16, dtype=f32)},
            ),
            (ValueError, "d_v: expected 512, got 256", {"d_v": 256}),
            (ValueError, "lse_base: expected 'e' or 2, got 10", {"lse_base": 10}),
            (ValueError, "empty_lse: expected inf or -inf, got 0", {"empty_lse": 0}),
            (ValueError, "sm_scale: expected a value above 0, got -1", {"sm_scale": -1.0}),
            (
                TypeError,
                "out: expected bf16 or f16, got f32",
                {"out": empty(3, 16, 512, dtype=f32)},
            ),
            (
                ValueError,
                "lse: expected 2 dimensions, got 1",
                {"lse": empty(3, dtype=f32)},
            ),
        ]:
            with self.subTest(text):
                self.expect_error(
                    kind, text, mla.flash_mla_sparse_fwd, **{**inputs, **changes}
                )
        arguments = prefill_arguments(inputs, results_like(inputs))
        self.expect_error(
            ValueError,
            "stream: expected None where torch traces the call, got 5",
            mla.sparse_prefill,
            **arguments,
            stream=5,
        )
        self.expect_error(
            ValueError,
            "workspace: expected None where torch traces the call, got 5",
            mla.flash_mla_sparse_fwd,
            **inputs,
            workspace=5,
        )


class OnTheCPU(Base):
    """The reference replaces the launch."""

    def setUp(self):
        self.launch = self.replace_launch(sparse, side_effect=reference_launch)
        torch._dynamo.reset()


class Operators(OnTheCPU):
    def test_opcheck(self):
        for options in (False, True):
            inputs = make(options=options)
            with self.subTest(options=options):
                torch.library.opcheck(torch.ops.mla.flash_mla_sparse_fwd, (), inputs)
                inputs.update(lse_base="2", empty_lse="-inf")
                torch.library.opcheck(
                    torch.ops.mla.sparse_prefill,
                    (),
                    prefill_arguments(inputs, results_like(inputs)),
                )

    def test_opcheck_sees_faults(self):
        def fault(torch, given, scale, lse_options):
            reference_launch(torch, given, scale, lse_options)
            given["q"].zero_()

        self.launch.side_effect = fault
        with self.assertRaises(Exception):
            torch.library.opcheck(torch.ops.mla.flash_mla_sparse_fwd, (), make())

    def test_eager_calls_bypass_the_dispatcher(self):
        inputs = make()
        parameter = {**inputs, "q": torch.nn.Parameter(inputs["q"], requires_grad=False)}
        from mla import torch_ops

        with mock.patch.object(torch_ops, "flash_mla_sparse_fwd") as operator:
            for arguments in (inputs, parameter):
                self.expect_values(mla.flash_mla_sparse_fwd(**arguments), inputs)
        operator.assert_not_called()
        self.assertEqual(self.launch.call_count, 2)

    def test_jit_trace(self):
        inputs = make()
        tensors = inputs["q"], inputs["kv"], inputs["indices"]
        traced = torch.jit.trace(
            lambda *tensors: mla.flash_mla_sparse_fwd(*tensors, 0.0625),
            tensors,
            check_trace=False,
        )
        self.assertIn("mla::flash_mla_sparse_fwd", str(traced.graph))

    def test_modes_see_calls(self):
        inputs = make()
        graph = make_fx(lambda *tensors: mla.flash_mla_sparse_fwd(*tensors, 0.0625))(
            inputs["q"], inputs["kv"], inputs["indices"]
        )
        targets = [node.target for node in graph.graph.nodes]
        self.assertIn(torch.ops.mla.flash_mla_sparse_fwd.default, targets)
        results = graph(inputs["q"], inputs["kv"], inputs["indices"])
        self.expect_values(results, inputs)


class Compile(OnTheCPU):
    def test_results_are_made(self):
        for options in (False, True):
            inputs = make(options=options)

            def step(q, scale, **rest):
                out, max_logits, lse = mla.flash_mla_sparse_fwd(
                    q * 2, sm_scale=scale / 2, **rest
                )
                return out, max_logits + 1, lse

            rest = dict(inputs)
            q, scale = rest.pop("q"), rest.pop("sm_scale")
            out, max_logits, lse = self.compile(step)(q, scale, **rest)
            self.expect_values((out, max_logits - 1, lse), inputs)

    def test_results_are_given(self):
        inputs = make()
        for names in (("out",), ("max_logits", "lse"), ("out", "max_logits", "lse")):
            given = {name: results_like(inputs)[name] for name in names}
            results = self.compile(mla.flash_mla_sparse_fwd)(**inputs, **given)
            self.expect_values(results, inputs)
            for index, name in enumerate(("out", "max_logits", "lse")):
                if name in given:
                    self.assertIs(results[index], given[name])

    def test_a_part_of_a_buffer(self):
        inputs = make()
        buffer = torch.full((3 + 2, 16 + 2, 1024), 77.0, dtype=torch.bfloat16)
        lses = torch.full((3 + 2, 16 + 2), 77.0)

        def step(buffer, lses, q, kv, indices):
            results = mla.flash_mla_sparse_fwd(
                *(q, kv, indices, 0.0625),
                out=buffer[1:-1, 1:-1, 256:768],
                lse=lses[1:-1, 1:-1],
            )
            return results[1]

        tensors = inputs["q"], inputs["kv"], inputs["indices"]
        max_logits = self.compile(step)(buffer, lses, *tensors)
        part = buffer[1:-1, 1:-1, 256:768]
        self.expect_values((part, max_logits, lses[1:-1, 1:-1]), inputs)
        part.fill_(77)
        lses[1:-1, 1:-1] = 77
        self.assertTrue(bool((buffer == 77).all() and (lses == 77).all()))

    def test_sparse_prefill(self):
        inputs = make(options=True)
        given = results_like(inputs)
        self.compile(mla.sparse_prefill)(**prefill_arguments(inputs, given))
        self.expect_values(given.values(), inputs)

    def test_what_lse_is(self):
        inputs = {**make(), "lse_base": 2, "empty_lse": -math.inf}
        inputs["indices"][0] = -1
        results = self.compile(mla.flash_mla_sparse_fwd)(**inputs)
        self.expect_values(results, inputs)
        self.assertEqual(results[2][0, 0], -math.inf)
        given = results_like(inputs)
        self.compile(mla.sparse_prefill)(**prefill_arguments(inputs, given))
        self.expect_values(given.values(), inputs)
        self.expect_error(
            Exception,
            "lse_base: expected 'e' or '2', got '10'",
            torch.ops.mla.flash_mla_sparse_fwd,
            **{**inputs, "lse_base": "10", "empty_lse": "-inf"},
        )

    def test_sizes_that_change(self):
        """Sizes that no kernel is compiled for do not compile the graph again."""
        compiled = self.compile(mla.flash_mla_sparse_fwd, dynamic=True)
        with torch._dynamo.config.patch(error_on_recompile=True):
            for s_q, s_kv, topk in ((3, 100, 40), (5, 90, 20), (2, 200, 80)):
                inputs = make(s_q=s_q, s_kv=s_kv, topk=topk)
                self.expect_values(compiled(**inputs), inputs)

    def test_errors_say_what_is_wrong(self):
        inputs = make()
        inputs["kv"] = inputs["kv"].float()
        self.expect_error(
            Exception,
            "kv: expected bf16 or f16, got f32",
            self.compile(mla.flash_mla_sparse_fwd),
            **inputs,
        )


class Export(OnTheCPU):
    def test_results_are_made(self):
        inputs = make()
        tensors = inputs["q"], inputs["kv"], inputs["indices"]
        s_q = torch.export.Dim("s_q", min=2)
        shapes = {"tensors": ({0: s_q}, None, {0: s_q})}
        forward = lambda *tensors: mla.flash_mla_sparse_fwd(*tensors, 0.0625)  # noqa: E731
        for strict in (False, True):
            with self.subTest(strict=strict):
                program = self.export(
                    forward, *tensors, dynamic_shapes=shapes, strict=strict
                )
                operator = torch.ops.mla.flash_mla_sparse_fwd.default
                self.assertIn(operator, self.targets(program))
                self.assertIn(operator, self.targets(program.run_decompositions()))
                self.launch.assert_not_called()
                other = make(s_q=7)
                results = program.module()(other["q"], other["kv"], other["indices"])
                self.expect_values(results, other)
                self.launch.reset_mock()

    def test_results_are_given(self):
        inputs = make()
        program = self.export(
            lambda q, kv, indices, out: mla.flash_mla_sparse_fwd(
                q, kv, indices, 0.0625, out=out
            ),
            *(inputs["q"], inputs["kv"], inputs["indices"]),
            results_like(inputs)["out"],
        )
        # Torch 2.4 wraps it in auto_functionalized.
        self.assertIn("mla.sparse_prefill", str(program.graph))
        for again in (program, program.run_decompositions()):
            given = results_like(inputs)["out"]
            _, max_logits, lse = again.module()(
                inputs["q"], inputs["kv"], inputs["indices"], given
            )
            self.expect_values((given, max_logits, lse), inputs)

    def test_fake_tensors(self):
        with FakeTensorMode():
            inputs = make("cuda")
            program = self.export(
                lambda *tensors: mla.flash_mla_sparse_fwd(*tensors, 0.0625),
                *(inputs["q"], inputs["kv"], inputs["indices"]),
            )
        self.assertIn(
            torch.ops.mla.flash_mla_sparse_fwd.default, self.targets(program)
        )


if __name__ == "__main__":
    if torch is None:
        print("skipped: needs torch")
        sys.exit(77)
    unittest.main()
