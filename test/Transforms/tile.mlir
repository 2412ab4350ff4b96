// mla-tile: an operator becomes an scf.forall over output tiles around a loop over
// tiles of KV rows, with a label on every op that a schedule may place.
// RUN: %mla-opt %s --mla-choose-schedule=schedule=shared-p --mla-tile | FileCheck %s
// RUN: %mla-opt %s --mla-choose-schedule=schedule=split-columns:block_kv=128 --mla-tile | FileCheck %s --check-prefix=OPTIONS
// RUN: mla-opt %S/Inputs/sparse_prefill.mlir --mla-choose-schedule=schedule=swapped --mla-tile | FileCheck %s --check-prefix=SWAPPED

// 128 heads as columns: four blocks of 32.
// SWAPPED:      scf.forall (%{{.*}}, %{{.*}}) in (%{{.*}}, 4)
// SWAPPED:        tile.load {{.*}} -> tensor<32x576xbf16>
// SWAPPED:        scf.for {{.*}} -> (tensor<32x512xf32>, tensor<32xf32>, tensor<32xf32>)
// RUN: %mla-opt %s --mla-choose-schedule=schedule=shared-p:depth=3 --mla-tile | FileCheck %s --check-prefix=STAGES
// RUN: %mla-opt %s --mla-choose-schedule=schedule=seesaw --mla-tile=threshold=4 | FileCheck %s --check-prefix=LAZY

// A lazy softmax: the exact maximum, an output, is carried separately from the
// reference, from which all other values are computed.
// LAZY-LABEL: func @plain
// LAZY:         %[[STATE:.*]]:4 = scf.for {{.*}} iter_args(%[[O:.*]] = %{{.*}}, %[[M:.*]] = %[[START:.*]], %[[L:.*]] = %{{.*}}, %[[TOP:.*]] = %[[START2:.*]])
// LAZY:           %[[MASKED:.*]] = arith.select {{.*}} {tile.label = "mask"}
// LAZY:           %{{.*}}, %[[M1:.*]], %[[L1:.*]], %[[R:.*]] = tile.online_softmax %[[MASKED]], %[[M]], %[[L]] scale %[[SCALE:.*]] lazy 4.000000e+00
// LAZY:           arith.mulf %[[O]], %{{.*}} {tile.label = "rescale", tile.often_one}
// LAZY:           %[[ROW:.*]] = tile.reduce {{ ?}}max %[[MASKED]] dim 1 :
// At least the least finite number if an entry is valid.
// LAZY:           %[[ANY:.*]] = tile.any %{{.*}} {tile.label = "top"} : tensor<64xi1> -> tensor<64xi1>
// LAZY:           %[[LEAST:.*]] = arith.select %[[ANY]], %{{.*}}, %{{.*}} {tile.label = "top"}
// LAZY:           %[[ROWMAX:.*]] = arith.maximumf %[[ROW]], %[[LEAST]] {tile.label = "top"}
// LAZY:           %[[TOP1:.*]] = arith.maximumf %[[TOP]], %[[ROWMAX]] {tile.label = "top"}
// LAZY:           scf.yield %{{.*}}, %[[M1]], %[[L1]], %[[TOP1]]
// LAZY:         %[[LOGIT:.*]] = arith.mulf %[[STATE]]#1, %{{.*}}
// LAZY:         %[[LOG:.*]] = math.log2 %[[STATE]]#2
// LAZY:         %[[LOGSUM:.*]] = arith.mulf %[[LOG]], %{{.*}}
// LAZY:         arith.addf %[[LOGIT]], %[[LOGSUM]]
// LAZY:         %[[LOGITS:.*]] = arith.mulf %[[STATE]]#3, %{{.*}}
// LAZY:         %[[MAX:.*]] = arith.select %{{.*}}, %{{.*}}, %[[LOGITS]]
// LAZY:         tile.store %[[MAX]], %{{.*}} {tile.label = "stats.max_logits"}

