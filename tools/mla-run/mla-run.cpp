//===- mla-run.cpp - run, check and time kernel packages ------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "mla/Harness/CommandLine.h"
#include "mla/Runtime/Files.h"
#include "mla/Runtime/Version.h"

#include <iostream>

int main(int argc, char **argv) {
  mla::runtime::guardStandardStreams();
  mla::runtime::ignoreFileSizeSignal();
  mla::harness::ToolConfig config;
  config.name = "mla-run";
  config.summary = "Runs, checks and times compiled kernel packages.";
  config.version = std::string(mla::runtime::getProjectName()) +
                   ", packages of version " +
                   std::to_string(mla::runtime::kPackageVersion);
  config.operandName = "PACKAGE";
  config.load = mla::harness::loadPackageSubject;
  return mla::harness::runTool(config,
                               std::vector<std::string>(argv + 1, argv + argc),
                               std::cout, std::cerr);
}
