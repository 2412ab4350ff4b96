//===- MLADialect.cpp - attributes and operators of mla ---------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "mla/Dialect/MLA/MLA.h"
#include "mla/Support/Names.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace mla;

#include "mla/Dialect/MLA/MLADialect.cpp.inc"
#define GET_ATTRDEF_CLASSES
#include "mla/Dialect/MLA/MLAAttrs.cpp.inc"
#define GET_OP_CLASSES
#include "mla/Dialect/MLA/MLAOps.cpp.inc"

void MLADialect::initialize() {
  addAttributes<
#define GET_ATTRDEF_LIST
#include "mla/Dialect/MLA/MLAAttrs.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "mla/Dialect/MLA/MLAOps.cpp.inc"
      >();
}

//===----------------------------------------------------------------------===//
// Schedule
//===----------------------------------------------------------------------===//

LogicalResult RoleAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                               StringAttr name, int64_t warps,
                               int64_t registers) {
  if (warps < 1 || warps > 32)
    return emitError() << "role " << name << ": expected 1 to 32 warps, got "
                       << warps;
  if (registers < 24 || registers > 240 || registers % 8)
    return emitError() << "role " << name
                       << ": expected registers a multiple of 8 in [24, 240] "
                          "(setmaxnreg), got "
                       << registers;
  return success();
}

LogicalResult PlaceAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                                StringAttr label, ArrayRef<StringAttr>, int64_t,
                                int64_t, int64_t, int64_t threads,
                                int64_t vector) {
  constexpr int64_t kMaxThreads = 1024, kMaxVector = 16;
  auto isPowerUpTo = [](int64_t value, int64_t most) {
    return value == 0 ||
           (value > 0 && value <= most && llvm::isPowerOf2_64(value));
  };
  if (!isPowerUpTo(threads, kMaxThreads))
    return emitError() << "row " << label
                       << ": expected threads a power of two up to "
                       << kMaxThreads << ", got " << threads;
  if (!isPowerUpTo(vector, kMaxVector))
    return emitError() << "row " << label
                       << ": expected vector a power of two up to "
                       << kMaxVector << ", got " << vector;
  return success();
}

LogicalResult RingAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                               StringAttr label, int64_t depth, int64_t most,
                               StringAttr over, int64_t byte) {
  if (depth < 1)
    return emitError() << "ring " << label << ": expected depth >= 1, got "
                       << depth;
  // Far more than there is room for, so that their bytes can be added up.
  for (int64_t value : {depth, most, byte})
    if (value > std::numeric_limits<int32_t>::max())
      return emitError() << "ring " << label
                         << ": expected numbers below 2^31, got " << value;
  if (most && (most < depth || over))
    return emitError() << "ring " << label
                       << ": expected a depth to at least as many slots, over "
                          "no other ring, got "
                       << depth << " to " << most;
  if (over && depth != 1)
    return emitError() << "ring " << label << ": expected depth 1 over " << over
                       << ", got " << depth;
  if (over == label)
    return emitError() << "ring " << label
                       << ": expected another ring to lie "
                          "over, got itself";
  if (over && byte < 0)
    return emitError() << "ring " << label << ": expected byte >= 0, got "
                       << byte;
  return success();
}

ArrayRef<StringRef> mla::getRewriteNames() {
  static constexpr StringRef kNames[] = {
      "pair-tiles",   "split-width", "split-tail", "persist",
      "lazy-rescale", "split-sums",  "defer-sums", "swap-operands"};
  return kNames;
}

static SmallVector<StringRef> getNames(ArrayRef<RoleAttr> roles) {
  return llvm::map_to_vector(
      roles, [](RoleAttr role) { return role.getName().getValue(); });
}

