//===- DirectLowering.cpp - memory and direct fragments ---------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// Loads and stores of fragments whose neighbouring registers are neighbouring
// elements. An access is as wide as the layout's vector and the alignment
// allow.
//
//===----------------------------------------------------------------------===//

#include "IndexFacts.h"
#include "MemoryAccess.h"
#include <numeric>

using namespace mlir;
using namespace mla;

/// The widest access of a thread, in bytes.
static constexpr int64_t kMaxAccessBytes = 16;

static int64_t getElementBytes(RankedTensorType fragment) {
  return llvm::divideCeil(fragment.getElementTypeBitWidth(), 8);
}

/// The number of elements of an access to `memref`. In the order `order`, its
/// last dimensions are those of the fragment. Run-time strides are multiples of
/// the alignment in the launch descriptor.
static int64_t getAccessElements(MemRefType memref, ArrayRef<int64_t> order,
                                 Value lastIndex, bool lastBounded,
                                 RankedTensorType fragment) {
  auto layout = cta::getDirectLayout(fragment);
  int64_t last = memref.getRank() - 1;
  if (!layout || fragment.getRank() == 0 || order.back() != last ||
      lastBounded || memref.isDynamicDim(last))
    return 1;
  auto [strides, offset] = memref.getStridesAndOffset();
  std::optional<IndexFacts> start = getIndexFacts(lastIndex);
  int64_t columns = fragment.getShape().back();
  if (strides.back() != 1 || !start || !start->most ||
      *start->most > memref.getDimSize(last) - columns)
    return 1;
  int64_t width =
      std::gcd(layout.getVector(), kMaxAccessBytes / getElementBytes(fragment));
  width = std::gcd(width, start->multiple);
  for (int64_t stride : ArrayRef(strides).drop_back())
    if (!ShapedType::isDynamic(stride))
      width = std::gcd(width, stride);
  return width;
}

template <typename OpTy>
static int64_t getAccessElements(OpTy op, Value memref,
                                 RankedTensorType fragment) {
  auto type = cast<MemRefType>(memref.getType());
  if (type.getRank() == 0)
    return 1;
  return getAccessElements(
      type, tile::orderDims(op.getDims(), type.getRank(), fragment.getRank()),
      op.getIndices().back(),
      static_cast<int64_t>(op.getBounds().size()) == fragment.getRank(),
      fragment);
}

int64_t mla::getAccessBytes(tile::LoadOp load) {
  auto type = cast<RankedTensorType>(load.getResult().getType());
  return getElementBytes(type) *
         getAccessElements(load, load.getSource(), type);
}

int64_t mla::getAccessBytes(tile::StoreOp store) {
  auto type = cast<RankedTensorType>(store.getTile().getType());
  return getElementBytes(type) *
         getAccessElements(store, store.getDest(), type);
}

/// Whether this thread is the first of those that hold its elements; null if it
/// is the only one.
static Value isFirstHolder(ThreadBuilder &b, RankedTensorType type,
                           int64_t threads) {
  auto layout = cta::getDirectLayout(type);
  int64_t used = 0;
  for (auto [count, stride] :
       llvm::zip_equal(layout.getThreads(), layout.getStrides()))
    used |= (count - 1) * stride;
  if (used == threads - 1)
    return {};
  // The bits of a thread's number that no dimension depends on.
  Value others = LLVM::AndOp::create(b, b.thread(), b.i32(~used & 1023));
  return compare(b, LLVM::ICmpPredicate::eq, others, b.i32(0));
}

static int64_t getThreadsOfRole(Operation *op) {
  return 32 * op->getParentOfType<cta::RoleOp>().getWarps();
}

namespace {
/// An access of neighbouring registers of a fragment.
class DirectAccess {
public:
  DirectAccess(const GlobalBox &box, int64_t elements)
      : box(box), elements(elements) {}

  /// The position of register `reg`, and whether it is in bounds (null:
  /// always).
  std::pair<Value, Value> locate(ThreadBuilder &b, int64_t reg) const {
    SmallVector<Value> at = box.locate(b, reg);
    Value inside;
    for (int64_t d = 0, rank = box.fragment.getRank(); d < rank; ++d)
      if (d < rank - 1 || elements == 1)
        inside = both(b, inside, box.isInside(b, at, d));
    return {box.getPointer(b, at), inside};
  }

