/*===- JIT.h - compile attention kernels in the running process ---*- C -*-===*\
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
|*===----------------------------------------------------------------------===*|
|*                                                                            *|
|* The C interface of the compiler: an operator's description, or IR, goes in *|
|* and a kernel of the runtime (mla/Runtime/Runtime.h) comes out, ready to    *|
|* launch. What was compiled before comes from memory, or from a folder that  *|
|* processes share.                                                           *|
|*                                                                            *|
|* Every function may be called from any thread, and none throws, prints or   *|
|* exits. A function that returns an mlaStatus other than MLA_SUCCESS has put *|
|* the reason into mlaLastError() of the calling thread: it names the thing   *|
|* at fault, and carries what the compiler said about the IR, a line each.    *|
|* The exception is LLVM's: host memory that runs out while it works ends the *|
|* process.                                                                   *|
|*                                                                            *|
|* Structs begin with their size in bytes, which the caller sets to sizeof    *|
|* (the _INIT macros do): fields are only ever added at the end, and a        *|
|* library that knows more of them than its caller takes the default for      *|
|* those.                                                                     *|
|*                                                                            *|
|* libmla-jit.so holds the runtime too and exports its functions beside       *|
|* these: a program links it, or the runtime alone, and not both.             *|
|*                                                                            *|
\*===----------------------------------------------------------------------===*/

#ifndef MLA_JIT_JIT_H
#define MLA_JIT_JIT_H

#include "mla/Runtime/Runtime.h"