// STAGES-LABEL: func @plain
// STAGES-SAME:    rings = [<"k", depth = 3>, <"valid", depth = 3>]

!q = memref<?x128x576xbf16>
!kv = memref<?x1x576xbf16>
!indices = memref<?x1x?xi32>
!out = memref<?x128x512xbf16>
!stat = memref<?x128xf32>

// CHECK-LABEL: func @plain
// Arguments have the names of the operands.
// CHECK-SAME:    %[[Q:[^:]*]]: memref<?x128x576xbf16> {mla.dims = ["s_q", "h_q", "d_qk"], mla.name = "q"}
// CHECK-SAME:    %[[KV:[^:]*]]: memref<?x1x576xbf16> {mla.dims = ["s_kv", "h_kv", "d_qk"], mla.name = "kv"}
// CHECK-SAME:    %[[IDX:[^:]*]]: memref<?x1x?xi32> {mla.dims = ["s_q", "h_kv", "topk"], mla.name = "indices"}
// CHECK-SAME:    %[[SCALE:[^:]*]]: f32 {mla.name = "scale", mla.positive}
// CHECK-SAME:    %[[OUT:[^:]*]]: memref<?x128x512xbf16> {mla.dims = ["s_q", "h_q", "d_v"], mla.name = "out"}
// CHECK-SAME:    %[[MAX:[^:]*]]: memref<?x128xf32> {mla.dims = ["s_q", "h_q"], mla.name = "max_logits"}
// CHECK-SAME:    %[[LSE:[^:]*]]: memref<?x128xf32> {mla.dims = ["s_q", "h_q"], mla.name = "lse"}
// CHECK-SAME:    mla.operator = "sparse_prefill"
// CHECK-SAME:    mla.schedule = #mla.schedule<"shared-p"
// CHECK-NOT:     mla.sparse_prefill
// CHECK:         %[[TOKENS:.*]] = memref.dim %[[Q]]
// CHECK:         %[[ROWS:.*]] = memref.dim %[[KV]]
// CHECK:         %[[COUNT:.*]] = arith.index_cast %[[ROWS]] : index to i32
// CHECK:         %[[LOG2E:.*]] = arith.constant 1.442695{{.*}} : f32
// CHECK:         %[[BASE2:.*]] = arith.mulf %[[SCALE]], %[[LOG2E]]
// A grid point is a token and 64 of its 128 heads.
// CHECK:         scf.forall (%[[T:.*]], %[[H:.*]]) in (%[[TOKENS]], 2) {
// CHECK:           %[[HEAD:.*]] = arith.muli %[[H]], %{{.*}} : index
// CHECK:           %[[TOPK:.*]] = memref.dim %[[IDX]]
// CHECK:           %[[QT:.*]] = tile.load %[[Q]][%[[T]], %[[HEAD]], %{{.*}}] {tile.label = "q"} : {{.*}} -> tensor<64x576xbf16>
// CHECK:           %[[STATE:.*]]:3 = scf.for %[[J:.*]] = %{{.*}} to %[[TOPK]] step %{{.*}} iter_args(%[[O:.*]] = %{{.*}}, %[[M:.*]] = %{{.*}}, %[[L:.*]] = %{{.*}}) -> (tensor<64x512xf32>, tensor<64xf32>, tensor<64xf32>)
// CHECK:             %[[I:.*]] = tile.load %[[IDX]][%[[T]], %{{.*}}, %[[J]]] pad -1 : i32
// CHECK:             %[[K:.*]] = tile.gather %[[KV]][%[[I]]]{{.*}} {tile.label = "k"} : {{.*}} -> tensor<64x576xbf16>
// An unsigned comparison, so that negative indices are invalid too.
// CHECK:             %[[VALID:.*]] = arith.cmpi ult, %[[I]], %{{.*}} {tile.label = "valid"}
// CHECK:             %[[V:.*]] = tile.view %[[K]] [0, 0] : {{.*}} -> tensor<64x512xbf16>
// CHECK:             %[[S:.*]] = tile.dot %[[QT]], %[[K]] transpose_b {tile.label = "qk"}
// CHECK:             %[[B:.*]] = tile.broadcast %[[VALID]] dim 0
// CHECK:             %[[MASKED:.*]] = arith.select %[[B]], %[[S]], %{{.*}} {tile.label = "mask"}
// CHECK:             %[[P:.*]], %[[M1:.*]], %[[L1:.*]], %[[R:.*]] = tile.online_softmax %[[MASKED]], %[[M]], %[[L]] valid %[[VALID]] : tensor<64xi1> scale %[[BASE2]] {tile.label = "softmax"}
// CHECK:             %[[PB:.*]] = arith.truncf %[[P]] {tile.label = "p"}
// CHECK:             %[[RB:.*]] = tile.broadcast %[[R]] dim 1
// CHECK:             %[[RO:.*]] = arith.mulf %[[O]], %[[RB]] {tile.label = "rescale"}
// CHECK:             %[[O1:.*]] = tile.dot %[[PB]], %[[V]] acc %[[RO]] : tensor<64x512xf32> {tile.label = "pv"}
// CHECK:             scf.yield %[[O1]], %[[M1]], %[[L1]]
// The maximum of a query without valid entries is still the initial value.
// CHECK:           %[[NONE:.*]] = arith.constant dense<0xFF800000> : tensor<64xf32>
// CHECK:           %[[EMPTY:.*]] = arith.cmpf oeq, %[[STATE]]#1, %[[NONE]]
// CHECK:           math.log2 %[[STATE]]#2
// CHECK:           tile.store %{{.*}}, %[[LSE]][%[[T]], %[[HEAD]]] {tile.label = "stats.lse"}
// CHECK:           tile.store %{{.*}}, %[[MAX]][%[[T]], %[[HEAD]]] {tile.label = "stats.max_logits"}
// CHECK:           %[[INV:.*]] = arith.select %[[EMPTY]], %{{.*}}, %{{.*}} {tile.label = "inverse"}
// CHECK:           %[[IB:.*]] = tile.broadcast %[[INV]] dim 1
// CHECK:           arith.mulf %[[STATE]]#0, %[[IB]] {tile.label = "normalise"}
// CHECK:           tile.store %{{.*}}, %[[OUT]][%[[T]], %[[HEAD]], %{{.*}}] {tile.label = "out"}

