//===- ScheduleText.cpp - parses and changes schedules ----------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "mla/Transforms/ScheduleText.h"
#include "mla/Support/Files.h"
#include "mla/Support/Names.h"
#include "mla/Support/TextFault.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Parser/Parser.h"

using namespace mlir;
using namespace mla;

//===----------------------------------------------------------------------===//
// Reading
//===----------------------------------------------------------------------===//

ScheduleAttr mla::parseSchedule(StringRef text, StringRef name,
                                MLIRContext &context) {
  if (std::optional<TextFault> fault = findTextFault(text)) {
    emitError(FileLineColLoc::get(&context, name, fault->line, 1))
        << fault->message;
    return {};
  }
  context.loadDialect<MLADialect>();
  // parseAttribute() has no parameter for the name of the text, so parse it as
  // an attribute of a module, without a line break that would shift line
  // numbers.
  std::string source =
      ("module attributes {mla.schedule = " + text + "\n} {}").str();
  OwningOpRef<ModuleOp> module =
      parseSourceString<ModuleOp>(source, &context, name);
  if (!module)
    return {};
  Attribute attr = module->getOperation()->getDiscardableAttr(kScheduleAttr);
  if (auto schedule = dyn_cast_or_null<ScheduleAttr>(attr))
    return schedule;
  emitError(FileLineColLoc::get(&context, name, 1, 1))
      << "expected a #mla.schedule attribute, got " << attr;
  return {};
}

ScheduleAttr mla::readSchedule(StringRef path, MLIRContext &context) {
  auto file = readFile(path);
  if (!file) {
    emitError(UnknownLoc::get(&context))
        << "schedule: " << llvm::toString(file.takeError());
    return {};
  }
  return parseSchedule((*file)->getBuffer(), path, context);
}

//===----------------------------------------------------------------------===//
// Parameters
//===----------------------------------------------------------------------===//

namespace {
/// Replaces parameters of a schedule.
class Parameters {
public:
  Parameters(ScheduleAttr schedule, ArrayRef<StringRef> tileSizes,
             function_ref<InFlightDiagnostic()> emitError)
      : schedule(schedule), tileSizes(tileSizes), emitError(emitError),
        roles(schedule.getRoles()), rings(schedule.getRings()),
        tile(schedule.getTile() ? schedule.getTile().getValue()
                                : ArrayRef<NamedAttribute>()) {}

  LogicalResult set(StringRef name, int64_t value);
  ScheduleAttr get() const;

private:
  LogicalResult refuse(StringRef name) const;
  LogicalResult setRole(StringRef role, StringRef field, int64_t value);
  LogicalResult setDepth(RingAttr &ring, int64_t depth);
  LogicalResult setDepths(int64_t depth);

  ScheduleAttr schedule;
  ArrayRef<StringRef> tileSizes;
  function_ref<InFlightDiagnostic()> emitError;
  SmallVector<RoleAttr> roles;
  SmallVector<RingAttr> rings;
  NamedAttrList tile;
};
} // namespace

LogicalResult Parameters::refuse(StringRef name) const {
  SmallVector<std::string> known;
  for (StringRef size : tileSizes)
    known.push_back(size.str());
  known.push_back("depth");
  for (RoleAttr role : roles) {
    known.push_back((role.getName().getValue() + ".registers").str());
    known.push_back((role.getName().getValue() + ".warps").str());
  }
  for (RingAttr ring : rings)
    known.push_back((ring.getLabel().getValue() + ".depth").str());
  return emitError() << "schedule " << schedule.getName()
                     << ": unknown parameter '" << name << "', expected "
                     << listNames(name, llvm::to_vector_of<StringRef>(known));
}

LogicalResult Parameters::setDepth(RingAttr &ring, int64_t depth) {
  ring = RingAttr::getChecked(
      emitError, ring.getContext(), ring.getLabel(), depth,
      /*most=*/int64_t(0), ring.getAliases(), ring.getByte());
  return success(static_cast<bool>(ring));
}

LogicalResult Parameters::setDepths(int64_t depth) {
  bool any = false;
  for (RingAttr &ring : rings) {
    if (ring.getAliases())
      continue;
    any = true;
    if (failed(setDepth(ring, depth)))
      return failure();
  }
  if (any)
    return success();
  return emitError() << "schedule " << schedule.getName()
                     << " has no ring whose depth can change: expected no "
                        "parameter 'depth', got "
                     << depth;
}

LogicalResult Parameters::setRole(StringRef name, StringRef field,
                                  int64_t value) {
  for (RoleAttr &role : roles) {
    if (role.getName() != name)
      continue;
    bool isWarps = field == "warps";
    role = RoleAttr::getChecked(emitError, role.getContext(), role.getName(),
                                isWarps ? value : role.getWarps(),
                                isWarps ? role.getRegisters() : value);
    return success(static_cast<bool>(role));
  }
  return refuse((name + "." + field).str());
}

LogicalResult Parameters::set(StringRef name, int64_t value) {
  if (llvm::is_contained(tileSizes, name)) {
    tile.set(name, Builder(schedule.getContext()).getI64IntegerAttr(value));
    return success();
  }
  if (name == "depth")
    return setDepths(value);
  auto [owner, field] = name.rsplit('.');
  if (field == "registers" || field == "warps")
    return setRole(owner, field, value);
  if (field == "depth")
    for (RingAttr &ring : rings)
      if (ring.getLabel() == owner)
        return setDepth(ring, value);
  return refuse(name);
}

ScheduleAttr Parameters::get() const {
  MLIRContext *context = schedule.getContext();
  return ScheduleAttr::getChecked(
      emitError, context, schedule.getName(),
      tile.empty() ? DictionaryAttr() : tile.getDictionary(context),
      ArrayRef<RoleAttr>(roles), schedule.getTable(), ArrayRef<RingAttr>(rings),
      schedule.getRewrites());
}

ScheduleAttr
mla::withParameters(ScheduleAttr schedule,
                    ArrayRef<std::pair<std::string, int64_t>> parameters,
                    ArrayRef<StringRef> tileSizes,
                    function_ref<InFlightDiagnostic()> emitError) {
  Parameters changed(schedule, tileSizes, emitError);
  for (const auto &[name, value] : parameters)
    if (failed(changed.set(name, value)))
      return {};
  return changed.get();
}
