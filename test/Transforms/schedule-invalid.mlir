// mla-schedule: schedules that do not fit the program. Labels without a row, splits
// that do not divide, tiles that roles hold in parts and one needs whole, and
// rewrites that have not been made. (Unknown roles and register budgets:
// test/Dialect/MLA/invalid.mlir.)
// RUN: %mla-opt %s --mla-schedule -verify-diagnostics -split-input-file

#s = #mla.schedule<"s", roles = [<"a", warps = 4, registers = 64>, <"b", warps = 4, registers = 64>],
  table = [<"other" in ["a"]>]>
func.func @no_row(%m: memref<?x64xf32>) attributes {mla.schedule = #s} {
  %c0 = arith.constant 0 : index
  scf.forall (%i) in (8) {
    %x = tile.load %m[%i, %c0] : memref<?x64xf32> -> tensor<64xf32>
    // expected-error @below {{schedule "s" has no row for label 'exp.part'}}
    %y = math.exp2 %x {tile.label = "exp.part"} : tensor<64xf32>
  }
  return
}

// -----

#s = #mla.schedule<"s", roles = [<"a", warps = 4, registers = 64>, <"b", warps = 4, registers = 64>],
  table = [<"other" in ["a"]>]>
func.func @unlabelled_store(%m: memref<?x64xf32>) attributes {mla.schedule = #s} {
  %c0 = arith.constant 0 : index
  scf.forall (%i) in (8) {
    %x = tile.load %m[%i, %c0] : memref<?x64xf32> -> tensor<64xf32>
    // expected-error @below {{expected a label with a row in schedule "s"}}
    tile.store %x, %m[%i, %c0] : tensor<64xf32>, memref<?x64xf32>
  }
  return
}

// -----

#s = #mla.schedule<"s", roles = [<"a", warps = 4, registers = 64>, <"b", warps = 4, registers = 64>],
  table = [<"other" in ["a"]>]>
func.func @unlabelled_load(%m: memref<?x64xf32>) attributes {mla.schedule = #s} {
  %c0 = arith.constant 0 : index
  scf.forall (%i) in (8) {
    // expected-error @below {{expected a label with a row in schedule "s"}}
    %x = tile.load %m[%i, %c0] : memref<?x64xf32> -> tensor<64x64xf32>
  }
  return
}

// -----

#s = #mla.schedule<"s", roles = [<"a", warps = 4, registers = 64>, <"b", warps = 4, registers = 64>],
  table = [<"x" in ["a", "b"]>]>
func.func @two_loaders(%m: memref<?x64xf32>) attributes {mla.schedule = #s} {
  %c0 = arith.constant 0 : index
  scf.forall (%i) in (8) {
    // expected-error @below {{expected one role for an asynchronous load, got 2}}
    %x = tile.load %m[%i, %c0] {tile.label = "x"} : memref<?x64xf32> -> tensor<64x64xf32>
    %y = tile.dot %x, %x {tile.label = "x"} : tensor<64x64xf32>, tensor<64x64xf32> -> tensor<64x64xf32>
  }
  return
}

// -----

#s = #mla.schedule<"s", roles = [<"a", warps = 4, registers = 64>],
  table = [<"x" in ["a"]>]>
func.func @padded_load(%m: memref<?x64xf32>) attributes {mla.schedule = #s} {
  %c0 = arith.constant 0 : index
  scf.forall (%i) in (8) {
    // expected-error @below {{expected no padding on an asynchronous load, which always pads with zeros}}
    %x = tile.load %m[%i, %c0] pad 1.0 : f32 {tile.label = "x"} : memref<?x64xf32> -> tensor<64x64xf32>
    %y = tile.dot %x, %x {tile.label = "x"} : tensor<64x64xf32>, tensor<64x64xf32> -> tensor<64x64xf32>
  }
  return
}

// -----

