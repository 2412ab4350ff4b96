//===- Schedules.cpp - the schedules that ship with the project -*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "mla/Transforms/Passes.h"
#include "mla/Transforms/ScheduleText.h"
#include "mla/Tuning/CostModel.h"

using namespace mlir;
using namespace mla;

static constexpr std::pair<StringLiteral, StringLiteral> kSchedules[] = {
#include "Schedules.inc"
};

StringRef mla::getScheduleText(StringRef name) {
  for (const auto &[known, text] : kSchedules)
    if (known == name)
      return text;
  return "";
}

ScheduleAttr mla::getNamedSchedule(StringRef name, Location loc) {
  if (StringRef text = getScheduleText(name); !text.empty())
    return parseSchedule(text, name, *loc.getContext());
  emitError(loc) << "unknown schedule '" << name << "', expected "
                 << listSchedules(name);
  return {};
}