  const GlobalBox &box;
  int64_t elements;
};

/// The padding of a load, and how it uses the cache.
struct LoadOptions {
  TypedAttr padding;
  bool constant = false;  ///< the kernel does not write what is read
  bool streaming = false; ///< read once: no place in the L1 cache
};
} // namespace

/// The bits of `padding`, repeated to fill a word of `bits` bits.
static uint64_t repeatBits(TypedAttr padding, int64_t bits) {
  APInt value(bits, 0);
  if (auto number = dyn_cast_or_null<FloatAttr>(padding))
    value = number.getValue().bitcastToAPInt();
  else if (auto integer = dyn_cast_or_null<IntegerAttr>(padding))
    value = integer.getValue();
  return APInt::getSplat(
             bits, value.trunc(std::min<unsigned>(bits, value.getBitWidth())))
      .getZExtValue();
}

/// One load of `count` elements without a branch: the padding, then an
/// instruction under a predicate. Inline assembly: NVVM has no predicated load
/// and no .L1::no_allocate.
static SmallVector<Value> loadElements(ThreadBuilder &b, Value pointer,
                                       Value inside, Type element,
                                       int64_t count,
                                       const LoadOptions &options) {
  int64_t bits = count * element.getIntOrFloatBitWidth();
  int64_t wordBits = std::min<int64_t>(bits, 32), words = bits / wordBits;
  std::string type = "b" + std::to_string(wordBits), list, text, outputs;
  for (int64_t i = 0; i < words; ++i) {
    std::string name = "$" + std::to_string(i);
    list += (i ? ", " : "") + name;
    outputs += wordBits == 32 ? "=r," : "=h,";
    if (inside)
      text += "mov." + type + " " + name + ", " +
              std::to_string(repeatBits(options.padding, wordBits)) + "; ";
  }
  if (inside)
    text += "@$" + std::to_string(words + 1) + " ";
  text += "ld.global";
  if (options.constant)
    text += ".nc";
  if (options.streaming)
    text += ".L1::no_allocate";
  if (words > 1)
    text += ".v" + std::to_string(words);
  text += "." + type + " " + (words > 1 ? "{" + list + "}" : list) + ", [$" +
          std::to_string(words) + "];";
  SmallVector<Value> operands{pointer};
  std::string inputs = "l";
  if (inside) {
    operands.push_back(inside);
    inputs += ",b";
  }
  if (!options.constant)
    inputs += ",~{memory}";
  Type word = b.getIntegerType(wordBits);
  Type result = word;
  if (words > 1)
    result = LLVM::LLVMStructType::getLiteral(b.getContext(),
                                              SmallVector<Type>(words, word));
  Value loaded =
      b.assembly(text, outputs + inputs, operands, result)->getResult(0);
  SmallVector<Value> parts;
  for (int64_t i = 0; i < words; ++i)
    parts.push_back(
        words == 1 ? loaded
                   : LLVM::ExtractValueOp::create(b, loaded, i).getResult());
  auto vector = LLVM::BitcastOp::create(b, VectorType::get(count, element),
                                        b.pack(parts));
  return llvm::map_to_vector(llvm::seq(count),
                             [&](int64_t i) { return b.extract(vector, i); });
}