#s = #mla.schedule<"s", roles = [<"a", warps = 4, registers = 64>, <"b", warps = 4, registers = 64>],
  table = [<"x" in ["a"]>]>
func.func @softmax(%m: memref<?x64xf32>, %s: tensor<64x64xf32>, %f: f32) attributes {mla.schedule = #s} {
  %c0 = arith.constant 0 : index
  scf.forall (%i) in (8) {
    %x = tile.load %m[%i, %c0] : memref<?x64xf32> -> tensor<64xf32>
    // expected-error @below {{expected at most one result; decompose it (--mla-decompose-softmax)}}
    %p, %m1, %l1, %r = tile.online_softmax %s, %x, %x scale %f {tile.label = "x"} : tensor<64x64xf32>, tensor<64xf32>
  }
  return
}

// -----

#s = #mla.schedule<"s", roles = [<"a", warps = 4, registers = 64>], table = [<"x" in ["a"]>]>
func.func @branch_unlabelled(%m: memref<?xf32>, %cond: i1, %n: index) attributes {mla.schedule = #s} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  scf.forall (%i) in (8) {
    %x = tile.load %m[%i] : memref<?xf32> -> tensor<64xf32>
    %e = math.exp2 %x {tile.label = "x"} : tensor<64xf32>
    %r = scf.for %j = %c0 to %n step %c1 iter_args(%a = %e) -> tensor<64xf32> {
      // expected-error @below {{expected a label with a row in schedule "s"}}
      %y = scf.if %cond -> tensor<64xf32> {
        scf.yield %a : tensor<64xf32>
      } else {
        %z = math.exp2 %a {tile.label = "x"} : tensor<64xf32>
        scf.yield %z : tensor<64xf32>
      }
      scf.yield %y : tensor<64xf32>
    }
    tile.store %r, %m[%i] {tile.label = "x"} : tensor<64xf32>, memref<?xf32>
  }
  return
}

// -----

#s = #mla.schedule<"s", roles = [<"a", warps = 4, registers = 64>, <"b", warps = 4, registers = 64>],
  table = [<"x" in ["a"]>, <"y" in ["b"]>]>
func.func @branch_of_roles(%m: memref<?xf32>, %cond: i1) attributes {mla.schedule = #s} {
  scf.forall (%i) in (8) {
    %x = tile.load %m[%i] : memref<?xf32> -> tensor<64xf32>
    %e = math.exp2 %x {tile.label = "x"} : tensor<64xf32>
    // expected-error @below {{expected both sides of a branch to yield a tile of the same roles}}
    %y = scf.if %cond -> tensor<64xf32> {
      scf.yield %e : tensor<64xf32>
    } else {
      %z = math.exp2 %x {tile.label = "y"} : tensor<64xf32>
      scf.yield %z : tensor<64xf32>
    }
    tile.store %y, %m[%i] {tile.label = "x"} : tensor<64xf32>, memref<?xf32>
  }
  return
}

// -----

#s = #mla.schedule<"s", roles = [<"a", warps = 4, registers = 64>, <"b", warps = 4, registers = 64>],
  table = [<"k" in ["b"]>, <"x" in ["a"]>]>
func.func @branch_product(%m: memref<?x64xbf16>, %out: memref<?x64xf32>, %cond: i1) attributes {mla.schedule = #s} {
  %c0 = arith.constant 0 : index
  %zero = arith.constant dense<0.0> : tensor<64x64xf32>
  scf.forall (%i) in (8) {
    %k = tile.load %m[%i, %c0] {tile.label = "k"} : memref<?x64xbf16> -> tensor<64x64xbf16>
    %y = scf.if %cond -> tensor<64x64xf32> {
      // expected-error @below {{expected no tile.dot, asynchronous load or loop in a branch}}
      %z = tile.dot %k, %k {tile.label = "x"} : tensor<64x64xbf16>, tensor<64x64xbf16> -> tensor<64x64xf32>
      scf.yield %z : tensor<64x64xf32>
    } else {
      scf.yield %zero : tensor<64x64xf32>
    }
    tile.store %y, %out[%i, %c0] {tile.label = "x"} : tensor<64x64xf32>, memref<?x64xf32>
  }
  return
}

