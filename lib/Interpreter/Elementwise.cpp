//===- Elementwise.cpp - elementwise ops of arith and math ------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "mla/Interpreter/Elementwise.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/TypeUtilities.h"
#include "llvm/ADT/StringMap.h"
#include <algorithm>
#include <cmath>

using namespace mlir;
using namespace mla::interp;
using Call = Elementwise::Call;
using Function = Elementwise::Function;

float mla::interp::maximum(float a, float b) {
  if (std::isnan(a) || std::isnan(b))
    return std::numeric_limits<float>::quiet_NaN();
  if (a == b)
    return std::signbit(a) ? b : a;
  return a > b ? a : b;
}

static float minimum(float a, float b) { return -maximum(-a, -b); }

static float maxnum(float a, float b) {
  return std::isnan(a) ? b : std::isnan(b) ? a : maximum(a, b);
}

static float minnum(float a, float b) {
  return std::isnan(a) ? b : std::isnan(b) ? a : minimum(a, b);
}

//===----------------------------------------------------------------------===//
// Operands, results and errors of one evaluation
//===----------------------------------------------------------------------===//

static float floatAt(const Call &c, unsigned n) { return c.x[n].f; }
static int64_t intAt(const Call &c, unsigned n) { return c.x[n].i; }
static uint64_t unsignedAt(const Call &c, unsigned n) {
  return zeroExtend(c.x[n].i, getBitWidth(c.source));
}

static Lane give(float value) { return Lane::ofFloat(value); }
static Lane give(int64_t value) { return Lane::ofInt(value); }
static Lane give(uint64_t value) {
  return Lane::ofInt(static_cast<int64_t>(value));
}
static Lane give(bool value) { return Lane::ofInt(value ? -1 : 0); }

static Lane undefined(const Call &c, const char *why) {
  *c.error = why;
  return Lane::ofInt(0);
}

//===----------------------------------------------------------------------===//
// Integers
//===----------------------------------------------------------------------===//

/// The result of `divide`, or an error if it is undefined.
static Lane signedDivision(const Call &c, int64_t (*divide)(int64_t, int64_t)) {
  int64_t smallest = signExtend(uint64_t(1) << (getBitWidth(c.source) - 1),
                                getBitWidth(c.source));
  if (intAt(c, 1) == 0)
    return undefined(c, "division by zero");
  if (intAt(c, 0) == smallest && intAt(c, 1) == -1)
    return undefined(c, "overflow in signed division");
  return give(divide(intAt(c, 0), intAt(c, 1)));
}

static Lane unsignedDivision(const Call &c,
                             uint64_t (*divide)(uint64_t, uint64_t)) {
  if (unsignedAt(c, 1) == 0)
    return undefined(c, "division by zero");
  return give(divide(unsignedAt(c, 0), unsignedAt(c, 1)));
}

static int64_t floorDivide(int64_t a, int64_t b) {
  return a / b - (a % b != 0 && (a < 0) != (b < 0));
}

static int64_t ceilDivide(int64_t a, int64_t b) {
  return a / b + (a % b != 0 && (a < 0) == (b < 0));
}

static Lane shift(const Call &c, Lane (*shifted)(const Call &, unsigned)) {
  if (unsignedAt(c, 1) >= getBitWidth(c.source))
    return undefined(c, "shift by the width of the type or more");
  return shifted(c, static_cast<unsigned>(intAt(c, 1)));
}

static Lane compareInts(const Call &c) {
  int64_t a = intAt(c, 0), b = intAt(c, 1);
  uint64_t ua = unsignedAt(c, 0), ub = unsignedAt(c, 1);
  switch (static_cast<arith::CmpIPredicate>(c.predicate)) {
  case arith::CmpIPredicate::eq:
    return give(a == b);
  case arith::CmpIPredicate::ne:
    return give(a != b);
  case arith::CmpIPredicate::slt:
    return give(a < b);
  case arith::CmpIPredicate::sle:
    return give(a <= b);
  case arith::CmpIPredicate::sgt:
    return give(a > b);
  case arith::CmpIPredicate::sge:
    return give(a >= b);
  case arith::CmpIPredicate::ult:
    return give(ua < ub);
  case arith::CmpIPredicate::ule:
    return give(ua <= ub);
  case arith::CmpIPredicate::ugt:
    return give(ua > ub);
  case arith::CmpIPredicate::uge:
    return give(ua >= ub);
  }
  llvm_unreachable("unknown predicate");
}

