/*===- Peer.h - another implementation, timed beside ours ---------*- C -*-===*\
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
|*===----------------------------------------------------------------------===*|
|*                                                                            *|
|* The C interface between the command `bench` and a peer: a shared library   *|
|* with another implementation of operators, which `bench --peer=LIBRARY.so`  *|
|* loads and times in the same process as our kernels, on the same arguments  *|
|* and in turns with them.                                                    *|
|*                                                                            *|
|* A peer exports the three functions at the end of this file. None of them   *|
|* prints, exits or throws. Figures are comparable only if the peer does the  *|
|* same work, so `bench` compares its outputs with ours before it times.      *|
|*                                                                            *|
\*===----------------------------------------------------------------------===*/

#ifndef MLA_HARNESS_PEER_H
#define MLA_HARNESS_PEER_H

#include "mla/Runtime/Runtime.h"

#ifdef __cplusplus
extern "C" {
#endif

/** The version of this interface. `bench` refuses a peer of another one. */
#define MLA_PEER_VERSION 1

/** Marks what a peer exports, where its other symbols are hidden. */
#define MLA_PEER_EXPORT __attribute__((visibility("default")))

/** What a launch came to. */
typedef enum mlaPeerResult {
  MLA_PEER_LAUNCHED = 0,
  /** The peer has no kernel for this operator, or for these types, sizes,
   *  strides or addresses. Nothing was launched; `bench` leaves the peer out
   *  of the case and says why. */
  MLA_PEER_UNSUPPORTED = 1,
  /** The peer should have launched, and could not. */
  MLA_PEER_FAILED = 2
} mlaPeerResult;

/** One argument, as the launch descriptor of our kernel lists it. */
typedef struct mlaPeerArgument {
  const char *name;  /**< e.g. "q" or "scale" */
  int32_t access;    /**< an mlaAccess; MLA_READ for a scalar */
  int32_t dtype;     /**< an mlaDType, of a tensor's elements or the scalar */
  mlaArgument value; /**< device address, shape and strides; or the scalar */
} mlaPeerArgument;

/** All arguments of a launch. An optional argument of the operator that our
 *  kernel was compiled without, or that the launch leaves out, is not among
 *  them. */
typedef struct mlaPeerArguments {
  /** e.g. "combine"; with options that are not the default as in
   *  "combine lse_base=2", which computes something else */
  const char *operatorName;
  const mlaPeerArgument *arguments;
  int32_t count;
} mlaPeerArguments;

/** MLA_PEER_VERSION of the header that the peer was compiled with. */
MLA_PEER_EXPORT int32_t mlaPeerVersion(void);

/** How reports name the peer, with its version if it has one, e.g.
 *  "FlashMLA 9241ae3". Lives as long as the library. */
MLA_PEER_EXPORT const char *mlaPeerName(void);

/** Launches the operator on `stream` of the calling thread's current context,
 *  which is the device's primary one, and returns without waiting for it.
 *  Outputs lie in the tensors that have the access MLA_WRITE. Everything that
 *  the launch does, on the host too, is timed.
 *  Returns an mlaPeerResult; unless it is MLA_PEER_LAUNCHED, one line that
 *  names the argument at fault, what was expected and what came, is in `error`,
 *  cut to `errorSize` bytes with its final NUL. */
MLA_PEER_EXPORT int32_t mlaPeerLaunch(const mlaPeerArguments *arguments,
                                      mlaStream stream, char *error,
                                      size_t errorSize);

#ifdef __cplusplus
} /* extern "C" */
#endif

#endif /* MLA_HARNESS_PEER_H */
