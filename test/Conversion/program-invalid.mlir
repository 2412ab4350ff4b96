// Kernels that make no program.
//
// RUN: mla-opt %s --convert-mla-to-nvvm -split-input-file -verify-diagnostics
//
// More kernels, and more workspaces, than the format allows:
// RUN: %python %S/Inputs/many.py kernels 17 > %t.kernels.mlir
// RUN: not mla-opt %t.kernels.mlir --convert-mla-to-nvvm 2>&1 | FileCheck %s --check-prefix=KERNELS
// KERNELS: error: makes no package: 'kernels': expected at most 16 entries, got 17
// RUN: %python %S/Inputs/many.py workspaces 9 > %t.workspaces.mlir
// RUN: not mla-opt %t.workspaces.mlir --convert-mla-to-nvvm 2>&1 | FileCheck %s --check-prefix=WORKSPACES
// WORKSPACES: error: makes no package: 'workspaces': expected at most 8 entries, got 9
// The most that it allows:
// RUN: %python %S/Inputs/many.py kernels 16 | mla-opt --convert-mla-to-nvvm -o /dev/null
// RUN: %python %S/Inputs/many.py workspaces 8 | mla-opt --convert-mla-to-nvvm -o /dev/null

func.func @first(%x: memref<?xf32> {mla.name = "x", mla.dims = ["n"]}) attributes {cta.verified} {
  scf.forall (%i) in (2) {
    cta.role "all" warps 4 registers 168 {
    }
  }
  return
}

// expected-error @below {{disagrees with kernel 'first' on argument 'x': expected f32[n], strides [1], got bf16[n], strides [1]}}
func.func @second(%x: memref<?xbf16> {mla.name = "x", mla.dims = ["n"]}) attributes {cta.verified} {
  scf.forall (%i) in (2) {
    cta.role "all" warps 4 registers 168 {
    }
  }
  return
}

// -----

func.func @first(%x: memref<?xf32> {mla.name = "x", mla.dims = ["n"]}) attributes {cta.verified} {
  scf.forall (%i) in (2) {
    cta.role "all" warps 4 registers 168 {
    }
  }
  return
}

// expected-error @below {{disagrees with kernel 'first' on argument 'x': expected f32[n], strides [1], got f32[m], strides [1]}}
func.func @second(%x: memref<?xf32> {mla.name = "x", mla.dims = ["m"]}) attributes {cta.verified} {
  scf.forall (%i) in (2) {
    cta.role "all" warps 4 registers 168 {
    }
  }
  return
}

// -----

func.func @first(%x: memref<?x4xf32> {mla.name = "x", mla.dims = ["n", ""]}) attributes {cta.verified} {
  scf.forall (%i) in (2) {
    cta.role "all" warps 4 registers 168 {
    }
  }
  return
}

// expected-error @below {{disagrees with kernel 'first' on argument 'x': expected f32[n, 4], strides [4, 1], got f32[n, 4], strides [?, 1]}}
func.func @second(%x: memref<?x4xf32, strided<[?, 1]>> {mla.name = "x", mla.dims = ["n", ""]}) attributes {cta.verified} {
  scf.forall (%i) in (2) {
    cta.role "all" warps 4 registers 168 {
    }
  }
  return
}

// -----

func.func @first(%x: f32 {mla.name = "x"}) attributes {cta.verified} {
  scf.forall (%i) in (2) {
    cta.role "all" warps 4 registers 168 {
    }
  }
  return
}

// expected-error @below {{disagrees with kernel 'first' on argument 'x': expected f32 scalar, got i32 scalar}}
func.func @second(%x: i32 {mla.name = "x"}) attributes {cta.verified} {
  scf.forall (%i) in (2) {
    cta.role "all" warps 4 registers 168 {
    }
  }
  return
}

// -----

// The first has it as a workspace, the second as an argument.
// expected-error @below {{disagrees with kernel 'second' on argument 'x': expected something else, got workspace f32[n]}}
func.func @first(%x: memref<?xf32> {mla.name = "x", mla.workspace, mla.dims = ["n"]}) attributes {cta.verified} {
  scf.forall (%i) in (2) {
    cta.role "all" warps 4 registers 168 {
    }
  }
  return
}

func.func @second(%x: memref<?xf32> {mla.name = "x", mla.dims = ["n"]}) attributes {cta.verified} {
  scf.forall (%i) in (2) {
    cta.role "all" warps 4 registers 168 {
    }
  }
  return
}

// -----

func.func @first(%x: memref<4xf32> {mla.name = "x"}) attributes {cta.verified} {
  scf.forall (%i) in (2) {
    cta.role "all" warps 4 registers 168 {
    }
  }
  return
}

// expected-error @below {{argument 0: expected mla.name on every argument of a program of several kernels}}
func.func @second(%x: memref<4xf32>) attributes {cta.verified} {
  scf.forall (%i) in (2) {
    cta.role "all" warps 4 registers 168 {
    }
  }
  return
}

// -----

// expected-error @below {{expected arguments with names of their own, got 'x' again}}
func.func @same_name(%x: memref<4xf32> {mla.name = "x"}, %y: memref<4xf32> {mla.name = "x"}) attributes {cta.verified} {
  scf.forall (%i) in (2) {
    cta.role "all" warps 4 registers 168 {
    }
  }
  return
}

// -----

// expected-error @below {{workspace 'w': expected an earlier kernel that writes it, got none}}
func.func @unwritten(%w: memref<4xf32> {mla.name = "w", mla.workspace}, %out: memref<?xf32>) attributes {cta.verified} {
  %c0 = arith.constant 0 : index
  scf.forall (%i) in (2) {
    cta.role "all" warps 4 registers 168 {
      %f = memref.load %w[%c0] : memref<4xf32>
      %x = tensor.splat %f : tensor<64xf32, #cta.layout<row>>
      tile.store %x, %out[%c0] : tensor<64xf32, #cta.layout<row>>, memref<?xf32>
    }
  }
  return
}