// -----

#s = #mla.schedule<"s", roles = [<"a", warps = 4, registers = 64>, <"b", warps = 4, registers = 64>, <"c", warps = 4, registers = 64>],
  table = [<"x" in ["a", "b", "c"], split = 1>]>
func.func @indivisible() attributes {mla.schedule = #s} {
  %c0 = arith.constant 0 : index
  %z = arith.constant dense<0.0> : tensor<64x64xf32>
  scf.forall (%i) in (8) {
    // expected-error @below {{cannot split dimension 1 of 'tensor<64x64xf32>' over 3 roles}}
    %x = math.exp2 %z {tile.label = "x"} : tensor<64x64xf32>
  }
  return
}

// -----

#s = #mla.schedule<"s", roles = [<"a", warps = 4, registers = 64>, <"b", warps = 4, registers = 64>],
  table = [<"x" in ["a", "b"], split = 2>]>
func.func @no_dimension() attributes {mla.schedule = #s} {
  %c0 = arith.constant 0 : index
  %z = arith.constant dense<0.0> : tensor<64x64xf32>
  scf.forall (%i) in (8) {
    // expected-error @below {{cannot split dimension 2 of 'tensor<64x64xf32>' over 2 roles}}
    %x = math.exp2 %z {tile.label = "x"} : tensor<64x64xf32>
  }
  return
}

// -----

#s = #mla.schedule<"s", roles = [<"a", warps = 4, registers = 64>, <"b", warps = 4, registers = 64>],
  table = [<"x" in ["a", "b"], split = 1>]>
func.func @reduce_parts() attributes {mla.schedule = #s} {
  %c0 = arith.constant 0 : index
  %z = arith.constant dense<0.0> : tensor<64x64xf32>
  scf.forall (%i) in (8) {
    %x = math.exp2 %z {tile.label = "x"} : tensor<64x64xf32>
    // expected-error @below {{cannot reduce dimension 1, which is split over roles}}
    %y = tile.reduce sum %x dim 1 : tensor<64x64xf32> -> tensor<64xf32>
  }
  return
}

// -----

#s = #mla.schedule<"s", roles = [<"a", warps = 4, registers = 64>, <"b", warps = 4, registers = 64>],
  table = [<"x" in ["a", "b"], split = 1>, <"y" in ["a", "b"], split = 0>]>
func.func @two_splits() attributes {mla.schedule = #s} {
  %c0 = arith.constant 0 : index
  %z = arith.constant dense<0.0> : tensor<64x64xf32>
  scf.forall (%i) in (8) {
    %x = math.exp2 %z {tile.label = "x"} : tensor<64x64xf32>
    %y = math.absf %z {tile.label = "y"} : tensor<64x64xf32>
    // expected-error @below {{operands are split over roles in different ways; give the op a label and a row}}
    %w = arith.addf %x, %y : tensor<64x64xf32>
  }
  return
}

// -----

#s = #mla.schedule<"s", roles = [<"a", warps = 4, registers = 64>, <"b", warps = 4, registers = 64>],
  table = [<"x" in ["a"]>, <"y" in ["b"]>]>
func.func @no_common_role() attributes {mla.schedule = #s} {
  %c0 = arith.constant 0 : index
  %z = arith.constant dense<0.0> : tensor<64x64xf32>
  scf.forall (%i) in (8) {
    %x = math.exp2 %z {tile.label = "x"} : tensor<64x64xf32>
    %y = math.absf %z {tile.label = "y"} : tensor<64x64xf32>
    // expected-error @below {{no role holds all operands; give the op a label and a row}}
    %w = arith.addf %x, %y : tensor<64x64xf32>
  }
  return
}

// -----

