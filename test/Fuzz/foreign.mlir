// Ops that mla-fuzz-foreign inserts where no pass expects them: the dialects that
// the tools register, beside those of the project, whose ops come from the tests of
// the dialects. A value of an op's operand type that is in scope takes the place of
// the operand, so types are those that programs of the project have.

func.func private @elsewhere(memref<?xf32>) -> f32

func.func @calls(%m: memref<?xf32>) {
  func.call @self() : () -> ()
  %x = func.call @elsewhere(%m) : (memref<?xf32>) -> f32
  %f = func.constant @elsewhere : (memref<?xf32>) -> f32
  %y = func.call_indirect %f(%m) : (memref<?xf32>) -> f32
  return
}

func.func @self() {
  return
}

// -----

memref.global "private" @table : memref<4xf32> = dense<0.0>

func.func @memory(%m: memref<?xf32>, %out: memref<?x128x512xbf16, strided<[?, ?, 1]>>,
    %lse: memref<?x128xf32, strided<[?, 1]>>, %kv: memref<?x1x576xbf16, strided<[?, ?, 1]>>,
    %d: memref<64xf32>, %i: index, %x: f32, %b: bf16, %n: i32) {
  memref.store %x, %m[%i] : memref<?xf32>
  memref.store %b, %out[%i, %i, %i] : memref<?x128x512xbf16, strided<[?, ?, 1]>>
  memref.store %x, %lse[%i, %i] : memref<?x128xf32, strided<[?, 1]>>
  memref.copy %out, %out : memref<?x128x512xbf16, strided<[?, ?, 1]>> to memref<?x128x512xbf16, strided<[?, ?, 1]>>
  memref.copy %m, %m : memref<?xf32> to memref<?xf32>
  memref.dealloc %out : memref<?x128x512xbf16, strided<[?, ?, 1]>>
  memref.dealloc %lse : memref<?x128xf32, strided<[?, 1]>>
  memref.dealloc %m : memref<?xf32>
  %old = memref.atomic_rmw addf %x, %lse[%i, %i] : (f32, memref<?x128xf32, strided<[?, 1]>>) -> f32
  %old1 = memref.atomic_rmw addf %x, %m[%i] : (f32, memref<?xf32>) -> f32
  %old2 = memref.generic_atomic_rmw %m[%i] : memref<?xf32> {
  ^bb0(%current: f32):
    memref.atomic_yield %x : f32
  }
  %new = memref.alloc() : memref<64xf32>
  %dynamic = memref.alloc(%i) : memref<?xf32>
  %stack = memref.alloca() : memref<64xf32>
  memref.alloca_scope {
    memref.alloca_scope.return
  }
  memref.assume_alignment %m, 16 : memref<?xf32>
  %cast = memref.cast %d : memref<64xf32> to memref<?xf32>
  %collapsed = memref.collapse_shape %kv [[0, 1], [2]] : memref<?x1x576xbf16, strided<[?, ?, 1]>> into memref<?x576xbf16, strided<[?, 1]>>
  %size = memref.dim %out, %i : memref<?x128x512xbf16, strided<[?, ?, 1]>>
  %pointer = memref.extract_aligned_pointer_as_index %out : memref<?x128x512xbf16, strided<[?, ?, 1]>> -> index
  %base, %offset, %length, %stride = memref.extract_strided_metadata %m : memref<?xf32> -> memref<f32>, index, index, index
  %global = memref.get_global @table : memref<4xf32>
  %element = memref.load %m[%i] : memref<?xf32>
  %wide = memref.load %out[%i, %i, %i] : memref<?x128x512xbf16, strided<[?, ?, 1]>>
  memref.prefetch %m[%i], read, locality<3>, data : memref<?xf32>
  %rank = memref.rank %m : memref<?xf32>
  %again = memref.reinterpret_cast %m to offset: [0], sizes: [%i], strides: [1] : memref<?xf32> to memref<?xf32, strided<[1]>>
  %part = memref.subview %m[%i] [4] [1] : memref<?xf32> to memref<4xf32, strided<[1], offset: ?>>
  %same = memref.memory_space_cast %m : memref<?xf32> to memref<?xf32, 1>
  %bytes = memref.alloc() : memref<1024xi8>
  %seen = memref.view %bytes[%i][] : memref<1024xi8> to memref<64xf32>
  return
}

