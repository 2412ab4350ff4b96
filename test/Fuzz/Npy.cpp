//===- Npy.cpp - fuzz target: the reader of .npy files ---------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// An input is a byte that chooses the expected type, then the file.
// What is read has to be the same after writing and reading it again.
//
//===----------------------------------------------------------------------===//

#include "mla/Harness/Npy.h"

#include <cstdlib>

using namespace mla::harness;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size == 0)
    return 0;
  mlaDType dtype = static_cast<mlaDType>(data[0] % (MLA_I64 + 1));
  std::string bytes(reinterpret_cast<const char *>(data + 1), size - 1);
  HostTensor tensor, again;
  if (!parseNpy(bytes, dtype, "input", tensor).ok())
    return 0;
  if (!parseNpy(formatNpy(tensor), dtype, "again", again).ok() ||
      again.shape != tensor.shape || again.storage != tensor.storage)
    std::abort();
  return 0;
}