#s = #mla.schedule<"s", roles = [<"a", warps = 4, registers = 64>, <"b", warps = 4, registers = 64>],
  table = [<"x" in ["a", "b"], split = 0>]>
func.func @part_of_constant() attributes {mla.schedule = #s} {
  %c0 = arith.constant 0 : index
  scf.forall (%i) in (8) {
    // expected-error @below {{expected a splat constant to take a part of}}
    %z = arith.constant dense<[0.0, 1.0]> : tensor<2xf32>
    %x = math.exp2 %z {tile.label = "x"} : tensor<2xf32>
  }
  return
}

// -----

#s = #mla.schedule<"s", roles = [<"a", warps = 4, registers = 64>, <"b", warps = 4, registers = 64>],
  table = [<"a" in ["b"]>, <"s" in ["a"]>]>
func.func @b_is_constant(%m: memref<?x64xbf16>) attributes {mla.schedule = #s} {
  %c0 = arith.constant 0 : index
  scf.forall (%i) in (8) {
    %a = tile.load %m[%i, %c0] {tile.label = "a"} : memref<?x64xbf16> -> tensor<64x64xbf16>
    %p = arith.constant dense<1.0> : tensor<64x64xbf16>
    // expected-error @below {{expected operand B in shared memory, got a tile that is duplicated in each role that uses it}}
    %t = tile.dot %a, %p {tile.label = "s"} : tensor<64x64xbf16>, tensor<64x64xbf16> -> tensor<64x64xf32>
  }
  return
}

// -----

// expected-error @below {{expected attribute mla.schedule}}
func.func @no_schedule() {
  scf.forall (%i) in (8) {
  }
  return
}

// -----

#s = #mla.schedule<"s", roles = [<"a", warps = 4, registers = 64>],
  table = [<"x" in ["a"]>]>
func.func @two_programs() attributes {mla.schedule = #s} {
  scf.forall (%i) in (8) {
  }
  // expected-error @below {{expected one scf.forall per function}}
  scf.forall (%i) in (8) {
  }
  return
}

// -----

// A schedule for a rewritten program needs the rewrites.
#s = #mla.schedule<"s" after ["pair-tiles"], roles = [<"a", warps = 4, registers = 64>],
  table = [<"x" in ["a"]>]>
func.func @not_paired(%m: memref<?xf32>, %n: index) attributes {mla.schedule = #s} {
  %c0 = arith.constant 0 : index
  %c64 = arith.constant 64 : index
  // expected-error @below {{expected "pair-tiles", which schedule "s" requests; run --mla-pair-tiles first}}
  scf.forall (%i) in (8) {
    scf.for %j = %c0 to %n step %c64 {
      %x = tile.load %m[%j] : memref<?xf32> -> tensor<64xf32>
      tile.store %x, %m[%j] {tile.label = "x"} : tensor<64xf32>, memref<?xf32>
    } {tile.padded}
  }
  return
}

// -----

#s = #mla.schedule<"s" after ["split-width"], roles = [<"a", warps = 4, registers = 64>],
  table = [<"k" in ["a"]>]>
func.func @not_split(%kv: memref<?x128xbf16>) attributes {mla.schedule = #s} {
  %c0 = arith.constant 0 : index
  // expected-error @below {{expected "split-width", which schedule "s" requests; run --mla-split-width first}}
  scf.forall (%i) in (8) {
    %rows = tile.iota : tensor<64xi32>
    %k = tile.gather %kv[%rows][%c0] {tile.label = "k.0"} : memref<?x128xbf16>, tensor<64xi32> -> tensor<64x64xbf16>
  }
  return
}

// -----

// An asynchronous load may be bounded by rows.
#s = #mla.schedule<"s", roles = [<"a", warps = 4, registers = 64>, <"b", warps = 4, registers = 64>],
  table = [<"k" in ["b"]>, <"x" in ["a"]>]>