// -----

func.func @arithmetic(%i: index, %n: i32, %w: i64, %x: f32, %c: i1, %t: tensor<64xf32>,
    %s: tensor<64x64xf32>, %v: tensor<64xi32>, %h: bf16,
    %m: memref<?xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1.0 : f32
  %c2 = arith.constant dense<1.0> : tensor<64xf32>
  %c3 = arith.constant dense<[0, 1, 2, 3]> : tensor<4xi32>
  %c4 = arith.constant 3 : i128
  %c5 = arith.constant 1.0 : f80
  %c6 = arith.constant dense<1.0> : vector<4xf32>
  %0 = arith.addi %n, %n : i32
  %1 = arith.addi %i, %i : index
  %2 = arith.addf %x, %x : f32
  %3 = arith.addf %t, %t : tensor<64xf32>
  %4 = arith.addf %s, %s : tensor<64x64xf32>
  %5:2 = arith.addui_extended %n, %n : i32, i1
  %6:2 = arith.mulsi_extended %n, %n : i32
  %7:2 = arith.mului_extended %n, %n : i32
  %8 = arith.bitcast %x : f32 to i32
  %9 = arith.ceildivsi %n, %n : i32
  %10 = arith.ceildivui %i, %i : index
  %11 = arith.floordivsi %n, %n : i32
  %12 = arith.divsi %n, %n : i32
  %13 = arith.divui %w, %w : i64
  %14 = arith.remsi %n, %n : i32
  %15 = arith.remf %x, %x : f32
  %16 = arith.extf %x : f32 to f64
  %17 = arith.extsi %n : i32 to i64
  %18 = arith.fptosi %x : f32 to i32
  %19 = arith.fptoui %x : f32 to i8
  %20 = arith.sitofp %n : i32 to f32
  %21 = arith.index_cast %n : i32 to index
  %22 = arith.index_castui %i : index to i64
  %23 = arith.maximumf %x, %x : f32
  %24 = arith.minnumf %t, %t : tensor<64xf32>
  %25 = arith.maxsi %n, %n : i32
  %26 = arith.select %c, %t, %t : tensor<64xf32>
  %41 = arith.select %c, %m, %m : memref<?xf32>
  %27 = arith.select %c, %n, %n : i32
  %28 = arith.shli %n, %n : i32
  %29 = arith.shrui %n, %n : i32
  %30 = arith.truncf %x : f32 to bf16
  %31 = arith.truncf %x : f32 to f8E4M3FN
  %32 = arith.trunci %w : i64 to i1
  %33 = arith.uitofp %n : i32 to f16
  %34 = arith.cmpi slt, %n, %n : i32
  %35 = arith.cmpi ult, %v, %v : tensor<64xi32>
  %36 = arith.cmpf ueq, %x, %x : f32
  %37 = arith.negf %t : tensor<64xf32>
  %38 = arith.scaling_extf %h, %h : bf16, bf16 to f32
  %39 = arith.addi %c4, %c4 : i128
  %40 = arith.addf %c6, %c6 : vector<4xf32>
  return
}

// -----

func.func @mathematics(%n: i32, %x: f32, %t: tensor<64xf32>, %d: f64) {
  %0 = math.exp %x : f32
  %1 = math.exp2 %t : tensor<64xf32>
  %2 = math.log2 %x : f32
  %3 = math.tanh %t : tensor<64xf32>
  %4 = math.sin %x : f32
  %5 = math.cos %t : tensor<64xf32>
  %6 = math.sqrt %x : f32
  %7 = math.rsqrt %t : tensor<64xf32>
  %8 = math.erf %x : f32
  %9 = math.powf %x, %x : f32
  %10 = math.ipowi %n, %n : i32
  %11 = math.fpowi %x, %n : f32, i32
  %12 = math.fma %x, %x, %x : f32
  %13 = math.ctlz %n : i32
  %14 = math.ctpop %n : i32
  %15 = math.absi %n : i32
  %16 = math.absf %t : tensor<64xf32>
  %17 = math.floor %x : f32
  %18 = math.round %x : f32
  %19 = math.isnan %x : f32
  %20 = math.log1p %x : f32
  %21 = math.atan2 %x, %x : f32
  %22 = math.copysign %x, %x : f32
  %23, %24 = math.sincos %x : f32
  %25 = math.exp %d : f64
  return
}

