/*===- Peer.h - another implementation, timed beside ours ---------*- C -*-===*\
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
|*===----------------------------------------------------------------------===*|
|*                                                                            *|
|* The C interface between the command `bench` and a peer: a shared library   *|
|* with another implementation of operators, which `bench --peer=LIBRARY.so`  *|
|* loads and times in the same process as our kernels, on the same arguments  *|
|* and in turns with them.                                                    *|
|*                                                                            *|
|* A peer exports the five functions at the end of this file. None of them    *|
|* prints, exits or throws. Each case is prepared once, launched often and    *|
|* released. Figures are comparable only if the peer does the same work, so   *|
|* `bench` compares its outputs with ours before it times.                    *|
|*                                                                            *|
\*===----------------------------------------------------------------------===*/

#ifndef MLA_HARNESS_PEER_H
#define MLA_HARNESS_PEER_H

#include "mla/Runtime/Runtime.h"

#ifdef __cplusplus
extern "C" {
#endif

/** The version of this interface. `bench` refuses a peer of another one. */
#define MLA_PEER_VERSION 2

/** Marks what a peer exports, where its other symbols are hidden. */
#define MLA_PEER_EXPORT __attribute__((visibility("default")))

/** What a call came to. */
typedef enum mlaPeerResult {
  MLA_PEER_SUCCESS = 0,
  /** The peer has no kernel for this operator, or for these types, sizes,
   *  strides, values or addresses. Nothing was launched; `bench` leaves the
   *  peer out of the case and says why. */
  MLA_PEER_UNSUPPORTED = 1,
  /** The peer should have succeeded, and could not. */
  MLA_PEER_FAILED = 2
} mlaPeerResult;

/** One argument, as the launch descriptor of our kernel lists it. */
typedef struct mlaPeerArgument {
  const char *name;  /**< e.g. "q" or "scale" */
  int32_t access;    /**< an mlaAccess; MLA_READ for a scalar */
  int32_t dtype;     /**< an mlaDType, of a tensor's elements or the scalar */
  mlaArgument value; /**< device address, shape and strides; or the scalar */
} mlaPeerArgument;

/** All arguments of a launch. Not among them are optional arguments of the
 *  operator that our kernel was compiled without, or that the launch leaves
 *  out, and outputs of the plan phase, whose contents are our kernels' own. */
typedef struct mlaPeerArguments {
  /** e.g. "combine"; with options that are not the default as in
   *  "combine lse_base=2", which computes something else */
  const char *operatorName;
  const mlaPeerArgument *arguments;
  int32_t count;
} mlaPeerArguments;

/** A case that the peer has prepared, with the memory that it needs besides the
 *  arguments. Defined by the peer. */
typedef struct mlaPeerCase mlaPeerCase;

/** MLA_PEER_VERSION of the header that the peer was compiled with. */
MLA_PEER_EXPORT int32_t mlaPeerVersion(void);

/** How reports name the peer, with its version if it has one, e.g.
 *  "FlashMLA 9241ae3". Lives as long as the library. */
MLA_PEER_EXPORT const char *mlaPeerName(void);

/** Prepares launches with these arguments, which live until the case is
 *  released, and stores the case in `*out`. Inputs have their values already,
 *  and keep them. May allocate and wait for the device; is not timed. The
 *  calling thread's current context is the device's primary one, in all
 *  functions.
 *  Returns an mlaPeerResult; unless it is MLA_PEER_SUCCESS, there is nothing to
 *  release, and one line that names the argument at fault, what was expected
 *  and what came, is in `error`, cut to `errorSize` bytes with its final NUL.
 */
MLA_PEER_EXPORT int32_t mlaPeerPrepare(const mlaPeerArguments *arguments,
                                       mlaPeerCase **out, char *error,
                                       size_t errorSize);

/** Launches the kernels of `phase`, an mlaPhase, on `stream` and returns
 * without waiting for them. MLA_PHASE_PLAN computes what depends on the lengths
 * of sequences and serves any number of launches of MLA_PHASE_LAUNCH after it;
 * a peer without such a step launches nothing and succeeds. Outputs are the
 *  tensors that have the access MLA_WRITE. Everything that the launch does, on
 *  the host too, is timed; one that allocates cannot be captured into a graph.
 *  Returns as mlaPeerPrepare. */
MLA_PEER_EXPORT int32_t mlaPeerLaunch(mlaPeerCase *prepared, int32_t phase,
                                      mlaStream stream, char *error,
                                      size_t errorSize);

/** Frees the case. No launch of it is under way. */
MLA_PEER_EXPORT void mlaPeerRelease(mlaPeerCase *prepared);

#ifdef __cplusplus
} /* extern "C" */
#endif

#endif /* MLA_HARNESS_PEER_H */