func.func @bounded_columns(%m: memref<?x64xbf16>, %out: memref<?x64xf32>, %n: index) attributes {mla.schedule = #s} {
  %c0 = arith.constant 0 : index
  scf.forall (%i) in (8) {
    // expected-error @below {{expected an asynchronous load with dims or bounds to read rows along the memref's last dimension, bounded by rows only}}
    %k = tile.load %m[%i, %c0] bounds [%n, %n] {tile.label = "k"} : memref<?x64xbf16> -> tensor<64x64xbf16>
    %z = tile.dot %k, %k {tile.label = "x"} : tensor<64x64xbf16>, tensor<64x64xbf16> -> tensor<64x64xf32>
    tile.store %z, %out[%i, %c0] {tile.label = "x"} : tensor<64x64xf32>, memref<?x64xf32>
  }
  return
}

// -----

// The loop index of the tile program does not exist outside of the roles.
#s = #mla.schedule<"s", roles = [<"a", warps = 4, registers = 64>],
  table = [<"x" in ["a"]>]>
func.func @index_of_loop(%m: memref<?x64xf32>) attributes {mla.schedule = #s} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c8 = arith.constant 8 : index
  scf.forall (%i) in (8) {
    // expected-error @below {{expected results that only ops on tiles use}}
    %last = scf.for %j = %c0 to %c8 step %c1 iter_args(%at = %c0) -> index {
      %x = tile.load %m[%j, %c0] : memref<?x64xf32> -> tensor<64xf32>
      tile.store %x, %m[%j, %c0] {tile.label = "x"} : tensor<64xf32>, memref<?x64xf32>
      scf.yield %j : index
    }
    // expected-note @below {{used here}}
    %behind = arith.addi %last, %i : index
  }
  return
}

// -----

#s = #mla.schedule<"s", roles = [<"a", warps = 4, registers = 64>, <"b", warps = 4, registers = 64>],
  table = [<"x" in ["a"]>, <"y" in ["b"]>]>
func.func @index_tile(%m: memref<?x64xindex>) attributes {mla.schedule = #s} {
  %c0 = arith.constant 0 : index
  scf.forall (%i) in (8) {
    %x = tile.load %m[%i, %c0] : memref<?x64xindex> -> tensor<64xindex>
    // expected-error @below {{ring 'x': expected elements of an integer or floating-point type, got 'index'}}
    %y = arith.addi %x, %x {tile.label = "x"} : tensor<64xindex>
    // expected-error @below {{role "b" uses a tile that it neither computes nor receives through a ring}}
    tile.store %y, %m[%i, %c0] {tile.label = "y"} : tensor<64xindex>, memref<?x64xindex>
  }
  return
}

// -----

#s = #mla.schedule<"s", roles = [<"a", warps = 4, registers = 64>],
  table = [<"x" in ["a"]>]>
func.func @carried_unchanged(%m: memref<?x64xf32>) attributes {mla.schedule = #s} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c8 = arith.constant 8 : index
  %zero = arith.constant dense<0.0> : tensor<64xf32>
  scf.forall (%i) in (8) {
    %x = scf.for %j = %c0 to %c8 step %c1 iter_args(%at = %zero) -> tensor<64xf32> {
      scf.yield %at : tensor<64xf32>
    }
    // expected-error @below {{expected a tile that a role computes, got one that a loop carries unchanged}}
    tile.store %x, %m[%i, %c0] {tile.label = "x"} : tensor<64xf32>, memref<?x64xf32>
  }
  return
}

// -----

// Rows and rings of tiles that do not leave their role.
#s = #mla.schedule<"s", roles = [<"a", warps = 4, registers = 64>],
  table = [<"x" in ["a"]>, <"x.load" in ["a"]>, <"y" in ["a"]>]>
