//===- Sample.h - a descriptor and arguments for the tests ------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_TEST_UNIT_RUNTIME_SAMPLE_H
#define MLA_TEST_UNIT_RUNTIME_SAMPLE_H

#include "mla/Runtime/Launch.h"

#include <gtest/gtest.h>

#include <cstring>
#include <initializer_list>

namespace mla::runtime {

/// A sparse-prefill-like descriptor that uses every feature.
inline std::string sampleJson() {
  return R"({
  "format": "mla-kernel-package", "version": 3, "compiler": "mla 0.1.0",
  "operator": "sparse_prefill",
  "target": "sm_90a", "cubin": "kernel.cubin",
  "arguments": [
    {"name": "q", "kind": "tensor", "dtype": "bf16",
     "shape": ["s_q", 128, 576], "strides": [null, null, 1],
     "access": "read", "alignment": 16},
    {"name": "indices", "kind": "tensor", "dtype": "i32",
     "shape": ["s_q", "topk"], "strides": [null, 1],
     "access": "read", "alignment": 4},
    {"name": "scale", "kind": "scalar", "dtype": "f32", "positive": true},
    {"name": "out", "kind": "tensor", "dtype": "bf16",
     "shape": ["s_q", 128, 512], "strides": [null, 512, 1],
     "access": "write", "alignment": 16},
    {"name": "flag", "kind": "scalar", "dtype": "i8"}],
  "kernels": [{
    "symbol": "sparse_prefill",
    "parameters": [
      {"kind": "pointer", "argument": 0},
      {"kind": "scalar", "argument": 4},
      {"kind": "scalar", "argument": 2},
      {"kind": "size", "argument": 1, "dim": 1},
      {"kind": "stride", "argument": 0, "dim": 1},
      {"kind": "tensor_map", "index": 0}],
    "tensorMaps": [{"argument": 0, "box": [1, 64, 64], "swizzle": 128}],
    "grid": "s_q * ceildiv(128, 64) * 2",
    "block": 384, "cluster": 1, "sharedBytes": 231000}]})";
}

/// The sample with the first `from` replaced by `to`.
inline std::string sampleJsonWith(const std::string &from,
                                  const std::string &to) {
  std::string json = sampleJson();
  size_t place = json.find(from);
  EXPECT_NE(place, std::string::npos) << from;
  return place == std::string::npos ? json
                                    : json.replace(place, from.size(), to);
}

inline KernelDescriptor parseSample(const std::string &json = sampleJson()) {
  KernelDescriptor descriptor;
  Status status = parseDescriptor(json, descriptor);
  EXPECT_TRUE(status.ok()) << status.message();
  return descriptor;
}

inline mlaArgument tensorArgument(uint64_t data, mlaDType dtype,
                                  std::initializer_list<int64_t> shape,
                                  std::initializer_list<int64_t> strides) {
  mlaArgument argument{};
  argument.kind = MLA_TENSOR;
  mlaTensor &tensor = argument.value.tensor;
  tensor.data = data;
  tensor.dtype = dtype;
  tensor.rank = static_cast<int32_t>(shape.size());
  std::copy(shape.begin(), shape.end(), tensor.shape);
  std::copy(strides.begin(), strides.end(), tensor.strides);
  return argument;
}

/// Arguments that fit the sample: s_q = 5, topk = 128. The addresses are never
/// dereferenced.
inline std::vector<mlaArgument> sampleArguments() {
  std::vector<mlaArgument> arguments = {
      tensorArgument(0x10000, MLA_BF16, {5, 128, 576}, {128 * 592, 592, 1}),
      tensorArgument(0x200000, MLA_I32, {5, 128}, {128, 1}), mlaArgument{},
      tensorArgument(0x300000, MLA_BF16, {5, 128, 512}, {65536, 512, 1}),
      mlaArgument{}};
  arguments[2].kind = MLA_FLOAT;
  arguments[2].value.f64 = 0.1;
  arguments[4].kind = MLA_INTEGER;
  arguments[4].value.i64 = -3;
  return arguments;
}

