//===- Arc4random.cpp - random numbers without glibc 2.36 -----------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// The C++ library and LLVM that are linked in were built against a glibc with
// arc4random, which is new in 2.36. With this definition the library needs no
// glibc newer than 2.35, that of Ubuntu 22.04.
//
//===----------------------------------------------------------------------===//

#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <sys/random.h>

extern "C" std::uint32_t arc4random() noexcept {
  std::uint32_t value = 0;
  while (getrandom(&value, sizeof(value), 0) != sizeof(value))
    if (errno != EINTR)
      std::abort(); // As glibc's: there is no error to return.
  return value;
}
