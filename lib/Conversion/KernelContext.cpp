//===- KernelContext.cpp - shared by the lowering patterns ------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "KernelContext.h"
#include "llvm/ADT/Sequence.h"

using namespace mlir;
using namespace mla;
using cta::FragmentLayout;

const GlobalTensor *KernelContext::lookup(Operation *op, Value memref) const {
  auto it = tensors.find(memref);
  if (it != tensors.end())
    return &it->second;
  op->emitOpError("expected a memref that is an argument of the function");
  return nullptr;
}

ThreadBuilder::ThreadBuilder(Operation *op, OpBuilder &builder)
    : ImplicitLocOpBuilder(op->getLoc(), builder),
      role(op->getParentOfType<cta::RoleOp>()),
      elected(op->getParentOfType<cta::ElectOp>() != nullptr) {}

Value ThreadBuilder::i32(int64_t value) {
  return LLVM::ConstantOp::create(*this, getI32Type(),
                                  getI32IntegerAttr(value));
}

Value ThreadBuilder::i64(int64_t value) {
  return LLVM::ConstantOp::create(*this, getI64Type(),
                                  getI64IntegerAttr(value));
}

Value ThreadBuilder::toI64(Value index) {
  if (index.getType().isInteger(64))
    return index;
  if (index.getType().isInteger(32))
    return LLVM::SExtOp::create(*this, getI64Type(), index);
  return arith::IndexCastOp::create(*this, getI64Type(), index);
}

Value ThreadBuilder::toI64(OpFoldResult value) {
  if (auto attr = dyn_cast<Attribute>(value))
    return i64(cast<IntegerAttr>(attr).getInt());
  return cast<Value>(value);
}

Value ThreadBuilder::add(Value a, Value b) {
  return LLVM::AddOp::create(*this, a, b);
}

Value ThreadBuilder::mul(Value a, Value b) {
  return LLVM::MulOp::create(*this, a, b);
}

Value ThreadBuilder::threadInCta() {
  if (threadReadAnew)
    return threadReadAnew;
  return NVVM::ThreadIdXOp::create(*this, getI32Type());
}

void ThreadBuilder::readThreadAnew() {
  threadReadAnew =
      assembly("mov.u32 $0, %tid.x;", "=r", {}, getI32Type())->getResult(0);
}

Value ThreadBuilder::thread() {
  int64_t first = 0;
  if (role)
    for (Operation &op : *role->getBlock()) {
      auto other = dyn_cast<cta::RoleOp>(op);
      if (other == role)
        break;
      if (other)
        first += 32 * other.getWarps();
    }
  Value tid = threadInCta();
  return first ? add(tid, i32(-first)) : tid;
}

Value ThreadBuilder::lane() {
  Value tid = threadInCta();
  return LLVM::AndOp::create(*this, tid, i32(31));
}

Value ThreadBuilder::warp() {
  return LLVM::LShrOp::create(*this, thread(), i32(5));
}

Value ThreadBuilder::offset(Value pointer, Value bytes) {
  return LLVM::GEPOp::create(*this, pointer.getType(), getI8Type(), pointer,
                             ArrayRef<LLVM::GEPArg>{bytes});
}

Value ThreadBuilder::offset(Value pointer, int64_t bytes) {
  if (bytes == 0)
    return pointer;
  return LLVM::GEPOp::create(
      *this, pointer.getType(), getI8Type(), pointer,
      ArrayRef<LLVM::GEPArg>{static_cast<int32_t>(bytes)});
}

Value ThreadBuilder::globalPointer(Value address) {
  auto type = LLVM::LLVMPointerType::get(getContext(), 1);
  return LLVM::IntToPtrOp::create(*this, type, address);
}

Value ThreadBuilder::sharedPointer(int64_t bytes) {
  auto type = LLVM::LLVMPointerType::get(
      getContext(), static_cast<unsigned>(NVVM::NVVMMemorySpace::Shared));
  return offset(LLVM::AddressOfOp::create(*this, type, kSharedSymbol), bytes);
}

Value ThreadBuilder::clusterPointer(Value shared) {
  auto type = LLVM::LLVMPointerType::get(
      getContext(),
      static_cast<unsigned>(NVVM::NVVMMemorySpace::SharedCluster));
  return LLVM::AddrSpaceCastOp::create(*this, type, shared);
}

Value ThreadBuilder::elementPointer(const GlobalTensor &tensor,
                                    ValueRange indices) {
  Value linear;
  for (auto [index, stride] : llvm::zip(indices, tensor.strides)) {
    if (getConstantIntValue(OpFoldResult(index)) == 0)
      continue;
    Value term = toI64(index);
    if (getConstantIntValue(stride) != 1)
      term = mul(term, toI64(stride));
    linear = linear ? add(linear, term) : term;
  }
  Value pointer = globalPointer(tensor.base);
  if (!linear)
    return pointer;
  return LLVM::GEPOp::create(*this, pointer.getType(), tensor.elementType,
                             pointer, ArrayRef<LLVM::GEPArg>{linear});
}

