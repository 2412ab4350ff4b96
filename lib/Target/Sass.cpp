//===- Sass.cpp - statistics of a kernel's machine code -------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mla/Target/Sass.h"
#include "FindProgram.h"
#include "RunProgram.h"
#include "llvm/ADT/BitVector.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringSwitch.h"
#include <map>
#include <optional>

using llvm::Error;
using llvm::Expected;
using llvm::StringRef;
using namespace mla;

//===----------------------------------------------------------------------===//
// Instructions
//===----------------------------------------------------------------------===//

namespace {
struct Instruction {
  /// With its modifiers: "BRA.U.ANY".
  StringRef opcode;
  StringRef operands;
  /// Has a predicate in front.
  bool guarded = false;

  StringRef base() const { return opcode.split('.').first; }
  bool isBranch() const {
    return llvm::StringSwitch<bool>(base())
        .Cases({"BRA", "BRX", "BRXU", "JMP", "JMX"}, true)
        .Default(false);
  }
  bool fallsThrough() const;
};

using Edges = std::vector<llvm::SmallVector<unsigned, 2>>;

/// The control-flow graph of the instructions.
class Program {
public:
  explicit Program(StringRef text);

  size_t size() const { return instructions.size(); }
  const Instruction &operator[](size_t i) const { return instructions[i]; }

  /// The instructions reachable from `from` along `edges` without passing
  /// `barrier`.
  llvm::BitVector reach(llvm::ArrayRef<unsigned> from, const Edges &edges,
                        std::optional<unsigned> barrier = {}) const;

  Edges successors, predecessors;
  /// Where kernels begin.
  llvm::SmallVector<unsigned> entries;

private:
  void readLine(StringRef line);
  void addEdges(unsigned from);

  std::vector<Instruction> instructions;
  llvm::StringMap<unsigned> labels;
};
} // namespace

bool Instruction::fallsThrough() const {
  if (guarded || base() == "CALL")
    return true;
  // A condition can also be a modifier or an operand.
  if (isBranch())
    return opcode.contains('.') ||
           (!operands.starts_with("`(") && !base().starts_with("BRX"));
  return base() != "EXIT" && base() != "RET";
}

Program::Program(StringRef text) {
  for (StringRef line : llvm::split(text, '\n'))
    readLine(line.trim());
  successors.resize(size());
  predecessors.resize(size());
  for (unsigned i = 0; i < size(); ++i)
    addEdges(i);
}

/// A label, ".L_x_5:", or an instruction, "/*0090*/ @P0 BRA `(.L_x_5) ;".
void Program::readLine(StringRef line) {
  if (line.consume_back(":")) {
    labels[line] = size();
    if (line.starts_with(".text."))
      entries.push_back(size());
    return;
  }
  if (!line.consume_front("/*"))
    return;
  auto [address, text] = line.split("*/");
  if (address.empty() || !llvm::all_of(address, llvm::isHexDigit))
    return;
  Instruction instruction;
  text = text.split(';').first.trim();
  if (text.starts_with("@")) {
    instruction.guarded = true;
    text = text.split(' ').second.ltrim();
  }
  std::tie(instruction.opcode, instruction.operands) = text.split(' ');
  instruction.operands = instruction.operands.trim();
  instructions.push_back(instruction);
}

void Program::addEdges(unsigned from) {
  auto add = [&](unsigned to) {
    if (to >= size())
      return;
    successors[from].push_back(to);
    predecessors[to].push_back(from);
  };
  const Instruction &instruction = instructions[from];
  if (instruction.fallsThrough())
    add(from + 1);
  if (!instruction.isBranch() && instruction.base() != "CALL")
    return;
  // One label, or those of a table: (*"BRANCH_TARGETS .L_x_1,.L_x_2"*).
  llvm::SmallVector<StringRef> words;
  llvm::SplitString(instruction.operands, words, "`()*\", ");
  for (StringRef word : words)
    if (auto label = labels.find(word); label != labels.end())
      add(label->second);
}

llvm::BitVector Program::reach(llvm::ArrayRef<unsigned> from,
                               const Edges &edges,
                               std::optional<unsigned> barrier) const {
  llvm::BitVector reached(size());
  llvm::SmallVector<unsigned> open(from);
  while (!open.empty()) {
    unsigned i = open.pop_back_val();
    if (i == barrier || reached.test(i))
      continue;
    reached.set(i);
    open.append(edges[i]);
  }
  return reached;
}

//===----------------------------------------------------------------------===//
// Loops
//===----------------------------------------------------------------------===//

namespace {
struct Loop {
  unsigned header, last;
  llvm::BitVector body;
};
} // namespace

