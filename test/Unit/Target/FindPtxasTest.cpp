//===- FindPtxasTest.cpp - where ptxas is looked for ----------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "TestSupport.h"
#include "mla/Target/Ptxas.h"

using namespace mla;

namespace {
/// Clears the environment variables that locate ptxas; tests set them.
class FindPtxas : public ::testing::Test {
protected:
  ScratchFolder scratch;
  ScopedEnv mla{"MLA_PTXAS", std::nullopt};
  ScopedEnv cudaHome{"CUDA_HOME", std::nullopt};
  ScopedEnv cudaPath{"CUDA_PATH", std::nullopt};
  ScopedEnv path{"PATH", scratch.file("empty")};

  std::string find(const std::optional<std::string> &option = std::nullopt) {
    auto found = findPtxas(option);
    return found ? *found : "error: " + text(found.takeError());
  }
};
} // namespace

TEST_F(FindPtxas, NothingAnywhere) {
  std::string result = find();
  EXPECT_TRUE(contains(result, "error: no ptxas found; looked in"));
  EXPECT_TRUE(contains(result, "MLA_PTXAS (not set)"));
  EXPECT_TRUE(contains(result, "CUDA_HOME (not set)"));
  EXPECT_TRUE(contains(result, "PATH"));
  EXPECT_TRUE(contains(result, "pip install nvidia-cuda-nvcc"));
}

TEST_F(FindPtxas, Order) {
  // From the last place to the first: each one hides those before.
  std::string python = scratch.script("venv/bin/python3", "");
  std::string wheel = scratch.script(
      "venv/lib/python3.11/site-packages/nvidia/cu13/bin/ptxas", "");
  ScopedEnv path("PATH", scratch.file("venv/bin"));
  EXPECT_EQ(find(), wheel);

  std::string onPath = scratch.script("bin/ptxas", "");
  ScopedEnv longerPath("PATH",
                       scratch.file("venv/bin") + ":" + scratch.file("bin"));
  EXPECT_EQ(find(), onPath);

  std::string inPath = scratch.script("b/bin/ptxas", "");
  ScopedEnv cudaPath("CUDA_PATH", scratch.file("b"));
  EXPECT_EQ(find(), inPath);

  std::string inHome = scratch.script("a/bin/ptxas", "");
  ScopedEnv cudaHome("CUDA_HOME", scratch.file("a"));
  EXPECT_EQ(find(), inHome);

  std::string fromEnv = scratch.script("env-ptxas", "");
  ScopedEnv mla("MLA_PTXAS", fromEnv);
  EXPECT_EQ(find(), fromEnv);

  std::string option = scratch.script("option-ptxas", "");
  EXPECT_EQ(find(option), option);
  EXPECT_EQ(find(""), fromEnv);
}

TEST_F(FindPtxas, OlderWheel) {
  scratch.script("venv/bin/python3", "");
  std::string wheel = scratch.script(
      "venv/lib/python3.9/site-packages/nvidia/cuda_nvcc/bin/ptxas", "");
  ScopedEnv path("PATH", scratch.file("venv/bin"));
  EXPECT_EQ(find(), wheel);
}

TEST_F(FindPtxas, CudaHomeWithoutPtxasIsPassedOver) {
  ScopedEnv cudaHome("CUDA_HOME", scratch.file("nowhere"));
  EXPECT_TRUE(contains(find(), "CUDA_HOME (" + scratch.file("nowhere")));
  std::string onPath = scratch.script("bin/ptxas", "");
  ScopedEnv path("PATH", scratch.file("bin"));
  EXPECT_EQ(find(), onPath);
}

TEST_F(FindPtxas, AnOrderIsNotPassedOver) {
  scratch.script("bin/ptxas", "");
  ScopedEnv path("PATH", scratch.file("bin"));
  std::string missing = scratch.file("missing");
  EXPECT_EQ(find(missing),
            "error: no ptxas at '" + missing + "' (from the option)");
  std::string plain = scratch.script("plain", "", /*executable=*/false);
  EXPECT_EQ(find(plain),
            "error: '" + plain + "' is not executable (from the option)");
  ScopedEnv mla("MLA_PTXAS", missing);
  EXPECT_EQ(find(), "error: no ptxas at '" + missing + "' (from MLA_PTXAS)");
}

TEST_F(FindPtxas, VisitsAllInOrder) {
  scratch.script("venv/bin/python3", "");
  std::string wheel = scratch.script(
      "venv/lib/python3.11/site-packages/nvidia/cu13/bin/ptxas", "");
  std::string home = scratch.script("home/bin/ptxas", "");
  std::string a = scratch.script("a/ptxas", ""),
              b = scratch.script("b/ptxas", "");
  ScopedEnv cudaHome("CUDA_HOME", scratch.file("home"));
  ScopedEnv path("PATH", scratch.file("a") + "::" + scratch.file("b") + ":" +
                             scratch.file("venv/bin"));
  std::vector<std::string> visited;
  visitPtxas([&](llvm::StringRef found) {
    visited.push_back(found.str());
    return false;
  });
  EXPECT_EQ(visited, (std::vector<std::string>{home, a, b, wheel}));
  visited.clear();
  visitPtxas([&](llvm::StringRef found) {
    visited.push_back(found.str());
    return found == a;
  });
  EXPECT_EQ(visited, (std::vector<std::string>{home, a}));
}

TEST_F(FindPtxas, ARequest) {
  scratch.script("bin/ptxas", "");
  ScopedEnv path("PATH", scratch.file("bin"));
  EXPECT_FALSE(isPtxasRequested(std::nullopt));
  EXPECT_FALSE(isPtxasRequested(""));
  EXPECT_TRUE(isPtxasRequested("ptxas"));
  ScopedEnv mla("MLA_PTXAS", "ptxas");
  EXPECT_TRUE(isPtxasRequested(std::nullopt));
}

TEST_F(FindPtxas, AName) {
  std::string named = scratch.script("bin/ptxas-12", "");
  ScopedEnv path("PATH", scratch.file("bin"));
  EXPECT_EQ(find("ptxas-12"), named);
  EXPECT_EQ(find("ptxas-11"), "error: no 'ptxas-11' on PATH (from the option)");
}
