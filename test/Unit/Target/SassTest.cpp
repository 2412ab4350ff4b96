//===- SassTest.cpp - Loops in disassembled kernels -----------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The text is cut down from what nvdisasm 13.5 printed of a kernel.
//
//===----------------------------------------------------------------------===//

#include "mla/Target/Sass.h"
#include "TestSupport.h"
#include "mla/Target/Ptxas.h"
#include <chrono>

using namespace mla;

/// Two roles. The first has a loop over tiles around one with wgmma; both wait.
/// The second has a loop over lanes and one with copies. The retries of waits
/// are after all other code.
static constexpr llvm::StringLiteral kKernel = R"(	.target	sm_90a

//--------------------- .text.kernel      --------------------------
	.section	.text.kernel,"ax",@progbits
        .size           kernel,(.L_x_30 - kernel)
kernel:
.text.kernel:
        /*0000*/                   LDC R1, c[0x0][0x28] ;
        /*0010*/               @P0 BRA `(.L_x_10) ;
.L_x_1:
        /*0020*/                   BSSY B2, `(.L_x_2) ;
.L_x_20:
        /*0030*/                   SYNCS.PHASECHK.TRANS64.TRYWAIT P0, [R5+URZ], R6 ;
        /*0040*/              @!P0 BRA `(.L_x_14) ;
.L_x_3:
        /*0050*/                   BSYNC B2 ;
.L_x_2:
        /*0060*/                   HGMMA.64x64x16.F32.BF16 R152, gdesc[UR8], RZ, !UPT, gsb0 ;
.L_x_4:
        /*0070*/                   MOV R8, 0xff800000 ;
        /*0080*/               @P1 IMAD.MOV.U32 R9, RZ, RZ, R8 ;
        /*0090*/                   IMAD.U32 R3, RZ, RZ, UR4 ;
        /*00a0*/             @!UP1 UMOV UR9, 0x40000040 ;
        /*00b0*/                   UMOV UR11, 0x40000040 ;
        /*00c0*/                   SYNCS.PHASECHK.TRANS64.TRYWAIT P0, [R20+URZ], R5 ;
        /*00d0*/              @!P0 BRA `(.L_x_15) ;
.L_x_5:
        /*00e0*/                   HGMMA.64x64x16.F32.BF16 R152, gdesc[UR8], R152, gsb0 ;
        /*00f0*/                   FMUL R24, R24, R3.reuse ;
        /*0100*/               @P3 FMUL R25, R25, R3 ;
        /*0110*/                   FFMA R6, R152, UR4, -R7 ;
        /*0120*/                   MUFU.EX2 R6, R6 ;
        /*0130*/               @P2 BRA `(.L_x_6) ;
        /*0140*/                   R2UR UR4, R6 ;
.L_x_6:
        /*0150*/              @!P4 BRA `(.L_x_4) ;
        /*0160*/              @!P5 BRA `(.L_x_1) ;
        /*0170*/                   EXIT ;
.L_x_10:
        /*0180*/               @P6 ELECT P1, URZ, PT ;
.L_x_11:
        /*0190*/                   UTMALDG.3D [UR4], [UR6] ;
        /*01a0*/               @P2 BRA.U.ANY `(.L_x_11) ;
.L_x_12:
        /*01b0*/                   SYNCS.PHASECHK.TRANS64.TRYWAIT P0, [R7+URZ], R8 ;
        /*01c0*/              @!P0 BRA `(.L_x_16) ;
.L_x_13:
        /*01d0*/              @!P1 LDGSTS.E.BYPASS.128 [R10], desc[UR8][R12.64] ;
        /*01e0*/                   LDGSTS.E.BYPASS.128 [R10+0x400], desc[UR8][R14.64], P2 ;
        /*01f0*/              @!P2 BRA `(.L_x_12) ;
        /*0200*/                   EXIT ;
.L_x_14:
        /*0210*/                   SYNCS.PHASECHK.TRANS64.TRYWAIT P0, [R5+URZ], R6 ;
        /*0220*/              @!P0 NANOSLEEP.SYNCS 0x989680 ;
        /*0230*/              @!P0 BRA `(.L_x_14) ;
        /*0240*/                   BRA `(.L_x_3) ;
.L_x_15:
        /*0250*/                   SYNCS.PHASECHK.TRANS64.TRYWAIT P0, [R20+URZ], R5 ;
        /*0260*/              @!P0 BRA `(.L_x_15) ;
        /*0270*/                   BRA `(.L_x_5) ;
.L_x_16:
        /*0280*/                   SYNCS.PHASECHK.TRANS64.TRYWAIT P0, [R7+URZ], R8 ;
        /*0290*/              @!P0 NANOSLEEP.SYNCS 0x989680 ;
        /*02a0*/              @!P0 BRA `(.L_x_16) ;
        /*02b0*/                   BRA `(.L_x_13) ;