// The option names the schedule and sets the tile size.
// OPTIONS-LABEL: func @plain
// OPTIONS-SAME:    mla.schedule = #mla.schedule<"split-columns"
// OPTIONS:         arith.constant 128 : index
// OPTIONS:         tile.gather {{.*}} -> tensor<128x576xbf16>
// OPTIONS:         tile.dot {{.*}} {tile.label = "qk"} : {{.*}} -> tensor<64x128xf32>
func.func @plain(%q: !q, %kv: !kv, %indices: !indices, %scale: f32,
                 %out: !out, %max: !stat, %lse: !stat) {
  mla.sparse_prefill ins(%q, %kv, %indices, %scale : !q, !kv, !indices)
      outs(%out, %max, %lse : !out, !stat, !stat)
  return
}

// topk_length, clamped to [0, topk], bounds the loop and masks its last tile.
// CHECK-LABEL: func @topk_length
// CHECK-SAME:    %[[LEN:[^:]*]]: memref<?xi32>
// CHECK:         scf.forall (%[[T:.*]], %{{.*}}) in
// CHECK:           %[[TOPK:.*]] = memref.dim
// CHECK:           %[[N:.*]] = memref.load %[[LEN]][%[[T]]]
// CHECK:           %[[N1:.*]] = arith.index_cast %[[N]]
// CHECK:           %[[N2:.*]] = arith.maxsi %[[N1]]
// CHECK:           %[[LIMIT:.*]] = arith.minsi %[[N2]], %[[TOPK]]
// CHECK:           scf.for %[[J:.*]] = %{{.*}} to %[[LIMIT]]
// CHECK:             %[[I:.*]] = tile.load {{.*}} pad -1
// CHECK:             %[[LEFT:.*]] = arith.subi %[[LIMIT]], %[[J]]
// CHECK:             %[[LEFT32:.*]] = arith.index_cast %[[LEFT]]
// CHECK:             %[[POS:.*]] = tile.iota
// CHECK:             %[[END:.*]] = tensor.splat %[[LEFT32]]
// CHECK:             %[[IN:.*]] = arith.cmpi slt, %[[POS]], %[[END]]
// CHECK:             %[[CUT:.*]] = arith.select %[[IN]], %[[I]]
// CHECK:             tile.gather %{{.*}}[%[[CUT]]]
func.func @topk_length(%q: !q, %kv: !kv, %indices: !indices, %scale: f32,
                       %length: memref<?xi32>,
                       %out: !out, %max: !stat, %lse: !stat) {
  mla.sparse_prefill ins(%q, %kv, %indices, %scale : !q, !kv, !indices)
      topk_length(%length : memref<?xi32>)
      outs(%out, %max, %lse : !out, !stat, !stat)
  return
}

