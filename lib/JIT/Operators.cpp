//===- Operators.cpp - operators as IR, without writing IR ------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "mla/JIT/Operators.h"
#include "mla/Support/Names.h"
#include "mla/Transforms/OperatorQueries.h"
#include "mlir/AsmParser/AsmParser.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/IR/Verifier.h"
#include "llvm/Support/FormatVariadic.h"

using namespace mlir;
using namespace mla;

//===----------------------------------------------------------------------===//
// Sizes and options
//===----------------------------------------------------------------------===//

OperatorSpec::OperatorSpec(const Operator &op) : op(&op) {
  for (const SizeInfo &size : op.table.sizes)
    sizes.push_back(size.usual ? std::optional(size.usual) : std::nullopt);
  for (const OptionInfo &option : op.table.options)
    options.push_back(option.values[0]);
}

SmallVector<const SizeInfo *> mla::getChoosableSizes(const Operator &op) {
  SmallVector<const SizeInfo *> sizes;
  for (const SizeInfo &size : op.table.sizes)
    if (!size.isFixed())
      sizes.push_back(&size);
  return sizes;
}

/// The names of `entries`, for errors.
template <typename Range>
static SmallVector<StringRef> getNames(Range entries) {
  return llvm::map_to_vector(
      entries, [](const auto &entry) { return StringRef(entry.name); });
}

std::string OperatorSpec::setSize(StringRef name,
                                  std::optional<int64_t> value) {
  // Kernels count in 32 bits.
  constexpr int64_t kMaxSize = std::numeric_limits<int32_t>::max();
  const SizeInfo *size = findEntry(op->table.sizes, name);
  if (!size || size->isFixed()) {
    SmallVector<StringRef> names =
        llvm::map_to_vector(getChoosableSizes(*op), [](const SizeInfo *known) {
          return StringRef(known->name);
        });
    return llvm::formatv("unknown size '{0}', expected {1}", name,
                         listNames(name, names));
  }
  if (!value && size->isStatic)
    return llvm::formatv("size '{0}': expected 1 to {1}, got a run-time size",
                         name, kMaxSize);
  if (value && (*value < 1 || *value > kMaxSize))
    return llvm::formatv("size '{0}': expected 1 to {1}{2}, got {3}", name,
                         kMaxSize, size->isStatic ? "" : " or a run-time size",
                         *value);
  sizes[size - op->table.sizes.begin()] = value;
  return "";
}

std::string OperatorSpec::setOption(StringRef name, StringRef value) {
  const OptionInfo *option = findEntry(op->table.options, name);
  if (!option)
    return llvm::formatv("unknown option '{0}', expected {1}", name,
                         listNames(name, getNames(op->table.options)));
  const std::string_view *known =
      llvm::find(option->values, std::string_view(value));
  if (known == option->values.end())
    return llvm::formatv("{0}: expected '{1}', got '{2}'", name,
                         llvm::join(option->values, "' or '"), value);
  options[option - op->table.options.begin()] = *known;
  return "";
}

std::optional<int64_t> OperatorSpec::getSize(StringRef name) const {
  const SizeInfo *size = findEntry(op->table.sizes, name);
  return size ? sizes[size - op->table.sizes.begin()] : std::nullopt;
}

StringRef OperatorSpec::getOption(StringRef name) const {
  const OptionInfo *option = findEntry(op->table.options, name);
  return option ? StringRef(options[option - op->table.options.begin()])
                : StringRef();
}

std::string OperatorSpec::describe() const {
  std::string text = op->getName().str();
  auto add = [&](std::string_view name, std::string_view value) {
    text.append(" ").append(name).append("=").append(value);
  };
  for (auto [size, value] : llvm::zip(op->table.sizes, sizes))
    add(size.name, value ? std::to_string(*value) : "?");
  for (auto [option, value] : llvm::zip(op->table.options, options))
    add(option.name, value);
  return text;
}

