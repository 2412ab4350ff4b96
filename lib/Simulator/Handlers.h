//===- Handlers.h - the ops that the simulator executes ---------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_LIB_SIMULATOR_HANDLERS_H
#define MLA_LIB_SIMULATOR_HANDLERS_H

#include "Access.h"
#include "Machine.h"

namespace mla::sim {

/// Each adds the handlers of one file, by op name.
void addBarrierOps(interp::HandlerTable &table);
void addBulkStoreOps(interp::HandlerTable &table);
void addClusterOps(interp::HandlerTable &table);
void addCopyOps(interp::HandlerTable &table);
void addGlobalOps(interp::HandlerTable &table);
void addMmaOps(interp::HandlerTable &table);
void addSharedOps(interp::HandlerTable &table);

} // namespace mla::sim

#endif // MLA_LIB_SIMULATOR_HANDLERS_H
