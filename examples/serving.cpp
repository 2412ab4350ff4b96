//===- serving.cpp - a decode loop over a paged cache ---------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
//   serving PACKAGE
//
// PACKAGE is dense decode for 16 heads:
//   mla-jit emit decode --sizes h_q=16 -o decode.mlir
//   mla-jit compile decode.mlir -o PACKAGE
//
// The package is loaded once; the division of the work among the SMs is planned
// once a step, on the device, for all layers; the attention is launched once a
// layer. Queries of zeros attend to rows of ones: out is 1, and lse the
// logarithm of the length.
//
//===----------------------------------------------------------------------===//

#include "attend.hpp"

#include <array>

namespace {

constexpr int64_t kRequests = 4, kHeads = 16, kPageSize = 64, kMaxPages = 8;
constexpr int64_t kNumPages = kRequests * kMaxPages;
constexpr int kLayers = 2, kSteps = 3, kFirstLength = 100;

/// What a layer has of its own. Zero addresses stand for no layer.
struct Layer {
  CUdeviceptr q = 0, cache = 0, out = 0, lse = 0;
};

/// What all layers share.
struct Batch {
  CUdeviceptr blockTable = 0, lengths = 0, plan = 0;
  int64_t ctas = 0;
};

Layer makeLayer() {
  return {
      upload(std::vector<uint16_t>(kRequests * kHeads * 576)),
      upload(std::vector<uint16_t>(kNumPages * kPageSize * 576, 0x3f80)),
      upload(std::vector<uint16_t>(kRequests * kHeads * 512)),
      upload(std::vector<float>(kRequests * kHeads)),
  };
}

Batch makeBatch(int sms) {
  std::vector<int32_t> pages(kNumPages);
  for (int64_t i = 0; i < kNumPages; ++i)
    pages[i] = static_cast<int32_t>(i);
  return {upload(pages), upload(std::vector<int32_t>(kRequests)),
          upload(std::vector<int32_t>(sms * 8)), sms};
}

std::array<mlaArgument, 8> arguments(const Batch &batch, const Layer &layer) {
  return {
      mla::tensor(layer.q, MLA_BF16, {kRequests, 1, kHeads, 576}),
      mla::tensor(layer.cache, MLA_BF16, {kNumPages, kPageSize, 1, 576}),
      mla::tensor(batch.blockTable, MLA_I32, {kRequests, kMaxPages}),
      mla::tensor(batch.lengths, MLA_I32, {kRequests}),
      mla::scalar(1.0 / 24),
      mla::tensor(layer.out, MLA_BF16, {kRequests, 1, kHeads, 512}),
      mla::tensor(layer.lse, MLA_F32, {kRequests, 1, kHeads}),
      mla::tensor(batch.plan, MLA_I32, {batch.ctas, 8}),
  };
}

mla::Status launch(const mla::Kernel &kernel, const Batch &batch,
                   const Layer &layer, const mlaLaunchOptions &options,
                   CUstream stream) {
  auto all = arguments(batch, layer);
  return kernel.launch(all.data(), all.size(), options, stream);
}

/// The tokens of every request after this step.
void setLengths(const Batch &batch, int step) {
  std::vector<int32_t> lengths(kRequests, kFirstLength + step);
  cuMemcpyHtoD_v2(batch.lengths, lengths.data(),
                  lengths.size() * sizeof(int32_t));
}

mla::Status serve(const mla::Kernel &kernel, const Batch &batch,
                  const std::array<Layer, kLayers> &layers, CUstream stream) {
  // Partial results: one workspace serves all layers, which run one after the
  // other.
  auto all = arguments(batch, layers[0]);
  size_t bytes = 0;
  if (mlaStatus status = mlaKernelGetWorkspaceBytes(kernel.get(), all.data(),
                                                    all.size(), &bytes))
    return mla::Status(status);
  CUdeviceptr workspace = upload(std::vector<char>(bytes));
  // Loads the code now, so that the first step does not allocate.
  if (mla::Status status = kernel.prepare(); !status.ok())
    return status;
  for (int step = 0; step < kSteps; ++step) {
    setLengths(batch, step);
    // The plan needs the tensors of no layer.
    mla::Status status =
        launch(kernel, batch, Layer(), mla::withWorkspace(0, 0, MLA_PHASE_PLAN),
               stream);
    for (size_t i = 0; i < layers.size() && status.ok(); ++i)
      status = launch(kernel, batch, layers[i],
                      mla::withWorkspace(workspace, bytes, MLA_PHASE_LAUNCH),
                      stream);
    if (!status.ok())
      return status;
    cuStreamSynchronize(stream);
  }
  return mla::Status();
}

} // namespace

int main(int argc, char **argv) {
  CUstream stream = nullptr;
  if (argc != 2 || !start(stream)) {
    std::fprintf(stderr, "usage: %s PACKAGE, on a machine with a GPU\n",
                 argv[0]);
    return 2;
  }
  int sms = 0;
  cuDeviceGetAttribute(&sms, CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT, 0);
  mla::Status status;
  std::optional<mla::Kernel> kernel = mla::Kernel::load(argv[1], status);
  std::array<Layer, kLayers> layers = {makeLayer(), makeLayer()};
  if (kernel)
    status = serve(*kernel, makeBatch(sms), layers, stream);
  if (!status.ok()) {
    std::fprintf(stderr, "%s: %s\n", mlaStatusName(status.code()),
                 status.message().c_str());
    return 1;
  }
  float lse = 0;
  cuMemcpyDtoH_v2(&lse, layers.back().lse, sizeof(lse));
  std::printf("%d steps: lse %g\n", kSteps, lse);
  return 0;
}
