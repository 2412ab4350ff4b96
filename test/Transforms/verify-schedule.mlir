// mla-verify-schedule accepts the schedules that ship for every variant of the operator,
// and a program that was folded behind it is not checked again.
// DEFINE: %{rewrite} = --mla-pair-tiles --mla-split-width --mla-split-tail --mla-persist --mla-decompose-softmax \
// DEFINE:   --mla-split-sums --mla-defer-sums --mla-swap-operands --mla-verify-schedule
// RUN: %python %S/Inputs/variants.py > %t.mlir
// RUN: %mla-opt %t.mlir --mla-choose-schedule=schedule=seesaw --mla-tile %{rewrite} --canonicalize --cse --mla-schedule | FileCheck %s
// RUN: %mla-opt %t.mlir --mla-choose-schedule=schedule=shared-p --mla-tile %{rewrite} --canonicalize --cse --mla-schedule | FileCheck %s
// RUN: %mla-opt %t.mlir --mla-choose-schedule=schedule=split-columns --mla-tile %{rewrite} --canonicalize --cse --mla-schedule | FileCheck %s
// RUN: %mla-opt %t.mlir --mla-choose-schedule=schedule=swapped --mla-tile %{rewrite} --canonicalize --cse --mla-schedule | FileCheck %s
// CHECK-COUNT-224: mla.schedule_verified

// The whole pipeline takes what folds most, at any stage of it.
// RUN: grep -A5 "func @h64_d512_topk1_False_True" %t.mlir > %t.fold.mlir
// RUN: %mla-opt %t.fold.mlir --mla-choose-schedule=schedule=seesaw --mla-tile %{rewrite} --canonicalize --cse -o %t.folded.mlir
// RUN: not grep '"top.0"}' %t.folded.mlir
// RUN: %mla-opt %t.folded.mlir --mla-cta-pipeline | FileCheck %s --check-prefix=FOLDED
// FOLDED: cta.verified
