#!/usr/bin/env python3
"""Tests of run-docs.py: an excerpt that is stale has to be found."""

import importlib.util
import pathlib
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


if __name__ == "__main__":
    unittest.main()
