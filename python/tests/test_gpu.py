# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""On a GPU, without torch: launches through the real driver, and graphs.

    MLA_LIBRARY=<libmla-jit.so> PYTHONPATH=python python3 python/tests/test_gpu.py

With the runtime alone, MLA_PACKAGES names a package for 128 heads and d = 576.
A query of zeros attends to rows of ones: out is 1 and lse is ln(topk).
"""

import ctypes
import math
import os
import pathlib
import sys
import unittest
from ctypes import byref, c_int, c_size_t, c_uint64, c_void_p

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from fakes import CudaArray  # noqa: E402

try:
    cuda = ctypes.CDLL("libcuda.so.1")
    count = c_int()
    HAS_GPU = (
        not hasattr(cuda, "mlaFakeCuda")
        and cuda.cuInit(0) == 0
        and cuda.cuDeviceGetCount(byref(count)) == 0
        and count.value > 0
    )
except OSError:
    HAS_GPU = False

if HAS_GPU:
    import mla

S_Q, S_KV, TOPK, HEADS = 3, 256, 128, 128
GLOBAL_CAPTURE = 0


def call(name, *arguments):
    result = getattr(cuda, name)(*arguments)
    if result:
        raise RuntimeError(f"{name} failed: {result}")


def upload(dtype, shape, data):
    pointer = c_uint64()
    call("cuMemAlloc_v2", byref(pointer), c_size_t(len(data)))
    call("cuMemcpyHtoD_v2", pointer, data, c_size_t(len(data)))
    return CudaArray(dtype, shape, data=pointer.value)


def download(tensor, element, count):
    values = (element * count)()
    call(
        "cuMemcpyDtoH_v2",
        values,
        c_uint64(tensor.address),
        c_size_t(ctypes.sizeof(values)),
    )
    return list(values)


@unittest.skipUnless(HAS_GPU, "needs a GPU")
class OnTheGPU(unittest.TestCase):
    def setUp(self):
        device, context, self.stream = c_int(), c_void_p(), c_void_p()
        call("cuDeviceGet", byref(device), 0)
        call("cuDevicePrimaryCtxRetain", byref(context), device)
        call("cuCtxSetCurrent", context)
        call("cuStreamCreate", byref(self.stream), 1)
        entries = b"".join(i.to_bytes(4, "little") for i in range(TOPK))
        self.arguments = {
            "q": upload("bf16", (S_Q, HEADS, 576), bytes(2 * S_Q * HEADS * 576)),
            "kv": upload("bf16", (S_KV, 1, 576), b"\x80\x3f" * (S_KV * 576)),
            "indices": upload("i32", (S_Q, 1, TOPK), entries * S_Q),
            "scale": 0.1,
        }
        self.clear()

    def clear(self):
        size = S_Q * HEADS
        self.arguments["out"] = upload("bf16", (S_Q, HEADS, 512), bytes(size * 1024))
        for name in ("max_logits", "lse"):
            self.arguments[name] = upload("f32", (S_Q, HEADS), bytes(size * 4))

    def results_are_right(self):
        call("cuStreamSynchronize", self.stream)
        out = download(self.arguments["out"], ctypes.c_uint16, S_Q * HEADS * 512)
        lse = download(self.arguments["lse"], ctypes.c_float, S_Q * HEADS)
        ones = all(value == 0x3F80 for value in out)
        return ones and all(abs(v - math.log(TOPK)) < 1e-5 for v in lse)

    # The first launch of the process, so that the code is loaded in a capture.
    def test_a_graph_captures_the_first_launch(self):
        graph, exec_ = c_void_p(), c_void_p()
        call("cuStreamBeginCapture_v2", self.stream, GLOBAL_CAPTURE)
        mla.sparse_prefill(**self.arguments, stream=self.stream)
        call("cuStreamEndCapture", self.stream, byref(graph))
        self.assertFalse(self.results_are_right())
        call("cuGraphInstantiateWithFlags", byref(exec_), graph, c_uint64(0))
        call("cuGraphLaunch", exec_, self.stream)
        self.assertTrue(self.results_are_right())

    def test_launch(self):
        mla.sparse_prefill(**self.arguments, stream=self.stream)
        self.assertTrue(self.results_are_right())

    def test_after_a_fork(self):
        mla.sparse_prefill(**self.arguments, stream=self.stream)
        read, write = os.pipe()
        child = os.fork()
        if child == 0:
            try:
                mla.sparse_prefill(**self.arguments, stream=self.stream)
            except mla.MLAError as error:
                os.write(write, f"{error.status} {error}".encode())
            finally:
                os._exit(0)
        os.close(write)
        os.waitpid(child, 0)
        text = os.read(read, 1000)
        os.close(read)
        self.assertIn(b"4 no driver: this process was forked", text)
        self.assertTrue(self.results_are_right())

    def test_stream_of_another_context(self):
        context, stream = c_void_p(), c_void_p()
        call("cuCtxCreate_v2", byref(context), 0, 0)
        call("cuStreamCreate", byref(stream), 1)
        call("cuCtxPopCurrent_v2", byref(context))
        with self.assertRaises(ValueError) as caught:
            mla.sparse_prefill(**self.arguments, stream=stream)
        self.assertIn("'stream': expected a stream of the", str(caught.exception))


if __name__ == "__main__":
    unittest.main()
