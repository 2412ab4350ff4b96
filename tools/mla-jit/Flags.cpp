//===- Flags.cpp - options that several commands share ----------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "Flags.h"
#include "mla/Dialect/Tile/Tile.h"
#include "mla/Harness/CommandLine.h"
#include "mla/Pipelines/Pipelines.h"
#include "mla/Support/Names.h"
#include "mla/Tuning/Choice.h"
#include "mla/Tuning/CostModel.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FormatVariadic.h"

using namespace mla;

//===----------------------------------------------------------------------===//
// Words that have to be one of several
//===----------------------------------------------------------------------===//

/// The one target there is.

/// "unknown WHAT 'NAME', expected one of A, B", the nearest first, or an empty
/// text if NAME is known.
static std::string checkName(llvm::StringRef what, llvm::StringRef name,
                             const std::vector<std::string> &known) {
  if (llvm::is_contained(known, name))
    return "";
  llvm::SmallVector<llvm::StringRef> names(known.begin(), known.end());
  return llvm::formatv("unknown {0} '{1}', expected {2}", what, name,
                       listNames(name, names));
}

std::vector<std::string> getSchedules() {
  std::vector<std::string> names;
  for (const ScheduleCosts &costs : getScheduleCosts())
    names.push_back(costs.name.str());
  return names;
}

std::string checkSchedule(llvm::StringRef name) {
  return checkName("schedule", name, getSchedules());
}

std::string checkOperator(llvm::StringRef name) {
  return checkName("operator", name, {"sparse_prefill"});
}

//===----------------------------------------------------------------------===//
// How to compile
//===----------------------------------------------------------------------===//

static constexpr llvm::StringLiteral kCompileHelp =
    R"({0}
                         {1},
                         or auto (default): by the tuning table or, for a shape
                         that it lacks, the cost model
  --expect-s-kv=N        rows of kv to choose a schedule for, if the IR leaves
                         them to run time (default 65536)
  --tuning-table=FILE    instead of the tuning table that ships
  --gpu=NAME             name of the GPU for the tuning table:
                         {2}
                         (default: that of the GPU that is run on)
  --tile-keys=N          KV rows per tile (default: as chosen)
  --stages=N             slots of the schedule's rings (default: as chosen)
  --threshold=X          how far, in powers of two, weights may grow before a lazy
                         softmax rescales, 0 to 64 (default 8; 0: whenever the
                         maximum grows)
  --target=NAME          the architecture: {2} (default sm_90a)
  --ptxas=PATH           the ptxas to use (default: $MLA_PTXAS, $CUDA_HOME/bin,
                         PATH)
  --ptxas-timeout=N      seconds (default 120)
  --dump-stages=DIR      write the IR after each pass, LLVM IR, PTX and report
  --dump=PASS,...        with --dump-stages: the IR after these passes only; also
                         kernel.ll, kernel.ptx and ptxas.log
)";

std::string CompileFlags::help() const {
  return llvm::formatv(kCompileHelp.data(),
                       severalSchedules
                           ? "  --schedule=NAME,...    schedule of an operator "
                             "that carries none, "
                             "or several\n                         to compare:"
                           : "  --schedule=NAME        schedule of an operator "
                             "that carries none:",
                       llvm::join(getSchedules(), ", "),
                       llvm::join(getGpuNames(), ", "), listTargets());
}

std::string CompileFlags::parseSchedules(llvm::StringRef value) {
  schedules.clear();
  for (llvm::StringRef name : llvm::split(value, ',')) {
    if (name != "auto")
      if (std::string error = checkSchedule(name); !error.empty())
        return error;
    if (llvm::is_contained(schedules, name))
      return llvm::formatv("expected schedule '{0}' once, got '{1}'", name,
                           value);
    schedules.push_back(name.str());
  }
  if (schedules.size() > 1 && !severalSchedules)
    return llvm::formatv("expected one schedule, got '{0}'", value);
  options.schedule = schedules.front();
  return "";
}

