/*===- Runtime.h - load and launch compiled attention kernels -----*- C -*-===*\
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
|*===----------------------------------------------------------------------===*|
|*                                                                            *|
|* The C interface of the runtime. A kernel package is a folder with          *|
|* `kernel.json` (the launch descriptor) and a cubin; the runtime checks the  *|
|* caller's arguments against the descriptor and launches the package's       *|
|* kernels, most often one, on the caller's current CUDA context and stream.  *|
|* It needs the driver's libcuda.so.1, opened on first use, and nothing else. *|
|*                                                                            *|
|* Every function may be called from any thread, and none throws, prints or   *|
|* exits. A function that returns an mlaStatus other than MLA_SUCCESS has put *|
|* the reason into mlaLastError() of the calling thread.                      *|
|*                                                                            *|
\*===----------------------------------------------------------------------===*/

#ifndef MLA_RUNTIME_RUNTIME_H
#define MLA_RUNTIME_RUNTIME_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** The version of this interface: 10000 * major + 100 * minor. A change of the
 *  major number breaks callers. */
#define MLA_RUNTIME_VERSION 10400
/** The maximum rank of a tensor. */
#define MLA_MAX_RANK 8

/** Why a call failed. Values are stable; new ones come at the end. */
typedef enum mlaStatus {
  MLA_SUCCESS = 0,
  /** An argument of the call is at fault. */
  MLA_INVALID_ARGUMENT = 1,
  /** The package's descriptor or cubin is malformed or of another version. */
  MLA_INVALID_PACKAGE = 2,
  /** A file or folder is missing or cannot be read. */
  MLA_NOT_FOUND = 3,
  /** There is no usable libcuda.so.1 on this machine, or no device; or this
   *  process was forked from one that had opened the driver. */
  MLA_NO_DRIVER = 4,
  /** The driver is too old for this runtime or for the package's cubin. */
  MLA_UNSUPPORTED_DRIVER = 5,
  /** The device is not one that the package was compiled for. */
  MLA_UNSUPPORTED_DEVICE = 6,
  /** The calling thread has no current CUDA context. */
  MLA_NO_CONTEXT = 7,
  /** A driver call failed. */
  MLA_DRIVER_ERROR = 8,
  /** Host or device memory ran out. */
  MLA_OUT_OF_MEMORY = 9,
  /** A fault of the runtime itself. */
  MLA_INTERNAL_ERROR = 10,
  /** The compiler (mla/JIT/JIT.h) refused the program, or its assembler did. */
  MLA_COMPILE_ERROR = 11,
  /** An earlier kernel or the device failed. The context is unusable, and with
   *  most drivers so is the whole process. */
  MLA_DEVICE_LOST = 12
} mlaStatus;

/** Element types. */
typedef enum mlaDType {
  MLA_BF16 = 0,
  MLA_F16 = 1,
  MLA_F32 = 2,
  MLA_F64 = 3,
  MLA_I8 = 4,
  MLA_I32 = 5,
  MLA_I64 = 6,
  MLA_E4M3 = 7 /**< FP8 without infinities: 448 is the largest, 0x7f NaN */
} mlaDType;

/** What an argument is. A scalar is passed as a double or as an int64 and
 *  converted to the type that the descriptor names; see mlaArgument. */
typedef enum mlaArgumentKind {
  MLA_TENSOR = 0,
  MLA_FLOAT = 1,
  MLA_INTEGER = 2
} mlaArgumentKind;

/** How the kernel uses a tensor. */
typedef enum mlaAccess {
  MLA_READ = 0,
  MLA_WRITE = 1,
  MLA_READ_WRITE = 2
} mlaAccess;

/** Which kernels of a package a launch runs. Kernels of the plan phase, if
 * there are any, run once per batch of sequences and write data that the
 * launches for all layers of the network share. */
typedef enum mlaPhase {
  MLA_PHASE_ALL = 0,
  MLA_PHASE_PLAN = 1,
  MLA_PHASE_LAUNCH = 2
} mlaPhase;

/** A strided tensor in device memory. */
typedef struct mlaTensor {
  uint64_t data;                 /**< device address of element (0, 0, ...) */
  int32_t dtype;                 /**< an mlaDType */
  int32_t rank;                  /**< 0 to MLA_MAX_RANK */
  int64_t shape[MLA_MAX_RANK];   /**< in elements, outermost first */
  int64_t strides[MLA_MAX_RANK]; /**< in elements, not bytes */
} mlaTensor;

/** One argument of a launch. `f64` is read for MLA_FLOAT (f16, bf16, f32, f64
 *  scalars), `i64` for MLA_INTEGER (i8, i32, i64 scalars). */