// The sink is added to the sum that divides the output, after the statistics.
// CHECK-LABEL: func @attn_sink
// CHECK-SAME:    %[[SINK:[^:]*]]: memref<128xf32>
// CHECK:         {tile.label = "stats.max_logits"}
// CHECK:         %[[S:.*]] = tile.load %[[SINK]]
// CHECK:         %[[D:.*]] = arith.subf %[[S]]
// CHECK:         %[[D2:.*]] = arith.mulf %[[D]]
// CHECK:         %[[E:.*]] = math.exp2 %[[D2]]
// CHECK:         %[[TOTAL:.*]] = arith.addf %{{.*}}, %[[E]]
// CHECK:         arith.divf %{{.*}}, %[[TOTAL]]
func.func @attn_sink(%q: !q, %kv: !kv, %indices: !indices, %scale: f32,
                     %sink: memref<128xf32>,
                     %out: !out, %max: !stat, %lse: !stat) {
  mla.sparse_prefill ins(%q, %kv, %indices, %scale : !q, !kv, !indices)
      attn_sink(%sink : memref<128xf32>)
      outs(%out, %max, %lse : !out, !stat, !stat)
  return
}

// 512 columns of q and k. The number of head tiles is rounded up.
// CHECK-LABEL: func @other_sizes
// CHECK:         scf.forall (%{{.*}}, %{{.*}}) in (%{{.*}}, 2)
// CHECK:           tile.load {{.*}} {tile.label = "q"} : {{.*}} -> tensor<64x512xbf16>
// CHECK:           tile.view %{{.*}} [0, 0] : tensor<64x512xbf16> -> tensor<64x512xbf16>
func.func @other_sizes(%q: memref<?x80x512xbf16>, %kv: memref<?x1x512xbf16>,
                       %indices: !indices, %scale: f32,
                       %out: memref<?x80x512xbf16>, %max: memref<?x80xf32>,
                       %lse: memref<?x80xf32>) {
  mla.sparse_prefill
      ins(%q, %kv, %indices, %scale : memref<?x80x512xbf16>, memref<?x1x512xbf16>, !indices)
      outs(%out, %max, %lse : memref<?x80x512xbf16>, memref<?x80xf32>, memref<?x80xf32>)
  return
}

// The operator's own schedule overrides that of the option.
// CHECK-LABEL: func @own_schedule
// CHECK-SAME:    mla.schedule = #mla.schedule<"own"
func.func @own_schedule(%q: !q, %kv: !kv, %indices: !indices, %scale: f32,
                        %out: !out, %max: !stat, %lse: !stat) {
  mla.sparse_prefill ins(%q, %kv, %indices, %scale : !q, !kv, !indices)
      outs(%out, %max, %lse : !out, !stat, !stat)
      {schedule = #mla.schedule<"own", roles = [<"all", warps = 4, registers = 240>],
                                table = [<"q" in ["all"]>]>}
  return
}