.L_x_29:
        /*02c0*/                   BRA `(.L_x_29);
        /*02d0*/                   NOP;
        /*02e0*/                   NOP;
.L_x_30:
)";

TEST(Sass, SteadyLoops) {
  auto report = parseSass(kKernel);
  ASSERT_TRUE(static_cast<bool>(report)) << text(report.takeError());
  EXPECT_EQ(report->instructions, 45u);
  // Not the loop around the first one, not the one over lanes, not the waits,
  // and nothing between a wait's retry and the code that it branches back to.
  ASSERT_EQ(report->loops.size(), 2u);
  const SassLoop &mmaLoop = report->loops[0], &copies = report->loops[1];
  EXPECT_EQ(mmaLoop.instructions, 15u);
  EXPECT_EQ(mmaLoop.hgmma, 1u);
  EXPECT_EQ(mmaLoop.ldgsts, 0u);
  EXPECT_EQ(mmaLoop.moves, 2u);
  EXPECT_EQ(mmaLoop.uniformMoves, 2u);
  EXPECT_EQ(mmaLoop.r2ur, 1u);
  EXPECT_EQ(mmaLoop.fmul, 2u);
  EXPECT_EQ(mmaLoop.ffma, 1u);
  EXPECT_EQ(mmaLoop.mufu, 1u);
  EXPECT_EQ(mmaLoop.branches, 3u);
  EXPECT_EQ(mmaLoop.waits, 1u);
  EXPECT_EQ(mmaLoop.outOfLine, 3u);
  EXPECT_EQ(copies.instructions, 5u);
  EXPECT_EQ(copies.hgmma, 0u);
  EXPECT_EQ(copies.ldgsts, 2u);
  EXPECT_EQ(copies.branches, 2u);
  EXPECT_EQ(copies.waits, 1u);
  EXPECT_EQ(copies.outOfLine, 4u);
}

static std::string show(llvm::StringRef body) {
  auto report = parseSass((".text.k:\n" + body).str());
  if (!report)
    return "error: " + text(report.takeError());
  std::string result;
  for (const SassLoop &loop : report->loops)
    result += std::to_string(loop.instructions) + " ";
  return result;
}

TEST(Sass, TwoBranchesBackAreOneLoop) {
  EXPECT_EQ(show(".L_1:\n/*00*/ HGMMA R0 ;\n/*10*/ @P0 BRA `(.L_1) ;\n"
                 "/*20*/ FADD R0, R0 ;\n/*30*/ @P1 BRA `(.L_1) ;\n"
                 "/*40*/ EXIT ;\n"),
            "4 ");
}

TEST(Sass, BranchesByTable) {
  // An unconditional branch with a table goes nowhere but there.
  EXPECT_EQ(show("/*00*/ BRX R2 -0x10 (*\"BRANCH_TARGETS .L_1,.L_2\"*) ;\n"
                 "/*10*/ BRA `(.L_3) ;\n.L_1:\n/*20*/ HGMMA R0 ;\n.L_3:\n"
                 "/*30*/ @P0 BRA `(.L_1) ;\n.L_2:\n/*40*/ EXIT ;\n"),
            "2 ");
}

TEST(Sass, ConditionsThatAreNoGuards) {
  for (const char *branch : {"BRA.DIV UR4, `(.L_1)", "BRA UP0, `(.L_1)",
                             "BRA.U UP1, `(.L_1)", "@!UP0 BRA `(.L_1)"})
    EXPECT_EQ(show(".L_1:\n/*00*/ LDGSTS.E [R0] ;\n/*10*/ " +
                   std::string(branch) +
                   " ;\n.L_2:\n/*20*/ HGMMA R0 ;\n"
                   "/*30*/ @P0 BRA `(.L_2) ;\n/*40*/ EXIT ;\n"),
              "2 2 ")
        << branch;
}

TEST(Sass, EachKernel) {
  EXPECT_EQ(show(".L_1:\n/*00*/ HGMMA R0 ;\n/*10*/ BRA `(.L_1) ;\n.text.l:\n"
                 "/*00*/ NOP ;\n.L_2:\n/*10*/ LDGSTS R0 ;\n"
                 "/*20*/ BRA `(.L_2) ;\n"),
            "2 2 ");
}

TEST(Sass, DeadCodeMakesNoLoop) {
  EXPECT_EQ(show("/*00*/ EXIT ;\n.L_1:\n/*10*/ HGMMA R0 ;\n"
                 "/*20*/ BRA `(.L_1) ;\n"),
            "");
}

TEST(Sass, NoInstructions) {
  EXPECT_EQ(errorText(parseSass("\nwho knows\n")),
            "expected instructions in the output of nvdisasm, got 'who knows'");
  EXPECT_EQ(errorText(parseSass("")),
            "expected instructions in the output of nvdisasm, got ''");
  EXPECT_TRUE(static_cast<bool>(parseSass("/*0000*/ NOP ;\n")));
}

