/*===- runtime.c - launch a kernel package from C -----------------*- C -*-===*\
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
|*===----------------------------------------------------------------------===*|
|*                                                                            *|
|*   runtime PACKAGE                                                          *|
|*                                                                            *|
|* PACKAGE is a folder that the compiler wrote, for 128 heads and d = 576:    *|
|*   mla-jit emit sparse_prefill -o sparse_prefill.mlir                       *|
|*   mla-jit compile sparse_prefill.mlir -o PACKAGE                           *|
|*                                                                            *|
|* One query of zeros attends to rows of ones: every weight is the same, out  *|
|* is 1 and lse is ln(topk).                                                  *|
|*                                                                            *|
\*===----------------------------------------------------------------------===*/

#include "cuda_driver.h"

#include <mla/Runtime/Runtime.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { S_Q = 1, S_KV = 256, HEADS = 128, D_QK = 576, D_V = 512, TOPK = 128 };
/* Rows of kv belong to a wider cache: its row stride. */
enum { KV_ROW = 640 };

static void cuda(CUresult result, const char *call) {
  const char *text = "";
  if (result == 0)
    return;
  cuGetErrorString(result, &text);
  fprintf(stderr, "%s: %s\n", call, text);
  exit(1);
}

static void mla(mlaStatus status) {
  if (status == MLA_SUCCESS)
    return;
  fprintf(stderr, "%s: %s\n", mlaStatusName(status), mlaLastError());
  exit(1);
}

static CUdeviceptr upload(const void *bytes, size_t size) {
  CUdeviceptr pointer = 0;
  cuda(cuMemAlloc_v2(&pointer, size), "cuMemAlloc");
  cuda(cuMemcpyHtoD_v2(pointer, bytes, size), "cuMemcpyHtoD");
  return pointer;
}

/* A contiguous tensor of rank 3 (or less: the rest is cut off). */
static mlaArgument tensor(CUdeviceptr data, mlaDType dtype, int rank,
                          int64_t size0, int64_t size1, int64_t size2) {
  mlaArgument argument;
  const int64_t shape[3] = {size0, size1, size2};
  int64_t stride = 1;
  memset(&argument, 0, sizeof(argument));
  argument.kind = MLA_TENSOR;
  argument.value.tensor.data = data;
  argument.value.tensor.dtype = dtype;
  argument.value.tensor.rank = rank;
  for (int dim = rank - 1; dim >= 0; --dim) {
    argument.value.tensor.shape[dim] = shape[dim];
    argument.value.tensor.strides[dim] = stride;
    stride *= shape[dim];
  }
  return argument;
}

int main(int argc, char **argv) {
  static uint16_t q[S_Q * HEADS * D_QK], kv[S_KV * KV_ROW];
  static uint16_t out[S_Q * HEADS * D_V];
  static int32_t indices[S_Q * TOPK];
  static float statistics[S_Q * HEADS];
  CUdevice device;
  CUcontext context;
  CUstream stream;
  mlaKernel kernel;
  mlaArgument arguments[7];
  size_t workspace;

  if (argc != 2) {
    fprintf(stderr, "usage: %s PACKAGE\n", argv[0]);
    return 2;
  }

  /* The context and the stream are the caller's own. */
  cuda(cuInit(0), "cuInit");
  cuda(cuDeviceGet(&device, 0), "cuDeviceGet");
  cuda(cuDevicePrimaryCtxRetain(&context, device), "cuDevicePrimaryCtxRetain");
  cuda(cuCtxSetCurrent(context), "cuCtxSetCurrent");
  cuda(cuStreamCreate(&stream, 1), "cuStreamCreate");

  for (int i = 0; i < S_KV * KV_ROW; ++i)
    kv[i] = 0x3f80; /* 1 in bf16 */
  for (int i = 0; i < TOPK; ++i)
    indices[i] = i % S_KV;

  /* In the order of the package's arguments; see mlaKernelGetArgument and
   * kernel.json. */
  arguments[0] = tensor(upload(q, sizeof(q)), MLA_BF16, 3, S_Q, HEADS, D_QK);
  arguments[1] = tensor(upload(kv, sizeof(kv)), MLA_BF16, 3, S_KV, 1, D_QK);
  arguments[1].value.tensor.strides[0] = KV_ROW;
  arguments[1].value.tensor.strides[1] = KV_ROW;
  arguments[2] =
      tensor(upload(indices, sizeof(indices)), MLA_I32, 3, S_Q, 1, TOPK);
  memset(&arguments[3], 0, sizeof(arguments[3]));
  arguments[3].kind = MLA_FLOAT;
  arguments[3].value.f64 = 1.0 / 24; /* 576^-0.5 */
  arguments[4] = tensor(upload(out, sizeof(out)), MLA_BF16, 3, S_Q, HEADS, D_V);
  arguments[5] =
      tensor(upload(statistics, sizeof(statistics)), MLA_F32, 2, S_Q, HEADS, 0);
  arguments[6] =
      tensor(upload(statistics, sizeof(statistics)), MLA_F32, 2, S_Q, HEADS, 0);

  mla(mlaKernelLoad(argv[1], &kernel));
  mla(mlaKernelGetWorkspaceBytes(kernel, arguments, 7, &workspace));
  /* Loads the code now, so that the first launch does not allocate. */
  mla(mlaKernelPrepare(kernel));
  mla(mlaKernelLaunch(kernel, arguments, 7, stream));
  cuda(cuStreamSynchronize(stream), "cuStreamSynchronize");

  cuda(cuMemcpyDtoH_v2(out, arguments[4].value.tensor.data, sizeof(out)),
       "cuMemcpyDtoH");
  cuda(cuMemcpyDtoH_v2(statistics, arguments[6].value.tensor.data,
                       sizeof(statistics)),
       "cuMemcpyDtoH");
  printf("out 0x%04x (1 is 0x3f80), lse %g (ln %d is 4.85203), workspace %zu\n",
         out[0], statistics[0], (int)TOPK, workspace);
  mla(mlaKernelDestroy(kernel));
  return 0;
}
