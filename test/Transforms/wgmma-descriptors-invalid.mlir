// mla-wgmma-descriptors: operands that a descriptor cannot address.
// RUN: %mla-opt %s --mla-wgmma-descriptors -verify-diagnostics -split-input-file

func.func @not_staged(%a: !cta.buffer<64x64xbf16>) {
  // expected-error @below {{expected operands with the 128-byte swizzle (--mla-stage-shared), got '!cta.buffer<64x64xbf16>'}}
  %x = cta.mma_async %a, %a : !cta.buffer<64x64xbf16>, !cta.buffer<64x64xbf16>
      -> !cta.in_flight<tensor<64x64xf32>>
  return
}

// -----

#dense = #cta.shared_layout<swizzle = 0, rows = 64>
func.func @dense(%a: !cta.buffer<64x64xbf16, #dense>) {
  // expected-error @below {{expected operands with the 128-byte swizzle (--mla-stage-shared), got '!cta.buffer<64x64xbf16, #cta.shared_layout<swizzle = 0, rows = 64>>'}}
  %x = cta.mma_async %a, %a : !cta.buffer<64x64xbf16, #dense>, !cta.buffer<64x64xbf16, #dense>
      -> !cta.in_flight<tensor<64x64xf32>>
  return
}

// -----

// MN-major operands must start at a block.
#swizzled = #cta.shared_layout<swizzle = 128, rows = 64>
func.func @mn_start(%a: !cta.buffer<64x64xbf16, #swizzled>, %k: !cta.buffer<64x128xbf16, #swizzled>) {
  %v = cta.view %k [0, 32] : !cta.buffer<64x128xbf16, #swizzled> -> !cta.buffer<64x64xbf16, #swizzled>
  // expected-error @below {{expected an operand that starts at a row multiple of 8 and a column multiple of 64, got [0, 32]}}
  %x = cta.mma_async %a, %v : !cta.buffer<64x64xbf16, #swizzled>, !cta.buffer<64x64xbf16, #swizzled>
      -> !cta.in_flight<tensor<64x64xf32>>
  return
}

// -----

// K-major operands must start at a k-step, and both kinds at an atom of 8 rows.
#swizzled = #cta.shared_layout<swizzle = 128, rows = 128>
func.func @k_start(%a: !cta.buffer<64x16xbf16, #swizzled>, %k: !cta.buffer<128x64xbf16, #swizzled>) {
  %v = cta.view %k [4, 16] : !cta.buffer<128x64xbf16, #swizzled> -> !cta.buffer<64x16xbf16, #swizzled>
  // expected-error @below {{expected an operand that starts at a row multiple of 8 and a column multiple of 16, got [4, 16]}}
  %x = cta.mma_async %a, %v transpose_b
      : !cta.buffer<64x16xbf16, #swizzled>, !cta.buffer<64x16xbf16, #swizzled>
      -> !cta.in_flight<tensor<64x64xf32>>
  return
}

// -----

// An offset beyond the size of shared memory.
#l = #cta.shared_layout<swizzle = 128, rows = 4096>
func.func @far(%q: !cta.buffer<64x64xbf16, #cta.shared_layout<swizzle = 128, rows = 64>>,
               %k: !cta.buffer<4096x64xbf16, #l>) {
  scf.forall (%i) in (8) {
    cta.role "math" warps 4 registers 240 {
      %v = cta.view %k [4032, 0] : !cta.buffer<4096x64xbf16, #l> -> !cta.buffer<64x64xbf16, #l>
      // expected-error @below {{expected bytes of shared memory, 0 to 232448, got 516096}}
      %s = cta.mma_async %q, %v transpose_b : !cta.buffer<64x64xbf16, #cta.shared_layout<swizzle = 128, rows = 64>>, !cta.buffer<64x64xbf16, #l> -> !cta.in_flight<tensor<64x64xf32>>
    }
  }
  return
}