std::string CompileFlags::parseDumps(llvm::StringRef value) {
  std::vector<std::string> known = listKernelPasses();
  llvm::append_range(known, getDumpedFiles());
  for (llvm::StringRef name : llvm::split(value, ',')) {
    if (std::string error = checkName("pass", name, known); !error.empty())
      return error;
    options.dumpOnly.push_back(name.str());
  }
  return "";
}

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
    return error = parseSchedules(value), true;
  if (name == "--tuning-table")
    return text(options.tuningTable);
  if (name == "--gpu")
    return text(options.gpu);
  if (name == "--target") {
    if (!findTarget({value.data(), value.size()}))
      error = describeUnknownTarget({value.data(), value.size()});
    return text(options.target);
  }
  if (name == "--tile-keys")
    return number(options.tileKeys);
  if (name == "--stages")
    return number(options.stages);
  if (name == "--threshold") {
    if (value.getAsDouble(options.threshold))
      error = llvm::formatv("expected {0}=X, got '{1}'", name, word);
    else if (!(options.threshold >= 0 &&
               options.threshold <= tile::kMaxThreshold))
      error = llvm::formatv("option '{0}': expected a threshold in [0, {1}], "
                            "got {2}",
                            name, tile::kMaxThreshold, value);
    return true;
  }
  if (name == "--expect-s-kv") {
    number(options.expectSKV);
    if (error.empty() && options.expectSKV < 1)
      error = llvm::formatv("expected expect-s-kv >= 1, got {0}",
                            options.expectSKV);
    return true;
  }
  if (name == "--ptxas")
    return text(options.ptxas);
  if (name == "--ptxas-timeout")
    return number(options.ptxasTimeoutSeconds);
  if (name == "--dump-stages")
    return text(options.dumpFolder);
  if (name == "--dump")
    return error = parseDumps(value), true;
  return false;
}

std::string CompileFlags::findFault() const {
  if (!options.dumpOnly.empty() && options.dumpFolder.empty())
    return "option '--dump': expected --dump-stages=DIR with it";
  if (!options.dumpFolder.empty() && schedules.size() > 1)
    return "option '--dump-stages': expected one schedule with it, got " +
           llvm::join(schedules, ",");
  if (options.gpu.empty())
    return "";
  return mla::findFault(Gpu{options.target, options.gpu});
}

//===----------------------------------------------------------------------===//
// An operator's IR
//===----------------------------------------------------------------------===//

const llvm::StringLiteral OperatorFlags::kHelp =
    R"(  --sizes=NAME=N,...     sizes of the operator:
                           h_q   query heads (default 128)
                           d_qk  head dimension of q and kv (default 576)
                           d_v   head dimension of the output (default 512)
                           topk  entries of indices a query (default ?)
                           s_q   queries (default ?)
                           s_kv  rows of kv (default ?)
                         '?' leaves topk, s_q or s_kv to run time
  --topk-length          with the argument topk_length
  --sink                 with the argument attn_sink
  --optional=LIST        which of topk_length and attn_sink a launch may leave
                         out; the kernel takes those that are named
  --dtype=T              element type of q, kv and out: bf16 (default) or f16
  --lse-base=B           base of the logarithm in lse: e (default) or 2
  --empty-lse=X          lse of a query without a valid entry: +inf (default) or
                         -inf
  --h=N, --d-qk=N, --d-v=N, --topk=N, --s-q=N, --s-kv=N
                         h_q, d_qk, ... one by one
)";

static constexpr llvm::StringLiteral kFixedSizes[] = {"h_q", "d_qk", "d_v"};

llvm::ArrayRef<llvm::StringLiteral> OperatorFlags::fixedSizes() {
  return kFixedSizes;
}

/// "s_q" of "s-q" and "h_q" of "h": names as the IR has them.
static std::string getSizeName(llvm::StringRef name) {
  if (name == "h")
    return "h_q";
  if (name == "sink")
    return "attn_sink";
  std::string text = name.str();
  llvm::replace(text, '-', '_');
  return text;
}

