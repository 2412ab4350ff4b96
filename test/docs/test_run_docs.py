#!/usr/bin/env python3
"""Tests of run-docs.py: an excerpt that is stale has to be found."""

import contextlib
import importlib.util
import io
import pathlib
import tempfile
import unittest

HERE = pathlib.Path(__file__).resolve().parent
SPEC = importlib.util.spec_from_file_location("run_docs", HERE / "run-docs.py")
run_docs = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(run_docs)

TEXT = """\
  %0 = cta.ring "q" : !cta.ring<1x64>
  %1 = cta.ring "k" : !cta.ring<2x64>
  cta.role "producer" warps 4 {
    cta.mbarrier_wait %0[%c0]
    cta.arrive %1[%c0]
  }
"""


class Excerpts(unittest.TestCase):
    def matches(self, excerpt):
        return run_docs.find_mismatch(excerpt, TEXT) is None

    def test_same_text(self):
        self.assertTrue(self.matches(TEXT))

    def test_white_space_and_names_may_differ(self):
        self.assertTrue(self.matches('%q  = cta.ring "q" : !cta.ring<1x64>'))

    def test_a_name_stands_for_one_name(self):
        self.assertTrue(self.matches('%k = cta.ring "k" ...\n...\ncta.arrive %k[%zero]'))
        self.assertFalse(self.matches('%q = cta.ring "q" ...\n...\ncta.arrive %q[%zero]'))

    def test_lines_are_consecutive(self):
        self.assertFalse(self.matches('%q = cta.ring "q" ...\ncta.role ...'))
        self.assertTrue(self.matches('%q = cta.ring "q" ...\n...\ncta.role ...'))

    def test_lines_are_whole(self):
        self.assertFalse(self.matches('cta.role "producer"'))
        self.assertTrue(self.matches('cta.role "producer"...'))

    def test_other_text_is_named(self):
        mismatch = run_docs.find_mismatch('%k = cta.ring "k" ...\ncta.role "x" ...', TEXT)
        self.assertEqual(mismatch, 'cta.role "x" ...')

    def test_empty(self):
        self.assertFalse(self.matches(""))


class Links(unittest.TestCase):
    def check(self, text):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "a.md"
            path.write_text(text)
            with contextlib.redirect_stdout(io.StringIO()) as output:
                return run_docs.check_links(path, pathlib.Path(folder)), output.getvalue()

    def test_headings(self):
        text = "## 1. A `b_c`, --d\n[x](#1-a-b_c---d) [y](a.md) [z](https://a.b/c#d)\n"
        self.assertEqual(self.check(text), (True, ""))

    def test_no_file_and_no_heading(self):
        ok, output = self.check("[x](b.md)\n[y](a.md#no)\n```\n# no\n```\n")
        self.assertFalse(ok)
        self.assertIn("a.md:1: no file 'b.md'", output)
        self.assertIn("a.md:2: no heading 'a.md#no'", output)


if __name__ == "__main__":
    unittest.main()
