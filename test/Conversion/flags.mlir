// Flags in global memory: atomic accesses at the scope of the GPU, in LLVM and in
// PTX. Memory that is written is not loaded by the read-only path.
//
// RUN: mla-opt %s --convert-mla-to-nvvm | FileCheck %s
// RUN: mla-opt %s --mla-kernel-pipeline | FileCheck %s --check-prefix=LLVM

// CHECK: \22name\22:\22turns\22,{{.*}}\22access\22:\22read\22
// CHECK-SAME: \22name\22:\22wide\22,{{.*}}\22access\22:\22write\22

// CHECK-LABEL: llvm.func @flags(
// LLVM-LABEL: llvm.func @flags(
func.func @flags(%turns: memref<?xi32> {mla.name = "turns"}, %wide: memref<?x4xi64> {mla.name = "wide"})
    attributes {cta.verified, cta.shared_bytes = 0 : i64} {
  %c3 = arith.constant 3 : index
  %me = arith.constant 7 : i32
  %next = arith.constant 8 : i64
  scf.forall (%i) in (4) {
    cta.role "one" warps 1 registers 24 {
      cta.elect {
        // CHECK: scf.while
        // CHECK:   llvm.load %{{.*}} atomic syncscope("device") acquire {alignment = 4 : i64} : !llvm.ptr<1> -> i32
        // LLVM:    llvm.load %{{.*}} atomic syncscope("device") acquire
        scf.while : () -> () {
          %turn = cta.load_acquire %turns[%i] : memref<?xi32>
          %early = arith.cmpi ne, %turn, %me : i32
          scf.condition(%early)
        } do {
          scf.yield
        }
        // CHECK: llvm.store %{{.*}}, %{{.*}} atomic syncscope("device") release {alignment = 8 : i64} : i64, !llvm.ptr<1>
        // LLVM:  llvm.store %{{.*}} atomic syncscope("device") release
        cta.store_release %next, %wide[%i, %c3] : memref<?x4xi64>
      }
    }
  }
  return
}
