# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""mla.checked on the fake driver, whose device memory is the host's.

    MLA_LIBRARY=<libmla-jit.so or libmla-runtime.so> PYTHONPATH=python \\
        python3 -m unittest discover -s python/tests
"""

import ctypes
import threading
import unittest
from unittest import mock

import mla
import prefill_support
from decode_support import Base, expect_kernels
from mla import _cuda
from mla.flash_attention import flash_attn_varlen_func
from support import driver, setUpModule  # noqa: F401


def make_ints(case, values, shape=None, strides=None):
    """A tensor of int32 with these words in memory."""
    words = (ctypes.c_int32 * len(values))(*values)
    case.addCleanup(lambda: words)  # Until then the memory lives.
    return case.make(
        "i32", shape or (len(values),), strides, data=ctypes.addressof(words)
    )


class Lengths(Base):
    """Pages of 64, 12 per request, of a cache of 40."""

    def decode(self, lengths, table=None, **changed):
        inputs = self.inputs()
        pages = [request * 12 + page for request in range(3) for page in range(12)]
        inputs["block_table"] = make_ints(self, table or pages, (3, 12))
        inputs["cache_seqlens"] = make_ints(self, [100, 100, 100])
        expect_kernels("decode_plan")
        made = mla.plan_decode(inputs["cache_seqlens"], s_q=1, h_q=128)
        inputs["cache_seqlens"] = make_ints(self, lengths)
        expect_kernels("decode", "decode_combine")
        with mla.checked():
            return mla.decode(**{**inputs, **changed}, scale=1, plan=made)

    def expect_fault(self, text, *arguments, **changed):
        with self.assertRaisesRegex(ValueError, "^" + text + "$"):
            self.decode(*arguments, **changed)
        self.assertEqual(driver.launches, [])

    def test_right_ones(self):
        self.decode([0, 64 * 12, 65])
        self.assertEqual(len(driver.launches), 2)
        # Entries that no length needs may be anything.
        self.decode([0, 64, 65], [-7] * 12 + [39] + [40] * 11 + [0, 39] + [1 << 30] * 10)
        self.assertEqual(len(driver.launches), 2)

    def test_lengths(self):
        room = "expected 0 to 768, 12 pages of 64 in block_table"
        text = rf"request 1: cache_seqlens\[1\] is 769, {room}"
        self.expect_fault(text, [768, 769, 1 << 30])
        text = rf"request 2: cache_seqlens\[2\] is -1, {room}"
        self.expect_fault(text, [0, 0, -1])

    def test_entries(self):
        pages = list(range(36))
        for place, page in ((0, -1), (13, 40), (35, 1 << 30)):
            table = list(pages)
            table[place] = page
            row, column = divmod(place, 12)
            self.expect_fault(
                rf"request {row}: block_table\[{row}, {column}\] is {page}, expected a "
                "page of k_cache, 0 to 39",
                *([768, 768, 768], table),
            )

    def test_rows_that_are_apart(self):
        """A table that is a part of a wider one."""
        wide = [7] * 12 + [99] * 12
        table = make_ints(self, wide * 3, (3, 12), (24, 1))
        self.decode([768] * 3, block_table=table)
        table = make_ints(self, wide * 2 + [7, 99] * 12, (3, 12), (24, 1))
        text = r"request 2: block_table\[2, 1\] is 99, .*"
        self.expect_fault(text, [768, 768, 65], block_table=table)
        self.decode([768, 768, 64], block_table=table)

    def test_shapes_and_strides(self):
        """Nothing is read beyond a tensor."""
        short = make_ints(self, [7] * 24, (2, 12))
        with self.assertRaisesRegex(ValueError, "'block_table': expected size b = 3"):
            self.decode([64, 64, 64], block_table=short)
        text = "cache_seqlens: expected stride 1 in its last dimension, got 0"
        expanded = make_ints(self, [5], (3,), (0,))
        expect_kernels("decode_plan")
        with mla.checked(), self.assertRaisesRegex(ValueError, text):
            mla.plan_decode(expanded, s_q=1, h_q=128)

    def test_other_threads(self):
        faults = []

        def run():
            try:
                mla.plan_decode(make_ints(self, [-5]), s_q=1, h_q=128)
            except ValueError as error:
                faults.append(error)

        with mla.checked():
            thread = threading.Thread(target=run)
            thread.start()
            thread.join()
        self.assertEqual(len(faults), 1)

    def test_a_contiguous_cache(self):
        expect_kernels("decode_plan", package="contiguous")
        made = mla.plan_decode(
            make_ints(self, [1, 1, 1]), s_q=1, h_q=128, page_size=None
        )
        inputs = {
            "q": self.make("bf16", (3, 1, 128, 576)),
            "k_cache": self.make("bf16", (3, 500, 1, 576)),
            "cache_seqlens": make_ints(self, [500, 501, 0]),
        }
        text = r"request 1: cache_seqlens\[1\] is 501, expected 0 to 500, the rows of k_cache"
        with mla.checked(), self.assertRaisesRegex(ValueError, text):
            mla.decode(**inputs, block_table=None, scale=1, plan=made)

    def test_plans(self):
        text = r"request 1: cache_seqlens\[1\] is -5, expected 0 or more"
        lengths = make_ints(self, [1 << 30, -5])
        with mla.checked(), self.assertRaisesRegex(ValueError, text):
            mla.plan_decode(lengths, s_q=1, h_q=128)

    def test_only_within(self):
        """Nothing is read and nobody waits elsewhere."""
        expect_kernels("decode_plan")
        with mock.patch.object(_cuda, "synchronize", side_effect=AssertionError):
            mla.plan_decode(make_ints(self, [-5]), s_q=1, h_q=128)
        with self.assertRaises(KeyError):
            with mla.checked():
                raise KeyError
        expect_kernels("decode_plan")
        mla.plan_decode(make_ints(self, [-5]), s_q=1, h_q=128)

    def test_captures(self):
        with mock.patch.object(_cuda, "is_capturing", return_value=True):
            text = "mla.checked: expected a launch outside of the capture of a graph"
            with mla.checked(), self.assertRaisesRegex(ValueError, text):
                mla.plan_decode(make_ints(self, [5]), s_q=1, h_q=128)


class Sequences(prefill_support.Base):
    """Of 100 queries and 300 keys."""

    def prefill(self, bounds_q, bounds_k):
        self.use("varlen")
        with mla.checked():
            return mla.prefill(
                **self.inputs(b=1),
                scale=1,
                cu_seqlens_q=make_ints(self, bounds_q),
                cu_seqlens_k=make_ints(self, bounds_k),
            )

    def test_right_ones(self):
        self.prefill([0, 0, 40, 100], [0, 300, 300, 300])
        self.assertEqual(len(driver.launches), 1)
        self.prefill([0], [0])

    def test_faults(self):
        for text, *bounds in (
            (r"sequence 0: cu_seqlens_q\[0\] is 1, expected 0", [1, 5], [0, 5]),
            (r"sequence 0: cu_seqlens_k\[0\] is -1, expected 0", [0, 5], [-1, 5]),
            (
                r"sequence 1: cu_seqlens_q\[2\] is 4, expected at least "
                r"cu_seqlens_q\[1\] = 5",
                *([0, 5, 4], [0, 5, 6]),
            ),
            (
                r"sequence 2: cu_seqlens_k\[3\] is 301, expected at most 300, the rows of k",
                *([0, 5, 9, 100], [0, 5, 300, 301]),
            ),
        ):
            with self.assertRaisesRegex(ValueError, "^" + text + "$"):
                self.prefill(*bounds)
            self.assertEqual(driver.launches, [])

    def test_functions_of_other_packages(self):
        self.use("flash-varlen")
        inputs = {
            name: self.make("bf16", tensor.sizes[1:])
            for name, tensor in self.inputs(b=1).items()
        }
        bounds = make_ints(self, [0, 101]), make_ints(self, [0, 300])
        text = r"sequence 0: cu_seqlens_q\[1\] is 101, expected at most 100, the rows of q"
        with mla.checked(), self.assertRaisesRegex(ValueError, text):
            flash_attn_varlen_func(*inputs.values(), *bounds)


if __name__ == "__main__":
    unittest.main()
