# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The Python package on the fake driver: arguments, streams, devices, errors.

    LD_LIBRARY_PATH=<the fake driver's folder> MLA_LIBRARY=<a library> \
    MLA_TEST_JIT=<mla-jit> PYTHONPATH=python python3 -m unittest discover python/tests
"""

import json
import os
import pathlib
import struct
import sys
import tempfile
import threading
import unittest
from unittest import mock

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent.parent / "test")]

import mla  # noqa: E402
from fake_package import fake_cubin, make_package, parameter_sizes, seal  # noqa: E402
from fakes import CudaArray, DLPackTensor, FakeDriver, fake_torch, installed  # noqa: E402
from mla import _library  # noqa: E402

PACKAGES = {
    "plain": ("--h=128", "--d-qk=576"),
    "all": ("--h=64", "--d-qk=512", "--topk-length", "--sink"),
}
descriptors, driver = {}, None


def setUpModule():
    global driver
    try:
        driver = FakeDriver()
    except (OSError, AttributeError):
        raise unittest.SkipTest("needs the fake libcuda.so.1 in LD_LIBRARY_PATH")
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
    """The bytes of each parameter; None for a tensor map."""
    names = [argument["name"] for argument in descriptor["arguments"]]
    result = []
    for parameter in descriptor["parameters"]:
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


class Marshalling(Base):
    def test_cuda_array_interface(self):
        arguments = arguments_of(CudaArray)
        mla.sparse_prefill(**arguments, stream=77)
        self.expect_launch(arguments, stream=77)

    def test_dlpack(self):
        arguments = arguments_of(DLPackTensor)
        arguments["kv"].byte_offset = 64
        mla.sparse_prefill(**arguments, stream=77)
        self.expect_launch(arguments, stream=77)
        self.assertEqual(arguments["q"].seen_stream, 77)

    def test_default_stream(self):
        arguments = arguments_of(DLPackTensor)
        mla.sparse_prefill(**arguments)
        self.expect_launch(arguments, stream=0)
        # DLPack's word for it: 0 is not allowed there.
        self.assertEqual(arguments["q"].seen_stream, 1)

    def test_optional_arguments(self):
        self.use("all")
        arguments = arguments_of(CudaArray, "all")
        mla.sparse_prefill(**arguments)
        self.expect_launch(arguments)

    def test_libraries_may_be_mixed(self):
        arguments = arguments_of(CudaArray)
        arguments["kv"] = DLPackTensor("bf16", (100, 1, 576))
        mla.sparse_prefill(**arguments)
        self.expect_launch(arguments)

    def test_no_queries(self):
        mla.sparse_prefill(**arguments_of(CudaArray, s_q=0))
        self.assertEqual(driver.launches, [])

    def test_stream_objects(self):
        for attribute in ("cuda_stream", "ptr", "handle"):
            driver.launches.clear()
            stream = type("Stream", (), {attribute: 55})()
            arguments = arguments_of(CudaArray)
            mla.sparse_prefill(**arguments, stream=stream)
            self.expect_launch(arguments, stream=55)

    def test_producers_stream_comes_first(self):
        arguments = arguments_of(CudaArray)
        arguments["q"].stream = 42
        mla.sparse_prefill(**arguments, stream=42)
        self.assertEqual(driver.synchronizations(), 0)
        mla.sparse_prefill(**arguments, stream=43)
        self.assertEqual(driver.synchronizations(), 1)


class Devices(Base):
    def test_context_of_the_tensors_device(self):
        driver.set_devices(2)
        # A context of another device is current: it is put back.
        driver.set_context(16)
        arguments = arguments_of(
            lambda *layout: DLPackTensor(*layout, device=1)
        )
        mla.sparse_prefill(**arguments)
        self.expect_launch(arguments, context=32)
        self.assertEqual(driver.context(), 16)

    def test_no_context_before(self):
        arguments = arguments_of(CudaArray)
        mla.sparse_prefill(**arguments)
        self.expect_launch(arguments, context=16)
        self.assertIsNone(driver.context())

    def test_devices_that_differ(self):
        arguments = arguments_of(CudaArray)
        arguments["kv"] = DLPackTensor("bf16", (100, 1, 576), device=1)
        self.expect_error(
            ValueError,
            "kv: expected a tensor on device 0, as q is, got one on device 1",
            arguments,
        )

    def test_device_by_pointer(self):
        arguments = arguments_of(CudaArray)
        driver.set_pointer_device(arguments["lse"].address, 1)
        self.expect_error(
            ValueError, "lse: expected a tensor on device 0", arguments
        )

    def test_threads(self):
        driver.set_devices(2)

        def work(device):
            make = lambda *layout: DLPackTensor(*layout, device=device)  # noqa: E731
            for _ in range(50):
                mla.sparse_prefill(**arguments_of(make), stream=100 + device)

        threads = [threading.Thread(target=work, args=(i % 2,)) for i in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(len(driver.launches), 200)
        for _, stream, context in driver.launches:
            self.assertEqual(context, 16 * (stream - 99))


class Errors(Base):
    def expect_bad(self, kind, text, **changes):
        self.expect_error(kind, text, arguments_of(CudaArray, **changes))

    def test_shapes(self):
        for text, changes in [
            ("q: expected 3 dimensions, got 2", {"q": CudaArray("bf16", (128, 576))}),
            (
                "q: expected size 512 or 576 in dimension 2, got 192",
                {"q": CudaArray("bf16", (3, 128, 192))},
            ),
            (
                "q: expected 1 to 128 heads in dimension 1, got 129",
                {"q": CudaArray("bf16", (3, 129, 576))},
            ),
            (
                "argument 'kv': expected size 1 in dim 1, got 2",
                {"kv": CudaArray("bf16", (100, 2, 576))},
            ),
            (
                "argument 'indices': expected size s_q = 3 in dim 0 (as in 'q'), got 4",
                {"indices": CudaArray("i32", (4, 1, 40))},
            ),
            (
                "out: expected size 512 in dimension 2, got 256",
                {"out": CudaArray("bf16", (3, 128, 256))},
            ),
        ]:
            with self.subTest(text):
                self.expect_bad(ValueError, text, **changes)

    def test_strides(self):
        self.expect_bad(
            ValueError,
            "argument 'kv': expected stride 1 in dim 2, got 2",
            kv=CudaArray("bf16", (100, 1, 576), (1152, 1152, 2)),
        )
        self.expect_bad(
            ValueError,
            "argument 'kv': expected stride multiple of 8 elements (16 bytes) in dim 0",
            kv=CudaArray("bf16", (100, 1, 576), (577, 577, 1)),
        )

    def test_addresses(self):
        self.expect_bad(
            ValueError,
            "argument 'kv': expected an address aligned to 16 bytes",
            kv=CudaArray("bf16", (100, 1, 576), data=0x7F0000000002),
        )

    def test_dtypes(self):
        self.expect_bad(
            TypeError, "kv: expected bf16, got f32", kv=CudaArray("f32", (100, 1, 576))
        )
        self.expect_bad(
            TypeError, "got '|u1'", indices=CudaArray("u8", (3, 1, 40))
        )
        self.expect_bad(
            TypeError,
            "indices: expected bf16, f16",
            indices=DLPackTensor("u8", (3, 1, 40)),
        )

    def test_no_tensors(self):
        self.expect_bad(
            TypeError,
            "kv: expected a tensor with __dlpack__ or __cuda_array_interface__, got list",
            kv=[1],
        )
        host = DLPackTensor("bf16", (100, 1, 576))
        host.device_type = 1
        self.expect_bad(
            ValueError, "kv: expected a CUDA tensor, got DLPack device type 1", kv=host
        )

    def test_scale(self):
        self.expect_bad(ValueError, "scale: expected a value above 0, got 0", scale=0)
        self.expect_bad(
            ValueError, "scale: expected a value above 0, got nan", scale=float("nan")
        )
        self.expect_bad(TypeError, "scale: expected a number, got str", scale="1")

    def test_driver(self):
        driver.fail("cuLaunchKernelEx", 700)
        with self.assertRaises(mla.MLAError) as caught:
            mla.sparse_prefill(**arguments_of(CudaArray))
        self.assertEqual(caught.exception.status, 12)
        self.assertIn("device lost: kernel '", str(caught.exception))
        self.assertIn("cuLaunchKernelEx failed", str(caught.exception))


class Torch(Base):
    def setUp(self):
        super().setUp()
        self.streams = {0: 900, 1: 901}
        self.torch = fake_torch(self.streams)
        module = installed(self.torch)
        module.__enter__()
        self.addCleanup(module.__exit__)

    def inputs(self, device=0, name="plain", **changes):
        make = lambda *layout: self.torch.Tensor(*layout, device=device)  # noqa: E731
        arguments = arguments_of(make, name, **changes)
        for output in ("out", "max_logits", "lse"):
            del arguments[output]
        arguments["sm_scale"] = arguments.pop("scale")
        return arguments

    def expect_results(self, inputs, results, **where):
        out, max_logits, lse = results
        named = {"out": out, "max_logits": max_logits, "lse": lse}
        self.expect_launch({**inputs, **named, "scale": inputs["sm_scale"]}, **where)
        self.assertEqual(out.dtype, self.torch.bfloat16)
        self.assertEqual(lse.dtype, self.torch.float32)
        s_q, heads = inputs["q"].sizes[:2]
        self.assertEqual(out.sizes, (s_q, heads, 512))
        self.assertEqual(max_logits.sizes, (s_q, heads))
        self.assertEqual(lse.sizes, (s_q, heads))

    def test_by_position_on_the_current_stream(self):
        inputs = self.inputs()
        results = mla.flash_mla_sparse_fwd(
            inputs["q"], inputs["kv"], inputs["indices"], 0.5
        )
        self.assertIsInstance(results, tuple)
        self.expect_results(inputs, results, stream=900)

    def test_all_arguments_in_flash_mlas_order(self):
        self.use("all")
        inputs = self.inputs(name="all")
        results = mla.flash_mla_sparse_fwd(
            inputs["q"],
            inputs["kv"],
            inputs["indices"],
            0.5,
            512,
            inputs["attn_sink"],
            inputs["topk_length"],
        )
        self.expect_results(inputs, results, stream=900)

    def made(self):
        """How many launches are put together from the beginning, meanwhile."""
        return mock.patch.object(_library.Kernel, "marshal", autospec=True,
                                 side_effect=_library.Kernel.marshal)

    def test_calls_alike(self):
        _library.library().set_options(_library.CompileOptions())
        with self.made() as made:
            for scale, stream in (0.5, 900), (0.25, 902), (2, 900):
                driver.reset(parameter_sizes(self.descriptor))
                self.streams[0] = stream
                inputs = self.inputs(sm_scale=scale)
                del inputs["sm_scale"]
                results = mla.flash_mla_sparse_fwd(**inputs, sm_scale=scale)
                self.expect_results({**inputs, "sm_scale": scale}, results, stream=stream)
        self.assertEqual(made.call_count, 1)

    def test_calls_that_differ(self):
        driver.set_devices(2)
        self.use("all")
        both = self.inputs(name="all")
        make = self.torch.Tensor
        _library.library().set_options(_library.CompileOptions())
        calls = [
            both,
            {**both, "q": make("bf16", (3, 64, 512), (64 * 1024, 1024, 1))},
            {**both, "kv": make("bf16", (101, 1, 512))},
            {**both, "indices": make("i32", (3, 1, 41))},
            {**both, "indices": make("i32", (3, 1, 40), (80, 40, 1))},
            {**self.inputs(name="all", device=1)},
        ]
        with self.made() as made:
            for inputs in calls:
                driver.reset(parameter_sizes(self.descriptor))
                driver.set_devices(2)
                device = inputs["q"].ordinal
                results = mla.flash_mla_sparse_fwd(**inputs)
                self.expect_results(
                    inputs, results, stream=900 + device, context=16 * (device + 1)
                )
        self.assertEqual(made.call_count, len(calls))
        # What is wrong is found behind calls that were right.
        with self.assertRaises(TypeError) as caught:
            mla.flash_mla_sparse_fwd(**{**both, "attn_sink": make("i32", (64,))})
        self.assertIn("attn_sink: expected f32, got i32", str(caught.exception))
        with self.assertRaises(ValueError) as caught:
            q = make("bf16", (3, 64, 512), both["q"].steps, data=0x7F0000000008)
            mla.flash_mla_sparse_fwd(**{**both, "q": q})
        self.assertIn("q", str(caught.exception))

    def test_other_kernels_from_now_on(self):
        with self.made() as made:
            mla.flash_mla_sparse_fwd(**self.inputs())
            before = made.call_count
            mla.flash_mla_sparse_fwd(**self.inputs())
            self.assertEqual(made.call_count, before)
            mla.compile_options()
            mla.flash_mla_sparse_fwd(**self.inputs())
            self.assertEqual(made.call_count, before + 1)
            with tempfile.TemporaryDirectory() as folder:
                make_package(os.environ["MLA_TEST_JIT"], folder, "--h=8")
                mla.use_packages(folder)
            mla.flash_mla_sparse_fwd(**self.inputs())
            self.assertEqual(made.call_count, before + 2)

    def test_sizes_that_never_come_back(self):
        library = _library.library()
        with mock.patch.object(_library, "_MAX_LAUNCHES", 4):
            for s_q in range(1, 20):
                mla.flash_mla_sparse_fwd(**self.inputs(s_q=s_q))
                self.assertLessEqual(len(library.launches()), 4)

    def test_another_device(self):
        driver.set_devices(2)
        inputs = self.inputs(device=1)
        results = mla.flash_mla_sparse_fwd(**inputs)
        self.assertEqual(results[0].ordinal, 1)
        self.expect_results(inputs, results, stream=901, context=32)

    def test_errors(self):
        for kind, text, changes in [
            (ValueError, "d_v: expected 512, got 256", {"d_v": 256}),
            (ValueError, "sm_scale: expected a value above 0", {"sm_scale": -1.0}),
            (
                ValueError,
                "kv: expected a CUDA tensor, got one on cpu",
                {"kv": self.torch.Tensor("bf16", (100, 1, 576), device=None)},
            ),
            (
                TypeError,
                "indices: expected bf16, f16, f32, f64, i8, i32, i64, got torch.uint8",
                {"indices": self.torch.Tensor("u8", (3, 1, 40))},
            ),
            (TypeError, "q: expected a torch tensor, got CudaArray", {"q": CudaArray("bf16", (3, 128, 576))}),
        ]:
            with self.subTest(text), self.assertRaises(kind) as caught:
                mla.flash_mla_sparse_fwd(**{**self.inputs(), **changes})
            self.assertIn(text, str(caught.exception))
        self.assertEqual(driver.launches, [])


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
                LookupError, "no package for ShapeClass(heads=127", arguments
            )
            return
        before = len(library._compiled)
        # It is compiled, once. Its parameters are those of 128 heads.
        try:
            mla.sparse_prefill(**arguments)
        except mla.MLAError as error:
            if error.status == 3:
                self.skipTest("needs a ptxas")
            raise
        mla.sparse_prefill(**arguments)
        self.assertEqual(len(library._compiled), before + 1)
        self.assertEqual(len(driver.launches), 2)

    def test_packages_that_are_damaged(self):
        with tempfile.TemporaryDirectory() as folder:
            (pathlib.Path(folder) / "kernel.json").write_text("{}")
            with self.assertRaises(mla.MLAError) as caught:
                mla.use_packages(folder)
        self.assertIn("invalid package: package '", str(caught.exception))

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
            f"package '{folder}': expected operator sparse_prefill, got "
            "'dense_attention'",
        )


class FixedSizes(Base):
    """Packages of one shape class for different sizes."""

    SHAPE = _library.ShapeClass(32, 512, 512, False, False)

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
        # A library without the packages of the other tests.
        library = _library.Library(os.environ["MLA_LIBRARY"])
        patch = mock.patch.object(_library, "_library", library)
        patch.start()
        self.addCleanup(patch.stop)

    def use_packages(self, *names):
        for name in names:
            self.assertEqual(mla.use_packages(f"{self.folder.name}/{name}"), 1)

    def launched(self, topk, s_q=3, s_kv=50):
        """The sizes of the kernel that a call launches."""
        make = CudaArray
        with mock.patch.object(_library.Kernel, "launch", autospec=True) as launch:
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
        self.assertEqual(kernel.shape_class(), self.SHAPE)
        return tuple(kernel.sizes())

    def test_the_closest_fit(self):
        names = ["any", "topk64", "topk96", "topk64-s_q2", "s_kv100"]
        # In whatever order they come.
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
                sizes = _library.Sizes(65, 3, 50)
                kernel = _library.library().kernel(self.SHAPE, sizes)
            self.assertIs(kernel, compile.return_value)
            return
        with self.assertRaises(LookupError) as caught:
            self.launched(topk=65)
        text = str(caught.exception)
        self.assertIn("no package for ShapeClass(heads=32, ", text)
        self.assertIn("and Sizes(topk=65, s_q=3, s_kv=50); ", text)
        self.assertIn("for Sizes(topk=64, s_q=-1, s_kv=-1)", text)

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


class Options(Base):
    def setUp(self):
        super().setUp()
        library = _library.Library(os.environ["MLA_LIBRARY"])
        patch = mock.patch.object(_library, "_library", library)
        patch.start()
        self.addCleanup(patch.stop)

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
                "expect_s_kv: expected an integer, got float",
                {"expect_s_kv": 1.0},
            ),
            (
                ValueError,
                "expect_s_kv: expected 1 to 2147483647, got 0",
                {"expect_s_kv": 0},
            ),
        ]:
            with self.subTest(text), self.assertRaises(kind) as caught:
                mla.compile_options(**options)
            self.assertEqual(str(caught.exception), text)
        self.assertEqual(_library.library().options, _library.CompileOptions())

    def compiled_with(self, **options):
        """The kernel, and the struct that the compiler got."""
        library = _library.library()
        mla.compile_options(**options)
        shape = _library.ShapeClass(16, 512, 512, False, False)
        with mock.patch.object(library, "call", wraps=library.call) as call:
            try:
                kernel = library.kernel(shape, _library.Sizes(64, 3, 100))
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
        self.assertEqual((how.schedule, how.threshold, how.expectRows), (None, 0, 0))
        exact, how = self.compiled_with(
            schedule="seesaw", threshold=0, expect_s_kv=8192
        )
        self.assertEqual(
            (how.schedule, how.threshold, how.expectRows), (b"seesaw", -1, 8192)
        )
        self.assertNotEqual(exact.handle.value, usual.handle.value)
        lazy, how = self.compiled_with(
            schedule="seesaw", threshold=2.5, expect_s_kv=8192
        )
        self.assertEqual(how.threshold, 2.5)
        self.assertNotEqual(lazy.handle.value, exact.handle.value)
        # Back to what is there.
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
