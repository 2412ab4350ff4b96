//===- Expected.cpp - outputs that files hold -----------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "Cases.h"
#include "mla/Harness/Npy.h"
#include "mla/Support/NearNames.h"

#include <algorithm>
#include <cmath>

using namespace mla::runtime;

namespace mla::harness {

namespace {

/// The rounding error of `dtype` relative to the largest magnitude, with room
/// for sums in another order.
double defaultTolerance(mlaDType dtype) {
  switch (dtype) {
  case MLA_BF16:
    return 0x1p-7;
  case MLA_E4M3:
    return 0x1p-3;
  case MLA_F16:
    return 0x1p-10;
  case MLA_F32:
    return 0x1p-16;
  case MLA_F64:
    return 0x1p-40;
  default:
    return 0;
  }
}

std::string shapeText(const std::vector<int64_t> &shape) {
  std::string text;
  for (int64_t size : shape)
    text += (text.empty() ? "" : " x ") + std::to_string(size);
  return text.empty() ? "no dimensions" : text;
}

Status findOutput(const std::vector<HostArgument> &arguments,
                  const std::string &name, const HostArgument *&out) {
  std::vector<std::string> names;
  for (const HostArgument &argument : arguments)
    if (argument.isTensor && argument.access != MLA_READ && !argument.leftOut) {
      names.push_back(argument.name);
      if (argument.name == name) {
        out = &argument;
        return Status();
      }
    }
  return invalidArgument("expected output '" + name +
                         "': the kernel has no such output" +
                         suggest(name, names));
}

/// Floating-point outputs are also expected in f32 and f64: NumPy has no bf16,
/// and references compute in more precision.
std::vector<mlaDType> typesFor(mlaDType dtype) {
  std::vector<mlaDType> types{dtype};
  if (isFloat(dtype))
    for (mlaDType other : {MLA_F32, MLA_F64})
      if (other != dtype)
        types.push_back(other);
  return types;
}

} // namespace

Status readExpected(const ToolOptions &options,
                    const std::vector<HostArgument> &arguments,
                    std::vector<ExpectedOutput> &expected) {
  for (const auto &[name, path] : options.expected) {
    const HostArgument *output = nullptr;
    MLA_RETURN_IF_ERROR(findOutput(arguments, name, output));
    mlaDType dtype = output->tensor.dtype;
    HostTensor file;
    MLA_RETURN_IF_ERROR(readNpy(path, typesFor(dtype), file));
    if (file.shape != output->tensor.shape)
      return invalidArgument(
          "expected output '" + name + "': expected a file of " +
          shapeText(output->tensor.shape) + ", got " + shapeText(file.shape));
    ExpectedOutput &made = expected.emplace_back();
    made.name = name;
    double largest = 0;
    for (int64_t i = 0; i < file.elements(); ++i) {
      made.values.push_back(file.get(i));
      if (std::isfinite(made.values.back()))
        largest = std::max(largest, std::fabs(made.values.back()));
    }
    made.tolerance.absolute =
        largest * options.tolerance.value_or(defaultTolerance(dtype));
  }
  return Status();
}

} // namespace mla::harness
