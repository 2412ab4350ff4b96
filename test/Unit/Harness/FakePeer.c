/*===- FakePeer.c - a peer that tests steer -------------------------------===*\
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
|*===----------------------------------------------------------------------===*|
|*                                                                            *|
|* Computes what the kernel of the tests does, c = a, in the memory that the  *|
|* fake driver takes for a device's.                                          *|
|*                                                                            *|
\*===----------------------------------------------------------------------===*/

#include "FakePeer.h"

#include <stdio.h>
#include <string.h>

#ifndef FAKE_PEER_VERSION
#define FAKE_PEER_VERSION MLA_PEER_VERSION
#endif

MLA_PEER_EXPORT mlaFakePeerState mlaFakePeer;

int32_t mlaPeerVersion(void) { return FAKE_PEER_VERSION; }

const char *mlaPeerName(void) { return "fake peer"; }

/** The case is its arguments. */
int32_t mlaPeerPrepare(const mlaPeerArguments *arguments, mlaPeerCase **out,
                       char *error, size_t errorSize) {
  ++mlaFakePeer.prepared;
  mlaFakePeer.arguments = arguments->count;
  *out = (mlaPeerCase *)arguments;
  if (mlaFakePeer.prepareResult != MLA_PEER_SUCCESS && mlaFakePeer.error)
    snprintf(error, errorSize, "%s", mlaFakePeer.error);
  return mlaFakePeer.prepareResult;
}

void mlaPeerRelease(mlaPeerCase *prepared) {
  (void)prepared;
  ++mlaFakePeer.released;
}

#ifndef FAKE_PEER_WITHOUT_LAUNCH
int32_t mlaPeerLaunch(mlaPeerCase *prepared, int32_t phase, mlaStream stream,
                      char *error, size_t errorSize) {
  const mlaPeerArguments *arguments = (const mlaPeerArguments *)prepared;
  const mlaTensor *a = NULL, *c = NULL;
  (void)stream;
  ++mlaFakePeer.launches;
  ++mlaFakePeer.launchesOf[phase];
  if (mlaFakePeer.launches > mlaFakePeer.good &&
      mlaFakePeer.result != MLA_PEER_SUCCESS) {
    if (mlaFakePeer.error)
      snprintf(error, errorSize, "%s", mlaFakePeer.error);
    return mlaFakePeer.result;
  }
  if (phase == MLA_PHASE_PLAN)
    return MLA_PEER_SUCCESS;
  for (int32_t i = 0; i < arguments->count; ++i) {
    const mlaPeerArgument *argument = &arguments->arguments[i];
    if (strcmp(argument->name, "a") == 0)
      a = &argument->value.value.tensor;
    if (strcmp(argument->name, "c") == 0)
      c = &argument->value.value.tensor;
    mlaFakePeer.lastAccess = argument->access;
    mlaFakePeer.lastDType = argument->dtype;
  }
  for (int64_t i = 0; i < a->shape[0]; ++i)
    ((float *)(uintptr_t)c->data)[i] =
        ((const float *)(uintptr_t)a->data)[i] + mlaFakePeer.offset;
  return MLA_PEER_SUCCESS;
}
#endif