/// Ops on integers by name. They use unsigned arithmetic, which wraps; the
/// caller truncates results to their width.
static const std::pair<const char *, Function> kIntegerOps[] = {
    {"arith.addi",
     [](const Call &c) { return give(unsignedAt(c, 0) + unsignedAt(c, 1)); }},
    {"arith.subi",
     [](const Call &c) { return give(unsignedAt(c, 0) - unsignedAt(c, 1)); }},
    {"arith.muli",
     [](const Call &c) { return give(unsignedAt(c, 0) * unsignedAt(c, 1)); }},
    {"arith.divsi",
     [](const Call &c) {
       return signedDivision(c, [](int64_t a, int64_t b) { return a / b; });
     }},
    {"arith.remsi",
     [](const Call &c) {
       return signedDivision(c, [](int64_t a, int64_t b) { return a % b; });
     }},
    {"arith.floordivsi",
     [](const Call &c) { return signedDivision(c, floorDivide); }},
    {"arith.ceildivsi",
     [](const Call &c) { return signedDivision(c, ceilDivide); }},
    {"arith.divui",
     [](const Call &c) {
       return unsignedDivision(c, [](uint64_t a, uint64_t b) { return a / b; });
     }},
    {"arith.remui",
     [](const Call &c) {
       return unsignedDivision(c, [](uint64_t a, uint64_t b) { return a % b; });
     }},
    {"arith.ceildivui",
     [](const Call &c) {
       return unsignedDivision(
           c, [](uint64_t a, uint64_t b) { return a / b + (a % b != 0); });
     }},
    {"arith.andi",
     [](const Call &c) { return give(intAt(c, 0) & intAt(c, 1)); }},
    {"arith.ori",
     [](const Call &c) { return give(intAt(c, 0) | intAt(c, 1)); }},
    {"arith.xori",
     [](const Call &c) { return give(intAt(c, 0) ^ intAt(c, 1)); }},
    {"arith.shli",
     [](const Call &c) {
       return shift(c, [](const Call &c, unsigned by) {
         return give(unsignedAt(c, 0) << by);
       });
     }},
    {"arith.shrsi",
     [](const Call &c) {
       return shift(c, [](const Call &c, unsigned by) {
         return give(intAt(c, 0) >> by);
       });
     }},
    {"arith.shrui",
     [](const Call &c) {
       return shift(c, [](const Call &c, unsigned by) {
         return give(unsignedAt(c, 0) >> by);
       });
     }},
    {"arith.minsi",
     [](const Call &c) { return give(std::min(intAt(c, 0), intAt(c, 1))); }},
    {"arith.maxsi",
     [](const Call &c) { return give(std::max(intAt(c, 0), intAt(c, 1))); }},
    {"arith.minui",
     [](const Call &c) {
       return give(std::min(unsignedAt(c, 0), unsignedAt(c, 1)));
     }},
    {"arith.maxui",
     [](const Call &c) {
       return give(std::max(unsignedAt(c, 0), unsignedAt(c, 1)));
     }},
    {"arith.cmpi", compareInts},
};

//===----------------------------------------------------------------------===//
// Floats
//===----------------------------------------------------------------------===//

static Lane compareFloats(const Call &c) {
  float a = floatAt(c, 0), b = floatAt(c, 1);
  bool unordered = std::isnan(a) || std::isnan(b);
  switch (static_cast<arith::CmpFPredicate>(c.predicate)) {
  case arith::CmpFPredicate::AlwaysFalse:
    return give(false);
  case arith::CmpFPredicate::OEQ:
    return give(a == b);
  case arith::CmpFPredicate::OGT:
    return give(a > b);
  case arith::CmpFPredicate::OGE:
    return give(a >= b);
  case arith::CmpFPredicate::OLT:
    return give(a < b);
  case arith::CmpFPredicate::OLE:
    return give(a <= b);
  case arith::CmpFPredicate::ONE:
    return give(!unordered && a != b);
  case arith::CmpFPredicate::ORD:
    return give(!unordered);
  case arith::CmpFPredicate::UEQ:
    return give(unordered || a == b);
  case arith::CmpFPredicate::UGT:
    return give(unordered || a > b);
  case arith::CmpFPredicate::UGE:
    return give(unordered || a >= b);
  case arith::CmpFPredicate::ULT:
    return give(unordered || a < b);
  case arith::CmpFPredicate::ULE:
    return give(unordered || a <= b);
  case arith::CmpFPredicate::UNE:
    return give(unordered || a != b);
  case arith::CmpFPredicate::UNO:
    return give(unordered);
  case arith::CmpFPredicate::AlwaysTrue:
    return give(true);
  }
  llvm_unreachable("unknown predicate");
}

template <float (*function)(float)> static Lane unary(const Call &c) {
  return give(function(floatAt(c, 0)));
}

template <float (*function)(float, float)> static Lane binary(const Call &c) {
  return give(function(floatAt(c, 0), floatAt(c, 1)));
}

static float rsqrt(float x) { return 1.0f / std::sqrt(x); }

