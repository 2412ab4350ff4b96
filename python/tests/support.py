# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Shared by the tests on the fake driver: packages, arguments, and the launches that
are expected."""

import json
import os
import pathlib
import struct
import sys
import tempfile
import unittest
from unittest import mock

sys.path.append(str(pathlib.Path(__file__).resolve().parent.parent.parent / "test"))

import mla  # noqa: E402
from fake_package import make_package, parameter_sizes  # noqa: E402
from fakes import FakeDriver  # noqa: E402
from mla import _library  # noqa: E402

PACKAGES = {
    "plain": ("--h=128", "--d-qk=576"),
    "all": ("--h=64", "--d-qk=512", "--topk-length", "--sink"),
}
descriptors = {}
try:
    driver = FakeDriver()
except (OSError, AttributeError):
    driver = None


def setUpModule():
    """Imported by every test module; compiles the packages once."""
    if driver is None:
        raise unittest.SkipTest("needs the fake libcuda.so.1 in LD_LIBRARY_PATH")
    if descriptors:
        return
    with tempfile.TemporaryDirectory() as folder:
        for name, flags in PACKAGES.items():
            package = make_package(os.environ["MLA_TEST_JIT"], f"{folder}/{name}", *flags)
            descriptors[name] = json.loads((package / "kernel.json").read_text())
        assert mla.use_packages(folder) == len(PACKAGES)


def arguments_of(make, name="plain", s_q=3, s_kv=100, topk=40, **changes):
    """Arguments of sparse_prefill for a package, with padded rows of q and kv."""
    heads, d_qk = (128, 576) if name == "plain" else (64, 512)
    arguments = {
        "q": make("bf16", (s_q, heads, d_qk), (heads * 640, 640, 1)),
        "kv": make("bf16", (s_kv, 1, d_qk), (656, 656, 1)),
        "indices": make("i32", (s_q, 1, topk)),
        "scale": 0.5,
        "out": make("bf16", (s_q, heads, 512)),
        "max_logits": make("f32", (s_q, heads)),
        "lse": make("f32", (s_q, heads)),
    }
    if name == "all":
        arguments["topk_length"] = make("i32", (s_q,))
        arguments["attn_sink"] = make("f32", (heads,))
    arguments.update(changes)
    return arguments


def expected_parameters(descriptor, arguments):
    """Returns the bytes of each parameter of the only kernel; None for a tensor map."""
    names = [argument["name"] for argument in descriptor["arguments"]]
    result = []
    (kernel,) = descriptor["kernels"]
    for parameter in kernel["parameters"]:
        kind = parameter["kind"]
        if kind == "tensor_map":
            result.append(None)
            continue
        value = arguments[names[parameter["argument"]]]
        if kind == "pointer":
            result.append(struct.pack("Q", value.address))
        elif kind == "size":
            result.append(struct.pack("q", value.sizes[parameter["dim"]]))
        elif kind == "stride":
            result.append(struct.pack("q", value.steps[parameter["dim"]]))
        else:
            result.append(struct.pack("f", value))
    return result


class Base(unittest.TestCase):
    package = "plain"

    def setUp(self):
        self.use(self.package)

    def use(self, name):
        self.descriptor = descriptors[name]
        driver.reset(parameter_sizes(self.descriptor))

    def expect_launch(self, arguments, stream=0, context=16):
        self.assertEqual(len(driver.launches), 1)
        values, launched_on, current = driver.launches[0]
        for got, want in zip(values, expected_parameters(self.descriptor, arguments)):
            if want is not None:
                self.assertEqual(got, want)
        self.assertEqual(launched_on, stream)
        self.assertEqual(current, context)

    def expect_error(self, kind, text, arguments, **more):
        with self.assertRaises(kind) as caught:
            mla.sparse_prefill(**arguments, **more)
        self.assertIn(text, str(caught.exception))
        self.assertEqual(driver.launches, [])

    def use_own_library(self):
        """Replaces the library by one without the packages and options of other tests."""
        library = _library.Library(os.environ["MLA_LIBRARY"])
        patch = mock.patch.object(_library, "_library", library)
        patch.start()
        self.addCleanup(patch.stop)


def use_packages(case, packages, make):
    """Until the test class `case` ends, the library has these packages alone. `make`
    writes one into a folder, from the keywords that stand at its name in `packages`."""
    library = _library.Library(os.environ["MLA_LIBRARY"])
    with tempfile.TemporaryDirectory() as folder:
        for name, properties in packages.items():
            make(f"{folder}/{name}", **properties)
        library.add_packages(folder)
    patch = mock.patch.object(_library, "_library", library)
    patch.start()
    case.addClassCleanup(patch.stop)