// Operands that a launch may omit have size 0 then: a missing topk_length bounds
// nothing, and a missing sink has no weight. A size that only the omitted operand
// would give is needed at launch.
// CHECK-LABEL: func @optional
// CHECK-SAME:    %[[LEN:[^:]*]]: memref<?xi32> {mla.dims = [4 : index], mla.name = "topk_length", mla.optional}
// CHECK-SAME:    %[[SINK:[^:]*]]: memref<?xf32> {mla.dims = [128 : index], mla.name = "attn_sink", mla.optional}
// CHECK-NOT:     mla.options
// CHECK:         scf.forall (%[[T:.*]], %{{.*}}) in
// CHECK:           %[[SIZE:.*]] = memref.dim %[[LEN]]
// CHECK:           %[[GIVEN:.*]] = arith.cmpi ult, %[[T]], %[[SIZE]] : index
// CHECK:           %[[N:.*]] = scf.if %[[GIVEN]] -> (i32) {
// CHECK:             %[[LOADED:.*]] = memref.load %[[LEN]][%[[T]]]
// CHECK:             scf.yield %[[LOADED]]
// CHECK:           } else {
// CHECK:             %[[ALL:.*]] = arith.constant 2147483647 : i32
// CHECK:             scf.yield %[[ALL]]
// CHECK:           arith.index_cast %[[N]]
// CHECK:           tile.load %[[SINK]][%{{.*}}] pad 0xFF800000 : f32 :
func.func @optional(%q: memref<4x128x576xbf16>, %kv: !kv, %indices: memref<4x1x?xi32>, %scale: f32,
                    %length: memref<?xi32>, %sink: memref<?xf32>,
                    %out: memref<4x128x512xbf16>, %max: memref<4x128xf32>, %lse: memref<4x128xf32>) {
  mla.sparse_prefill ins(%q, %kv, %indices, %scale : memref<4x128x576xbf16>, !kv, memref<4x1x?xi32>)
      topk_length(%length : memref<?xi32>) attn_sink(%sink : memref<?xf32>)
      outs(%out, %max, %lse : memref<4x128x512xbf16>, memref<4x128xf32>, memref<4x128xf32>)
      {topk_length_optional, attn_sink_optional}
  return
}

// lse in base 2; max_logits is unchanged.
// CHECK-LABEL: func @lse
// CHECK-SAME:    mla.options = {empty_lse = "-inf", lse_base = "2"}
// CHECK:         %[[STATE:.*]]:3 = scf.for
// CHECK:         %[[EMPTY:.*]] = arith.cmpf oeq, %[[STATE]]#1
// CHECK:         %[[LOGIT:.*]] = arith.mulf %[[STATE]]#1
// CHECK:         %[[LOG:.*]] = math.log2 %[[STATE]]#2
// CHECK:         %[[LOG2E:.*]] = arith.constant dense<1.442695{{.*}}> : tensor<64xf32>
// CHECK:         %[[BASE2:.*]] = arith.mulf %[[LOGIT]], %[[LOG2E]]
// CHECK:         %[[LSE:.*]] = arith.addf %[[BASE2]], %[[LOG]]
// CHECK:         %[[NONE:.*]] = arith.constant dense<0xFF800000> : tensor<64xf32>
// CHECK:         %[[RESULT:.*]] = arith.select %[[EMPTY]], %[[NONE]], %[[LSE]]
// CHECK:         tile.store %[[RESULT]], {{.*}} {tile.label = "stats.lse"}
func.func @lse(%q: !q, %kv: !kv, %indices: !indices, %scale: f32,
               %out: !out, %max: !stat, %lse: !stat) {
  mla.sparse_prefill ins(%q, %kv, %indices, %scale : !q, !kv, !indices)
      outs(%out, %max, %lse : !out, !stat, !stat)
      {lse_base = "2", empty_lse = "-inf"}
  return
}

// A function without an operator is unchanged.
// CHECK-LABEL: func @nothing(
// CHECK-NEXT:    return
func.func @nothing() { return }
