# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""mla.plan_decode and mla.decode of a contiguous cache, and of queries and keys in two
tensors each, on the fake driver."""

import unittest

import mla
from decode_support import SMS, Base, address, expect_kernels
from support import driver, setUpModule  # noqa: F401


class Forms(Base):
    def inputs(self, rope=False, rows=None, b=3):
        """`rows`: of a contiguous cache."""
        d_qk = 512 if rope else 576
        cache = (40, 64, 1) if rows is None else (b, rows, 1)
        inputs = {
            "q": self.make("bf16", (b, 1, 128, d_qk)),
            "k_cache": self.make("bf16", (*cache, d_qk)),
            "block_table": self.make("i32", (b, 12)) if rows is None else None,
            "cache_seqlens": self.lengths(b),
        }
        if rope:
            inputs["q_rope"] = self.make("bf16", (b, 1, 128, 64))
            inputs["k_rope"] = self.make("bf16", (*cache, 64))
        return inputs

    def expect_call(self, package, inputs, room, plan=None):
        """The tensors that are given are launched on, in the kernel's order, with a plan
        for requests that have room for so much."""
        first = () if plan else ("decode_plan",)
        expect_kernels(*first, "decode", "decode_combine", package=package)
        out, lse = mla.decode(**inputs, scale=0.5, plan=plan)
        if not plan:
            self.assertEqual(address(driver.launches[0][0][2]), room)
        names = "q q_rope k_cache k_rope block_table cache_seqlens".split()
        wanted = [inputs[name] for name in names if inputs.get(name) is not None]
        got = [address(value) for value in driver.launches[-2][0]]
        wanted = [tensor.address for tensor in [*wanted, out, lse]]
        self.assertEqual(got[: len(wanted)], wanted)

    def test_calls(self):
        for package, options, room in [
            ("rope", {"rope": True}, 12),
            ("contiguous", {"rows": 37}, 37),
            ("contiguous-rope", {"rope": True, "rows": 4096}, 4096),
        ]:
            with self.subTest(package):
                self.expect_call(package, self.inputs(**options), room)

    def test_one_kernel_for_all_lengths_of_a_cache(self):
        plan = self.plan_of(page_size=None)
        for rows in (1, 37, 4096):
            self.expect_call("contiguous", self.inputs(rows=rows), None, plan)

    def plan_of(self, **options):
        package = "contiguous" if "page_size" in options else "h128"
        expect_kernels("decode_plan", package=package)
        return mla.plan_decode(self.lengths(), 1, 128, **options)

    def test_strides(self):
        inputs = self.inputs(rope=True, rows=100)
        inputs["k_cache"] = self.make("bf16", (3, 100, 1, 512), (10**6, 640, 512, 1))
        inputs["k_rope"] = self.make("bf16", (3, 100, 1, 64), (64, 512, 64, 1))
        self.expect_call("contiguous-rope", inputs, 100)

    def test_room(self):
        for options, room in [({}, 2**31 - 257), ({"max_tokens": 300}, 300)]:
            made = self.plan_of(page_size=None, **options)
            self.assertEqual(address(driver.launches[0][0][2]), room)
            self.assertEqual(made.sizes[-1], -1)
            self.assertEqual(made.plan.sizes, (SMS, 8))

    def test_plans_serve_other_forms(self):
        """Only the tiles of the rows count."""
        plan = self.plan_of()
        self.expect_call("contiguous", self.inputs(rows=37), None, plan)
        self.expect_call("rope", self.inputs(rope=True), None, plan)

    def test_errors_of_a_plan(self):
        for text, options in [
            ("d_rope: expected 64, got 32", {"d_rope": 32}),
            ("d_qk: expected 512 with 64 further columns, got 576", {"d_rope": 64}),
            ("max_pages: expected None with page_size = None, got a number",
             {"page_size": None, "max_pages": 3}),
            ("max_tokens: expected None with page_size = 64, got a number",
             {"max_tokens": 3}),
            ("max_tokens: expected 0 or more, got -1",
             {"page_size": None, "max_tokens": -1}),
        ]:
            with self.subTest(text):
                lengths = self.lengths()
                self.expect_error(ValueError, text, mla.plan_decode, lengths, 1, 128, **options)

    def test_errors(self):
        make = self.make
        for kind, text, form, changes in [
            (ValueError, "k_rope: expected a tensor beside q_rope, got None",
             {"rope": True}, {"k_rope": None}),
            (ValueError, "q_rope: expected a tensor beside k_rope, got None",
             {"rope": True}, {"q_rope": None}),
            (ValueError, "q_rope: size of dimension 3: expected 64, got 32",
             {"rope": True}, {"q_rope": make("bf16", (3, 1, 128, 32))}),
            (ValueError, "argument 'k_rope': expected size 64 in dim 3, got 32",
             {"rope": True}, {"k_rope": make("bf16", (40, 64, 1, 32))}),
            (ValueError, "q: size of dimension 3: expected 512 with 64 further columns, "
             "got 576", {"rope": True}, {"q": make("bf16", (3, 1, 128, 576))}),
            (TypeError, "k_rope: expected bf16, as q has, got f16",
             {"rope": True}, {"k_rope": make("f16", (40, 64, 1, 64))}),
            (ValueError, "q_rope: expected 4 dimensions, got 3",
             {"rope": True}, {"q_rope": make("bf16", (3, 128, 64))}),
            (ValueError, "argument 'k_rope': expected size b = 3", {"rope": True, "rows": 37},
             {"k_rope": make("bf16", (4, 37, 1, 64))}),
            (ValueError, "argument 'k_rope': expected size page_size = 37",
             {"rope": True, "rows": 37}, {"k_rope": make("bf16", (3, 36, 1, 64))}),
            (ValueError, "argument 'k_cache': expected size b = 3", {"rows": 37},
             {"k_cache": make("bf16", (2, 37, 1, 576))}),
            # Rows of requests, given with a table, are pages.
            (ValueError, "k_cache: page size in dimension 1: expected a power of two up "
             "to 256 or a multiple of 64, got 37", {"rows": 37},
             {"block_table": make("i32", (3, 12))}),
        ]:
            with self.subTest(text):
                package = "rope" if "rope" in form else "h128"
                if "rows" in form:
                    package = "contiguous-rope" if "rope" in form else "contiguous"
                plan = None if "q_rope: expected 4" in text else self.plan_of()
                expect_kernels("decode_plan", package=package)
                inputs = {**self.inputs(**form), **changes}
                self.expect_error(kind, text, mla.decode, **inputs, scale=1, plan=plan)


if __name__ == "__main__":
    unittest.main()
