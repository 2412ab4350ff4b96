# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The choice of the kernel for a call, on the fake driver: packages, their fixed sizes,
compile options."""

import json
import math
import os
import pathlib
import tempfile
import types
import unittest
from unittest import mock

import mla

# First: it adds the folder of fake_package to sys.path.
from support import Base, arguments_of, descriptors, driver, setUpModule  # noqa: F401

from fake_package import fake_cubin, make_package, seal
from fakes import CudaArray
from mla import _kernel, _library, sparse


class Kernels(Base):
    def test_other_shape_classes(self):
        library = _library.library()
        arguments = arguments_of(CudaArray)
        arguments["q"] = CudaArray("bf16", (3, 127, 576))
        arguments["out"] = CudaArray("bf16", (3, 127, 512))
        arguments["max_logits"] = CudaArray("f32", (3, 127))
        arguments["lse"] = CudaArray("f32", (3, 127))
        if not library.has_jit:
            self.expect_error(
                LookupError, "no package for sparse_prefill(h_q=127", arguments
            )
            return
        before = len(library._compiled)
        # It is compiled once. Its parameters are those of 128 heads.
        try:
            mla.sparse_prefill(**arguments)
        except mla.MLAError as error:
            if error.status == 3:
                self.skipTest("needs a ptxas")
            raise
        mla.sparse_prefill(**arguments)
        self.assertEqual(len(library._compiled), before + 1)
        self.assertEqual(len(driver.launches), 2)

    def test_libraries_that_are_too_old(self):
        path = os.environ["MLA_LIBRARY"]
        for oldest in 19900, 20000:
            with mock.patch.object(_library._abi, "RUNTIME_VERSION", oldest):
                with self.assertRaises(ImportError) as caught:
                    _library.Library(path)
            self.assertIn(
                f"{path}: expected version {oldest // 10000}.{oldest // 100 % 100} of its "
                "interface, or a later one of that number, got 1.",
                str(caught.exception),
            )

    def test_warnings_of_the_compiler(self):
        self.use_own_library()
        library = _library.library()
        if not library.has_jit:
            self.skipTest("needs the compiler")
        root = pathlib.Path(__file__).resolve().parent.parent.parent
        environment = {
            "MLA_CACHE_DIR": __file__,
            "MLA_PTXAS": str(root / "test" / "Unit" / "JIT" / "fake-ptxas"),
        }
        shape = sparse.OPERATOR.shape_class(16, 512, 512, False, False)
        with mock.patch.dict(os.environ, environment):
            with self.assertWarns(RuntimeWarning) as caught:
                kernel = library.kernel(shape, sparse.OPERATOR.sizes(1, 100, 64))
        self.assertEqual(kernel.shape_classes(), [shape])
        # There may be more warnings, from the assembler.
        messages = [str(warning.message) for warning in caught.warnings]
        self.assertIn("test_kernels.py", "\n".join(messages))

    def test_packages_that_are_damaged(self):
        with tempfile.TemporaryDirectory() as folder:
            (pathlib.Path(folder) / "kernel.json").write_text("{}")
            with self.assertRaises(mla.MLAError) as caught:
                mla.use_packages(folder)
        self.assertIn("invalid package: package '", str(caught.exception))

    def test_folders_without_packages(self):
        with tempfile.TemporaryDirectory() as folder:
            (pathlib.Path(folder) / "notes.txt").write_text("")
            with self.assertRaises(ValueError) as caught:
                mla.use_packages(folder)
        self.assertEqual(
            str(caught.exception),
            f"folder '{folder}': expected a kernel.json in it or in a folder in it, got "
            "none",
        )
        with self.assertRaises(FileNotFoundError):
            mla.use_packages(folder)

    def test_packages_of_other_operators(self):
        with tempfile.TemporaryDirectory() as folder:
            descriptor = {**descriptors["plain"], "operator": "dense_attention"}
            root = pathlib.Path(folder)
            (root / "kernel.cubin").write_bytes(fake_cubin())
            (root / "kernel.json").write_text(seal(descriptor, fake_cubin()))
            with self.assertRaises(ValueError) as caught:
                mla.use_packages(folder)
        self.assertEqual(
            str(caught.exception),
            f"package '{folder}': expected operator combine or decode or "
            "prefill or prefill_backward or sparse_prefill, got 'dense_attention'",
        )


class FixedSizes(Base):
    """Packages of one shape class for different sizes."""

    SHAPE = sparse.OPERATOR.shape_class(32, 512, 512, False, False)

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.folder.cleanup)
        for name, flags in {
            "any": (),
            "topk64": ("--topk=64",),
            "topk96": ("--topk=96",),
            "topk64-s_q2": ("--topk=64", "--s-q=2"),
            "s_kv100": ("--s-kv=100",),
        }.items():
            flags = ("--h=32", "--d-qk=512", *flags)
            make_package(os.environ["MLA_TEST_JIT"], f"{cls.folder.name}/{name}", *flags)

    def setUp(self):
        super().setUp()
        self.use_own_library()

    def use_packages(self, *names):
        for name in names:
            self.assertEqual(mla.use_packages(f"{self.folder.name}/{name}"), 1)

    def launched(self, topk, s_q=3, s_kv=50):
        """Returns the sizes of the kernel that a call launches."""
        make = CudaArray
        with mock.patch.object(_kernel.Kernel, "launch", autospec=True) as launch:
            mla.sparse_prefill(
                make("bf16", (s_q, 32, 512)),
                make("bf16", (s_kv, 1, 512)),
                make("i32", (s_q, 1, topk)),
                0.5,
                out=make("bf16", (s_q, 32, 512)),
                max_logits=make("f32", (s_q, 32)),
                lse=make("f32", (s_q, 32)),
            )
        (kernel, *_), _ = launch.call_args
        self.assertEqual(kernel.shape_classes(), [self.SHAPE])
        sizes = kernel.sizes()
        return sizes.topk, sizes.s_q, sizes.s_kv

    def test_the_closest_fit(self):
        names = ["any", "topk64", "topk96", "topk64-s_q2", "s_kv100"]
        # In any order of loading.
        for order in (names, names[::-1]):
            _library._library._packages.clear()
            self.use_packages(*order)
            self.assertEqual(self.launched(topk=40), (-1, -1, -1))
            self.assertEqual(self.launched(topk=64), (64, -1, -1))
            self.assertEqual(self.launched(topk=96), (96, -1, -1))
            self.assertEqual(self.launched(topk=96, s_q=2), (96, -1, -1))
            self.assertEqual(self.launched(topk=64, s_q=2), (64, 2, -1))
            self.assertEqual(self.launched(topk=40, s_kv=100), (-1, -1, 100))

    def test_a_fixed_size_fits_that_size_only(self):
        self.use_packages("topk64", "s_kv100")
        self.assertEqual(self.launched(topk=64), (64, -1, -1))
        self.assertEqual(self.launched(topk=65, s_kv=100), (-1, -1, 100))
        if _library.library().has_jit:
            with mock.patch.object(_library.Library, "_compile") as compile:
                sizes = sparse.OPERATOR.sizes(3, 50, 65)
                kernel = _library.library().kernel(self.SHAPE, sizes)
            self.assertIs(kernel, compile.return_value)
            return
        with self.assertRaises(LookupError) as caught:
            self.launched(topk=65)
        text = str(caught.exception)
        self.assertIn("no package for sparse_prefill(h_q=32, ", text)
        self.assertIn("and Sizes(s_q=3, s_kv=50, topk=65); ", text)
        self.assertIn("for Sizes(s_q=-1, s_kv=-1, topk=64)", text)

    def test_a_launch(self):
        self.use_packages("any", "topk64")
        text = pathlib.Path(self.folder.name, "topk64", "kernel.json").read_text()
        descriptors["topk64"] = json.loads(text)
        self.use("topk64")
        make = CudaArray
        arguments = {
            "q": make("bf16", (3, 32, 512)),
            "kv": make("bf16", (50, 1, 512)),
            "indices": make("i32", (3, 1, 64)),
            "scale": 0.5,
            "out": make("bf16", (3, 32, 512)),
            "max_logits": make("f32", (3, 32)),
            "lse": make("f32", (3, 32)),
        }
        mla.sparse_prefill(**arguments)
        self.expect_launch(arguments)


class OptionalOperands(Base):
    """One package for calls with and without topk_length and attn_sink."""

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.folder.cleanup)
        made = make_package(
            os.environ["MLA_TEST_JIT"],
            f"{cls.folder.name}/optional",
            "--h=32",
            "--d-qk=512",
            "--optional=topk_length,attn_sink",
        )
        text = (made / "kernel.json").read_text()
        # The fake driver does not read cubins, so the other packages reuse the first.
        cls.save("exact", json.loads(text.replace('"optional": true', '"optional": false')))
        topk64 = json.loads(text)
        topk64["arguments"][2]["shape"][2] = 64
        cls.save("topk64", topk64)
        options = {"lse_base": "2", "empty_lse": "-inf"}
        cls.save("lse", {**json.loads(text), "options": options})
        cls.save("causal", {**json.loads(text), "options": {"causal": "yes"}})

    @classmethod
    def save(cls, name, descriptor):
        folder = pathlib.Path(cls.folder.name, name)
        folder.mkdir()
        (folder / "kernel.cubin").write_bytes(fake_cubin())
        (folder / "kernel.json").write_text(seal(descriptor, fake_cubin()))

    def setUp(self):
        super().setUp()
        self.use_own_library()

    def use_packages(self, *names):
        for name in names:
            self.assertEqual(mla.use_packages(f"{self.folder.name}/{name}"), 1)
            text = pathlib.Path(self.folder.name, name, "kernel.json").read_text()
            descriptors[name] = json.loads(text)

    def arguments(self, *given, topk=40):
        make = CudaArray
        optional = {"topk_length": make("i32", (3,)), "attn_sink": make("f32", (32,))}
        return {
            "q": make("bf16", (3, 32, 512)),
            "kv": make("bf16", (50, 1, 512)),
            "indices": make("i32", (3, 1, topk)),
            "scale": 0.5,
            "out": make("bf16", (3, 32, 512)),
            "max_logits": make("f32", (3, 32)),
            "lse": make("f32", (3, 32)),
            **{name: optional[name] for name in given},
        }

    def launched(self, *given, topk=40, **options):
        """Returns the kernel that a call launches."""
        with mock.patch.object(_kernel.Kernel, "launch", autospec=True) as launch:
            mla.sparse_prefill(**self.arguments(*given, topk=topk), **options)
        return launch.call_args[0][0]

    def test_all_four_calls(self):
        self.use_packages("optional")
        for given in (), ("topk_length",), ("attn_sink",), ("topk_length", "attn_sink"):
            with self.subTest(given):
                self.use("optional")
                arguments = self.arguments(*given)
                mla.sparse_prefill(**arguments)
                # Arguments left out reach the kernel as zeros.
                nothing = types.SimpleNamespace(address=0, sizes=(0,), steps=(0,))
                both = {"topk_length": nothing, "attn_sink": nothing}
                self.expect_launch({**both, **arguments})

    def test_exact_packages_go_first(self):
        both = "topk_length", "attn_sink"
        for order in ("exact", "optional"), ("optional", "exact"):
            _library._library._packages.clear()
            self.use_packages(*order)
            self.assertEqual(self.launched(*both).optional, set())
            self.assertEqual(self.launched("attn_sink").optional, set(both))
            self.assertEqual(self.launched().optional, set(both))
            self.use_packages("topk64")
            self.assertEqual(self.launched(*both, topk=64).optional, set())
            self.assertEqual(self.launched(topk=64).sizes().topk, 64)
            self.assertEqual(self.launched(topk=65).sizes().topk, -1)

    def test_another_lse_is_another_kernel(self):
        self.use_packages("lse", "optional")
        self.assertEqual(self.launched("attn_sink").options, {})
        other = self.launched("attn_sink", lse_base=2, empty_lse=-math.inf)
        self.assertEqual(other.options, {"lse_base": "2", "empty_lse": "-inf"})
        # With only one of the two, no package fits.
        library = _library.library()
        for lse in ("2", "+inf"), ("e", "-inf"):
            call = sparse.OPERATOR.shape_class(32, 512, 512, False, True, *lse)
            sizes = sparse.OPERATOR.sizes(3, 50, 40)
            with mock.patch.object(library, "_compile") as compiled:
                if library.has_jit:
                    self.assertIs(library.kernel(call, sizes), compiled.return_value)
                    continue
                with self.assertRaises(LookupError) as caught:
                    library.kernel(call, sizes)
            self.assertIn(f"no package for {call} and", str(caught.exception))
            self.assertIn("lse_base='2', empty_lse='-inf', dtype='bf16') for", str(caught.exception))

    def test_the_compiler_is_told(self):
        library = _library.library()
        if not library.has_jit:
            self.skipTest("needs the compiler")
        shape = sparse.OPERATOR.shape_class(32, 512, 512, False, False, "2", "-inf")
        with mock.patch.object(library, "call") as call, mock.patch.object(
            _library, "Kernel"
        ):
            library.kernel(shape, sparse.OPERATOR.sizes(3, 100, 64))
        op = call.call_args[0][2].op[0]
        self.assertEqual(op.name, b"sparse_prefill")
        sizes = {op.sizes[i].name: op.sizes[i].value for i in range(op.sizeCount)}
        self.assertEqual(sizes, {b"h_q": 32, b"d_qk": 512, b"d_v": 512})
        options = {op.options[i].name: op.options[i].value for i in range(op.optionCount)}
        self.assertEqual(
            options,
            {
                b"topk_length": b"no",
                b"attn_sink": b"no",
                b"lse_base": b"2",
                b"empty_lse": b"-inf",
                b"dtype": b"bf16",
            },
        )

    def test_bad_options(self):
        self.use_packages("optional")
        for text, options in [
            ("lse_base: expected 'e' or 2, got 10", {"lse_base": 10}),
            ("empty_lse: expected inf or -inf, got 0.0", {"empty_lse": 0.0}),
        ]:
            self.expect_error(ValueError, text, self.arguments(), **options)

    def test_packages_with_options_that_nobody_asks_for(self):
        folder = f"{self.folder.name}/causal"
        with self.assertRaises(ValueError) as caught:
            mla.use_packages(folder)
        self.assertEqual(
            str(caught.exception),
            f"package '{folder}': expected the options lse_base and empty_lse of "
            "sparse_prefill, got causal",
        )


class Options(Base):
    def setUp(self):
        super().setUp()
        self.use_own_library()

    def test_bad_values(self):
        for kind, text, options in [
            (TypeError, "schedule: expected a name, got int", {"schedule": 1}),
            (TypeError, "threshold: expected a number, got str", {"threshold": "8"}),
            (ValueError, "threshold: expected 0 to 64, got -1", {"threshold": -1}),
            (
                ValueError,
                "threshold: expected 0 to 64, got nan",
                {"threshold": float("nan")},
            ),
            (
                TypeError,
                "expect_sizes: expected an integer as s_kv, got float",
                {"expect_sizes": {"s_kv": 1.0}},
            ),
            (
                ValueError,
                "expect_sizes: expected 1 to 2147483647 as s_kv, got 0",
                {"expect_sizes": {"s_kv": 0}},
            ),
        ]:
            with self.subTest(text), self.assertRaises(kind) as caught:
                mla.compile_options(**options)
            self.assertEqual(str(caught.exception), text)
        self.assertEqual(_library.library().options, _library.CompileOptions())

    def compiled_with(self, **options):
        """Returns the kernel, and the struct that the compiler received."""
        library = _library.library()
        mla.compile_options(**options)
        shape = sparse.OPERATOR.shape_class(16, 512, 512, False, False)
        with mock.patch.object(library, "call", wraps=library.call) as call:
            try:
                kernel = library.kernel(shape, sparse.OPERATOR.sizes(3, 100, 64))
            except mla.MLAError as error:
                if error.status == 3:
                    self.skipTest("needs a ptxas")
                raise
        structs = [
            words.args[3] for words in call.call_args_list if words.args[0] == "mlaCompile"
        ]
        return kernel, structs[0] if structs else None

    def test_reach_the_compiler(self):
        if not _library.library().has_jit:
            self.skipTest("needs the compiler")
        usual, how = self.compiled_with()
        self.assertEqual((how.schedule, how.threshold, how.expectSizes), (None, 0, None))
        exact, how = self.compiled_with(
            schedule="seesaw", threshold=0, expect_sizes={"s_kv": 8192}
        )
        self.assertEqual(
            (how.schedule, how.threshold, how.expectSizes),
            (b"seesaw", -1, b"s_kv=8192"),
        )
        self.assertNotEqual(exact.handle.value, usual.handle.value)
        lazy, how = self.compiled_with(
            schedule="seesaw", threshold=2.5, expect_sizes={"s_kv": 8192}
        )
        self.assertEqual(how.threshold, 2.5)
        self.assertNotEqual(lazy.handle.value, exact.handle.value)
        # Back to the known kernel.
        again, how = self.compiled_with()
        self.assertIsNone(how)
        self.assertIs(again, usual)

    def test_refused_by_the_compiler(self):
        if not _library.library().has_jit:
            self.skipTest("needs the compiler")
        with self.assertRaises(mla.MLAError) as caught:
            self.compiled_with(schedule="best")
        self.assertIn("unknown schedule 'best'", str(caught.exception))


if __name__ == "__main__":
    unittest.main()
