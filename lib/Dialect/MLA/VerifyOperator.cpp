//===- VerifyOperator.cpp - verifier of operators ---------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "mla/Dialect/MLA/MLA.h"
#include "mla/Tuning/Operator.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;
using namespace mla;

/// Kernels compute indices in 32 bits.
static constexpr int64_t kMaxSize = std::numeric_limits<int32_t>::max();

/// The static size of the dimension `name` of `operand`; kDynamic if there is
/// none.
static int64_t getSize(const OperandInfo &info, Value operand, StringRef name) {
  auto type = operand ? dyn_cast<MemRefType>(operand.getType()) : MemRefType();
  for (size_t i = 0; type && i < info.dims.size(); ++i)
    if (StringRef(info.dims[i]) == name &&
        static_cast<int64_t>(i) < type.getRank())
      return type.getDimSize(i);
  return ShapedType::kDynamic;
}

int64_t mla::getSize(OperatorInterface op, StringRef name) {
  const OperatorTable &table = op.getOperator().table;
  for (auto [info, operand] : llvm::zip(table.operands, op.getTableOperands()))
    if (int64_t size = ::getSize(info, operand, name);
        !ShapedType::isDynamic(size))
      return size;
  return ShapedType::kDynamic;
}

std::string mla::getOptionalAttrName(StringRef name) {
  return (name + "_optional").str();
}

namespace {
class Verifier {
public:
  explicit Verifier(OperatorInterface op)
      : op(op), table(op.getOperator().table), operands(op.getTableOperands()) {
  }

  LogicalResult verify();

private:
  LogicalResult checkElement(const OperandInfo &info, Value operand);
  LogicalResult checkMemRef(const OperandInfo &info, MemRefType type);
  LogicalResult checkSizes(const OperandInfo &info, MemRefType type);
  LogicalResult checkStaticSizes();
  LogicalResult checkOptional(const OperandInfo &info, Value operand);
  LogicalResult checkApart(const OperandInfo &info, Value output);
  LogicalResult checkOption(const OptionInfo &option);
  InFlightDiagnostic emitError() { return op->emitOpError(); }

  OperatorInterface op;
  const OperatorTable &table;
  SmallVector<Value> operands;
};
} // namespace

/// "'e' or '2'".
static std::string joinWords(TableList<std::string_view> words,
                             StringRef quote) {
  return llvm::join(llvm::map_range(words,
                                    [&](std::string_view word) {
                                      return (quote + word + quote).str();
                                    }),
                    " or ");
}

LogicalResult Verifier::checkElement(const OperandInfo &info, Value operand) {
  auto getElement = [](Value value) {
    std::string text;
    llvm::raw_string_ostream(text) << getElementTypeOrSelf(value.getType());
    return text;
  };
  std::string got = getElement(operand);
  if (!llvm::is_contained(info.elements, got))
    return emitError() << info.name << ": expected element type "
                       << joinWords(info.elements, "") << ", got " << got;
  for (auto [other, value] : llvm::zip(table.operands, operands)) {
    if (info.typeVariable.empty() || !value ||
        other.typeVariable != info.typeVariable)
      continue;
    if (std::string first = getElement(value); first != got)
      return emitError() << info.name << ": expected element type " << first
                         << ", as " << other.name << " has, got " << got;
    break;
  }
  return success();
}

LogicalResult Verifier::checkSizes(const OperandInfo &info, MemRefType type) {
  for (auto [dim, name] : llvm::enumerate(info.dims)) {
    int64_t size = type.getDimSize(dim), expected = getSize(op, name);
    if (size > kMaxSize)
      return emitError() << info.name << ": expected " << name << " of at most "
                         << kMaxSize << " in dimension " << dim << ", got "
                         << size;
    if (size != expected && !ShapedType::isDynamic(size))
      return emitError() << info.name << ": expected " << name << " = "
                         << expected << " in dimension " << dim << ", got "
                         << size;
  }
  return success();
}