// -----

// expected-error @below {{workspace 'w': expression 'm * 2': expected the name of a size of an argument, got 'm * 2'}}
func.func @no_such_size(%w: memref<?xf32> {mla.name = "w", mla.workspace, mla.dims = ["m * 2"]}, %x: memref<?xf32> {mla.name = "x", mla.dims = ["n"]}) attributes {cta.verified} {
  scf.forall (%i) in (2) {
    cta.role "all" warps 4 registers 168 {
    }
  }
  return
}

// -----

// expected-error @below {{workspace 'w': expression 'ceildiv(n, 0)': expected a divisor above 0, got '0)'}}
func.func @by_zero(%w: memref<?xf32> {mla.name = "w", mla.workspace, mla.dims = ["ceildiv(n, 0)"]}, %x: memref<?xf32> {mla.name = "x", mla.dims = ["n"]}) attributes {cta.verified} {
  scf.forall (%i) in (2) {
    cta.role "all" warps 4 registers 168 {
    }
  }
  return
}

// -----

// expected-error @below {{workspace 'w': expected an expression for dimension 0 in mla.dims}}
func.func @no_size(%w: memref<?xf32> {mla.name = "w", mla.workspace}) attributes {cta.verified} {
  scf.forall (%i) in (2) {
    cta.role "all" warps 4 registers 168 {
    }
  }
  return
}

// -----

// expected-error @below {{workspace 'w': expected a memref without a layout, got 'memref<4xf32, strided<[2]>>'}}
func.func @layout(%w: memref<4xf32, strided<[2]>> {mla.name = "w", mla.workspace}) attributes {cta.verified} {
  scf.forall (%i) in (2) {
    cta.role "all" warps 4 registers 168 {
    }
  }
  return
}

// -----

// expected-error @below {{expected mla.workspace on memrefs, got 'f32'}}
func.func @scalar(%w: f32 {mla.name = "w", mla.workspace}) attributes {cta.verified} {
  scf.forall (%i) in (2) {
    cta.role "all" warps 4 registers 168 {
    }
  }
  return
}

// -----

// expected-error @below {{expected "plan" or "launch" in mla.phase, got "late"}}
func.func @phase() attributes {cta.verified, mla.phase = "late"} {
  scf.forall (%i) in (2) {
    cta.role "all" warps 4 registers 168 {
    }
  }
  return
}

// -----

// expected-error @below {{makes no package: 'kernels[1].phase': expected plan before launch}}
func.func @launch() attributes {cta.verified} {
  scf.forall (%i) in (2) {
    cta.role "all" warps 4 registers 168 {
    }
  }
  return
}
func.func @plan() attributes {cta.verified, mla.phase = "plan"} {
  scf.forall (%i) in (2) {
    cta.role "all" warps 4 registers 168 {
    }
  }
  return
}

// -----

// expected-error @below {{is lowered for clusters along the last dimension of the grid, got array<i64: 2, 1>}}
func.func @cluster() attributes {cta.verified, cta.cluster = array<i64: 2, 1>} {
  scf.forall (%i, %j) in (2, 2) {
    cta.role "all" warps 4 registers 168 {
    }
  }
  return
}

// -----

// expected-error @below {{argument x: expected an element type that a package knows, got i16}}
func.func @type(%x: memref<4xi16> {mla.name = "x"}) attributes {cta.verified} {
  scf.forall (%i) in (2) {
    cta.role "all" warps 4 registers 168 {
    }
  }
  return
}

// -----

// expected-error @below {{expected a dictionary in mla.size_limits, got 3 : i32}}
func.func @limits(%x: memref<?xf32> {mla.name = "x", mla.dims = ["n"]}) attributes {cta.verified, mla.size_limits = 3 : i32} {
  scf.forall (%i) in (2) {
    cta.role "all" warps 4 registers 168 {
    }
  }
  return
}

// -----

// expected-error @below {{expected array<i64: SMALLEST, LARGEST> for 'n' in mla.size_limits, got array<i64: 1>}}
func.func @limits(%x: memref<?xf32> {mla.name = "x", mla.dims = ["n"]}) attributes {cta.verified, mla.size_limits = {n = array<i64: 1>}} {
  scf.forall (%i) in (2) {
    cta.role "all" warps 4 registers 168 {
    }
  }
  return
}

// -----

// expected-error @below {{expected names of run-time sizes in mla.size_limits, got 'm'}}
func.func @limits(%x: memref<?xf32> {mla.name = "x", mla.dims = ["n"]}) attributes {cta.verified, mla.size_limits = {m = array<i64: 1, 2>}} {
  scf.forall (%i) in (2) {
    cta.role "all" warps 4 registers 168 {
    }
  }
  return
}

// -----

// expected-error @below {{makes no package: 'sizeLimits.n': expected 0 <= smallest <= largest <= 2147483647, got [5, 4]}}
func.func @first(%x: memref<?xf32> {mla.name = "x", mla.dims = ["n"]}) attributes {cta.verified, mla.size_limits = {n = array<i64: 1, 4>}} {
  scf.forall (%i) in (2) {
    cta.role "all" warps 4 registers 168 {
    }
  }
  return
}
func.func @second(%x: memref<?xf32> {mla.name = "x", mla.dims = ["n"]}) attributes {cta.verified, mla.size_limits = {n = array<i64: 5, 9>}} {
  scf.forall (%i) in (2) {
    cta.role "all" warps 4 registers 168 {
    }
  }
  return
}