// -----

func.func @tensors(%i: index, %x: f32, %t: tensor<64xf32>, %s: tensor<64x64xf32>) {
  %0 = tensor.splat %x : tensor<64xf32>
  %1 = tensor.splat %x : tensor<64x64xf32>
  %2 = tensor.empty() : tensor<64xf32>
  %3 = tensor.empty(%i) : tensor<?xf32>
  %4 = tensor.extract %t[%i] : tensor<64xf32>
  %5 = tensor.insert %x into %t[%i] : tensor<64xf32>
  %6 = tensor.extract_slice %s[0, 0] [32, 64] [1, 1] : tensor<64x64xf32> to tensor<32x64xf32>
  %7 = tensor.insert_slice %t into %s[%i, 0] [1, 64] [1, 1] : tensor<64xf32> into tensor<64x64xf32>
  %8 = tensor.cast %t : tensor<64xf32> to tensor<?xf32>
  %9 = tensor.collapse_shape %s [[0, 1]] : tensor<64x64xf32> into tensor<4096xf32>
  %10 = tensor.expand_shape %t [[0, 1]] output_shape [8, 8] : tensor<64xf32> into tensor<8x8xf32>
  %11 = tensor.concat dim(0) %t, %t : (tensor<64xf32>, tensor<64xf32>) -> tensor<128xf32>
  %12 = tensor.dim %t, %i : tensor<64xf32>
  %13 = tensor.from_elements %x, %x : tensor<2xf32>
  %14 = tensor.generate {
  ^bb0(%a: index):
    tensor.yield %x : f32
  } : tensor<64xf32>
  %15 = tensor.pad %t low[1] high[1] {
  ^bb0(%a: index):
    tensor.yield %x : f32
  } : tensor<64xf32> to tensor<66xf32>
  %16 = tensor.rank %t : tensor<64xf32>
  %17 = tensor.bitcast %t : tensor<64xf32> to tensor<64xi32>
  return
}

// -----

func.func @vectors(%i: index, %x: f32, %m: memref<?xf32>, %v: vector<4xf32>, %c: vector<4xi1>) {
  %0 = vector.broadcast %x : f32 to vector<4xf32>
  %1 = vector.load %m[%i] : memref<?xf32>, vector<4xf32>
  vector.store %v, %m[%i] : memref<?xf32>, vector<4xf32>
  %2 = vector.transfer_read %m[%i], %x : memref<?xf32>, vector<4xf32>
  vector.transfer_write %v, %m[%i] : vector<4xf32>, memref<?xf32>
  %3 = vector.reduction <add>, %v : vector<4xf32> into f32
  %4 = vector.extract %v[0] : f32 from vector<4xf32>
  %5 = vector.fma %v, %v, %v : vector<4xf32>
  %6 = vector.shuffle %v, %v [0, 1] : vector<4xf32>, vector<4xf32>
  %7 = vector.create_mask %i : vector<4xi1>
  vector.maskedstore %m[%i], %c, %v : memref<?xf32>, vector<4xi1>, vector<4xf32>
  %8 = vector.step : vector<4xindex>
  vector.print %x : f32
  return
}

// -----

