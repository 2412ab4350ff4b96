/*===- FakePeer.h - a peer that tests steer -----------------------*- C -*-===*\
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
\*===----------------------------------------------------------------------===*/

#ifndef MLA_TEST_UNIT_HARNESS_FAKEPEER_H
#define MLA_TEST_UNIT_HARNESS_FAKEPEER_H

#include "mla/Harness/Peer.h"

/** What the fake peer does, and what it was asked: its symbol mlaFakePeer. */
typedef struct mlaFakePeerState {
  int32_t result;        /**< what a launch returns, */
  int32_t good;          /**< after this many that succeed */
  const char *error;     /**< the text of a launch that fails */
  int32_t prepareResult; /**< what preparing a case returns, with `error` */
  float offset;          /**< what it adds to each float of `a`, to give `c` */
  int32_t launches;
  int32_t launchesOf[3]; /**< by phase */
  int32_t prepared, released;
  int32_t arguments; /**< of the last case */
  int32_t lastAccess, lastDType;
} mlaFakePeerState;

#endif /* MLA_TEST_UNIT_HARNESS_FAKEPEER_H */
