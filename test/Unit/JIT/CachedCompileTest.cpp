//===- CachedCompileTest.cpp - keys of the cache --------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "mla/JIT/CachedCompile.h"
#include "../Target/TestSupport.h"
#include "mlir/IR/MLIRContext.h"
#include <cmath>

using namespace mla;

namespace {
/// Nothing to compile: the key is computed nevertheless.
class CacheKey : public ::testing::Test {
protected:
  std::string key() {
    mlir::OwningOpRef<mlir::ModuleOp> module =
        mlir::ModuleOp::create(mlir::UnknownLoc::get(&context));
    DiskCache none("", 0);
    CachedKernel kernel;
    EXPECT_FALSE(compileCached(*module, options, none, kernel).ok());
    EXPECT_NE(kernel.facts.key, "");
    return kernel.facts.key;
  }

  ScratchFolder scratch;
  ScopedEnv ptxas{"MLA_PTXAS",
                  scratch.script("ptxas", "echo release 13.0, V13.0.88")};
  mlir::MLIRContext context;
  CachedCompileOptions options;
};

TEST_F(CacheKey, EveryThresholdIsAnother) {
  std::string before = key();
  EXPECT_EQ(key(), before);
  double &threshold = options.compile.threshold;
  for (double next : {0.0, std::nextafter(threshold, 9.0)}) {
    threshold = next;
    EXPECT_NE(key(), before) << next;
  }
}

TEST_F(CacheKey, AnUpdateOfPtxasIsAnother) {
  // In place, while the process runs.
  std::string before = key();
  llvm::sys::fs::remove(scratch.file("ptxas"));
  scratch.script("ptxas", "echo release 13.1, V13.1.80");
  EXPECT_NE(key(), before);
}
} // namespace