func.func @control(%i: index, %n: i32, %x: f32, %c: i1, %m: memref<?xf32>) {
  scf.for %j = %i to %i step %i {
  }
  %sum = scf.for %j = %i to %i step %i iter_args(%a = %x) -> f32 {
    scf.yield %a : f32
  }
  scf.for %j = %i to %i step %i {
    memref.store %x, %m[%j] : memref<?xf32>
  }
  scf.if %c {
  }
  %y = scf.if %c -> f32 {
    scf.yield %x : f32
  } else {
    scf.yield %x : f32
  }
  scf.if %c {
    memref.store %x, %m[%i] : memref<?xf32>
  }
  scf.while : () -> () {
    scf.condition(%c)
  } do {
    scf.yield
  }
  %z = scf.while (%a = %n) : (i32) -> i32 {
    scf.condition(%c) %a : i32
  } do {
  ^bb0(%a: i32):
    scf.yield %a : i32
  }
  scf.forall (%j) in (2) {
  }
  scf.forall (%j) in (%i) {
    memref.store %x, %m[%j] : memref<?xf32>
  }
  scf.parallel (%j) = (%i) to (%i) step (%i) {
    scf.reduce
  }
  scf.execute_region {
    scf.yield
  }
  scf.execute_region {
    cf.br ^bb1
  ^bb1:
    scf.yield
  }
  scf.index_switch %i
  case 0 {
    scf.yield
  }
  default {
    scf.yield
  }
  cf.assert %c, "no"
  return
}

// -----

llvm.func @outside(!llvm.ptr)
llvm.mlir.global internal @bytes(0 : i32) : i32

llvm.func @machine(%p: !llvm.ptr, %s: !llvm.ptr<3>, %n: i32, %x: f32, %c: i1, %w: i64) {
  %0 = llvm.mlir.constant(1 : i32) : i32
  %1 = llvm.mlir.addressof @bytes : !llvm.ptr
  %2 = llvm.mlir.zero : !llvm.ptr
  %3 = llvm.alloca %n x f32 : (i32) -> !llvm.ptr
  llvm.store %x, %2 : f32, !llvm.ptr
  %4 = llvm.load %2 : !llvm.ptr -> f32
  %5 = llvm.add %n, %n : i32
  %6 = llvm.inttoptr %w : i64 to !llvm.ptr
  llvm.call @outside(%2) : (!llvm.ptr) -> ()
  %7 = llvm.atomicrmw add %2, %n monotonic : !llvm.ptr, i32
  llvm.fence seq_cst
  llvm.inline_asm has_side_effects "trap;", "" : () -> ()
  %8 = llvm.mlir.poison : f32
  %9 = llvm.mlir.undef : vector<4xf32>
  "llvm.intr.trap"() : () -> ()
  %10 = llvm.fadd %x, %x : f32
  %11 = llvm.icmp "slt" %n, %n : i32
  %12 = llvm.select %c, %n, %n : i1, i32
  %13 = llvm.intr.stacksave : !llvm.ptr
  llvm.return
}

llvm.func @gpu(%n: i32, %c: i1, %x: f32) {
  %0 = nvvm.read.ptx.sreg.tid.x : i32
  %1 = nvvm.read.ptx.sreg.ctaid.x : i32
  nvvm.barrier0
  nvvm.bar.warp.sync %n : i32
  nvvm.cluster.arrive
  nvvm.cluster.wait
  nvvm.cp.async.commit.group
  nvvm.cp.async.wait.group 0
  nvvm.fence.mbarrier.init
  nvvm.fence.proxy {kind = #nvvm.proxy_kind<async.shared>, space = #nvvm.shared_space<cta>}
  nvvm.setmaxregister increase 232
  %2 = nvvm.shfl.sync idx %n, %n, %n, %n : i32 -> i32
  %3 = nvvm.elect.sync -> i1
  nvvm.wgmma.fence.aligned
  nvvm.wgmma.commit.group.sync.aligned
  nvvm.wgmma.wait.group.sync.aligned 0
  nvvm.griddepcontrol wait
  nvvm.exit
  llvm.return
}

// -----

module {
}
func.func @other(%m: memref<?xf32>) {
  return
}
func.func private @declared(i32)
func.func @blocks(%c: i1) {
  cf.cond_br %c, ^bb1, ^bb2
^bb1:
  cf.br ^bb2
^bb2:
  return
}