std::string OperatorFlags::parseSetting(llvm::StringRef setting) {
  auto [spelled, text] = setting.split('=');
  std::string name = getSizeName(spelled);
  if (!given.insert(name).second)
    return llvm::formatv("expected '{0}' once", spelled);
  if (name == "attn_sink" || name == "topk_length") {
    bool required = setting.ends_with("=required"),
         isSink = name == "attn_sink";
    if (setting.contains('=') && !required)
      return llvm::formatv("expected {0} or {0}=required, got '{1}'", spelled,
                           setting);
    (isSink ? shape.attnSink : shape.topkLength) = true;
    if (argumentsAreOptional)
      (isSink ? shape.attnSinkOptional : shape.topkLengthOptional) = !required;
    return "";
  }
  if (name == "lse_base" || name == "empty_lse") {
    (name == "lse_base" ? shape.lseBase : shape.emptyLse) = text.str();
    return "";
  }
  if (name == "dtype") {
    shape.dtype = text.str();
    return checkName("dtype", shape.dtype, {"bf16", "f16"});
  }
  std::optional<int64_t> *size = name == "topk"   ? &shape.topk
                                 : name == "s_q"  ? &shape.numQueries
                                 : name == "s_kv" ? &shape.numRows
                                                  : nullptr;
  int64_t *fixed = name == "h_q"    ? &shape.heads
                   : name == "d_qk" ? &shape.dimQK
                   : name == "d_v"  ? &shape.dimV
                                    : nullptr;
  if (!size && !fixed)
    return llvm::formatv(
        "unknown name '{0}', expected h_q, d_qk, d_v, topk, "
        "s_q, s_kv, topk_length, attn_sink, dtype, lse_base or empty_lse{1}",
        spelled,
        harness::suggest(name, {"h_q", "d_qk", "d_v", "topk", "s_q", "s_kv",
                                "topk_length", "attn_sink", "lse_base", "dtype",
                                "empty_lse"}));
  int64_t value = 0;
  if (size && text == "?")
    size->reset();
  else if (text.getAsInteger(10, value) || value < 1 ||
           value > harness::kMaxSize)
    return llvm::formatv("expected {0}=N with 1 <= N <= {1}, got '{2}'",
                         spelled, harness::kMaxSize, setting);
  else if (size)
    *size = value;
  else
    *fixed = value;
  return "";
}

bool OperatorFlags::parse(llvm::StringRef word, std::string &error) {
  static constexpr llvm::StringLiteral kOptions[] = {
      "--topk-length", "--sink", "--topk",     "--s-q",       "--s-kv", "--h",
      "--d-qk",        "--d-v",  "--lse-base", "--empty-lse", "--dtype"};
  auto [name, value] = word.split('=');
  if (name == "--sizes") {
    for (llvm::StringRef part : llvm::split(value, ','))
      if (error.empty())
        error = parseSetting(part);
    return true;
  }
  if (name == "--optional") {
    error = parseOptional(value);
    return true;
  }
  if (!llvm::is_contained(kOptions, name))
    return false;
  error = parseSetting(word.drop_front(2));
  return true;
}

std::string OperatorFlags::parseOptional(llvm::StringRef names) {
  for (llvm::StringRef name : llvm::split(names, ','))
    if (name == "topk_length")
      shape.topkLength = shape.topkLengthOptional = true;
    else if (name == "attn_sink")
      shape.attnSink = shape.attnSinkOptional = true;
    else
      return llvm::formatv("--optional: expected some of topk_length and "
                           "attn_sink, got '{0}'",
                           name);
  return "";
}

std::string OperatorFlags::parseOperand(llvm::StringRef operand) {
  auto [op, settings] = operand.split(':');
  std::string error = checkOperator(op);
  llvm::SmallVector<llvm::StringRef> parts;
  settings.split(parts, ',', -1, /*KeepEmpty=*/false);
  for (llvm::StringRef part : parts)
    if (error.empty())
      error = parseSetting(part);
  return error;
}