typedef struct mlaArgument {
  int32_t kind;     /**< an mlaArgumentKind */
  int32_t reserved; /**< must be 0 */
  union {
    mlaTensor tensor;
    double f64;
    int64_t i64;
  } value;
} mlaArgument;

/** A loaded package. Immutable after loading, so threads may share it. */
typedef struct mlaKernel_st *mlaKernel;

/** A CUDA stream: a CUstream or cudaStream_t, NULL for the default stream. */
typedef void *mlaStream;

/** Description of one argument, by mlaKernelGetArgument. Strings live as long
 *  as the kernel. */
typedef struct mlaArgumentInfo {
  const char *name;
  int32_t isTensor;
  int32_t dtype;     /**< an mlaDType */
  int32_t access;    /**< an mlaAccess; MLA_READ for a scalar */
  int32_t rank;      /**< 0 for a scalar */
  int64_t alignment; /**< of the base and the run-time strides, in bytes */
  int64_t shape[MLA_MAX_RANK];        /**< -1 where it is a run-time size */
  const char *sizeName[MLA_MAX_RANK]; /**< its name, NULL where it is fixed */
  int64_t strides[MLA_MAX_RANK];      /**< in elements; -1: run-time stride */
} mlaArgumentInfo;

/** Description of a package, by mlaKernelGetInfo. Strings live as long as the
 *  kernel. If there are several kernels, `name`, `block`, `cluster` and
 * `sharedBytes` are those of the first; see mlaKernelGetEntry. */
typedef struct mlaKernelInfo {
  const char *name; /**< the kernel's symbol in the cubin */
  /** e.g. "combine", followed by the options of the operator that are not the
   *  default, as in "combine lse_base=2"; may be empty */
  const char *operatorName;
  const char *target;   /**< e.g. "sm_90a" */
  const char *compiler; /**< the compiler that made it, e.g. "mla 0.1.0" */
  int32_t argumentCount;
  int32_t block;       /**< threads per CTA */
  int32_t cluster;     /**< CTAs per cluster */
  int64_t sharedBytes; /**< dynamic shared memory per CTA */
} mlaKernelInfo;

/** Description of one kernel of a package, by mlaKernelGetEntry. Strings live
 * as long as the mlaKernel. */
typedef struct mlaEntryInfo {
  const char *name;     /**< its symbol in the cubin */
  const char *grid;     /**< CTAs: an expression over run-time sizes */
  int32_t phase;        /**< MLA_PHASE_PLAN or MLA_PHASE_LAUNCH */
  int32_t block;        /**< threads per CTA */
  int32_t cluster;      /**< CTAs per cluster */
  int32_t programmatic; /**< 1: with programmatic dependent launch */
  int64_t sharedBytes;  /**< dynamic shared memory per CTA */
} mlaEntryInfo;

/** How mlaKernelLaunchProgram launches. Zero-initialise it and set `size`, so
 *  that later versions may add fields. */
typedef struct mlaLaunchOptions {
  size_t size;             /**< sizeof(mlaLaunchOptions) */
  int32_t phase;           /**< an mlaPhase */
  int32_t reserved;        /**< must be 0 */
  uint64_t workspace;      /**< device address, a multiple of 256 */
  uint64_t workspaceBytes; /**< its size */
} mlaLaunchOptions;

/** MLA_RUNTIME_VERSION of the library that is linked. */
int32_t mlaRuntimeVersion(void);

/** Text of the calling thread's last failed call; "" before any failure. Valid
 *  until the thread's next failing call. */
const char *mlaLastError(void);

/** A status as a word, e.g. "invalid argument". */
const char *mlaStatusName(mlaStatus status);

/** Loads the package in `folder` and stores a new kernel in `*out`, which
 *  mlaKernelDestroy must free. Reads and checks both files; needs no driver.
 *  Errors: MLA_NOT_FOUND, MLA_INVALID_PACKAGE, MLA_INVALID_ARGUMENT. */
mlaStatus mlaKernelLoad(const char *folder, mlaKernel *out);

/** As mlaKernelLoad, from memory: the text of `kernel.json` and the bytes of
 *  the cubin, both copied. */
mlaStatus mlaKernelLoadFromMemory(const char *json, size_t jsonSize,
                                  const void *cubin, size_t cubinSize,
                                  mlaKernel *out);

/** Adds a reference to a kernel; each needs an mlaKernelDestroy of its own. */
mlaStatus mlaKernelRetain(mlaKernel kernel);

