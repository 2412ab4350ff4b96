// mla-split-tail: a schedule that requests it without a row for a tail, and tiles
// that are not read as K and as V.
// RUN: %mla-opt %s -allow-unregistered-dialect --mla-split-tail -split-input-file -verify-diagnostics

#s = #mla.schedule<"s" after ["split-tail"], roles = [<"r", warps = 4, registers = 128>],
  table = [<"k" in ["r"]>, <"j.t" in ["r"]>]>
// expected-error @below {{schedule "s" requests split-tail: expected a row 'L.t' of a gathered tile L (k), got none}}
func.func @no_row(%m: memref<?x1x576xbf16>, %rows: tensor<64xi32>) attributes {mla.schedule = #s} {
  %c0 = arith.constant 0 : index
  scf.forall (%t) in (8) {
    %k = tile.gather %m[%rows] [%c0, %c0] {tile.label = "k"} : memref<?x1x576xbf16>, tensor<64xi32> -> tensor<64x576xbf16>
    "test.use"(%k) : (tensor<64x576xbf16>) -> ()
  }
  return
}

// -----

// Loaded, not gathered.
#s = #mla.schedule<"s" after ["split-tail"], roles = [<"r", warps = 4, registers = 128>],
  table = [<"k" in ["r"]>, <"k.t" in ["r"]>]>
// expected-error @below {{schedule "s" requests split-tail: expected a gathered tile, got none}}
func.func @loaded(%m: memref<?x576xbf16>) attributes {mla.schedule = #s} {
  %c0 = arith.constant 0 : index
  scf.forall (%t) in (8) {
    %k = tile.load %m[%c0, %c0] {tile.label = "k"} : memref<?x576xbf16> -> tensor<64x576xbf16>
    "test.use"(%k) : (tensor<64x576xbf16>) -> ()
  }
  return
}

// -----

#s = #mla.schedule<"s" after ["split-tail"], roles = [<"r", warps = 4, registers = 128>],
  table = [<"k" in ["r"]>, <"k.t" in ["r"]>]>
func.func @not_first_columns(%m: memref<?x1x576xbf16>, %rows: tensor<64xi32>) attributes {mla.schedule = #s} {
  %c0 = arith.constant 0 : index
  scf.forall (%t) in (8) {
    // expected-error @below {{expected a tile that tile.dot reads as K, and from column 0 as V, because the schedule has a row for its tail}}
    %k = tile.gather %m[%rows] [%c0, %c0] {tile.label = "k"} : memref<?x1x576xbf16>, tensor<64xi32> -> tensor<64x576xbf16>
    %v = tile.view %k [0, 64] : tensor<64x576xbf16> -> tensor<64x512xbf16>
    "test.use"(%v) : (tensor<64x512xbf16>) -> ()
  }
  return
}

// -----

#s = #mla.schedule<"s" after ["split-tail"], roles = [<"r", warps = 4, registers = 128>],
  table = [<"k" in ["r"]>, <"k.t" in ["r"]>]>
func.func @not_v(%m: memref<?x1x576xbf16>, %rows: tensor<64xi32>, %q: tensor<64x576xbf16>) attributes {mla.schedule = #s} {
  %c0 = arith.constant 0 : index
  scf.forall (%t) in (8) {
    // expected-error @below {{has a row for its tail}}
    %k = tile.gather %m[%rows] [%c0, %c0] {tile.label = "k"} : memref<?x1x576xbf16>, tensor<64xi32> -> tensor<64x576xbf16>
    %s = tile.dot %q, %k transpose_b : tensor<64x576xbf16>, tensor<64x576xbf16> -> tensor<64x64xf32>
    "test.use"(%s) : (tensor<64x64xf32>) -> ()
  }
  return
}
