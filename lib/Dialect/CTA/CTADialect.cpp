//===- CTADialect.cpp - types and ops of the cta dialect --------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "mla/Dialect/CTA/CTA.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace mla::cta;

#include "mla/Dialect/CTA/CTADialect.cpp.inc"
#include "mla/Dialect/CTA/CTAEnums.cpp.inc"
#define GET_ATTRDEF_CLASSES
#include "mla/Dialect/CTA/CTAAttrs.cpp.inc"
#define GET_TYPEDEF_CLASSES
#include "mla/Dialect/CTA/CTATypes.cpp.inc"
/// "max" or "sum", as tile.reduce writes it.
static ParseResult parseReduceKind(OpAsmParser &p,
                                   mla::tile::ReduceKindAttr &attr) {
  SMLoc loc = p.getCurrentLocation();
  StringRef word;
  if (p.parseKeyword(&word))
    return failure();
  std::optional<mla::tile::ReduceKind> kind =
      mla::tile::symbolizeReduceKind(word);
  if (!kind)
    return p.emitError(loc) << "expected max or sum, got " << word;
  attr = mla::tile::ReduceKindAttr::get(p.getContext(), *kind);
  return success();
}

static void printReduceKind(OpAsmPrinter &p, Operation *,
                            mla::tile::ReduceKindAttr attr) {
  p << mla::tile::stringifyReduceKind(attr.getValue());
}

#define GET_OP_CLASSES
#include "mla/Dialect/CTA/CTAOps.cpp.inc"

void CTADialect::initialize() {
  addAttributes<
#define GET_ATTRDEF_LIST
#include "mla/Dialect/CTA/CTAAttrs.cpp.inc"
      >();
  addTypes<
#define GET_TYPEDEF_LIST
#include "mla/Dialect/CTA/CTATypes.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "mla/Dialect/CTA/CTAOps.cpp.inc"
      >();
}

bool mla::cta::isDeclaration(Operation *op) {
  return isa<RingOp, BufferOp, MBarrierOp, NamedBarrierOp>(op);
}

std::optional<FragmentLayout> mla::cta::getLayout(Type type) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  auto layout = tensor
                    ? dyn_cast_or_null<FragmentLayoutAttr>(tensor.getEncoding())
                    : nullptr;
  if (!layout)
    return std::nullopt;
  return layout.getValue();
}

DirectLayoutAttr mla::cta::getDirectLayout(Type type) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  return tensor ? dyn_cast_or_null<DirectLayoutAttr>(tensor.getEncoding())
                : nullptr;
}

bool mla::cta::hasLayout(Type type) {
  return getLayout(type) || getDirectLayout(type);
}

bool mla::cta::crossesWarps(mla::tile::ReduceOp reduce) {
  auto source = cast<RankedTensorType>(reduce.getSource().getType());
  if (DirectLayoutAttr direct = getDirectLayout(source))
    return direct.getThreads()[reduce.getDim()] > 1 &&
           direct.getSpan(reduce.getDim()) > 32;
  return getLayout(source) == FragmentLayout::acc && reduce.getDim() == 0;
}

RankedTensorType mla::cta::withLayout(RankedTensorType type,
                                      FragmentLayout layout) {
  return withLayout(type, FragmentLayoutAttr::get(type.getContext(), layout));
}

RankedTensorType mla::cta::withLayout(RankedTensorType type, Attribute layout) {
  return RankedTensorType::get(type.getShape(), type.getElementType(), layout);
}

//===----------------------------------------------------------------------===//
// Direct layouts
//===----------------------------------------------------------------------===//

