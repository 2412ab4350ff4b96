//===- ScheduleText.h - parses and changes schedules ------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_TRANSFORMS_SCHEDULETEXT_H
#define MLA_TRANSFORMS_SCHEDULETEXT_H

#include "mla/Dialect/MLA/MLA.h"

namespace mla {

/// Parses one #mla.schedule attribute, with optional comments before and after
/// it. `name` names the text in errors. Null after an error, which is reported
/// as a diagnostic of the context.
ScheduleAttr parseSchedule(llvm::StringRef text, llvm::StringRef name,
                           mlir::MLIRContext &context);

/// Parses the schedule in a file.
ScheduleAttr readSchedule(llvm::StringRef path, mlir::MLIRContext &context);

/// The schedule with some parameters replaced. Their names are
///   ROLE.registers, ROLE.warps  registers per thread and warps of a role
///   RING.depth                  slots of a ring
///   depth                       slots of all rings that `rings` lists, except
///                               those that alias another
///   one of `tileSizes`          sizes of the operator's tiles, such as
///   block_kv
/// Null after an error, reported by `emitError`; that for an unknown name lists
/// the known ones.
ScheduleAttr
withParameters(ScheduleAttr schedule,
               llvm::ArrayRef<std::pair<std::string, int64_t>> parameters,
               llvm::ArrayRef<llvm::StringRef> tileSizes,
               llvm::function_ref<mlir::InFlightDiagnostic()> emitError);

} // namespace mla

#endif // MLA_TRANSFORMS_SCHEDULETEXT_H
