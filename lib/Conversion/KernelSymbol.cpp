//===- KernelSymbol.cpp - a kernel's name and its module --------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "KernelSymbol.h"
#include "KernelContext.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;
using namespace mla;

/// The length of an identifier that every PTX assembler takes (PTX ISA,
/// Identifiers).
static constexpr size_t kMaxNameLength = 1024;

/// PTX ISA, Identifiers; without '%', which is for registers.
static bool isIdentifier(StringRef name) {
  auto follows = [](char c) {
    return llvm::isAlnum(c) || c == '_' || c == '$';
  };
  if (name.empty() || name.size() > kMaxNameLength || llvm::isDigit(name[0]) ||
      !llvm::all_of(name, follows))
    return false;
  return llvm::isAlpha(name[0]) || name.size() > 1;
}

/// Whether a name is taken: by PTX's constant, the functions that ptxas adds,
/// or the kernel's own shared memory. Keywords of PTX may be names.
static bool isReserved(StringRef name) {
  return name == "WARP_SZ" || name.starts_with("__cuda") ||
         name == kSharedSymbol;
}

LogicalResult mla::checkKernelSymbol(func::FuncOp kernel) {
  // A symbol reference prints in quotes if it is not an identifier.
  FlatSymbolRefAttr name = FlatSymbolRefAttr::get(kernel.getSymNameAttr());
  if (!isIdentifier(name.getValue()))
    return kernel.emitOpError()
           << "expected a kernel name that PTX can spell (1 to "
           << kMaxNameLength
           << " letters, digits, '_' and '$'; first no digit, and not '_' or "
              "'$' alone), got "
           << name;
  if (isReserved(name.getValue()))
    return kernel.emitOpError()
           << "expected a kernel name that has no meaning in PTX, got " << name;
  for (Operation &op : *kernel->getBlock()) {
    auto other = dyn_cast<func::FuncOp>(op);
    if (!other || other.getOps<scf::ForallOp>().empty())
      return op.emitOpError()
             << "expected nothing but kernels beside the "
                "kernel "
             << name << " in its module: it would not be lowered";
  }
  return success();
}