Attribute DirectLayoutAttr::parse(AsmParser &p, Type) {
  SMLoc loc = p.getCurrentLocation();
  SmallVector<int64_t> threads, strides;
  int64_t vector = 1;
  auto parseList = [&](StringRef name, SmallVectorImpl<int64_t> &list) {
    return ParseResult(
        failure(p.parseKeyword(name) || p.parseEqual() ||
                p.parseCommaSeparatedList(
                    AsmParser::Delimiter::Square,
                    [&] { return p.parseInteger(list.emplace_back()); }) ||
                p.parseComma()));
  };
  if (p.parseLess() || parseList("threads", threads) ||
      parseList("strides", strides) || p.parseKeyword("vector") ||
      p.parseEqual() || p.parseInteger(vector) || p.parseGreater())
    return {};
  return getChecked([&] { return p.emitError(loc); }, p.getContext(),
                    ArrayRef<int64_t>(threads), ArrayRef<int64_t>(strides),
                    vector);
}

void DirectLayoutAttr::print(AsmPrinter &p) const {
  p << "<threads = [";
  llvm::interleaveComma(getThreads(), p);
  p << "], strides = [";
  llvm::interleaveComma(getStrides(), p);
  p << "], vector = " << getVector() << ">";
}

LogicalResult
DirectLayoutAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                         ArrayRef<int64_t> threads, ArrayRef<int64_t> strides,
                         int64_t vector) {
  constexpr int64_t kMaxThreads = 1024, kMaxVector = 16;
  if (threads.size() != strides.size())
    return emitError() << "expected as many strides as threads, got "
                       << strides.size() << " and " << threads.size();
  if (vector < 1 || vector > kMaxVector || !llvm::isPowerOf2_64(vector))
    return emitError() << "expected a vector of a power of two up to "
                       << kMaxVector << ", got " << vector;
  int64_t used = 0;
  for (auto [count, stride] : llvm::zip_equal(threads, strides)) {
    for (int64_t value : {count, stride})
      if (value < 1 || value > kMaxThreads || !llvm::isPowerOf2_64(value))
        return emitError() << "expected threads and strides that are powers of "
                              "two up to "
                           << kMaxThreads << ", got " << value;
    int64_t bits = (count - 1) * stride;
    if (bits >= kMaxThreads)
      return emitError() << "expected at most " << kMaxThreads
                         << " threads, got " << count << ", " << stride
                         << " apart";
    if (used & bits)
      return emitError() << "expected dimensions to go by different bits of a "
                            "thread's number";
    used |= bits;
  }
  return success();
}

LogicalResult DirectLayoutAttr::verifyEncoding(
    ArrayRef<int64_t> shape, Type elementType,
    function_ref<InFlightDiagnostic()> emitError) const {
  if (static_cast<int64_t>(shape.size()) != getRank())
    return emitError() << "expected a layout of rank " << shape.size()
                       << ", got " << getRank();
  for (auto [d, size] : llvm::enumerate(shape))
    if (size % (getThreads()[d] * getVector(d)))
      return emitError() << "expected dimension " << d
                         << " to be a multiple of "
                         << getThreads()[d] * getVector(d) << ", got " << size;
  return success();
}

DirectLayoutAttr DirectLayoutAttr::dropDim(int64_t d) const {
  SmallVector<int64_t> threads(getThreads()), strides(getStrides());
  threads.erase(threads.begin() + d);
  strides.erase(strides.begin() + d);
  int64_t vector = d == getRank() - 1 ? 1 : getVector();
  return get(getContext(), threads, strides, vector);
}

//===----------------------------------------------------------------------===//
// Types
//===----------------------------------------------------------------------===//

namespace {
/// The dimension along which a ring's slots are cut, and into what.
struct Split {
  int64_t dim = 0;
  SmallVector<int64_t> parts;
};
} // namespace

/// Parses `< dims x element (, split)? (, layout)? >` of a ring (with `split`)
/// or a buffer.
static ParseResult parseShared(AsmParser &p, SmallVectorImpl<int64_t> &dims,
                               Type &element, SharedLayoutAttr &layout,
                               Split *split = nullptr) {
  if (p.parseLess() || p.parseDimensionList(dims, /*allowDynamic=*/false) ||
      p.parseType(element))
    return failure();
  if (failed(p.parseOptionalComma()))
    return p.parseGreater();
  if (split && succeeded(p.parseOptionalKeyword("split"))) {
    auto parsePart = [&] {
      return p.parseInteger(split->parts.emplace_back());
    };
    if (p.parseInteger(split->dim) ||
        p.parseCommaSeparatedList(AsmParser::Delimiter::Square, parsePart))
      return failure();
    if (failed(p.parseOptionalComma()))
      return p.parseGreater();
  }
  return failure(p.parseAttribute(layout) || p.parseGreater());
}