#ifdef __cplusplus
extern "C" {
#endif

/** The version of this interface: 10000 * major + 100 * minor. A change of the
 *  major number breaks callers. */
#define MLA_JIT_VERSION 20000
/** A size that is known only at run time. */
#define MLA_DYNAMIC (-1)

/** Compiles, and keeps what it compiled. Threads may share it. */
typedef struct mlaCompiler_st *mlaCompiler;

/** What makes a cubin of PTX. */
typedef enum mlaAssembler {
  /** The first ptxas that reads the compiler's PTX and whose cubins the driver
   *  of this machine loads, or the one that was asked for; the driver where
   *  there is none. docs/JIT.md has the rules. A warning says so if it is not
   *  the first ptxas. */
  MLA_ASSEMBLER_AUTO = 0,
  /** NVIDIA's ptxas, a program. */
  MLA_ASSEMBLER_PTXAS = 1,
  /** The linker in the CUDA driver. It needs a device, and says less about the
   *  kernel: the numbers in mlaCompileInfo may be -1. */
  MLA_ASSEMBLER_DRIVER = 2
} mlaAssembler;

/** Called in the thread that called mlaCompile when a step of it begins and
 *  when it ends. Steps, in order, of which those that are not needed are left
 *  out: "wait" (for another process that compiles the same), "passes", "ptx",
 *  "assemble". `seconds` is below 0 when the step begins, and what it took
 *  when it ends. It must return, and not call the compiler. */
typedef void (*mlaProgressFn)(void *userData, const char *step, double seconds);

/** Called with one line of text when something is amiss that is no failure,
 *  such as a cache folder that cannot be written, or a ptxas that is newer than
 *  the driver. Once for each kind of thing in the life of a compiler, in a
 *  thread that called it. It must return, and not call the compiler. */
typedef void (*mlaWarningFn)(void *userData, const char *message);

/** How a compiler is made. All of it may be zero but `size`. Strings are
 *  copied. */
typedef struct mlaCompilerOptions {
  size_t size;        /**< sizeof(mlaCompilerOptions) */
  const char *target; /**< the GPU; NULL: "sm_90a" (the only one) */
  /** The folder of the cache on disk, made when first needed. NULL:
   *  $MLA_CACHE_DIR, else $XDG_CACHE_HOME/mla, else $HOME/.cache/mla (without
   *  $HOME, in the home folder of the password file), else none, with a
   *  warning. "": none. */
  const char *cacheFolder;
  /** Bytes that the folder may hold; what was used longest ago goes first. 0:
   *  1 GiB. A limit below the size of one kernel keeps nothing. */
  int64_t cacheBytes;
  /** Kernels that are kept in memory; what was used longest ago is dropped
   *  first (and freed with its last user). 0: 1,024; -1: none. */
  int64_t memoryKernels;
  /** A path, or a name to look up on PATH. NULL: $MLA_PTXAS, $CUDA_HOME/bin,
   *  $CUDA_PATH/bin, PATH, Python's packages. */
  const char *ptxas;
  int32_t ptxasTimeout; /**< seconds until ptxas is killed; 0: 120 */
  int32_t assembler;    /**< an mlaAssembler */
  /** Milliseconds to wait for another process that compiles the same kernel;
   *  then it is compiled here too. 0: 30,000; -1: do not wait. */
  int32_t lockTimeout;
  int32_t reserved;       /**< must be 0 */
  mlaProgressFn progress; /**< may be NULL */
  mlaWarningFn warning;   /**< may be NULL */
  void *userData;         /**< goes to both callbacks */
} mlaCompilerOptions;
#define MLA_COMPILER_OPTIONS_INIT                                              \
  {sizeof(mlaCompilerOptions),                                                 \
   NULL,                                                                       \
   NULL,                                                                       \
   0,                                                                          \
   0,                                                                          \
   NULL,                                                                       \
   0,                                                                          \
   0,                                                                          \
   0,                                                                          \
   0,                                                                          \
   NULL,                                                                       \
   NULL,                                                                       \
   NULL}

/** A size of an operator, by its name. */
typedef struct mlaNamedSize {
  const char *name;
  int64_t value; /**< or MLA_DYNAMIC, where the size may be */
} mlaNamedSize;

/** An option of an operator, by its name. */
typedef struct mlaNamedOption {
  const char *name;
  const char *value;
} mlaNamedOption;

/** An operator with the sizes and options of one kernel. Those that are not
 *  listed have their defaults. mlaOperatorGetInfo and the functions behind it
 *  tell which there are, docs/reference has a page for each operator, and
 *  mlaKernelGetArgument tells a kernel's arguments. All strides but the last,
 *  which is 1, are known at run time. */
typedef struct mlaOperator {
  size_t size;      /**< sizeof(mlaOperator) */
  const char *name; /**< as in "combine" */
  const mlaNamedSize *sizes;
  size_t sizeCount;
  const mlaNamedOption *options;
  size_t optionCount;
} mlaOperator;
#define MLA_OPERATOR_INIT {sizeof(mlaOperator), NULL, NULL, 0, NULL, 0}

/** What the library knows of an operator. Texts live as long as the library. */
typedef struct mlaOperatorInfo {
  size_t size; /**< sizeof(mlaOperatorInfo), set by the caller */
  const char *name;
  const char *summary;  /**< a line */
  int32_t operandCount; /**< also those that may be left out */
  int32_t sizeCount;
  int32_t optionCount;
  int32_t reserved;
} mlaOperatorInfo;
#define MLA_OPERATOR_INFO_INIT {sizeof(mlaOperatorInfo), NULL, NULL, 0, 0, 0, 0}

/** Values that an option has, or element types that an operand has, at most. */
#define MLA_MAX_OPTION_VALUES 8

/** What an operator takes as an argument. */
typedef struct mlaOperandInfo {
  size_t size; /**< sizeof(mlaOperandInfo), set by the caller */
  const char *name;
  const char *summary;
  int32_t isOptional; /**< its presence is the option of its name */
  int32_t isWritten;
  int32_t rank; /**< 0: a scalar */
  int32_t elementTypeCount;
  /** As in "bf16", the default first. Where there are several,
   *  `elementTypeOption` is the option that chooses. */
  const char *elementTypes[MLA_MAX_OPTION_VALUES];
  const char *elementTypeOption; /**< or NULL */
  const char *sizeNames[MLA_MAX_RANK];
} mlaOperandInfo;
#define MLA_OPERAND_INFO_INIT                                                  \
  {                                                                            \
    sizeof(mlaOperandInfo), NULL, NULL, 0, 0, 0, 0, {NULL}, NULL, { NULL }     \
  }

/** A size of an operator. */
typedef struct mlaSizeInfo {
  size_t size; /**< sizeof(mlaSizeInfo), set by the caller */
  const char *name;
  const char *summary;
  int64_t defaultValue; /**< or MLA_DYNAMIC */
  int64_t least;        /**< that kernels cover */
  int64_t most;         /**< equal to `least`: it is no choice */
  int32_t mayBeDynamic; /**< 0 or 1 */
  int32_t reserved;
} mlaSizeInfo;
#define MLA_SIZE_INFO_INIT {sizeof(mlaSizeInfo), NULL, NULL, 0, 0, 0, 0, 0}

/** An option of an operator. That of an argument which may be missing has the
 *  argument's name and the values "no", "yes", and "optional": each launch may
 *  leave it out. */
typedef struct mlaOptionInfo {
  size_t size; /**< sizeof(mlaOptionInfo), set by the caller */
  const char *name;
  const char *summary;
  int32_t valueCount;
  int32_t reserved;
  const char *values[MLA_MAX_OPTION_VALUES]; /**< the default first */
} mlaOptionInfo;
#define MLA_OPTION_INFO_INIT                                                   \
  {                                                                            \
    sizeof(mlaOptionInfo), NULL, NULL, 0, 0, { NULL }                          \
  }

/** What to compile: an operator, or IR. Exactly one of `op` and `ir` is not
 *  NULL. */
typedef struct mlaSource {
  size_t size; /**< sizeof(mlaSource) */
  const mlaOperator *op;
  /** MLIR as text, with one function of a level from mla to cta, as mla-jit
   *  compile reads it. Differences of form (comments, names, space) do not make
   *  another kernel. */
  const char *ir;
  size_t irSize;      /**< bytes of `ir`, without a final 0 */
  const char *irName; /**< stands before positions in errors; NULL: "ir" */
} mlaSource;
#define MLA_SOURCE_INIT {sizeof(mlaSource), NULL, NULL, 0, NULL}

/** How to compile. All of it may be zero but `size`. Strings are copied. */
typedef struct mlaCompileOptions {
  size_t size; /**< sizeof(mlaCompileOptions) */
  /** Schedule of an operator that carries none: the name of one that ships, or
   *  a file with a #mla.schedule attribute, and numbers to change in it, as in
   *  "seesaw:block_kv=32:producer.registers=72". NULL: the compiler's choice,
   * which "auto:depth=3" changes. An error for IR that has its schedule. */
  const char *schedule;
  /** How far, in powers of two, weights may grow before a lazy softmax
   *  rescales: up to 64. 0: 8; -1: not at all, it rescales whenever the maximum
   *  grows. */
  double threshold;
  /** Sizes to choose a schedule for where the source leaves them to run time,
   * as in "s_kv=8192,topk=512". NULL: those that are typical of the operator.
   */
  const char *expectSizes;
  /** Name of the GPU, "H100" or "H200", for the tuning table. NULL: not known
   */
  const char *gpu;
  /** File of a tuning table. NULL: the one that ships. */
  const char *tuningTable;
} mlaCompileOptions;
#define MLA_COMPILE_OPTIONS_INIT                                               \
  {sizeof(mlaCompileOptions), NULL, 0, NULL, NULL, NULL}

/** Where a kernel came from. */
typedef enum mlaOrigin {
  MLA_COMPILED = 0,
  /** The compiler had it in memory, or another thread has just made it. */
  MLA_FROM_MEMORY = 1,
  /** It was in the cache folder. */
  MLA_FROM_DISK = 2
} mlaOrigin;

/** Description of a compiled kernel, by mlaCompile. */
typedef struct mlaCompileInfo {
  size_t size;       /**< sizeof(mlaCompileInfo), set by the caller */
  int32_t origin;    /**< an mlaOrigin */
  int32_t assembler; /**< an mlaAssembler: what made the cubin */
  /** Seconds that the call took, and parts of them; 0 for a step that it did
   *  not take. */
  double seconds;
  double waitSeconds;
  double passesSeconds;
  double ptxSeconds;
  double assembleSeconds;
  /** As the assembler reports them; -1 where it does not. */
  int32_t registers;  /**< a thread has at entry */
  int32_t stackBytes; /**< of a thread */
  int32_t spillBytes; /**< of a thread, stores and loads */
  int32_t warnings;   /**< number of messages */
  int64_t cubinBytes;
  /** The name of the kernel in the cache: 64 hexadecimal digits and a 0, the
   *  same for equal source, options and versions. */
  char key[72];
} mlaCompileInfo;
#define MLA_COMPILE_INFO_INIT                                                  \
  {sizeof(mlaCompileInfo), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, {0}}

/** MLA_JIT_VERSION of the library that is linked. */
int32_t mlaJitVersion(void);

/** The compiler that is linked, as in "mla 0.1.0+0123456789ab, LLVM 22.1.0".
 *  Another text means that kernels of the cache are compiled anew. */
const char *mlaJitVersionText(void);

/** The number of operators that the library has; they are numbered from 0. */
int32_t mlaOperatorCount(void);

/** Fills in what is known of operator `index`, and of its operands, in the
 * order of a kernel's arguments, its sizes and its options. Errors:
 * MLA_INVALID_ARGUMENT for an index that there is not. */
mlaStatus mlaOperatorGetInfo(int32_t index, mlaOperatorInfo *info);
mlaStatus mlaOperatorGetOperand(int32_t index, int32_t operand,
                                mlaOperandInfo *info);
mlaStatus mlaOperatorGetSize(int32_t index, int32_t size, mlaSizeInfo *info);
mlaStatus mlaOperatorGetOption(int32_t index, int32_t option,
                               mlaOptionInfo *info);

/** Makes a compiler and stores it in `*out`. Touches no file. `options` may be
 *  NULL: all defaults.
 *  Errors: MLA_INVALID_ARGUMENT, MLA_OUT_OF_MEMORY. */
mlaStatus mlaCompilerCreate(const mlaCompilerOptions *options,
                            mlaCompiler *out);

/** Frees a compiler and what it keeps in memory; the kernels that it gave out
 *  stay. No other thread may be using it. NULL is allowed. Errors: none. */
mlaStatus mlaCompilerDestroy(mlaCompiler compiler);

/** Stores a kernel for `source` in `*out`; it is loaded into no context yet.
 *  The caller has a reference of its own to it, which mlaKernelDestroy gives
 *  back. Equal calls give the same kernel as long as it is in memory, so that
 *  its code is loaded once into a context.
 *
 *  `options` may be NULL (defaults), and so may `info`, which is otherwise
 *  filled in, as far as it is known on an error too.
 *
 *  Threads may compile at once, different kernels in parallel; one that wants
 *  what another is compiling waits for it, and gets its error if it fails.
 *  Processes that share a cache folder likewise compile a kernel once. A
 *  failure is not remembered. A cache that does not work costs time and nothing
 *  else: see mlaWarningFn. After fork() the child may go on using the
 *  compiler.
 *
 *  From memory a kernel comes in microseconds, from disk in milliseconds; to
 *  compile one takes a second or two.
 *
 *  Errors: MLA_INVALID_ARGUMENT (a field of a struct), MLA_COMPILE_ERROR (the
 *  IR does not parse or verify, a pass or the assembler refuses it, or the
 *  kernel spills), MLA_NOT_FOUND (there is no assembler), MLA_NO_DRIVER and
 *  other errors of the driver where it is the assembler. */
mlaStatus mlaCompile(mlaCompiler compiler, const mlaSource *source,
                     const mlaCompileOptions *options, mlaKernel *out,
                     mlaCompileInfo *info);

/** As mlaCompile, but writes a package, which mlaKernelLoad reads, into
 *  `folder`. The folder is made if there is none.
 *  Errors: those of mlaCompile; MLA_NOT_FOUND where the folder cannot be
 *  written. */
mlaStatus mlaCompilePackage(mlaCompiler compiler, const mlaSource *source,
                            const mlaCompileOptions *options,
                            const char *folder, mlaCompileInfo *info);

#ifdef __cplusplus
} /* extern "C" */
#endif

#endif /* MLA_JIT_JIT_H */