/** Drops a reference. Dropping the last one frees the kernel and unloads it
 * from every context it ran in: launches must have finished, and the contexts
 * must still exist. NULL is allowed. */
mlaStatus mlaKernelDestroy(mlaKernel kernel);

/** Describes a kernel. */
mlaStatus mlaKernelGetInfo(mlaKernel kernel, mlaKernelInfo *out);

/** Stores how many kernels the package has. Since version 1.3. */
mlaStatus mlaKernelGetEntryCount(mlaKernel kernel, int32_t *out);

/** Describes kernel `index` of the package, in the order in which they run.
 *  Since version 1.3. */
mlaStatus mlaKernelGetEntry(mlaKernel kernel, int32_t index, mlaEntryInfo *out);

/** Describes argument `index` (0 to argumentCount - 1). */
mlaStatus mlaKernelGetArgument(mlaKernel kernel, int32_t index,
                               mlaArgumentInfo *out);

/** Stores 1 in `*out` if a launch may leave argument `index` out, otherwise 0.
 *  An argument is left out by a tensor with a null address, whose other fields
 *  are not looked at. Since version 1.2. */
mlaStatus mlaKernelIsArgumentOptional(mlaKernel kernel, int32_t index,
                                      int32_t *out);

/** Checks `count` arguments against the descriptor, exactly as a launch does,
 *  without a driver. Errors: MLA_INVALID_ARGUMENT. */
mlaStatus mlaKernelCheck(mlaKernel kernel, const mlaArgument *arguments,
                         int32_t count);

/** Stores in `*bytes` the size of the workspace, device memory that the caller
 *  provides to a launch with these arguments, for all phases together; 0 for
 * most packages. The arguments are checked as by mlaKernelCheck. The size
 * depends only on their sizes and, for some packages, on the device's number of
 * SMs. For those packages the call needs a current CUDA context, and loads the
 * code as mlaKernelPrepare does. */
mlaStatus mlaKernelGetWorkspaceBytes(mlaKernel kernel,
                                     const mlaArgument *arguments,
                                     int32_t count, size_t *bytes);

/** Loads the package's code into the calling thread's current context. Without
 *  this call the first launch there loads it, and allocates memory for it. */
mlaStatus mlaKernelPrepare(mlaKernel kernel);

/** Launches the package's kernels, in order, on `stream` of the calling
 * thread's current context and returns without waiting for them. `arguments`
 * are those of the descriptor, in its order. All of them are checked before
 * anything is launched. A grid of no CTAs launches nothing and succeeds. A
 * package with workspaces is launched by mlaKernelLaunchProgram. Where the code
 * is loaded (mlaKernelPrepare, or an earlier launch in the context), the call
 * neither allocates nor locks nor synchronises, and may be captured into a
 * graph. Errors: any mlaStatus but MLA_NOT_FOUND and MLA_INVALID_PACKAGE; a
 * fault of an earlier asynchronous launch may be reported here. */
mlaStatus mlaKernelLaunch(mlaKernel kernel, const mlaArgument *arguments,
                          int32_t count, mlaStream stream);

/** As mlaKernelLaunch, with options; NULL stands for the defaults: all phases,
 *  no workspace. The kernels use the memory at `workspace` until they complete.
 *  After MLA_PHASE_PLAN it serves any number of launches of MLA_PHASE_LAUNCH
 * with arguments of the same sizes, as long as nothing else writes to it. A
 * phase without kernels launches nothing and succeeds. Memory that no kernel of
 * the phase uses, of arguments or of the workspace, may have a null address:
 * only the sizes of such arguments are read. Since version 1.3; null addresses
 * since 1.4. */
mlaStatus mlaKernelLaunchProgram(mlaKernel kernel, const mlaArgument *arguments,
                                 int32_t count, const mlaLaunchOptions *options,
                                 mlaStream stream);

/** The number of splits, 1 to 256, for split-KV attention over `tokens` KV rows
 *  that minimises a simple model of the time on `sms` SMs; the smaller of
 * equally fast numbers. `rows` is the number of output tiles (requests times
 * blocks of heads and queries); one CTA computes one split of one tile. The
 * unit of time is a step of 64 KV rows. A CTA takes one step per 64 KV rows and
 * one to start, CTAs run in waves of `sms`, and merging the partial results
 * takes 1.5 steps. Returns 0 if an argument is below 0, or `sms` below 1. Needs
 * no driver. */
int32_t mlaAdaptiveSplits(int64_t rows, int64_t tokens, int32_t sms);

#ifdef __cplusplus
} /* extern "C" */
#endif

#endif /* MLA_RUNTIME_RUNTIME_H */
