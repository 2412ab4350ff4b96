#!/usr/bin/env bash
# Compiles FlashAttention-3's forward kernels for head dimensions 192 and 128 and
# sm_90a as a peer of `bench` (include/mla/Harness/Peer.h), from a checkout of
# flash-attention with its submodule csrc/cutlass. Needs nvcc of CUDA 12.3 or newer
# and no PyTorch; the library needs the driver alone. Takes some minutes.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$here/../build.bash"

usage() {
  echo "usage: build.sh FLASHATTENTION -o FILE.so [-j JOBS] [--commit NAME]" >&2
  echo "FLASHATTENTION: a checkout of https://github.com/Dao-AILab/flash-attention," >&2
  echo "with its submodule csrc/cutlass; nvcc: \$NVCC, or of PATH" >&2
  exit 2
}

read_command_line FlashAttention "$@"
hopper=$checkout/hopper
kernel=$hopper/instantiations/flash_fwd_hdim192_128
[[ -e ${kernel}_bf16_sm90.cu ]] ||
  die "'$checkout': expected flash-attention, with hopper/instantiations/$(basename "$kernel")_bf16_sm90.cu"
expect_cutlass

objects=$(mktemp -d)
trap 'rm -rf "$objects"' EXIT

# The options of hopper/setup.py and of torch's extensions, without those for debugging;
# its switches leave out kernels that the peer does not launch.
flags=(
  -O3 -std=c++17 -DNDEBUG --use_fast_math --expt-relaxed-constexpr
  -DCUTE_SM90_EXTENDED_MMA_SHAPES_ENABLED -DCUTLASS_ENABLE_GDC_FOR_SM90
  -DCUTLASS_DEBUG_TRACE_LEVEL=0
  -D__CUDA_NO_HALF_OPERATORS__ -D__CUDA_NO_HALF_CONVERSIONS__
  -D__CUDA_NO_BFLOAT16_CONVERSIONS__ -D__CUDA_NO_HALF2_OPERATORS__
  -DFLASHATTENTION_DISABLE_BACKWARD -DFLASHATTENTION_DISABLE_PAGEDKV
  -DFLASHATTENTION_DISABLE_SPLIT -DFLASHATTENTION_DISABLE_APPENDKV
  -DFLASHATTENTION_DISABLE_LOCAL -DFLASHATTENTION_DISABLE_SOFTCAP
  -DFLASHATTENTION_DISABLE_FP8 -DFLASHATTENTION_DISABLE_SM8x
  -gencode arch=compute_90a,code=sm_90a
  -Xcompiler=-fPIC,-fvisibility=hidden
  "-I$hopper" "-I$checkout/csrc/cutlass/include")

compile_all "$hopper/flash_prepare_scheduler.cu" "${kernel}"_{bf16,fp16}{,_packgqa}_sm90.cu
# As CUDA: FlashAttention's headers are.
compile "$here/FlashAttentionPeer.cpp" -x cu "-I$here/../../../include" \
  "-DFLASHATTENTION_COMMIT=\"$commit\""
link_peer
echo "$output: FlashAttention-3 $commit" >&2