TEST(Sass, JSON) {
  SassLoop loop;
  loop.uniformMoves = 83;
  const llvm::json::Value value = toJSON(loop);
  EXPECT_EQ(value.getAsObject()->getInteger("uniform_moves"), 83);
  EXPECT_EQ(value.getAsObject()->size(), 12u);
}

//===----------------------------------------------------------------------===//
// nvdisasm
//===----------------------------------------------------------------------===//

namespace {
class Nvdisasm : public ::testing::Test {
protected:
  ScratchFolder scratch;
  ScratchFolder temporary;
  ScopedEnv tmpdir{"TMPDIR", temporary.path.str().str()};
  ScopedEnv cudaHome{"CUDA_HOME", std::nullopt};
  ScopedEnv cudaPath{"CUDA_PATH", std::nullopt};

  std::string error(llvm::StringRef body, unsigned timeoutSeconds = 60) {
    ScopedEnv program("MLA_NVDISASM", scratch.script("nvdisasm", body));
    std::string result = errorText(disassembleCubin("cubin", timeoutSeconds));
    EXPECT_EQ(temporary.size(), 0u);
    return result;
  }
};
} // namespace

TEST_F(Nvdisasm, Finding) {
  ScopedEnv path("PATH", scratch.file("bin"));
  {
    ScopedEnv none("MLA_NVDISASM", std::nullopt);
    std::string result = errorText(findNvdisasm());
    EXPECT_TRUE(contains(result, "no nvdisasm found; looked in MLA_NVDISASM "
                                 "(not set), CUDA_HOME (not set), CUDA_PATH "
                                 "(not set), PATH"));
    std::string onPath = scratch.script("bin/nvdisasm", "");
    EXPECT_EQ(*findNvdisasm(), onPath);
    std::string inHome = scratch.script("cuda/bin/nvdisasm", "");
    ScopedEnv home("CUDA_HOME", scratch.file("cuda"));
    EXPECT_EQ(*findNvdisasm(), inHome);
  }
  ScopedEnv missing("MLA_NVDISASM", scratch.file("none"));
  EXPECT_EQ(errorText(findNvdisasm()), "no nvdisasm at '" +
                                           scratch.file("none") +
                                           "' (from MLA_NVDISASM)");
}

TEST_F(Nvdisasm, GetsTheCubin) {
  EXPECT_EQ(error("echo \"$1\"; cat \"$2\""),
            "expected instructions in the output of nvdisasm, got '-c\ncubin'");
}

TEST_F(Nvdisasm, Fails) {
  EXPECT_TRUE(contains(error("echo 'nvdisasm error   : no ELF' >&2; exit 255"),
                       "failed with exit code 255: nvdisasm error   : no ELF"));
}

TEST_F(Nvdisasm, TimeLimit) {
  auto start = std::chrono::steady_clock::now();
  EXPECT_TRUE(contains(error("exec sleep 30", 1),
                       "took longer than 1 s and was killed"));
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(15));
}

TEST(RealNvdisasm, ALoopThatPtxasMade) {
  auto ptxas = findPtxas(), nvdisasm = findNvdisasm();
  if (!ptxas || !nvdisasm) {
    llvm::consumeError(ptxas.takeError());
    llvm::consumeError(nvdisasm.takeError());
    GTEST_SKIP() << "no ptxas, or no nvdisasm";
  }
  PtxasOptions options;
  options.path = *ptxas;
  auto cubin = assembleCubin(R"(.version 8.0
.target sm_90a
.address_size 64
.visible .entry k(.param .u64 p, .param .u32 n) {
  .reg .b64 %rd;
  .reg .b32 %n, %i, %s;
  .reg .pred %p;
  .shared .align 16 .b8 shared[16];
  ld.param.u64 %rd, [p];
  ld.param.u32 %n, [n];
  mov.u32 %s, shared;
  mov.u32 %i, 0;
loop:
  cp.async.cg.shared.global [%s], [%rd], 16;
  cp.async.wait_all;
  add.u64 %rd, %rd, 16;
  add.u32 %i, %i, 1;
  setp.lt.u32 %p, %i, %n;
  @%p bra loop;
  ret;
}
)",
                             options);
  ASSERT_TRUE(static_cast<bool>(cubin)) << text(cubin.takeError());
  auto report = disassembleCubin(cubin->cubin);
  ASSERT_TRUE(static_cast<bool>(report)) << text(report.takeError());
  ASSERT_GE(report->loops.size(), 1u);
  EXPECT_GE(report->loops[0].ldgsts, 1u);
  EXPECT_EQ(report->loops[0].hgmma, 0u);
  EXPECT_GE(report->loops[0].branches, 1u);
}
