//===- PtxasReport.h - parsing and checking the output of ptxas -*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_TARGET_PTXASREPORT_H
#define MLA_TARGET_PTXASREPORT_H

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/JSON.h"
#include <string>
#include <vector>

namespace mla {

/// The resources of one function, as `ptxas -v` prints them.
struct FunctionReport {
  std::string name;
  /// False for a device function that was not inlined; ptxas gives only its
  /// stack and its spills.
  bool isEntry = true;
  /// Registers a thread has at entry. With `setmaxnreg` this is the number
  /// the kernel starts with, not what a role has later.
  unsigned registers = 0;
  /// Stack of one thread in bytes, callees included.
  unsigned stackBytes = 0;
  unsigned spillStoreBytes = 0;
  unsigned spillLoadBytes = 0;
  /// Statically allocated shared memory in bytes; dynamic memory is not in it.
  unsigned staticSharedBytes = 0;
  /// Named barriers: one more than the highest that the kernel uses.
  unsigned barriers = 0;
  /// Constant banks in bytes, summed; 0 where ptxas does not print them
  /// (12.9 and newer print none for sm_90a).
  unsigned constantBytes = 0;
};

/// A numbered message, or a line of severity warning.
struct PtxasWarning {
  /// Such as "C7510"; empty where ptxas gave none.
  std::string code;
  /// The message without prefix and code.
  std::string text;
  /// The function it is about; empty when the message does not say and the
  /// log has several entry functions.
  std::string function;
};

struct PtxasReport {
  std::vector<FunctionReport> functions;
  std::vector<PtxasWarning> warnings;

  /// Returns the function called `name`, or null.
  const FunctionReport *find(llvm::StringRef name) const;
};

/// The limits that a kernel has to keep; by default nothing is tolerated.
struct ReportLimits {
  /// Bytes of stack a thread may have.
  unsigned maxStackBytes = 0;
  /// Bytes that a thread may spill, counted for stores and loads each.
  unsigned maxSpillBytes = 0;
  /// C75xx codes that are accepted, such as "C7519".
  std::vector<std::string> allowedCodes;
};

/// Reads the output of `ptxas -v`. Fails when an entry function is announced
/// but its numbers are missing or unreadable, so that a change of ptxas's
/// format cannot make a gate pass.
llvm::Expected<PtxasReport> parsePtxasLog(llvm::StringRef log);

/// Returns an error that names each function over `limits`, with its numbers,
/// and each C75xx message ("Potential Performance Loss": serialised wgmma, an
/// injected wait, an ignored setmaxnreg; repeats are counted). A report without
/// any entry function is an error too. Other warnings pass.
llvm::Error checkReport(const PtxasReport &report, const ReportLimits &limits);

/// The report as JSON, for dumps and benchmark records.
llvm::json::Value toJSON(const PtxasReport &report);

} // namespace mla

#endif // MLA_TARGET_PTXASREPORT_H