/// A program of three kernels: "plan" writes a table, "split" partial sums of
/// the rows of `x`, and "combine" adds them up.
inline std::string programJson() {
  return R"json({
  "format": "mla-kernel-package", "version": 3, "compiler": "mla 0.1.0",
  "operator": "row_sums", "target": "sm_90a", "cubin": "kernel.cubin",
  "arguments": [
    {"name": "x", "kind": "tensor", "dtype": "f32", "shape": ["rows", "columns"],
     "strides": [null, 1], "access": "read", "alignment": 4},
    {"name": "out", "kind": "tensor", "dtype": "f32", "shape": ["rows"],
     "strides": [1], "access": "write", "alignment": 4}],
  "workspaces": [
    {"name": "table", "dtype": "i32", "shape": ["rows + 1"]},
    {"name": "partial", "dtype": "f32",
     "shape": ["ceildiv(columns, 256)", "rows", 64], "alignment": 16}],
  "kernels": [
    {"symbol": "plan", "phase": "plan",
     "parameters": [{"kind": "pointer", "workspace": 0}],
     "grid": 1, "block": 32, "sharedBytes": 0},
    {"symbol": "split", "phase": "launch",
     "parameters": [
       {"kind": "pointer", "argument": 0},
       {"kind": "pointer", "workspace": 0},
       {"kind": "pointer", "workspace": 1},
       {"kind": "size", "workspace": 1, "dim": 0},
       {"kind": "stride", "workspace": 1, "dim": 0},
       {"kind": "tensor_map", "index": 0}],
     "tensorMaps": [{"workspace": 1, "box": [1, 8, 32], "swizzle": 128}],
     "grid": "min(rows * ceildiv(columns, 256), sms)",
     "block": 128, "sharedBytes": 1024},
    {"symbol": "combine",
     "parameters": [{"kind": "pointer", "workspace": 1},
                    {"kind": "pointer", "argument": 1}],
     "grid": "ceildiv(rows, 64) * 2", "block": 256, "cluster": 2,
     "sharedBytes": 0, "programmatic": true}]})json";
}

/// Arguments that fit it: 100 rows of 1000 columns.
inline std::vector<mlaArgument> programArguments() {
  return {tensorArgument(0x10000, MLA_F32, {100, 1000}, {1000, 1}),
          tensorArgument(0x1000000, MLA_F32, {100}, {1})};
}

/// The smallest file that verifyCubin accepts: an ELF header and one section of
/// `bytes`.
inline std::string sampleCubin(uint64_t bytes = 32) {
  std::string cubin(64 + 64 + bytes, '\0');
  auto put = [&](size_t offset, auto value) {
    std::memcpy(&cubin[offset], &value, sizeof(value));
  };
  std::memcpy(&cubin[0], "\177ELF\2\1\1", 7);
  put(18, uint16_t(190)); // machine: CUDA
  put(40, uint64_t(64));  // section table
  put(58, uint16_t(64));  // bytes of a section header
  put(60, uint16_t(1));   // sections
  put(64 + 4, uint32_t(1));
  put(64 + 24, uint64_t(128));
  put(64 + 32, bytes);
  return cubin;
}

/// A descriptor's text, sealed for `cubin`.
inline std::string sealed(const std::string &json,
                          const std::string &cubin = sampleCubin()) {
  return sealDescriptor(parseSample(json), cubin);
}

/// Expects a failure whose text contains `part`.
inline void expectFailure(const Status &status, mlaStatus code,
                          const std::string &part) {
  EXPECT_EQ(status.code(), code) << status.message();
  EXPECT_NE(status.message().find(part), std::string::npos)
      << "expected '" << part << "' in: " << status.message();
}

} // namespace mla::runtime

#endif // MLA_TEST_UNIT_RUNTIME_SAMPLE_H