LogicalResult ScheduleAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                                   StringAttr name, int64_t,
                                   ArrayRef<RoleAttr> roles,
                                   ArrayRef<PlaceAttr> table,
                                   ArrayRef<RingAttr> rings,
                                   ArrayRef<StringAttr> rewrites) {
  llvm::StringSet<> asked;
  for (StringAttr rewrite : rewrites) {
    if (!llvm::is_contained(getRewriteNames(), rewrite.getValue()))
      return emitError() << "schedule " << name << ": unknown rewrite "
                         << rewrite << " in 'after', expected "
                         << listNames(rewrite, getRewriteNames());
    if (!asked.insert(rewrite).second)
      return emitError() << "schedule " << name << ": rewrite " << rewrite
                         << " is asked for twice";
  }
  llvm::StringSet<> names;
  int64_t registers = 0;
  for (RoleAttr role : roles) {
    if (!names.insert(role.getName()).second)
      return emitError() << "schedule " << name << ": role " << role.getName()
                         << " is declared twice";
    registers += 32 * role.getWarps() * role.getRegisters();
  }
  if (registers > 65536) {
    InFlightDiagnostic diag = emitError()
                              << "schedule " << name << ": roles need "
                              << registers << " registers, an SM has 65536 (";
    llvm::interleaveComma(roles, diag, [&](RoleAttr role) {
      diag << role.getName() << " 32*" << role.getWarps() << "*"
           << role.getRegisters();
    });
    return diag << ")";
  }
  llvm::StringSet<> ringLabels;
  for (RingAttr ring : rings)
    if (!ringLabels.insert(ring.getLabel()).second)
      return emitError() << "schedule " << name << ": ring " << ring.getLabel()
                         << " has two rows";
  llvm::StringSet<> labels;
  for (PlaceAttr place : table) {
    if (!labels.insert(place.getLabel()).second)
      return emitError() << "schedule " << name << ": label "
                         << place.getLabel() << " has two rows";
    for (StringAttr role : place.getRoles())
      if (!names.contains(role))
        return emitError() << "schedule " << name << ": row "
                           << place.getLabel() << " names role " << role
                           << ", which is not declared, expected "
                           << listNames(role, getNames(roles));
  }
  return success();
}

PlaceAttr ScheduleAttr::lookup(StringRef label) const {
  for (;; label = label.rsplit('.').first) {
    for (PlaceAttr place : getTable())
      if (place.getLabel() == label)
        return place;
    if (!label.contains('.'))
      return {};
  }
}

bool ScheduleAttr::asksFor(StringRef rewrite) const {
  return llvm::any_of(getRewrites(), [&](StringAttr name) {
    return name.getValue() == rewrite;
  });
}

RingAttr ScheduleAttr::getRing(StringRef label) const {
  for (RingAttr ring : getRings())
    if (ring.getLabel() == label)
      return ring;
  return {};
}

int64_t ScheduleAttr::getDepth(StringRef label) const {
  RingAttr ring = getRing(label);
  return ring ? ring.getDepth() : 1;
}

RoleAttr ScheduleAttr::getRole(StringRef name) const {
  for (RoleAttr role : getRoles())
    if (role.getName() == name)
      return role;
  return {};
}

//===----------------------------------------------------------------------===//
// SparsePrefillOp
//===----------------------------------------------------------------------===//

namespace {
/// Checks one operand against rank, element type and sizes that must agree.
struct OperandChecker {
  Operation *op;

  LogicalResult check(Value operand, StringRef name, StringRef element,
                      ArrayRef<std::pair<StringRef, int64_t>> dims) const {
    auto type = cast<MemRefType>(operand.getType());
    if (type.getRank() != static_cast<int64_t>(dims.size()))
      return op->emitOpError() << name << ": expected rank " << dims.size()
                               << ", got " << type.getRank();
    std::string got;
    llvm::raw_string_ostream(got) << type.getElementType();
    if (got != element)
      return op->emitOpError() << name << ": expected element type " << element
                               << ", got " << got;
    // Kernels count in 32 bits, as row indices do.
    constexpr int64_t kMaxSize = std::numeric_limits<int32_t>::max();
    for (auto [dim, expected] : llvm::enumerate(dims)) {
      int64_t size = type.getDimSize(dim);
      if (size > kMaxSize)
        return op->emitOpError()
               << name << ": expected " << expected.first << " of at most "
               << kMaxSize << " in dimension " << dim << ", got " << size;
      if (size == expected.second || ShapedType::isDynamic(size) ||
          ShapedType::isDynamic(expected.second))
        continue;
      return op->emitOpError()
             << name << ": expected " << expected.first << " = "
             << expected.second << " in dimension " << dim << ", got " << size;
    }
    SmallVector<int64_t> strides;
    int64_t offset = 0;
    if (failed(type.getStridesAndOffset(strides, offset)) ||
        (type.getRank() && strides.back() != 1))
      return op->emitOpError()
             << name
             << ": expected a contiguous last dimension (stride 1), got "
             << type;
    return success();
  }
};
} // namespace

