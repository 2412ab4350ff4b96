/*===- TwoLLVMs.c - libmla-jit.so beside another LLVM ---------------------===*\
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
|*===----------------------------------------------------------------------===*|
|*                                                                            *|
|* usage: two-llvms LIBLLVM LIBMLAJIT PTXAS FOLDER                            *|
|*                                                                            *|
|* Opens an LLVM whose symbols all later libraries see, then libmla-jit.so,   *|
|* and compiles. In C, so that the headers are held to it.                    *|
|*                                                                            *|
\*===----------------------------------------------------------------------===*/

#include "mla/JIT/JIT.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

static void *library;

/* ISO C has no conversion between pointers to data and to functions. */
static void find(const char *name, void *function) {
  void *address = dlsym(library, name);
  memcpy(function, &address, sizeof(address));
}

int main(int count, char **words) {
  mlaCompilerOptions options = MLA_COMPILER_OPTIONS_INIT;
  mlaOperator op = MLA_OPERATOR_INIT;
  mlaSource source = MLA_SOURCE_INIT;
  mlaCompileOptions how = MLA_COMPILE_OPTIONS_INIT;
  mlaCompileInfo info = MLA_COMPILE_INFO_INIT;
  mlaCompiler compiler = NULL;
  mlaKernel kernel = NULL;
  mlaStatus status;
  mlaStatus (*create)(const mlaCompilerOptions *, mlaCompiler *);
  mlaStatus (*compile)(mlaCompiler, const mlaSource *,
                       const mlaCompileOptions *, mlaKernel *,
                       mlaCompileInfo *);
  mlaStatus (*destroyCompiler)(mlaCompiler);
  mlaStatus (*destroyKernel)(mlaKernel);
  const char *(*lastError)(void);

  if (count != 5)
    return 2;
  if (!dlopen(words[1], RTLD_NOW | RTLD_GLOBAL) ||
      !(library = dlopen(words[2], RTLD_NOW | RTLD_LOCAL))) {
    fprintf(stderr, "error: %s\n", dlerror());
    return 1;
  }
  find("mlaCompilerCreate", &create);
  find("mlaCompile", &compile);
  find("mlaCompilerDestroy", &destroyCompiler);
  find("mlaKernelDestroy", &destroyKernel);
  find("mlaLastError", &lastError);
  options.ptxas = words[3];
  options.cacheFolder = words[4];
  op.name = "sparse_prefill";
  source.op = &op;
  status = create(&options, &compiler);
  if (status == MLA_SUCCESS)
    status = compile(compiler, &source, &how, &kernel, &info);
  if (status != MLA_SUCCESS) {
    fprintf(stderr, "error: %s\n", lastError());
    return 1;
  }
  printf("origin %d, %d registers, %.3f s\n", (int)info.origin,
         (int)info.registers, info.seconds);
  destroyKernel(kernel);
  destroyCompiler(compiler);
  /* Closed first, it must not take with it what the other still needs. */
  dlclose(library);
  return 0;
}