Value ThreadBuilder::extract(Value vector, int64_t index) {
  return LLVM::ExtractElementOp::create(*this, vector, i32(index));
}

Value ThreadBuilder::pack(ArrayRef<Value> values) {
  auto type = VectorType::get(values.size(), values[0].getType());
  Value vector = LLVM::PoisonOp::create(*this, type);
  for (auto [i, value] : llvm::enumerate(values))
    vector = LLVM::InsertElementOp::create(*this, vector, value, i32(i));
  return vector;
}

Value ThreadBuilder::pack(int64_t count,
                          llvm::function_ref<Value(int64_t)> make) {
  return pack(llvm::map_to_vector(llvm::seq(count), make));
}

void ThreadBuilder::ifThen(Value condition, llvm::function_ref<void()> body) {
  if (!condition)
    return body();
  auto branch = scf::IfOp::create(*this, condition, /*withElseRegion=*/false);
  OpBuilder::InsertionGuard guard(*this);
  setInsertionPointToStart(branch.thenBlock());
  body();
}

void ThreadBuilder::ifElected(llvm::function_ref<void()> body) {
  if (elected)
    return body();
  Value first =
      LLVM::ICmpOp::create(*this, LLVM::ICmpPredicate::eq, thread(), i32(0));
  ifThen(first, body);
}

Value ThreadBuilder::compute(StringRef text, ValueRange inputs, Type result) {
  std::string constraints = result.isF32() ? "=f" : "=r";
  for (size_t i = 0; i < inputs.size(); ++i)
    constraints += ",f";
  auto dialect =
      LLVM::AsmDialectAttr::get(getContext(), LLVM::AsmDialect::AD_ATT);
  return LLVM::InlineAsmOp::create(
             *this, TypeRange{result}, inputs, text.str(), constraints,
             /*has_side_effects=*/false, /*is_align_stack=*/false,
             LLVM::tailcallkind::TailCallKind::None, dialect,
             /*operand_attrs=*/ArrayAttr())
      .getResult(0);
}

Operation *ThreadBuilder::assembly(StringRef text, StringRef constraints,
                                   ValueRange operands, Type result) {
  auto dialect =
      LLVM::AsmDialectAttr::get(getContext(), LLVM::AsmDialect::AD_ATT);
  SmallVector<Type> results;
  if (result)
    results.push_back(result);
  OperationState state(getLoc(), LLVM::InlineAsmOp::getOperationName());
  state.addOperands(operands);
  state.addTypes(results);
  state.addAttribute("asm_string", getStringAttr(text));
  state.addAttribute("constraints", getStringAttr(constraints));
  state.addAttribute("has_side_effects", getUnitAttr());
  state.addAttribute("asm_dialect", dialect);
  return create(state);
}

/// Elements of dimension `d` that one thread holds.
static int64_t getLocalSize(RankedTensorType fragment,
                            cta::DirectLayoutAttr layout, int64_t d) {
  return fragment.getDimSize(d) / layout.getThreads()[d];
}

/// The index of register `reg` among the thread's elements of dimension `dim`.
/// Registers are numbered row by row.
static int64_t getLocalIndex(RankedTensorType fragment,
                             cta::DirectLayoutAttr layout, int64_t dim,
                             int64_t reg) {
  for (int64_t d = layout.getRank() - 1; d > dim; --d)
    reg /= getLocalSize(fragment, layout, d);
  return reg % getLocalSize(fragment, layout, dim);
}

int64_t mla::getSideRegister(RankedTensorType fragment, int64_t dim,
                             int64_t reg) {
  auto layout = cta::getDirectLayout(fragment);
  if (!layout)
    return dim == 1 ? getRowRegister(fragment, reg)
                    : getColumnRegister(fragment, reg);
  int64_t side = 0;
  for (int64_t d = 0; d < layout.getRank(); ++d)
    if (d != dim)
      side = side * getLocalSize(fragment, layout, d) +
             getLocalIndex(fragment, layout, d, reg);
  return side;
}