static void printShared(AsmPrinter &p, ArrayRef<int64_t> dims, Type element,
                        SharedLayoutAttr layout, const Split &split = {}) {
  p << "<";
  for (int64_t dim : dims)
    p << dim << "x";
  p << element;
  if (!split.parts.empty()) {
    p << ", split " << split.dim << " [";
    llvm::interleaveComma(split.parts, p);
    p << "]";
  }
  if (layout)
    p << ", " << layout;
  p << ">";
}

Type RingType::parse(AsmParser &p) {
  SMLoc loc = p.getNameLoc();
  SmallVector<int64_t> dims;
  Type element;
  SharedLayoutAttr layout;
  Split split;
  if (parseShared(p, dims, element, layout, &split))
    return {};
  if (dims.size() < 2) {
    p.emitError(loc, "expected a depth and at least one dimension");
    return {};
  }
  return getChecked([&] { return p.emitError(loc); }, p.getContext(), dims[0],
                    ArrayRef(dims).drop_front(), element, layout, split.dim,
                    split.parts);
}

void RingType::print(AsmPrinter &p) const {
  SmallVector<int64_t> dims{getDepth()};
  llvm::append_range(dims, getShape());
  printShared(p, dims, getElementType(), getLayout(),
              {getSplitDim(), llvm::to_vector(getParts())});
}

BufferType RingType::getSlotType() const {
  return BufferType::get(getContext(), getShape(), getElementType(),
                         getLayout());
}

Type BufferType::parse(AsmParser &p) {
  SMLoc loc = p.getNameLoc();
  SmallVector<int64_t> dims;
  Type element;
  SharedLayoutAttr layout;
  if (parseShared(p, dims, element, layout))
    return {};
  return getChecked([&] { return p.emitError(loc); }, p.getContext(), dims,
                    element, layout);
}

void BufferType::print(AsmPrinter &p) const {
  printShared(p, getShape(), getElementType(), getLayout());
}

int64_t BufferType::getBytes() const {
  int64_t bits = getElementType().getIntOrFloatBitWidth();
  return llvm::divideCeil(ShapedType::getNumElements(getShape()) * bits, 8);
}

Type DescriptorType::parse(AsmParser &p) {
  SMLoc loc = p.getNameLoc();
  SmallVector<int64_t> dims;
  Type element;
  StringRef major;
  int64_t offset, leading, stride, step, blockStep;
  if (p.parseLess() || p.parseDimensionList(dims, false) ||
      p.parseType(element) || p.parseComma() || p.parseKeyword(&major) ||
      p.parseComma() || p.parseKeyword("offset") || p.parseEqual() ||
      p.parseInteger(offset) || p.parseComma() || p.parseKeyword("leading") ||
      p.parseEqual() || p.parseInteger(leading) || p.parseComma() ||
      p.parseKeyword("stride") || p.parseEqual() || p.parseInteger(stride) ||
      p.parseComma() || p.parseKeyword("step") || p.parseEqual() ||
      p.parseInteger(step) || p.parseComma() || p.parseKeyword("block_step") ||
      p.parseEqual() || p.parseInteger(blockStep) || p.parseGreater())
    return {};
  std::optional<Major> kind = symbolizeMajor(major);
  if (!kind) {
    p.emitError(p.getNameLoc(), "expected major 'k' or 'mn', got '")
        << major << "'";
    return {};
  }
  return getChecked([&] { return p.emitError(loc); }, p.getContext(), dims,
                    element, *kind, offset, leading, stride, step, blockStep);
}

void DescriptorType::print(AsmPrinter &p) const {
  p << "<";
  for (int64_t dim : getShape())
    p << dim << "x";
  p << getElementType() << ", " << stringifyMajor(getMajor())
    << ", offset = " << getOffset() << ", leading = " << getLeading()
    << ", stride = " << getStride() << ", step = " << getStep()
    << ", block_step = " << getBlockStep() << ">";
}

