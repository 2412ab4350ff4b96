// RUN: %mla-opt %s --mla-split-width --split-input-file --verify-diagnostics

#s = #mla.schedule<"s" after ["split-width"], roles = [<"r", warps = 4, registers = 128>],
  table = [<"x" in ["r"]>]>

func.func @no_product(%kv: memref<?x576xbf16>, %rows: tensor<64xi32>,
                      %out: memref<64x576xbf16>) attributes {mla.schedule = #s} {
  %c0 = arith.constant 0 : index
  // expected-error @+1 {{expected a product with V, a view of a gathered tile from column 0}}
  scf.forall (%t) in (1) {
    %k = tile.gather %kv[%rows][%c0] : memref<?x576xbf16>, tensor<64xi32> -> tensor<64x576xbf16>
    tile.store %k, %out[%c0, %c0] : tensor<64x576xbf16>, memref<64x576xbf16>
  }
  return
}

// -----

#s = #mla.schedule<"s" after ["split-width"], roles = [<"r", warps = 4, registers = 128>],
  table = [<"x" in ["r"]>]>

func.func @narrow(%kv: memref<?x96xbf16>, %rows: tensor<64xi32>,
                  %p: tensor<64x64xbf16>, %out: memref<64x64xf32>)
    attributes {mla.schedule = #s} {
  %c0 = arith.constant 0 : index
  scf.forall (%t) in (1) {
    %k = tile.gather %kv[%rows][%c0] : memref<?x96xbf16>, tensor<64xi32> -> tensor<64x96xbf16>
    %v = tile.view %k [0, 0] : tensor<64x96xbf16> -> tensor<64x64xbf16>
    // expected-error @+1 {{expected V of a multiple of 128 columns, the same in all products, got 64}}
    %o = tile.dot %p, %v : tensor<64x64xbf16>, tensor<64x64xbf16> -> tensor<64x64xf32>
    tile.store %o, %out[%c0, %c0] : tensor<64x64xf32>, memref<64x64xf32>
  }
  return
}

// -----

#s = #mla.schedule<"s" after ["split-width"], roles = [<"r", warps = 4, registers = 128>],
  table = [<"x" in ["r"]>]>

func.func @loaded(%kv: memref<?x192xbf16>, %rows: tensor<64xi32>,
                  %p: tensor<64x64xbf16>, %out: memref<64x128xf32>,
                  %bias: memref<64x128xf32>) attributes {mla.schedule = #s} {
  %c0 = arith.constant 0 : index
  scf.forall (%t) in (1) {
    %k = tile.gather %kv[%rows][%c0] : memref<?x192xbf16>, tensor<64xi32> -> tensor<64x192xbf16>
    %v = tile.view %k [0, 0] : tensor<64x192xbf16> -> tensor<64x128xbf16>
    %o = tile.dot %p, %v : tensor<64x64xbf16>, tensor<64x128xbf16> -> tensor<64x128xf32>
    %b = tile.load %bias[%c0, %c0] : memref<64x128xf32> -> tensor<64x128xf32>
    // expected-error @+1 {{has an operand of type 'tensor<64x128xf32>' whose columns cannot be split}}
    %x = arith.addf %o, %b : tensor<64x128xf32>
    tile.store %x, %out[%c0, %c0] : tensor<64x128xf32>, memref<64x128xf32>
  }
  return
}

// -----

#s = #mla.schedule<"s" after ["split-width", "split-uneven"],
  roles = [<"r", warps = 4, registers = 128>], table = [<"x" in ["r"]>]>

func.func @eighths(%kv: memref<?x256xbf16>, %rows: tensor<64xi32>,
                   %p: tensor<64x64xbf16>, %out: memref<64x256xf32>)
    attributes {mla.schedule = #s} {
  %c0 = arith.constant 0 : index
  scf.forall (%t) in (1) {
    %k = tile.gather %kv[%rows][%c0] : memref<?x256xbf16>, tensor<64xi32> -> tensor<64x256xbf16>
    %v = tile.view %k [0, 0] : tensor<64x256xbf16> -> tensor<64x256xbf16>
    // expected-error @+1 {{expected V of a multiple of 512 columns, the same in all products, got 256}}
    %o = tile.dot %p, %v : tensor<64x64xbf16>, tensor<64x256xbf16> -> tensor<64x256xf32>
    tile.store %o, %out[%c0, %c0] : tensor<64x256xf32>, memref<64x256xf32>
  }
  return
}