func.func @load_of_nothing(%m: memref<?x64xf32>) attributes {mla.schedule = #s} {
  %c0 = arith.constant 0 : index
  %zero = arith.constant dense<0.0> : tensor<64xf32>
  // expected-error @below {{schedule "s": row "x.load" matches no op: no role loads the tile from a ring into registers}}
  scf.forall (%i) in (8) {
    %x = math.exp2 %zero {tile.label = "x"} : tensor<64xf32>
    tile.store %x, %m[%i, %c0] {tile.label = "y"} : tensor<64xf32>, memref<?x64xf32>
  }
  return
}

// -----

#s = #mla.schedule<"s", roles = [<"a", warps = 4, registers = 64>],
  table = [<"x" in ["a"]>, <"y" in ["a"]>], rings = [<"x", depth = 2>]>
func.func @ring_of_nothing(%m: memref<?x64xf32>) attributes {mla.schedule = #s} {
  %c0 = arith.constant 0 : index
  %zero = arith.constant dense<0.0> : tensor<64xf32>
  // expected-error @below {{schedule "s": ring "x" is not needed: the tile does not leave its role}}
  scf.forall (%i) in (8) {
    %x = math.exp2 %zero {tile.label = "x"} : tensor<64xf32>
    tile.store %x, %m[%i, %c0] {tile.label = "y"} : tensor<64xf32>, memref<?x64xf32>
  }
  return
}

// -----

#s = #mla.schedule<"s", roles = [<"a", warps = 4, registers = 64>, <"b", warps = 4, registers = 64>],
  table = [<"w" in ["a"]>, <"x" in ["a"]>, <"y" in ["b"]>], rings = [<"x", depth = 1, aliases = "w", byte = 0>]>
func.func @over_nothing(%m: memref<?x64xf32>) attributes {mla.schedule = #s} {
  %c0 = arith.constant 0 : index
  %zero = arith.constant dense<0.0> : tensor<64xf32>
  // expected-error @below {{schedule "s": ring "x" aliases "w", a tile that does not leave its role}}
  scf.forall (%i) in (8) {
    %w = math.exp2 %zero {tile.label = "w"} : tensor<64xf32>
    %x = math.exp2 %w {tile.label = "x"} : tensor<64xf32>
    tile.store %x, %m[%i, %c0] {tile.label = "y"} : tensor<64xf32>, memref<?x64xf32>
  }
  return
}

// -----

#s = #mla.schedule<"s", roles = [<"a", warps = 4, registers = 64>],
  table = [<"x" in ["a"]>, <"y" in ["a"]>]>
func.func @load_before_the_wait(%m: memref<?x64xf32>) attributes {mla.schedule = #s, mla.programmatic} {
  %c0 = arith.constant 0 : index
  // expected-error @below {{expected no loads in front of the grid of a kernel with programmatic dependent launch}}
  %f = memref.load %m[%c0, %c0] : memref<?x64xf32>
  %t = tensor.splat %f : tensor<64xf32>
  scf.forall (%i) in (8) {
    %x = math.exp2 %t {tile.label = "x"} : tensor<64xf32>
    tile.store %x, %m[%i, %c0] {tile.label = "y"} : tensor<64xf32>, memref<?x64xf32>
  }
  return
}

// -----

#s = #mla.schedule<"s", roles = [<"a", warps = 4, registers = 64>, <"b", warps = 4, registers = 64>],
  table = [<"k" in ["b"]>, <"s" in ["a"]>]>
func.func @parts_computed(%m: memref<?x64xbf16>) attributes {mla.schedule = #s} {
  %c0 = arith.constant 0 : index
  scf.forall (%i) in (8) {
    %a = tile.load %m[%i, %c0] : memref<?x64xbf16> -> tensor<32x64xbf16>
    %b = arith.constant dense<1.0> : tensor<32x64xbf16>
    // expected-error @below {{expected parts that are loaded or gathered and have no other use}}
    %k = tile.concat %a, %b dim 0 {tile.label = "k"} : tensor<32x64xbf16>, tensor<32x64xbf16> -> tensor<64x64xbf16>
  }
  return
}