//===----------------------------------------------------------------------===//
// Verifiers
//===----------------------------------------------------------------------===//

LogicalResult CTADialect::verifyOperationAttribute(Operation *op,
                                                   NamedAttribute attr) {
  if (attr.getName() != kSharedBytesAttr)
    return success();
  // More than there is may be asked for: passes say by whom.
  auto bytes = dyn_cast<IntegerAttr>(attr.getValue());
  if (bytes && bytes.getType().isSignlessInteger(64) && bytes.getInt() >= 0 &&
      llvm::isInt<32>(bytes.getInt()))
    return success();
  return op->emitOpError() << "expected " << kSharedBytesAttr
                           << " to be an i64 in [0, 2^31), got "
                           << attr.getValue();
}

LogicalResult RoleOp::verify() {
  constexpr int64_t kMaxWarps = getLargest(&TargetSpec::warpsPerCTA);
  constexpr int64_t kMaxRegisters = getLargest(&TargetSpec::registersPerThread);
  auto warps = static_cast<int64_t>(getWarps());
  auto registers = static_cast<int64_t>(getRegisters());
  if (warps < 1 || warps > kMaxWarps)
    return emitOpError() << "expected 1 to " << kMaxWarps << " warps, got "
                         << warps;
  if (registers < 1 || registers > kMaxRegisters)
    return emitOpError() << "expected 1 to " << kMaxRegisters
                         << " registers, got " << registers;
  return success();
}

LogicalResult ViewOp::verify() {
  BufferType source = getSource().getType(), result = getResult().getType();
  size_t rank = source.getShape().size();
  if (getOffsets().size() != rank || result.getShape().size() != rank ||
      source.getElementType() != result.getElementType() ||
      source.getLayout() != result.getLayout())
    return emitOpError() << "expected " << rank << " offsets and a result of "
                         << "rank " << rank << " with the element type and "
                         << "layout of " << source;
  for (auto [d, offset] : llvm::enumerate(getOffsets()))
    if (offset < 0 || offset > source.getShape()[d] - result.getShape()[d])
      return emitOpError() << "expected " << result.getShape()[d]
                           << " elements from " << offset
                           << " inside dimension " << d << " of " << source;
  return success();
}

LogicalResult GatherAsyncOp::verify() {
  auto rows = cast<RankedTensorType>(getRows().getType());
  BufferType dest = getDest().getType();
  if (dest.getShape().size() != 2 || rows.getRank() != 1 ||
      dest.getShape()[0] != rows.getDimSize(0))
    return emitOpError() << "expected as many row indices as rows of " << dest
                         << ", got " << rows;
  return tile::verifyLeadingDims(*this, cast<MemRefType>(getSource().getType()),
                                 getIndices().size());
}

static LogicalResult verifySameTile(Operation *op, Type fragment,
                                    BufferType buffer) {
  auto tensor = cast<RankedTensorType>(fragment);
  if (tensor.getShape() != buffer.getShape() ||
      tensor.getElementType() != buffer.getElementType())
    return op->emitOpError() << "expected a fragment and a buffer of the same "
                                "shape and element type, got "
                             << tensor << " and " << buffer;
  return success();
}

LogicalResult StoreSharedOp::verify() {
  return verifySameTile(*this, getFragment().getType(), getDest().getType());
}

LogicalResult LoadSharedOp::verify() {
  return verifySameTile(*this, getFragment().getType(), getSource().getType());
}

LogicalResult ConvertLayoutOp::verify() {
  auto source = cast<RankedTensorType>(getSource().getType());
  auto result = cast<RankedTensorType>(getResult().getType());
  if (source.getShape() != result.getShape() ||
      source.getElementType() != result.getElementType())
    return emitOpError() << "expected one shape and element type, got "
                         << source << " and " << result;
  if (getLayout(source) == FragmentLayout::acc &&
      getLayout(result) == FragmentLayout::a_operand)
    return success();
  return emitOpError() << "expected layouts acc and a_operand, got " << source
                       << " and " << result;
}

