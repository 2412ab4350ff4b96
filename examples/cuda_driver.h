/*===- cuda_driver.h - the part of cuda.h that the examples use ---*- C -*-===*\
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
|*===----------------------------------------------------------------------===*|
|*                                                                            *|
|* The examples build without the CUDA toolkit. With it, include <cuda.h>.    *|
|*                                                                            *|
\*===----------------------------------------------------------------------===*/

#ifndef MLA_EXAMPLES_CUDA_DRIVER_H
#define MLA_EXAMPLES_CUDA_DRIVER_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef int CUresult, CUdevice;
typedef unsigned long long CUdeviceptr;
enum { CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT = 16 };
typedef struct CUctx_st *CUcontext;
typedef struct CUstream_st *CUstream;

CUresult cuInit(unsigned flags);
CUresult cuDeviceGet(CUdevice *device, int ordinal);
CUresult cuDeviceGetAttribute(int *value, int attribute, CUdevice device);
CUresult cuDevicePrimaryCtxRetain(CUcontext *context, CUdevice device);
CUresult cuCtxSetCurrent(CUcontext context);
CUresult cuStreamCreate(CUstream *stream, unsigned flags);
CUresult cuStreamSynchronize(CUstream stream);
CUresult cuMemAlloc_v2(CUdeviceptr *pointer, size_t bytes);
CUresult cuMemcpyHtoD_v2(CUdeviceptr to, const void *from, size_t bytes);
CUresult cuMemcpyDtoH_v2(void *to, CUdeviceptr from, size_t bytes);
CUresult cuGetErrorString(CUresult result, const char **text);

#ifdef __cplusplus
} /* extern "C" */
#endif

#endif /* MLA_EXAMPLES_CUDA_DRIVER_H */
