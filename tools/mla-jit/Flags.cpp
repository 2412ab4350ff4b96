//===- Flags.cpp - options that several commands share ----------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "Flags.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FormatVariadic.h"

using namespace mla;

const llvm::StringLiteral CompileFlags::kHelp =
    R"(  --schedule=NAME        schedule of an operator that carries none: a name, or
                         auto (default): by the tuning table or, for a shape
                         that it lacks, the cost model
  --expect-s-kv=N        rows of kv to choose a schedule for, if the IR leaves
                         them to run time (default 65536)
  --tuning-table=FILE    instead of the tuning table that ships
  --gpu=NAME             name of the GPU, H100 or H200, for the tuning table
                         (default: that of the GPU that is run on)
  --tile-keys=N          KV rows per tile (default: as chosen)
  --stages=N             slots of the schedule's rings (default: as chosen)
  --threshold=X          how far, in powers of two, weights may grow before a lazy
                         softmax rescales, 0 to 64 (default 8; 0: whenever the
                         maximum grows)
  --target=NAME          the GPU (default and only one: sm_90a)
  --ptxas=PATH           the ptxas to use (default: $MLA_PTXAS, $CUDA_HOME/bin,
                         PATH)
  --ptxas-timeout=N      seconds (default 120)
  --dump-stages=DIR      write the IR after each pass, LLVM IR, PTX and report
)";

bool CompileFlags::parse(llvm::StringRef word, std::string &error) {
  std::pair<llvm::StringRef, llvm::StringRef> parts = word.split('=');
  llvm::StringRef name = parts.first, value = parts.second;
  auto number = [&](auto &out) {
    if (value.getAsInteger(10, out))
      error = llvm::formatv("expected {0}=N, got '{1}'", name, word);
    return true;
  };
  auto text = [&](auto &out) {
    if (value.empty())
      error = llvm::formatv("expected {0}=TEXT, got '{1}'", name, word);
    out = value.str();
    return true;
  };
  if (name == "--schedule")
    return text(options.schedule);
  if (name == "--tuning-table")
    return text(options.tuningTable);
  if (name == "--gpu")
    return text(options.gpu);
  if (name == "--target")
    return text(options.target);
  if (name == "--tile-keys")
    return number(options.tileKeys);
  if (name == "--stages")
    return number(options.stages);
  if (name == "--threshold") {
    if (value.getAsDouble(options.threshold))
      error = llvm::formatv("expected {0}=X, got '{1}'", name, word);
    return true;
  }
  if (name == "--expect-s-kv")
    return number(options.expectSKV);
  if (name == "--ptxas")
    return text(options.ptxas);
  if (name == "--ptxas-timeout")
    return number(options.ptxasTimeoutSeconds);
  if (name == "--dump-stages" || name == "--mla-dump-stages")
    return text(options.dumpFolder);
  return false;
}

const llvm::StringLiteral OperatorFlags::kHelp =
    R"(  --h=N           query heads (default 128)
  --d-qk=N        head dimension of q and kv (default 576)
  --d-v=N         head dimension of the output (default 512)
  --topk=N|?      entries of indices a query (default ?)
  --s-q=N|?       queries (default ?)
  --s-kv=N|?      rows of kv (default ?)
  --topk-length   with the argument topk_length
  --sink          with the argument attn_sink
  --optional=LIST which of topk_length and attn_sink a launch may leave out; the
                  kernel takes those that are named
  --lse-base=B    base of the logarithm in lse: e (default) or 2
  --empty-lse=X   lse of a query without a valid entry: +inf (default) or -inf
)";

/// "?", where it is allowed, is no size.
static bool parseSize(llvm::StringRef text, std::optional<int64_t> &out) {
  out.reset();
  if (text == "?")
    return true;
  int64_t value;
  if (text.getAsInteger(10, value) || value < 1)
    return false;
  out = value;
  return true;
}

bool OperatorFlags::parse(llvm::StringRef word, std::string &error) {
  auto [name, value] = word.split('=');
  std::optional<int64_t> size;
  bool good = parseSize(value, size);
  auto fixed = [&](int64_t &out) {
    good &= size.has_value();
    out = size.value_or(0);
  };
  if (word == "--topk-length")
    return shape.topkLength = true;
  if (word == "--sink")
    return shape.attnSink = true;
  if (name == "--optional")
    return parseOptional(value, error), true;
  if (name == "--lse-base" || name == "--empty-lse") {
    (name == "--lse-base" ? shape.lseBase : shape.emptyLse) = value.str();
    return true;
  }
  if (name == "--topk")
    shape.topk = size;
  else if (name == "--s-q")
    shape.numQueries = size;
  else if (name == "--s-kv")
    shape.numRows = size;
  else if (name == "--h")
    fixed(shape.heads);
  else if (name == "--d-qk")
    fixed(shape.dimQK);
  else if (name == "--d-v")
    fixed(shape.dimV);
  else
    return false;
  if (!good)
    error = llvm::formatv("expected {0}=N with N >= 1, got '{1}'", name, word);
  return true;
}

void OperatorFlags::parseOptional(llvm::StringRef names, std::string &error) {
  for (llvm::StringRef name : llvm::split(names, ','))
    if (name == "topk_length")
      shape.topkLength = shape.topkLengthOptional = true;
    else if (name == "attn_sink")
      shape.attnSink = shape.attnSinkOptional = true;
    else
      error = llvm::formatv("--optional: expected some of topk_length and "
                            "attn_sink, got '{0}'",
                            name);
}

llvm::Error checkOperator(llvm::StringRef name) {
  if (name == "sparse_prefill")
    return llvm::Error::success();
  return llvm::createStringError("unknown operator '" + name +
                                 "', expected sparse_prefill");
}
