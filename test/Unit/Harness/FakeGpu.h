//===- FakeGpu.h - a tool whose GPU is a fake driver ------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_TEST_UNIT_HARNESS_FAKEGPU_H
#define MLA_TEST_UNIT_HARNESS_FAKEGPU_H

#include "../Runtime/FakeCuda.h"
#include "../Runtime/Sample.h"
#include "Sample.h"

#include "mla/Harness/CommandLine.h"

#include <sstream>

namespace mla::harness {

/// A package whose kernel, in the fake driver, copies the n floats of `a` to
/// `c`.
inline runtime::KernelDescriptor copyDescriptor() {
  runtime::KernelDescriptor d;
  addTensor(d, "a", MLA_F32, {"n"});
  addTensor(d, "c", MLA_F32, {"n"}, MLA_WRITE);
  runtime::EntryDescriptor &kernel = d.kernels.emplace_back();
  kernel.symbol = "copy";
  using Kind = runtime::ParameterDescriptor::Kind;
  kernel.parameters = {
      {Kind::Pointer, 0, 0}, {Kind::Pointer, 1, 0}, {Kind::Size, 0, 0}};
  (void)runtime::Expression::parse("ceildiv(n, 128)", d.sizeNames, kernel.grid);
  return d;
}

class FakeGpu : public testing::Test {
protected:
  void SetUp() override {
    fake = FakeCuda::get();
    ASSERT_NE(fake, nullptr)
        << "expected the fake libcuda.so.1: set LD_LIBRARY_PATH as ctest does";
    fake->reset();
    fake->parameterSizes = {8, 8, 8};
    fake->onLaunch = [](void **parameters) {
      float *from, *to;
      int64_t count;
      std::memcpy(&from, parameters[0], 8);
      std::memcpy(&to, parameters[1], 8);
      std::memcpy(&count, parameters[2], 8);
      std::copy(from, from + count, to);
    };
    config.name = "mla-test";
    config.operandName = "PACKAGE";
    config.load = [](const std::string &operand,
                     std::vector<Subject> &all) -> Status {
      Subject &subject = all.emplace_back();
      subject.label = operand;
      subject.descriptor = copyDescriptor();
      subject.cubin = runtime::sampleCubin();
      subject.reference = [](const std::vector<HostArgument> &arguments,
                             std::vector<ExpectedOutput> &expected) {
        const HostTensor &a = arguments[0].tensor;
        ExpectedOutput output{"c", {}, {1e-6, 1e-6, 0}};
        for (int64_t i = 0; i < a.elements(); ++i)
          output.values.push_back(a.get(i));
        expected = {output};
        return Status();
      };
      return Status();
    };
  }
  void TearDown() override {
    if (!fake)
      return;
    EXPECT_EQ(fake->allocationsAlive, 0);
    EXPECT_EQ(fake->eventsAlive, 0);
    EXPECT_EQ(fake->graphsAlive, 0);
    EXPECT_EQ(fake->modulesLoaded, fake->modulesUnloaded);
  }

  /// An operator with formulas for FLOPs and bytes; its kernel computes
  /// nothing.
  void loadSparsePrefill() {
    config.load = [](const std::string &operand,
                     std::vector<Subject> &all) -> Status {
      Subject &subject = all.emplace_back();
      subject.label = operand;
      subject.descriptor = sparsePrefillDescriptor(/*optional=*/false);
      subject.cubin = runtime::sampleCubin();
      return Status();
    };
    fake->parameterSizes = {};
    fake->onLaunch = nullptr;
  }

  int run(const std::vector<std::string> &words) {
    return runTool(config, words, out, err);
  }

  FakeCuda *fake = nullptr;
  ToolConfig config;
  std::ostringstream out, err;
};

} // namespace mla::harness

#endif // MLA_TEST_UNIT_HARNESS_FAKEGPU_H