//===----------------------------------------------------------------------===//
// IR
//===----------------------------------------------------------------------===//

/// A memref with the run-time strides that the layout allows.
static MemRefType getTensor(Type element, ArrayRef<int64_t> shape,
                            OperandLayout layout) {
  SmallVector<int64_t> strides(shape.size(), ShapedType::kDynamic);
  if (layout != OperandLayout::Strided)
    strides.back() = 1;
  if (shape.size() == 1 || layout == OperandLayout::Contiguous)
    return MemRefType::get(shape, element);
  return MemRefType::get(
      shape, element, StridedLayoutAttr::get(element.getContext(), 0, strides));
}

/// The type of the operand; null if it is not there.
static Type getType(const OperatorSpec &spec, const OperandInfo &operand,
                    MLIRContext &context) {
  StringRef presence = spec.getOption(operand.name);
  if (operand.isOptional && presence == StringRef(kAbsent))
    return {};
  StringRef name = spec.getOption(operand.typeVariable);
  Type element =
      parseType(name.empty() ? StringRef(operand.elements[0]) : name, &context);
  if (operand.isScalar())
    return element;
  SmallVector<int64_t> shape;
  for (std::string_view dim : operand.dims)
    shape.push_back(spec.getSize(dim).value_or(ShapedType::kDynamic));
  // All sizes of an operand are 0 if a launch omits it, so they are run-time
  // sizes.
  if (operand.isOptional && presence == StringRef(kLaunchOptional))
    llvm::fill(shape, ShapedType::kDynamic);
  return getTensor(element, shape, operand.layout);
}

/// Creates the op with all arguments of `block`; `counts` has 1 for each
/// operand of the table that is present, otherwise 0.
static Operation *createOperator(ImplicitLocOpBuilder &b,
                                 const OperatorSpec &spec, Block *block,
                                 ArrayRef<int32_t> counts) {
  const OperatorTable &table = spec.getOperator().table;
  OperationState state(b.getLoc(),
                       ("mla." + spec.getOperator().getName()).str());
  state.addOperands(ValueRange(block->getArguments()));
  if (state.name.hasTrait<OpTrait::AttrSizedOperandSegments>())
    state.addAttribute("operandSegmentSizes", b.getDenseI32ArrayAttr(counts));
  for (const OptionInfo &option : table.options) {
    StringRef value = spec.getOption(option.name);
    if (option.kind == OptionKind::Attribute &&
        value != StringRef(option.values[0]))
      state.addAttribute(option.name, b.getStringAttr(value));
    if (option.kind == OptionKind::Presence &&
        value == StringRef(kLaunchOptional))
      state.addAttribute(getOptionalAttrName(option.name), b.getUnitAttr());
  }
  return b.create(state);
}

OwningOpRef<ModuleOp> mla::buildOperator(MLIRContext &context,
                                         const OperatorSpec &spec) {
  context.loadDialect<func::FuncDialect, memref::MemRefDialect, MLADialect>();
  ImplicitLocOpBuilder b(UnknownLoc::get(&context), &context);
  OwningOpRef<ModuleOp> module = ModuleOp::create(b.getLoc());
  b.setInsertionPointToEnd(module->getBody());
  const OperatorTable &table = spec.getOperator().table;
  SmallVector<Type> types;
  SmallVector<int32_t> counts;
  for (const OperandInfo &operand : table.operands) {
    Type type = getType(spec, operand, context);
    counts.push_back(type ? 1 : 0);
    if (type)
      types.push_back(type);
  }
  auto func = func::FuncOp::create(b, table.name, b.getFunctionType(types, {}));
  Block *entry = func.addEntryBlock();
  b.setInsertionPointToEnd(entry);
  Operation *op = createOperator(b, spec, entry, counts);
  func::ReturnOp::create(b);
  if (failed(verify(*module)) ||
      failed(checkCovered(cast<OperatorInterface>(op))))
    return {};
  return module;
}