/// Each output has a memref that is no other operand: results would overwrite
/// each other, or what is still read.
static LogicalResult verifyOutputsApart(SparsePrefillOp op) {
  std::pair<Value, StringRef> outputs[] = {{op.getOut(), "out"},
                                           {op.getMaxLogits(), "max_logits"},
                                           {op.getLse(), "lse"}};
  for (auto [output, name] : outputs)
    if (llvm::count(op->getOperands(), output) > 1)
      return op.emitOpError()
             << name << ": expected a memref of its own, got one that is "
             << "another operand too";
  return success();
}

/// A string attribute that is one of two words.
static LogicalResult checkWord(Operation *op, StringRef name, StringRef got,
                               StringRef usual, StringRef other) {
  if (got == usual || got == other)
    return success();
  return op->emitOpError() << name << ": expected '" << usual << "' or '"
                           << other << "', got '" << got << "'";
}

/// An operand that a launch may leave out has to have a size that can be 0.
static LogicalResult checkOptional(Operation *op, StringRef name,
                                   Value operand) {
  if (!operand)
    return op->emitOpError() << name << "_optional: expected the operand "
                             << name << ", got none";
  if (cast<MemRefType>(operand.getType()).isDynamicDim(0))
    return success();
  return op->emitOpError() << name << ": expected a run-time size of an "
                           << "operand that may be left out, got "
                           << operand.getType();
}

LogicalResult SparsePrefillOp::verify() {
  auto shape = [](Value v) { return cast<MemRefType>(v.getType()).getShape(); };
  auto dim = [&](Value v, size_t d) {
    return d < shape(v).size() ? shape(v)[d] : ShapedType::kDynamic;
  };
  // A size that some operand fixes: the others must not contradict it.
  auto known = [](std::initializer_list<int64_t> sizes) {
    auto it = llvm::find_if_not(sizes, ShapedType::isDynamic);
    return it == sizes.end() ? ShapedType::kDynamic : *it;
  };
  int64_t hq = dim(getQ(), 1), dqk = dim(getQ(), 2), skv = dim(getKv(), 0);
  int64_t topk = dim(getIndices(), 2), dv = dim(getOut(), 2);
  int64_t hkv = known({dim(getKv(), 1), dim(getIndices(), 1)});
  int64_t sq =
      known({dim(getQ(), 0), dim(getIndices(), 0), dim(getOut(), 0),
             dim(getMaxLogits(), 0), dim(getLse(), 0),
             getTopkLength() ? dim(getTopkLength(), 0) : ShapedType::kDynamic});
  OperandChecker c{*this};
  if (failed(c.check(getQ(), "q", "bf16",
                     {{"s_q", sq}, {"h_q", hq}, {"d_qk", dqk}})) ||
      failed(c.check(getKv(), "kv", "bf16",
                     {{"s_kv", skv}, {"h_kv", hkv}, {"d_qk", dqk}})) ||
      failed(c.check(getIndices(), "indices", "i32",
                     {{"s_q", sq}, {"h_kv", hkv}, {"topk", topk}})) ||
      failed(c.check(getOut(), "out", "bf16",
                     {{"s_q", sq}, {"h_q", hq}, {"d_v", dv}})) ||
      failed(c.check(getMaxLogits(), "max_logits", "f32",
                     {{"s_q", sq}, {"h_q", hq}})) ||
      failed(c.check(getLse(), "lse", "f32", {{"s_q", sq}, {"h_q", hq}})))
    return failure();
  if (getTopkLength() &&
      failed(c.check(getTopkLength(), "topk_length", "i32", {{"s_q", sq}})))
    return failure();
  if (getAttnSink() &&
      failed(c.check(getAttnSink(), "attn_sink", "f32", {{"h_q", hq}})))
    return failure();
  if (ShapedType::isDynamic(hq) || ShapedType::isDynamic(dqk) ||
      ShapedType::isDynamic(dv))
    return emitOpError("expected static h_q, d_qk and d_v");
  if (dv > dqk)
    return emitOpError() << "expected d_v <= d_qk, got " << dv << " > " << dqk;
  if (topk == 0)
    return emitOpError("indices: expected topk >= 1 or '?', got 0");
  if ((getTopkLengthOptional() &&
       failed(checkOptional(*this, "topk_length", getTopkLength()))) ||
      (getAttnSinkOptional() &&
       failed(checkOptional(*this, "attn_sink", getAttnSink()))) ||
      failed(checkWord(*this, "lse_base", getLseBase(), "e", "2")) ||
      failed(checkWord(*this, "empty_lse", getEmptyLse(), "+inf", "-inf")))
    return failure();
  return verifyOutputsApart(*this);
}