/// The natural loops of `program`, in order of their headers: a backward branch
/// makes a loop only if the header dominates it. (ptxas places the retries of a
/// wait after all other code; they branch back into the middle of a loop.)
static std::vector<Loop> findLoops(const Program &program) {
  std::map<unsigned, llvm::SmallVector<unsigned>> branchesTo;
  for (unsigned i = 0; i < program.size(); ++i)
    if (program[i].isBranch())
      for (unsigned target : program.successors[i])
        if (target <= i)
          branchesTo[target].push_back(i);

  std::vector<Loop> loops;
  llvm::BitVector live = program.reach(program.entries, program.successors);
  for (auto &[header, branches] : branchesTo) {
    llvm::BitVector around =
        program.reach(program.entries, program.successors, header);
    llvm::erase_if(branches, [&](unsigned branch) {
      return !live.test(branch) || around.test(branch);
    });
    if (branches.empty())
      continue;
    llvm::BitVector body =
        program.reach(branches, program.predecessors, header);
    body.set(header);
    loops.push_back({header, branches.back(), std::move(body)});
  }
  return loops;
}

static bool hasWork(const Program &program, const Loop &loop) {
  return llvm::any_of(loop.body.set_bits(), [&](unsigned i) {
    return program[i].base() == "HGMMA" || program[i].base() == "LDGSTS";
  });
}

static SassLoop count(const Program &program, const Loop &loop) {
  SassLoop counts;
  for (unsigned i : loop.body.set_bits()) {
    if (i < loop.header || i > loop.last) {
      ++counts.outOfLine;
      continue;
    }
    const Instruction &instruction = program[i];
    StringRef opcode = instruction.opcode, base = instruction.base();
    ++counts.instructions;
    counts.hgmma += base == "HGMMA";
    counts.ldgsts += base == "LDGSTS";
    counts.moves += base == "MOV" || opcode.starts_with("IMAD.MOV");
    counts.uniformMoves += base == "UMOV";
    counts.r2ur += base == "R2UR";
    counts.fmul += base == "FMUL";
    counts.ffma += base == "FFMA";
    counts.mufu += base == "MUFU";
    counts.branches += instruction.isBranch();
    counts.waits += opcode.starts_with("SYNCS.PHASECHK");
  }
  return counts;
}

Expected<SassReport> mla::parseSass(StringRef text) {
  Program program(text);
  if (program.size() == 0)
    return llvm::createStringError(
        "expected instructions in the output of nvdisasm, got '" +
        text.trim().take_front(200) + "'");
  SassReport report;
  report.instructions = program.size();
  while (report.instructions > 0 &&
         program[report.instructions - 1].base() == "NOP")
    --report.instructions;
  std::vector<Loop> loops = findLoops(program);
  llvm::erase_if(loops,
                 [&](const Loop &loop) { return !hasWork(program, loop); });
  for (const Loop &loop : loops)
    if (llvm::none_of(loops, [&](const Loop &other) {
          return other.header != loop.header && loop.body.test(other.header);
        }))
      report.loops.push_back(count(program, loop));
  return report;
}

//===----------------------------------------------------------------------===//
// nvdisasm
//===----------------------------------------------------------------------===//

Expected<std::string> mla::findNvdisasm() {
  return findProgram(
      {"nvdisasm", "MLA_NVDISASM",
       "CUDA toolkits have one, and 'pip install nvidia-cuda-nvdisasm'"});
}

Expected<SassReport> mla::disassembleCubin(StringRef cubin,
                                           unsigned timeoutSeconds) {
  Expected<std::string> path = findNvdisasm();
  if (!path)
    return path.takeError();
  Expected<MemoryFile> input = MemoryFile::create(cubin);
  if (!input)
    return input.takeError();
  auto ran =
      runProgram(*path, {"-c", input->path()}, {&*input}, timeoutSeconds);
  if (!ran)
    return ran.takeError();
  if (Error error = checkExit(*path, *ran))
    return std::move(error);
  return parseSass(ran->output);
}

llvm::json::Value mla::toJSON(const SassLoop &loop) {
  return llvm::json::Object{
      {"instructions", loop.instructions},
      {"hgmma", loop.hgmma},
      {"ldgsts", loop.ldgsts},
      {"moves", loop.moves},
      {"uniform_moves", loop.uniformMoves},
      {"r2ur", loop.r2ur},
      {"fmul", loop.fmul},
      {"ffma", loop.ffma},
      {"mufu", loop.mufu},
      {"branches", loop.branches},
      {"waits", loop.waits},
      {"out_of_line", loop.outOfLine},
  };
}
