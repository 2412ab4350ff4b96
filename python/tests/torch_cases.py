# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What the tests of torch operators on the CPU share."""

import logging
import unittest
from unittest import mock

import torch
from torch._subclasses.fake_tensor import FakeTensorMode


class Case(unittest.TestCase):
    def expect_error(self, kind, text, function, **arguments):
        # torch also logs what a fake raises.
        logging.disable()
        self.addCleanup(logging.disable, logging.NOTSET)
        with self.assertRaises(kind) as caught:
            function(**arguments)
        self.assertIn(text, str(caught.exception))

    def replace_launch(self, module, **how):
        patch = mock.patch.object(module, "launch", **how)
        self.addCleanup(patch.stop)
        return patch.start()

    def enter_fake_mode(self):
        mode = FakeTensorMode()
        mode.__enter__()
        self.addCleanup(mode.__exit__, None, None, None)
        return mode

    def compile(self, function, **options):
        return torch.compile(function, fullgraph=True, backend="aot_eager", **options)

    def export(self, forward, *arguments, **options):
        module = torch.nn.Module()
        module.forward = forward
        return torch.export.export(module, arguments, **options)

    def targets(self, program):
        return [node.target for node in program.graph.nodes]
