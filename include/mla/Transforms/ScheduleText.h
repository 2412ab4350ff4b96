//===- ScheduleText.h - schedules as text that a user owns ------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_TRANSFORMS_SCHEDULETEXT_H
#define MLA_TRANSFORMS_SCHEDULETEXT_H

#include "mla/Dialect/MLA/MLA.h"

namespace mla {

/// Parses one #mla.schedule attribute, which comments may precede and follow.
/// `name` stands for the text in errors. Null after an error, which is a
/// diagnostic of the context.
ScheduleAttr parseSchedule(llvm::StringRef text, llvm::StringRef name,
                           mlir::MLIRContext &context);

/// Parses the schedule in a file.
ScheduleAttr readSchedule(llvm::StringRef path, mlir::MLIRContext &context);

/// The schedule with other numbers. Names of parameters are
///   ROLE.registers, ROLE.warps  of a role
///   RING.depth                  slots of the ring of a value
///   depth                       slots of all rings that `rings` lists, except
///                               those that lie over another
///   one of `tileSizes`          sizes of the operator's tiles, such as
///   block_kv
/// Null after an error of `emitError`, which lists the names for an unknown
/// one.
ScheduleAttr
withParameters(ScheduleAttr schedule,
               llvm::ArrayRef<std::pair<std::string, int64_t>> parameters,
               llvm::ArrayRef<llvm::StringRef> tileSizes,
               llvm::function_ref<mlir::InFlightDiagnostic()> emitError);

} // namespace mla

#endif // MLA_TRANSFORMS_SCHEDULETEXT_H
