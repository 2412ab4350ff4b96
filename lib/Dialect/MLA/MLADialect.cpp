//===- MLADialect.cpp - the mla dialect -------------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "mla/Dialect/MLA/MLA.h"
#include "mla/Support/Names.h"
#include "mla/Support/Target.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace mla;

/// {block_kv = 32, rows = 16}
static ParseResult parseTileSizes(AsmParser &parser, DictionaryAttr &tile) {
  NamedAttrList sizes;
  auto parseSize = [&]() -> ParseResult {
    SMLoc loc = parser.getCurrentLocation();
    StringRef name;
    int64_t value = 0;
    if (parser.parseKeyword(&name) || parser.parseEqual() ||
        parser.parseInteger(value))
      return failure();
    if (sizes.get(name))
      return parser.emitError(loc)
             << "expected one value for tile size '" << name << "', got two";
    sizes.append(name, parser.getBuilder().getI64IntegerAttr(value));
    return success();
  };
  if (parser.parseCommaSeparatedList(AsmParser::Delimiter::Braces, parseSize))
    return failure();
  tile = sizes.getDictionary(parser.getContext());
  return success();
}

static void printTileSizes(AsmPrinter &printer, DictionaryAttr tile) {
  printer << "{";
  llvm::interleaveComma(tile, printer, [&](NamedAttribute size) {
    printer << size.getName().strref() << " = "
            << cast<IntegerAttr>(size.getValue()).getInt();
  });
  printer << "}";
}

#include "mla/Dialect/MLA/MLADialect.cpp.inc"
#define GET_ATTRDEF_CLASSES
#include "mla/Dialect/MLA/MLAAttrs.cpp.inc"
#include "mla/Dialect/MLA/Operators.cpp.inc"

void MLADialect::initialize() {
  addAttributes<
#define GET_ATTRDEF_LIST
#include "mla/Dialect/MLA/MLAAttrs.cpp.inc"
      >();
}

LogicalResult MLADialect::verifyOperationAttribute(Operation *op,
                                                   NamedAttribute attr) {
  if (attr.getName() != kTargetAttr)
    return success();
  auto name = dyn_cast<StringAttr>(attr.getValue());
  if (!name)
    return op->emitOpError() << "expected " << kTargetAttr
                             << " to be a string, got " << attr.getValue();
  if (!findTarget(name.getValue()))
    return op->emitOpError(describeUnknownTarget(name.getValue()));
  return success();
}

//===----------------------------------------------------------------------===//
// Roles, places and rings
//===----------------------------------------------------------------------===//

LogicalResult RoleAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                               StringAttr name, int64_t warps,
                               int64_t registers) {
  constexpr int64_t kMaxWarps = getLargest(&TargetSpec::warpsPerCTA);
  if (warps < 1 || warps > kMaxWarps)
    return emitError() << "role " << name << ": expected 1 to " << kMaxWarps
                       << " warps, got " << warps;
  constexpr const TargetSpec &kTarget = kDefaultTarget;
  if (registers < kTarget.minSetRegisters ||
      registers > kTarget.maxSetRegisters ||
      registers % kTarget.setRegistersStep)
    return emitError() << "role " << name
                       << ": expected registers a multiple of "
                       << kTarget.setRegistersStep << " in ["
                       << kTarget.minSetRegisters << ", "
                       << kTarget.maxSetRegisters << "] (setmaxnreg), got "
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
                               StringAttr aliases, int64_t byte) {
  if (depth < 1)
    return emitError() << "ring " << label << ": expected depth >= 1, got "
                       << depth;
  // So that sums of their bytes do not overflow.
  for (int64_t value : {depth, most, byte})
    if (value > std::numeric_limits<int32_t>::max())
      return emitError() << "ring " << label
                         << ": expected numbers below 2^31, got " << value;
  if (most && (most < depth || aliases))
    return emitError() << "ring " << label
                       << ": expected a maximum depth of at least the depth, "
                          "and no 'aliases', got "
                       << depth << " to " << most;
  if (aliases && depth != 1)
    return emitError() << "ring " << label
                       << ": expected depth 1 of a ring that aliases "
                       << aliases << ", got " << depth;
  if (aliases == label)
    return emitError()
           << "ring " << label
           << ": expected 'aliases' to name another ring, got itself";
  if (aliases && byte < 0)
    return emitError() << "ring " << label << ": expected byte >= 0, got "
                       << byte;
  return success();
}

ArrayRef<StringRef> mla::getRewriteNames() {
  static constexpr StringRef kNames[] = {
      "pair-tiles", "split-width", "split-tail", "persist", "lazy-rescale",
      "split-sums", "defer-sums",  "fold-sums",  "swap-ab"};
  return kNames;
}

static SmallVector<StringRef> getNames(ArrayRef<RoleAttr> roles) {
  return llvm::map_to_vector(
      roles, [](RoleAttr role) { return role.getName().getValue(); });
}

LogicalResult ScheduleAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                                   StringAttr name, DictionaryAttr tile,
                                   ArrayRef<RoleAttr> roles,
                                   ArrayRef<PlaceAttr> table,
                                   ArrayRef<RingAttr> rings,
                                   ArrayRef<StringAttr> rewrites) {
  for (NamedAttribute size :
       tile ? tile.getValue() : ArrayRef<NamedAttribute>()) {
    auto value = dyn_cast<IntegerAttr>(size.getValue());
    if (!value || value.getValue().getSignificantBits() > 32 ||
        value.getInt() < 1)
      return emitError() << "schedule " << name << ": expected tile size "
                         << size.getName() << " in [1, 2^31), got "
                         << size.getValue();
  }
  llvm::StringSet<> asked;
  for (StringAttr rewrite : rewrites) {
    if (!llvm::is_contained(getRewriteNames(), rewrite.getValue()))
      return emitError() << "schedule " << name << ": unknown rewrite "
                         << rewrite << " in 'after', expected "
                         << listNames(rewrite, getRewriteNames());
    if (!asked.insert(rewrite).second)
      return emitError() << "schedule " << name << ": rewrite " << rewrite
                         << " is listed twice";
  }
  llvm::StringSet<> names;
  int64_t registers = 0;
  for (RoleAttr role : roles) {
    if (!names.insert(role.getName()).second)
      return emitError() << "schedule " << name << ": role " << role.getName()
                         << " is declared twice";
    registers += 32 * role.getWarps() * role.getRegisters();
  }
  constexpr int64_t kMaxRegisters = getLargest(&TargetSpec::registersPerSM);
  if (registers > kMaxRegisters) {
    InFlightDiagnostic diag =
        emitError() << "schedule " << name << ": roles need " << registers
                    << " registers, an SM has " << kMaxRegisters << " (";
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

std::optional<int64_t> ScheduleAttr::getTileSize(StringRef name) const {
  if (auto size = getTile() ? getTile().getAs<IntegerAttr>(name) : nullptr)
    return size.getInt();
  return std::nullopt;
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
