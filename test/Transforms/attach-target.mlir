// RUN: mla-opt %s --mla-attach-target | FileCheck %s --check-prefixes=CHECK,DEFAULT
// RUN: mla-opt %s --mla-attach-target=target=sm_80 | FileCheck %s --check-prefixes=CHECK,SM80
// A function keeps its target:
// RUN: mla-opt %s --mla-attach-target=target=sm_80 --mla-attach-target=target=sm_80 | FileCheck %s --check-prefixes=CHECK,SM80

// CHECK-LABEL: func.func @f
// DEFAULT-SAME:  attributes {mla.target = "sm_90a"}
// SM80-SAME:     attributes {mla.target = "sm_80"}
func.func @f() {
  return
}