LogicalResult Verifier::checkMemRef(const OperandInfo &info, MemRefType type) {
  auto rank = static_cast<int64_t>(info.dims.size());
  if (type.getRank() != rank)
    return emitError() << info.name << ": expected rank " << rank << ", got "
                       << type.getRank();
  if (failed(checkSizes(info, type)))
    return failure();
  SmallVector<int64_t> strides;
  int64_t offset = 0;
  if (info.layout == OperandLayout::Contiguous &&
      !type.getLayout().isIdentity())
    return emitError() << info.name << ": expected a contiguous memref, got "
                       << type;
  if (failed(type.getStridesAndOffset(strides, offset)) ||
      (info.layout == OperandLayout::Rows && strides.back() != 1))
    return emitError() << info.name
                       << ": expected a contiguous last dimension (stride 1), "
                          "got "
                       << type;
  return success();
}

LogicalResult Verifier::checkStaticSizes() {
  SmallVector<StringRef> names;
  bool isOpen = false;
  for (const SizeInfo &size : table.sizes) {
    if (!size.isStatic)
      continue;
    names.push_back(size.name);
    // Passes take the size from the first operand that has it.
    for (auto [info, operand] : llvm::zip(table.operands, operands))
      if (operand && llvm::is_contained(info.dims, size.name)) {
        isOpen |= ShapedType::isDynamic(::getSize(info, operand, size.name));
        break;
      }
  }
  if (!isOpen)
    return success();
  std::string list = llvm::join(ArrayRef(names).drop_back(), ", ");
  return emitError() << "expected static " << list
                     << (list.empty() ? "" : " and ") << names.back();
}

/// An operand that a launch may omit has size 0 then, so its first size must be
/// a run-time size.
LogicalResult Verifier::checkOptional(const OperandInfo &info, Value operand) {
  std::string attribute = getOptionalAttrName(info.name);
  if (!info.isOptional || !op->hasAttr(attribute))
    return success();
  const OptionInfo *option = findEntry(table.options, info.name);
  if (!option || !llvm::is_contained(option->values, kLaunchOptional))
    return emitError() << attribute << ": expected an operand that a launch "
                       << "may omit, got " << info.name;
  if (!operand)
    return emitError() << attribute << ": expected the operand " << info.name
                       << ", got none";
  auto type = cast<MemRefType>(operand.getType());
  if (llvm::all_of(type.getShape(), ShapedType::isDynamic))
    return success();
  return emitError() << info.name << ": expected run-time sizes of an operand "
                     << "that a launch may omit, got " << type;
}

/// Each output must be a memref of its own, so that it does not overwrite
/// another output or an input that is still read.
LogicalResult Verifier::checkApart(const OperandInfo &info, Value output) {
  if (!info.isWritten || !output || llvm::count(op->getOperands(), output) == 1)
    return success();
  return emitError() << info.name << ": expected a memref of its own, got one "
                     << "that is another operand too";
}

LogicalResult Verifier::checkOption(const OptionInfo &option) {
  auto value = op->getAttrOfType<StringAttr>(option.name);
  if (option.kind != OptionKind::Attribute || !value ||
      llvm::is_contained(option.values, value.str()))
    return success();
  return emitError() << option.name << ": expected "
                     << joinWords(option.values, "'") << ", got '"
                     << value.getValue() << "'";
}

LogicalResult Verifier::verify() {
  for (auto [info, operand] : llvm::zip(table.operands, operands)) {
    if (!operand)
      continue;
    auto type = dyn_cast<MemRefType>(operand.getType());
    if (failed(checkElement(info, operand)) ||
        (type && failed(checkMemRef(info, type))))
      return failure();
  }
  if (failed(checkStaticSizes()))
    return failure();
  for (auto [info, operand] : llvm::zip(table.operands, operands))
    if (failed(checkOptional(info, operand)) ||
        failed(checkApart(info, operand)))
      return failure();
  for (const OptionInfo &option : table.options)
    if (failed(checkOption(option)))
      return failure();
  return success();
}

LogicalResult mla::verifyOperator(OperatorInterface op) {
  return Verifier(op).verify();
}
