# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The Python package on the fake driver: arguments, streams, devices, errors.

    LD_LIBRARY_PATH=<the fake driver's folder> MLA_LIBRARY=<a library> \
    MLA_TEST_JIT=<mla-jit> PYTHONPATH=python python3 -m unittest discover python/tests
"""

import threading
import unittest

import mla
from fakes import CudaArray, DLPackTensor
from support import Base, arguments_of, driver, setUpModule  # noqa: F401


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
        # DLPack's number for the default stream, which may not be 0.
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
        # The current context, of another device, is restored.
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

    def test_overlap(self):
        arguments = arguments_of(CudaArray)
        arguments["out"] = CudaArray(
            "bf16", (3, 128, 512), data=arguments["kv"].address
        )
        self.expect_error(
            ValueError,
            "argument 'out': expected memory apart from that of 'kv', got an overlap",
            arguments,
        )

    def test_addresses(self):
        self.expect_bad(
            ValueError,
            "argument 'kv': expected an address aligned to 16 bytes",
            kv=CudaArray("bf16", (100, 1, 576), data=0x7F0000000002),
        )

    def test_dtypes(self):
        self.expect_bad(
            TypeError, "kv: expected bf16 or f16, got f32", kv=CudaArray("f32", (100, 1, 576))
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


if __name__ == "__main__":
    unittest.main()