static const std::pair<const char *, Function> kFloatOps[] = {
    {"arith.addf",
     [](const Call &c) { return give(floatAt(c, 0) + floatAt(c, 1)); }},
    {"arith.subf",
     [](const Call &c) { return give(floatAt(c, 0) - floatAt(c, 1)); }},
    {"arith.mulf",
     [](const Call &c) { return give(floatAt(c, 0) * floatAt(c, 1)); }},
    {"arith.divf",
     [](const Call &c) { return give(floatAt(c, 0) / floatAt(c, 1)); }},
    {"arith.negf", [](const Call &c) { return give(-floatAt(c, 0)); }},
    {"arith.maximumf", binary<maximum>},
    {"arith.minimumf", binary<minimum>},
    {"arith.maxnumf", binary<maxnum>},
    {"arith.minnumf", binary<minnum>},
    {"arith.cmpf", compareFloats},
    {"math.exp2", unary<std::exp2>},
    {"math.exp", unary<std::exp>},
    {"math.log", unary<std::log>},
    {"math.log2", unary<std::log2>},
    {"math.log1p", unary<std::log1p>},
    {"math.sqrt", unary<std::sqrt>},
    {"math.rsqrt", unary<rsqrt>},
    {"math.tanh", unary<std::tanh>},
    {"math.absf", unary<std::fabs>},
    {"math.powf", binary<std::pow>},
    {"math.fma",
     [](const Call &c) {
       return give(std::fma(floatAt(c, 0), floatAt(c, 1), floatAt(c, 2)));
     }},
};

//===----------------------------------------------------------------------===//
// Conversions and select
//===----------------------------------------------------------------------===//

/// `low` and `high` are powers of two or zero, so they are exact floats.
static Lane toInt(const Call &c, float low, float high, bool isSigned) {
  float value = std::trunc(floatAt(c, 0));
  if (!(value >= low && value < high))
    return undefined(c, "conversion of a value outside the integer's range");
  return isSigned ? give(static_cast<int64_t>(value))
                  : give(static_cast<uint64_t>(value));
}

static Lane keepInt(const Call &c) { return c.x[0]; }
static Lane keepUnsigned(const Call &c) { return give(unsignedAt(c, 0)); }
static Lane keepFloat(const Call &c) { return c.x[0]; }

static const std::pair<const char *, Function> kConversions[] = {
    {"arith.index_cast", keepInt},
    {"arith.extsi", keepInt},
    {"arith.trunci", keepInt},
    {"arith.index_castui", keepUnsigned},
    {"arith.extui", keepUnsigned},
    {"arith.extf", keepFloat},
    {"arith.truncf", keepFloat},
    {"arith.sitofp",
     [](const Call &c) { return give(static_cast<float>(intAt(c, 0))); }},
    {"arith.uitofp",
     [](const Call &c) { return give(static_cast<float>(unsignedAt(c, 0))); }},
    {"arith.fptosi",
     [](const Call &c) {
       float high = std::ldexp(1.0f, getBitWidth(c.result) - 1);
       return toInt(c, -high, high, /*isSigned=*/true);
     }},
    {"arith.fptoui",
     [](const Call &c) {
       return toInt(c, 0.0f, std::ldexp(1.0f, getBitWidth(c.result)),
                    /*isSigned=*/false);
     }},
    {"arith.bitcast",
     [](const Call &c) {
       return fromBits(c.result, toBits(c.source, c.x[0]));
     }},
    {"arith.select",
     [](const Call &c) { return intAt(c, 0) ? c.x[1] : c.x[2]; }},
};

//===----------------------------------------------------------------------===//
// Lookup
//===----------------------------------------------------------------------===//

static Function lookupFunction(StringRef name) {
  static const llvm::StringMap<Function> table = [] {
    llvm::StringMap<Function> map;
    map.insert(std::begin(kIntegerOps), std::end(kIntegerOps));
    map.insert(std::begin(kFloatOps), std::end(kFloatOps));
    map.insert(std::begin(kConversions), std::end(kConversions));
    return map;
  }();
  return table.lookup(name);
}

/// Whether `op` has a rounding mode that is not supported.
static bool hasOtherRounding(Operation *op) {
  auto truncate = dyn_cast<arith::TruncFOp>(op);
  return truncate && truncate.getRoundingmode() &&
         *truncate.getRoundingmode() != arith::RoundingMode::to_nearest_even;
}

std::optional<Elementwise> Elementwise::lookup(Operation *op) {
  Elementwise elementwise;
  elementwise.function = lookupFunction(op->getName().getStringRef());
  if (!elementwise.function || hasOtherRounding(op))
    return std::nullopt;
  auto source =
      getElementType(getElementTypeOrSelf(op->getOperands().back().getType()));
  auto result =
      getElementType(getElementTypeOrSelf(op->getResult(0).getType()));
  if (!source || !result)
    return std::nullopt;
  elementwise.source = *source;
  elementwise.result = *result;
  if (auto compare = dyn_cast<arith::CmpIOp>(op))
    elementwise.predicate = static_cast<int64_t>(compare.getPredicate());
  if (auto compare = dyn_cast<arith::CmpFOp>(op))
    elementwise.predicate = static_cast<int64_t>(compare.getPredicate());
  return elementwise;
}