LogicalResult ReduceWarpOp::verify() {
  auto source = cast<RankedTensorType>(getSource().getType());
  auto result = cast<RankedTensorType>(getResult().getType());
  if (std::optional<uint64_t> dim = getDim()) {
    SmallVector<int64_t> expected(source.getShape());
    if (*dim < expected.size() && result.getRank() == source.getRank()) {
      expected[*dim] = result.getDimSize(*dim);
      if (ArrayRef(expected) == result.getShape() &&
          expected[*dim] <= source.getDimSize(*dim) &&
          source.getElementType() == result.getElementType())
        return success();
    }
    return emitOpError() << "expected a result that differs from the source in "
                            "no dimension but "
                         << *dim << ", which is no larger" << ", got " << source
                         << " and " << result;
  }
  if (source.getRank() == 2 && source.getDimSize(0) % 64 == 0 &&
      result.getRank() == 1 && result.getDimSize(0) % 4 == 0 &&
      result.getDimSize(0) / 4 == source.getDimSize(1) &&
      source.getElementType() == result.getElementType())
    return success();
  return emitOpError() << "expected a matrix with a multiple of 64 rows and a "
                          "vector of 4 values a column, got "
                       << source << " and " << result;
}

static ArrayRef<int64_t> getOperandShape(Type type) {
  return TypeSwitch<Type, ArrayRef<int64_t>>(type)
      .Case<BufferType, DescriptorType>([](auto t) { return t.getShape(); })
      .Default([](Type t) { return cast<RankedTensorType>(t).getShape(); });
}

static Type getOperandElement(Type type) {
  return TypeSwitch<Type, Type>(type)
      .Case<BufferType, DescriptorType>(
          [](auto t) { return t.getElementType(); })
      .Default([](Type t) { return getElementTypeOrSelf(t); });
}

LogicalResult MmaAsyncOp::verify() {
  ArrayRef<int64_t> a = getOperandShape(getA().getType());
  ArrayRef<int64_t> b = getOperandShape(getB().getType());
  RankedTensorType result = getResult().getType().getFragment();
  if (a.size() != 2 || b.size() != 2 || result.getRank() != 2)
    return emitOpError("expected operands and result of rank 2");
  Type aElement = getOperandElement(getA().getType());
  Type bElement = getOperandElement(getB().getType());
  if (aElement != bElement)
    return emitOpError() << "expected operands of one element type, got "
                         << aElement << " and " << bElement;
  int64_t m = a[getTransposeA() ? 1 : 0], ka = a[getTransposeA() ? 0 : 1];
  int64_t kb = b[getTransposeB() ? 1 : 0], n = b[getTransposeB() ? 0 : 1];
  if (getTransposeA() && isa<RankedTensorType>(getA().getType()))
    return emitOpError("expected A in shared memory to transpose it");
  bool inRegisters = isa<RankedTensorType>(getA().getType());
  if (m < 64 || m % 64 || (inRegisters && m != 64))
    return emitOpError() << "expected "
                         << (inRegisters ? "64 rows (one warpgroup)"
                                         : "a multiple of 64 rows")
                         << ", got " << m;
  if (n % 8 || n < 8 || n > 256)
    return emitOpError() << "expected a multiple of 8 columns in [8, 256], got "
                         << n;
  if (ka != kb || ka % 16)
    return emitOpError() << "expected equal reduction sizes, a multiple of 16, "
                            "got "
                         << ka << " and " << kb;
  if (result.getDimSize(0) != m || result.getDimSize(1) != n ||
      !result.getElementType().isF32())
    return emitOpError() << "expected a " << m << "x" << n
                         << "xf32 result, got " << result;
  if (!getAcc())
    return success();
  Type acc = getAcc().getType();
  if (auto inFlight = dyn_cast<InFlightType>(acc))
    acc = inFlight.getFragment();
  if (acc != result)
    return emitOpError() << "expected acc of type " << result << ", got "
                         << acc;
  return success();
}
