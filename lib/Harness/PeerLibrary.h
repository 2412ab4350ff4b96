//===- PeerLibrary.h - peers, loaded and launched ---------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_LIB_HARNESS_PEERLIBRARY_H
#define MLA_LIB_HARNESS_PEERLIBRARY_H

#include "mla/Harness/Gpu.h"
#include "mla/Harness/Peer.h"

#include <set>

namespace mla::harness {

/// The arguments of a launch in the form of the peer interface.
class PeerArguments {
public:
  /// `host` gives names and types, `device` the addresses, in the same order;
  /// those of `hidden` are left out.
  PeerArguments(const std::string &operatorName,
                const std::vector<HostArgument> &host,
                const GpuArguments &device,
                const std::set<std::string> &hidden);
  PeerArguments(const PeerArguments &) = delete;
  PeerArguments &operator=(const PeerArguments &) = delete;

  const mlaPeerArguments &get() const { return view; }

private:
  std::string operatorName;
  /// Owns what the arguments' `name` points to.
  std::vector<std::string> names;
  std::vector<mlaPeerArgument> arguments;
  mlaPeerArguments view = {};
};

class PeerLibrary;

/// A case that a peer has prepared; released with this object.
class PeerCase {
public:
  PeerCase(const PeerLibrary &library, mlaPeerCase *prepared)
      : library(library), prepared(prepared) {}
  ~PeerCase();
  PeerCase(const PeerCase &) = delete;
  PeerCase &operator=(const PeerCase &) = delete;

  /// Errors: as PeerLibrary::prepare.
  Status launch(mlaPhase phase, runtime::CudaStream stream) const;

private:
  const PeerLibrary &library;
  mlaPeerCase *prepared;
};

/// A shared library with the interface of mla/Harness/Peer.h. It stays loaded
/// until the process ends, because work that it has started in the driver may
/// still refer to it.
class PeerLibrary {
public:
  /// Loads it and checks its interface; needs no GPU. Errors name the library:
  /// missing or not loadable (MLA_NOT_FOUND), without one of the functions or
  /// of another version (MLA_INVALID_ARGUMENT).
  static Status open(const std::string &path,
                     std::unique_ptr<PeerLibrary> &out);

  const std::string &path() const { return file; }
  const std::string &name() const { return peerName; }

  /// MLA_INVALID_ARGUMENT: the peer does not support these arguments; the text
  /// says why. Other errors are failures, and name the peer.
  Status prepare(const PeerArguments &arguments,
                 std::unique_ptr<PeerCase> &out) const;

private:
  friend class PeerCase;
  PeerLibrary() = default;
  /// The status of a call that has left `error`.
  Status statusOf(int32_t result, const std::string &error) const;

  std::string file, peerName;
  decltype(&mlaPeerPrepare) prepareFunction = nullptr;
  decltype(&mlaPeerLaunch) launchFunction = nullptr;
  decltype(&mlaPeerRelease) releaseFunction = nullptr;
};

} // namespace mla::harness

#endif // MLA_LIB_HARNESS_PEERLIBRARY_H
