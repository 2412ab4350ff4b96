//===- Interrupt.cpp - what a signal that ends mla-jit leaves behind ------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "Interrupt.h"
#include "mla/Target/Ptxas.h"
#include <csignal>

/// What else is done on a signal, such as removing LLVM's temporary files.
static struct sigaction previous[NSIG];

static void onInterrupt(int signal) {
  mla::killRunningPrograms();
  // Delivered when this handler returns.
  ::sigaction(signal, &previous[signal], nullptr);
  ::raise(signal);
}

void mla::killProgramsOnInterrupt() {
  for (int signal : {SIGINT, SIGTERM, SIGHUP, SIGQUIT}) {
    ::sigaction(signal, nullptr, &previous[signal]);
    // As under nohup.
    if (previous[signal].sa_handler == SIG_IGN)
      continue;
    struct sigaction action = {};
    action.sa_handler = onInterrupt;
    sigfillset(&action.sa_mask);
    ::sigaction(signal, &action, nullptr);
  }
}