namespace {
/// Loads of tiles from global memory.
struct DirectLoadPattern : GlobalPattern<tile::LoadOp> {
  using GlobalPattern::GlobalPattern;
  LogicalResult
  matchAndRewrite(tile::LoadOp op, OpAdaptor,
                  ConversionPatternRewriter &rewriter) const override {
    RankedTensorType type = getFragment(op.getResult());
    const GlobalTensor *tensor = kernel.lookup(op, op.getSource());
    if (!tensor || !cta::getDirectLayout(type))
      return failure();
    Type element = type.getElementType();
    if (element.getIntOrFloatBitWidth() < 16)
      return op.emitOpError() << "is not lowered for " << type
                              << "; expected elements of 2 or 4 bytes";
    ThreadBuilder b(op, rewriter);
    GlobalWindow window(b, *tensor, op, type);
    int64_t count = getAccessElements(op, op.getSource(), type);
    LoadOptions options{op.getPaddingAttr(), kernel.isConstant(op.getSource()),
                        type.getRank() == 2};
    SmallVector<Value> values;
    DirectAccess access(window.box, count);
    for (int64_t i = 0; i < getNumRegisters(type); i += count) {
      auto [pointer, inside] = access.locate(b, i);
      llvm::append_range(
          values, loadElements(b, pointer, inside, element, count, options));
    }
    rewriter.replaceOp(op, b.pack(values));
    return success();
  }
};

/// Stores of fragments to global memory. If several threads hold an element,
/// the first one stores it.
struct DirectStorePattern : GlobalPattern<tile::StoreOp> {
  using GlobalPattern::GlobalPattern;
  LogicalResult
  matchAndRewrite(tile::StoreOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    RankedTensorType type = getFragment(op.getTile());
    const GlobalTensor *tensor = kernel.lookup(op, op.getDest());
    if (!tensor || !cta::getDirectLayout(type))
      return failure();
    if (type.getElementTypeBitWidth() < 16)
      return op.emitOpError() << "is not lowered for " << type
                              << "; expected elements of 2 or 4 bytes";
    if (op.getMerged())
      return op.emitOpError()
             << "with merged dimensions is lowered for the layouts of MMAs, "
                "got "
             << type;
    ThreadBuilder b(op, rewriter);
    GlobalWindow window(b, *tensor, op, type);
    int64_t count = getAccessElements(op, op.getDest(), type);
    DirectAccess access(window.box, count);
    b.ifThen(isFirstHolder(b, type, getThreadsOfRole(op)), [&] {
      for (int64_t i = 0; i < getNumRegisters(type); i += count) {
        auto [pointer, inside] = access.locate(b, i);
        b.ifThen(inside, [&, pointer = pointer] {
          storeRegisters(b, pointer, adaptor.getTile(), i, count,
                         getElementBytes(type));
        });
      }
    });
    rewriter.eraseOp(op);
    return success();
  }

  /// Stores registers `first` to `first` + `count` - 1 in one access.
  static void storeRegisters(ThreadBuilder &b, Value pointer, Value fragment,
                             int64_t first, int64_t count, int64_t width) {
    Value value = b.extract(fragment, first);
    if (count > 1)
      value = b.pack(count,
                     [&](int64_t j) { return b.extract(fragment, first + j); });
    LLVM::StoreOp::create(b, value, pointer, count * width);
  }
};

/// 1-D gathers: elements of a vector by index.
struct GatherVectorPattern : GlobalPattern<tile::GatherOp> {
  using GlobalPattern::GlobalPattern;
  LogicalResult
  matchAndRewrite(tile::GatherOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    RankedTensorType type = getFragment(op.getResult());
    const GlobalTensor *tensor = kernel.lookup(op, op.getSource());
    if (!tensor)
      return failure();
    Type element = type.getElementType();
    if (type.getRank() != 1 || isPacked(type) ||
        element.getIntOrFloatBitWidth() < 16)
      return op.emitOpError() << "is not lowered for " << type
                              << "; expected a vector of 2 or 4 bytes an "
                                 "element";
    ThreadBuilder b(op, rewriter);
    SmallVector<Value> rest = toI64(b, op.getIndices());
    LoadOptions options{TypedAttr(), kernel.isConstant(op.getSource()), false};
    if (rest.size() + 1 != tensor->sizes.size())
      return op.emitOpError()
             << "expected an index for each dimension of "
             << op.getSource().getType() << " but the first, for a 1-D result";
    size_t dim = op.getDim();
    Value size = b.toI64(tensor->sizes[dim]);
    Value result = b.pack(getNumRegisters(type), [&](int64_t i) {
      Value row = b.toI64(b.extract(adaptor.getRows(), i));
      SmallVector<Value> at(rest);
      at.insert(at.begin() + dim, row);
      Value inside = compare(b, LLVM::ICmpPredicate::ult, row, size);
      return loadElements(b, b.elementPointer(*tensor, at), inside, element, 1,
                          options)[0];
    });
    rewriter.replaceOp(op, result);
    return success();
  }
};

/// A dense buffer, addressed by the elements of a direct fragment.
class DenseBuffer {
public:
  DenseBuffer(RankedTensorType fragment, Value base)
      : fragment(fragment), base(base) {}