int64_t mla::getNumRegisters(RankedTensorType fragment) {
  if (auto direct = cta::getDirectLayout(fragment)) {
    int64_t count = 1;
    for (int64_t d = 0; d < direct.getRank(); ++d)
      count *= getLocalSize(fragment, direct, d);
    return count;
  }
  switch (*cta::getLayout(fragment)) {
  case FragmentLayout::acc:
  case FragmentLayout::acc_transposed:
  case FragmentLayout::a_operand:
    return fragment.getNumElements() / 128;
  case FragmentLayout::row:
    return fragment.getNumElements() / 32;
  case FragmentLayout::column:
    return fragment.getNumElements() / 4;
  case FragmentLayout::gather:
    return std::max<int64_t>(fragment.getNumElements() / 16, 2);
  case FragmentLayout::warp_column:
    return fragment.getNumElements() / 16;
  }
  llvm_unreachable("covered switch");
}

/// The number of registers of 64 rows of `acc`; they are consecutive.
static int64_t getBlockRegisters(RankedTensorType acc) {
  return acc.getDimSize(1) / 2;
}

int64_t mla::getRowRegister(RankedTensorType acc, int64_t reg) {
  int64_t block = reg / getBlockRegisters(acc);
  return 2 * block + reg % getBlockRegisters(acc) / 2 % 2;
}

int64_t mla::getColumnRegister(RankedTensorType acc, int64_t reg) {
  int64_t inBlock = reg % getBlockRegisters(acc);
  return inBlock / 4 * 2 + inBlock % 2;
}

Type mla::getRegisterType(Type element) {
  if (isa<FloatType>(element) && element.getIntOrFloatBitWidth() == 8)
    return IntegerType::get(element.getContext(), 8);
  return element;
}

bool mla::isPacked(RankedTensorType fragment) {
  Type element = fragment.getElementType();
  return (element.isBF16() || element.isF16()) && cta::getLayout(fragment);
}

Coordinate mla::getCoordinate(ThreadBuilder &b, RankedTensorType fragment,
                              int64_t dim, int64_t reg) {
  if (auto direct = cta::getDirectLayout(fragment)) {
    int64_t threads = direct.getThreads()[dim], vector = direct.getVector(dim);
    Value thread = b.thread();
    if (int64_t stride = direct.getStrides()[dim]; stride > 1)
      thread = LLVM::LShrOp::create(b, thread, b.i32(llvm::Log2_64(stride)));
    thread = LLVM::AndOp::create(b, thread, b.i32(threads - 1));
    int64_t index = getLocalIndex(fragment, direct, dim, reg);
    return {b.mul(thread, b.i32(vector)),
            index / vector * vector * threads + index % vector};
  }
  FragmentLayout layout = *cta::getLayout(fragment);
  Value lane = b.lane();
  auto rowBase = [&] {
    Value quad = LLVM::LShrOp::create(b, lane, b.i32(2));
    return b.add(b.mul(b.warp(), b.i32(16)), quad);
  };
  auto columnBase = [&]() -> Value {
    Value inQuad = LLVM::AndOp::create(b, lane, b.i32(3));
    return b.mul(inQuad, b.i32(2));
  };
  switch (layout) {
  case FragmentLayout::acc:
  case FragmentLayout::acc_transposed:
  case FragmentLayout::a_operand: {
    // Registers of blocks of 64 rows are consecutive.
    bool transposed = layout == FragmentLayout::acc_transposed;
    int64_t perBlock = fragment.getDimSize(transposed ? 0 : 1) / 2;
    int64_t block = reg / perBlock, inBlock = reg % perBlock;
    if ((dim == 0) != transposed)
      return {rowBase(), 64 * block + 8 * (inBlock / 2 % 2)};
    return {columnBase(), 8 * (inBlock / 4) + inBlock % 2};
  }
  case FragmentLayout::row:
    return {rowBase(), 64 * (reg / 2) + 8 * (reg % 2)};
  case FragmentLayout::column:
    return {columnBase(), 8 * (reg / 2) + reg % 2};
  case FragmentLayout::warp_column: {
    Value vector = b.mul(b.warp(), b.i32(fragment.getNumElements() / 4));
    return {b.add(vector, columnBase()), 8 * (reg / 2) + reg % 2};
  }
  case FragmentLayout::gather: {
    int64_t rows = fragment.getDimSize(0);
    Value first = b.mul(b.warp(), b.i32(std::max<int64_t>(rows / 4, 8)));
    if (rows < 32)
      first = arith::MinUIOp::create(b, first, b.i32(rows - 8));
    return {b.add(first, LLVM::LShrOp::create(b, lane, b.i32(3))), 4 * reg};
  }
  }
  llvm_unreachable("covered switch");
}

Value mla::isFirstWarpWithRow(ThreadBuilder &b, RankedTensorType rows) {
  if (rows.getDimSize(0) >= 32)
    return {};
  return LLVM::ICmpOp::create(b, LLVM::ICmpPredicate::ult, b.warp(),
                              b.i32(rows.getDimSize(0) / 8));
}
