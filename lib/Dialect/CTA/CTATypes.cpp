//===- CTATypes.cpp - attributes and types ----------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "mla/Dialect/CTA/CTA.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace mla::cta;

#include "mla/Dialect/CTA/CTAEnums.cpp.inc"
#define GET_ATTRDEF_CLASSES
#include "mla/Dialect/CTA/CTAAttrs.cpp.inc"
#define GET_TYPEDEF_CLASSES
#include "mla/Dialect/CTA/CTATypes.cpp.inc"

void CTADialect::registerAttributes() {
  addAttributes<
#define GET_ATTRDEF_LIST
#include "mla/Dialect/CTA/CTAAttrs.cpp.inc"
      >();
}

void CTADialect::registerTypes() {
  addTypes<
#define GET_TYPEDEF_LIST
#include "mla/Dialect/CTA/CTATypes.cpp.inc"
      >();
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

/// Parses `< dims x element (, layout)? >` of a ring or a buffer.
static ParseResult parseShared(AsmParser &p, SmallVectorImpl<int64_t> &dims,
                               Type &element, SharedLayoutAttr &layout) {
  if (p.parseLess() || p.parseDimensionList(dims, /*allowDynamic=*/false) ||
      p.parseType(element))
    return failure();
  if (failed(p.parseOptionalComma()))
    return p.parseGreater();
  return failure(p.parseAttribute(layout) || p.parseGreater());
}

static void printShared(AsmPrinter &p, ArrayRef<int64_t> dims, Type element,
                        SharedLayoutAttr layout) {
  p << "<";
  for (int64_t dim : dims)
    p << dim << "x";
  p << element;
  if (layout)
    p << ", " << layout;
  p << ">";
}

Type RingType::parse(AsmParser &p) {
  SMLoc loc = p.getNameLoc();
  SmallVector<int64_t> dims;
  Type element;
  SharedLayoutAttr layout;
  if (parseShared(p, dims, element, layout))
    return {};
  if (dims.size() < 2) {
    p.emitError(loc, "expected a depth and at least one dimension");
    return {};
  }
  return getChecked([&] { return p.emitError(loc); }, p.getContext(), dims[0],
                    ArrayRef(dims).drop_front(), element, layout);
}

void RingType::print(AsmPrinter &p) const {
  SmallVector<int64_t> dims{getDepth()};
  llvm::append_range(dims, getShape());
  printShared(p, dims, getElementType(), getLayout());
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

/// Largest number of elements of a tile, or of all slots of a ring. Shared
/// memory has fewer: --mla-stage-shared refuses what does not fit, and computes
/// its size in bytes without overflow.
static constexpr int64_t kMaxElements = int64_t(1) << 24;

LogicalResult
SharedLayoutAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                         int64_t swizzle, int64_t rows) {
  if (swizzle != 0 && swizzle != 128)
    return emitError() << "expected a swizzle of 0 or 128 bytes, got "
                       << swizzle;
  if (rows < 1)
    return emitError() << "expected at least 1 row, got " << rows;
  if (rows > kMaxElements)
    return emitError() << "expected at most " << kMaxElements << " rows, got "
                       << rows;
  return success();
}

static LogicalResult verifyTile(function_ref<InFlightDiagnostic()> emitError,
                                ArrayRef<int64_t> shape, Type elementType,
                                int64_t slots = 1) {
  if (!elementType.isIntOrFloat())
    return emitError() << "expected elements of an integer or floating-point "
                          "type, got "
                       << elementType;
  int64_t most = kMaxElements / slots;
  for (int64_t size : shape) {
    if (size < 1)
      return emitError() << "expected sizes of at least 1, got " << size;
    if (size > most)
      return emitError() << "expected at most " << kMaxElements
                         << " elements, got " << slots << " tiles of " << shape;
    most /= size;
  }
  return success();
}

LogicalResult BufferType::verify(function_ref<InFlightDiagnostic()> emitError,
                                 ArrayRef<int64_t> shape, Type elementType,
                                 SharedLayoutAttr) {
  return verifyTile(emitError, shape, elementType);
}

LogicalResult
DescriptorType::verify(function_ref<InFlightDiagnostic()> emitError,
                       ArrayRef<int64_t> shape, Type elementType, Major,
                       int64_t offset, int64_t leading, int64_t stride,
                       int64_t step, int64_t blockStep) {
  if (shape.size() != 2)
    return emitError() << "expected a matrix, got rank " << shape.size();
  for (int64_t bytes : {offset, leading, stride, step, blockStep})
    if (bytes < 0 || bytes > kMaxSharedBytes)
      return emitError() << "expected bytes of shared memory, 0 to "
                         << kMaxSharedBytes << ", got " << bytes;
  if (step < 1)
    return emitError() << "expected a step of at least 1, got 0";
  if (failed(verifyTile(emitError, shape, elementType)))
    return failure();
  int64_t bits = shape[0] * shape[1] * elementType.getIntOrFloatBitWidth();
  if (bits > 8 * kMaxSharedBytes)
    return emitError() << "expected a tile of at most " << kMaxSharedBytes
                       << " bytes, got " << llvm::divideCeil(bits, 8);
  return success();
}

LogicalResult MBarrierType::verify(function_ref<InFlightDiagnostic()> emitError,
                                   int64_t size) {
  if (size < 1 || size > kMaxElements)
    return emitError() << "expected 1 to " << kMaxElements << " mbarriers, got "
                       << size;
  return success();
}

LogicalResult RingType::verify(function_ref<InFlightDiagnostic()> emitError,
                               int64_t depth, ArrayRef<int64_t> shape,
                               Type elementType, SharedLayoutAttr layout) {
  if (depth < 1 || depth > kMaxElements)
    return emitError() << "expected 1 to " << kMaxElements << " slots, got "
                       << depth;
  return verifyTile(emitError, shape, elementType, depth);
}

RingType RingType::withLayout(SharedLayoutAttr layout) const {
  return RingType::get(getContext(), getDepth(), getShape(), getElementType(),
                       layout);
}
