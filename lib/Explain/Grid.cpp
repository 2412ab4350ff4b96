//===- Grid.cpp - arguments, run-time sizes and the grid ------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "mla/Dialect/MLA/MLA.h"
#include "mla/Dialect/Tile/Tile.h"
#include "mla/Explain/Kernel.h"
#include "mla/Runtime/Expression.h"
#include "mla/Tuning/Machine.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace mla;
using namespace mla::explain;

//===----------------------------------------------------------------------===//
// Sizes of arguments
//===----------------------------------------------------------------------===//

std::string explain::getArgumentName(func::FuncOp func, unsigned argument) {
  if (auto name = func.getArgAttrOfType<StringAttr>(argument, kArgNameAttr))
    return name.str();
  return "arg" + std::to_string(argument);
}

/// The name or value of a run-time size in the function's attributes; null if
/// there is none.
static Attribute getKnownSize(func::FuncOp func, unsigned argument,
                              int64_t dim) {
  auto dims = func.getArgAttrOfType<ArrayAttr>(argument, kArgDimsAttr);
  return dims && dim < static_cast<int64_t>(dims.size()) ? dims[dim]
                                                         : Attribute();
}

/// The name of a run-time size: its symbol, or "arg1.0".
static std::string getSizeName(func::FuncOp func, unsigned argument,
                               int64_t dim) {
  if (auto symbol =
          dyn_cast_or_null<StringAttr>(getKnownSize(func, argument, dim));
      symbol && !symbol.empty())
    return symbol.str();
  return getArgumentName(func, argument) + "." + std::to_string(dim);
}

/// Sizes of workspaces are expressions over others: "ceildiv(keys, 256)".
static std::optional<runtime::Expression> parseName(StringRef name,
                                                    const Sizes &sizes) {
  std::vector<std::string> names;
  for (const auto &[size, value] : sizes)
    names.push_back(size);
  runtime::Expression expression;
  if (!runtime::Expression::parse(std::string_view(name), names, expression)
           .ok())
    return std::nullopt;
  return expression;
}

static std::optional<int64_t> evaluateName(StringRef name, const Sizes &sizes) {
  if (auto size = sizes.find(name.str()); size != sizes.end())
    return size->second;
  std::optional<runtime::Expression> expression = parseName(name, sizes);
  std::vector<int64_t> values;
  for (const auto &[size, value] : sizes)
    values.push_back(value);
  int64_t value = 0;
  if (!expression ||
      !expression->evaluate(values.data(), Machine().sms, value).ok())
    return std::nullopt;
  return value;
}

static std::optional<int64_t> evaluateSize(func::FuncOp func, unsigned argument,
                                           int64_t dim, const Sizes &sizes) {
  auto type = dyn_cast<MemRefType>(func.getArgument(argument).getType());
  if (!type)
    return std::nullopt;
  if (!type.isDynamicDim(dim))
    return type.getDimSize(dim);
  if (auto size =
          dyn_cast_or_null<IntegerAttr>(getKnownSize(func, argument, dim)))
    return size.getInt();
  return evaluateName(getSizeName(func, argument, dim), sizes);
}

std::optional<std::vector<int64_t>> explain::evaluateShape(func::FuncOp func,
                                                           unsigned argument,
                                                           const Sizes &sizes) {
  std::vector<int64_t> shape;
  int64_t rank =
      cast<MemRefType>(func.getArgument(argument).getType()).getRank();
  for (int64_t dim = 0; dim < rank; ++dim) {
    std::optional<int64_t> size = evaluateSize(func, argument, dim, sizes);
    if (!size)
      return std::nullopt;
    shape.push_back(*size);
  }
  return shape;
}

//===----------------------------------------------------------------------===//
// The grid
//===----------------------------------------------------------------------===//

namespace {
/// A bound of the grid: a constant, or the size of an argument's dimension
/// divided by a constant, rounded up.
struct Extent {
  std::optional<int64_t> constant;
  std::optional<unsigned> argument;
  int64_t dim = 0, divide = 1;
};
} // namespace

static Extent readExtent(OpFoldResult bound) {
  Extent extent;
  extent.constant = getConstantIntValue(bound);
  auto value = dyn_cast<Value>(bound);
  if (extent.constant || !value)
    return extent;
  Operation *def = value.getDefiningOp();
  if (isa_and_present<arith::CeilDivUIOp, arith::CeilDivSIOp>(def)) {
    extent.divide =
        getConstantIntValue(OpFoldResult(def->getOperand(1))).value_or(0);
    value = def->getOperand(0);
  }
  auto dim = value.getDefiningOp<memref::DimOp>();
  auto source = dim ? dyn_cast<BlockArgument>(dim.getSource()) : nullptr;
  if (source && dim.getConstantIndex() && extent.divide > 0) {
    extent.argument = source.getArgNumber();
    extent.dim = *dim.getConstantIndex();
  }
  return extent;
}