  /// Registers of one access.
  int64_t getAccessElements() const {
    auto layout = cta::getDirectLayout(fragment);
    return fragment.getRank() == 0
               ? 1
               : std::gcd(layout.getVector(),
                          kMaxAccessBytes / getElementBytes(fragment));
  }

  Value locate(ThreadBuilder &b, int64_t reg) const {
    int64_t stride = getElementBytes(fragment), offset = 0;
    Value bytes;
    for (int64_t d = fragment.getRank(); d-- > 0;) {
      Coordinate at = getCoordinate(b, fragment, d, reg);
      Value term = b.mul(at.base, b.i32(stride));
      bytes = bytes ? b.add(bytes, term) : term;
      offset += at.offset * stride;
      stride *= fragment.getDimSize(d);
    }
    return b.offset(bytes ? b.offset(base, bytes) : base, offset);
  }

private:
  RankedTensorType fragment;
  Value base;
};
} // namespace

/// Whether threads can access the buffer element by element.
static LogicalResult checkDense(Operation *op, cta::BufferType buffer) {
  if ((!buffer.getLayout() || buffer.getLayout().getSwizzle() == 0) &&
      buffer.getElementType().getIntOrFloatBitWidth() >= 16)
    return success();
  return op->emitOpError() << "is not lowered between " << buffer
                           << " and a direct layout; expected a buffer without "
                              "a swizzle, of elements of 2 or 4 bytes";
}

namespace {
struct DirectLoadSharedPattern : OpConversionPattern<cta::LoadSharedOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(cta::LoadSharedOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    RankedTensorType type = getFragment(op.getFragment());
    if (!cta::getDirectLayout(type) ||
        failed(checkDense(op, op.getSource().getType())))
      return failure();
    ThreadBuilder b(op, rewriter);
    DenseBuffer buffer(type, adaptor.getSource());
    int64_t count = buffer.getAccessElements();
    Type element = type.getElementType();
    Type access = count == 1 ? element : VectorType::get(count, element);
    SmallVector<Value> values;
    for (int64_t i = 0; i < getNumRegisters(type); i += count) {
      Value loaded = LLVM::LoadOp::create(b, access, buffer.locate(b, i),
                                          count * getElementBytes(type));
      for (int64_t j = 0; j < count; ++j)
        values.push_back(count == 1 ? loaded : b.extract(loaded, j));
    }
    rewriter.replaceOp(op, b.pack(values));
    return success();
  }
};

struct DirectStoreSharedPattern : OpConversionPattern<cta::StoreSharedOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(cta::StoreSharedOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    RankedTensorType type = getFragment(op.getFragment());
    if (!cta::getDirectLayout(type) ||
        failed(checkDense(op, op.getDest().getType())))
      return failure();
    ThreadBuilder b(op, rewriter);
    DenseBuffer buffer(type, adaptor.getDest());
    int64_t count = buffer.getAccessElements();
    b.ifThen(isFirstHolder(b, type, getThreadsOfRole(op)), [&] {
      for (int64_t i = 0; i < getNumRegisters(type); i += count)
        DirectStorePattern::storeRegisters(b, buffer.locate(b, i),
                                           adaptor.getFragment(), i, count,
                                           getElementBytes(type));
    });
    rewriter.eraseOp(op);
    return success();
  }
};
} // namespace

void mla::populateDirectPatterns(TypeConverter &types,
                                 RewritePatternSet &patterns,
                                 KernelContext &kernel) {
  MLIRContext *context = patterns.getContext();
  // Benefit above the patterns of named layouts.
  patterns.add<DirectLoadSharedPattern, DirectStoreSharedPattern>(
      types, context, /*benefit=*/2);
  patterns.add<DirectLoadPattern, DirectStorePattern>(types, context, kernel,
                                                      /*benefit=*/2);
  patterns.add<GatherVectorPattern>(types, context, kernel);
}
