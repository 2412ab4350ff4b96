#!/usr/bin/env bash
# Compiles FlashMLA's sparse prefill for sm_90a as a peer of `bench`
# (include/mla/Harness/Peer.h), from a checkout of FlashMLA with its submodule
# csrc/cutlass. Needs nvcc of CUDA 12.3 or newer and no PyTorch; the library
# needs the driver alone. Takes some minutes.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$here/../build.bash"

usage() {
  echo "usage: build.sh FLASHMLA -o FILE.so [-j JOBS] [--commit NAME]" >&2
  echo "FLASHMLA: a checkout of https://github.com/deepseek-ai/FlashMLA," >&2
  echo "with its submodule csrc/cutlass; nvcc: \$NVCC, or of PATH" >&2
  exit 2
}

read_command_line FlashMLA "$@"
sparse=$checkout/csrc/sm90/prefill/sparse
[[ -e $sparse/fwd.cu ]] || die "'$checkout': expected FlashMLA, with csrc/sm90/prefill/sparse/fwd.cu"
expect_cutlass

objects=$(mktemp -d)
trap 'rm -rf "$objects"' EXIT

# The options of FlashMLA's setup.py, without those for torch and debugging.
flags=(
  -O3 -std=c++20 -DNDEBUG -D_USE_MATH_DEFINES --expt-relaxed-constexpr
  --expt-extended-lambda --use_fast_math -Wno-deprecated-declarations
  --ptxas-options=--register-usage-level=10
  -gencode arch=compute_90a,code=sm_90a
  -Xcompiler=-fPIC,-fvisibility=hidden
  "-I$checkout/csrc" "-I$checkout/csrc/kerutils/include"
  "-I$checkout/csrc/sm90" "-I$checkout/csrc/cutlass/include"
  "-I$checkout/csrc/cutlass/tools/util/include")

compile_all "$sparse"/fwd.cu "$sparse"/instantiations/*.cu
# As CUDA: FlashMLA's headers are.
compile "$here/FlashMLAPeer.cpp" -x cu "-I$here/../../../include" \
  "-DFLASHMLA_COMMIT=\"$commit\""
link_peer
echo "$output: FlashMLA $commit" >&2