/// An operand of the grid's size as text; "?" if it is not known.
static std::string describeBound(func::FuncOp func, OpFoldResult bound) {
  if (std::optional<int64_t> constant = getConstantIntValue(bound))
    return std::to_string(*constant);
  Extent extent = readExtent(bound);
  if (extent.argument) {
    std::string size = getSizeName(func, *extent.argument, extent.dim);
    return extent.divide == 1
               ? size
               : "⌈" + size + " / " + std::to_string(extent.divide) + "⌉";
  }
  Operation *def = cast<Value>(bound).getDefiningOp();
  if (isa_and_present<tile::SmCountOp>(def))
    return "SMs";
  auto operand = [&](unsigned n) {
    return describeBound(func, def->getOperand(n));
  };
  if (isa_and_present<arith::MulIOp>(def)) {
    std::string a = operand(0), b = operand(1);
    return a == "1" ? b : a + " × " + b;
  }
  if (isa_and_present<arith::MinUIOp>(def))
    return "min(" + operand(0) + ", " + operand(1) + ")";
  return "?";
}

std::string explain::describeGrid(const Kernel &kernel) {
  std::vector<std::string> texts;
  for (OpFoldResult bound : kernel.grid.getMixedUpperBound())
    texts.push_back(describeBound(kernel.func, bound));
  return llvm::join(texts, " × ");
}

static std::optional<int64_t>
evaluateBound(func::FuncOp func, OpFoldResult bound, const Sizes &sizes) {
  if (std::optional<int64_t> constant = getConstantIntValue(bound))
    return constant;
  Extent extent = readExtent(bound);
  if (extent.argument) {
    std::optional<int64_t> size =
        evaluateSize(func, *extent.argument, extent.dim, sizes);
    return size ? std::optional(llvm::divideCeil(*size, extent.divide))
                : std::nullopt;
  }
  Operation *def = cast<Value>(bound).getDefiningOp();
  if (isa_and_present<tile::SmCountOp>(def))
    return Machine().sms;
  if (!isa_and_present<arith::MulIOp, arith::MinUIOp>(def))
    return std::nullopt;
  std::optional<int64_t> a = evaluateBound(func, def->getOperand(0), sizes);
  std::optional<int64_t> b = evaluateBound(func, def->getOperand(1), sizes);
  if (!a || !b)
    return std::nullopt;
  return isa<arith::MulIOp>(def) ? *a * *b : std::min(*a, *b);
}

std::optional<std::vector<int64_t>> explain::evaluateGrid(const Kernel &kernel,
                                                          const Sizes &sizes) {
  std::vector<int64_t> values;
  for (OpFoldResult bound : kernel.grid.getMixedUpperBound()) {
    std::optional<int64_t> value = evaluateBound(kernel.func, bound, sizes);
    if (!value)
      return std::nullopt;
    values.push_back(*value);
  }
  return values;
}

/// Whether `value` is used for the grid's bounds alone.
static bool isOnlyBound(Value value, Operation *grid) {
  return llvm::all_of(value.getUsers(), [&](Operation *user) {
    return user == grid || (isa<arith::CeilDivUIOp, arith::CeilDivSIOp>(user) &&
                            isOnlyBound(user->getResult(0), grid));
  });
}

/// Whether anything but the grid's bounds depends on the size `name`: what a
/// CTA does may then change with it.
static bool dependsOn(const Kernel &kernel, StringRef name,
                      const Sizes &sizes) {
  WalkResult found = kernel.func.walk([&](memref::DimOp dim) {
    auto source = dyn_cast<BlockArgument>(dim.getSource());
    std::optional<int64_t> index = dim.getConstantIndex();
    if (!source || !index || isOnlyBound(dim.getResult(), kernel.grid))
      return WalkResult::advance();
    std::string size = getSizeName(kernel.func, source.getArgNumber(), *index);
    if (size == name)
      return WalkResult::interrupt();
    // An expression may contain it.
    std::optional<runtime::Expression> expression = parseName(size, sizes);
    bool contains = expression && llvm::any_of(expression->sizes(), [&](int n) {
                      return std::next(sizes.begin(), n)->first == name;
                    });
    return contains ? WalkResult::interrupt() : WalkResult::advance();
  });
  return found.wasInterrupted();
}

std::map<std::string, int64_t> explain::findGridSizes(ArrayRef<Kernel> kernels,
                                                      const Sizes &sizes) {
  std::map<std::string, int64_t> perCluster;
  for (const Kernel &kernel : kernels)
    for (OpFoldResult bound : kernel.grid.getMixedUpperBound()) {
      Extent extent = readExtent(bound);
      if (!extent.argument)
        continue;
      std::string name = getSizeName(kernel.func, *extent.argument, extent.dim);
      if (!sizes.count(name) || llvm::any_of(kernels, [&](const Kernel &other) {
            return dependsOn(other, name, sizes);
          }))
        continue;
      int64_t &least = perCluster[name];
      least = std::max(least, extent.divide * kernel.clusterSize);
    }
  return perCluster;
}
