#!/usr/bin/env bash
# Compiles FlashMLA's sparse prefill for sm_90a as a peer of `bench`
# (include/mla/Harness/Peer.h), from a checkout of FlashMLA with its submodule
# csrc/cutlass. Needs nvcc of CUDA 12.3 or newer and no PyTorch; the library
# needs the driver alone. Takes some minutes.
set -euo pipefail

usage() {
  echo "usage: build.sh FLASHMLA -o FILE.so [-j JOBS] [--commit NAME]" >&2
  echo "FLASHMLA: a checkout of https://github.com/deepseek-ai/FlashMLA," >&2
  echo "with its submodule csrc/cutlass; nvcc: \$NVCC, or of PATH" >&2
  exit 2
}
die() {
  printf 'error: %s\n' "$*" >&2
  exit 1
}

flashmla='' output='' jobs=1 commit=''
while (($#)); do
  case $1 in
    -o) output=${2:-} && shift ;;
    -j) jobs=${2:-} && shift ;;
    --commit) commit=${2:-} && shift ;;
    -*) usage ;;
    *) [[ -z $flashmla ]] && flashmla=$1 || usage ;;
  esac
  shift || usage
done
[[ -n $flashmla && -n $output ]] || usage
[[ $jobs =~ ^[1-9][0-9]*$ ]] || die "expected -j N with N >= 1, got '$jobs'"

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
nvcc=${NVCC:-nvcc}
sparse=$flashmla/csrc/sm90/prefill/sparse
command -v "$nvcc" >/dev/null || die "no nvcc: set NVCC to its path"
[[ -e $sparse/fwd.cu ]] || die "'$flashmla': expected FlashMLA, with csrc/sm90/prefill/sparse/fwd.cu"
[[ -e $flashmla/csrc/cutlass/include/cute/tensor.hpp ]] ||
  die "'$flashmla': csrc/cutlass is empty: git submodule update --init csrc/cutlass"
# The commit is part of the peer's name, because figures differ between commits.
[[ -n $commit ]] || commit=$(git -C "$flashmla" rev-parse --short=7 HEAD) ||
  die "'$flashmla': is no git checkout; give its version with --commit"

objects=$(mktemp -d)
trap 'rm -rf "$objects"' EXIT

# The options of FlashMLA's setup.py, without those for torch and debugging.
flags=(
  -O3 -std=c++20 -DNDEBUG -D_USE_MATH_DEFINES --expt-relaxed-constexpr
  --expt-extended-lambda --use_fast_math -Wno-deprecated-declarations
  --ptxas-options=--register-usage-level=10
  -gencode arch=compute_90a,code=sm_90a
  -Xcompiler=-fPIC,-fvisibility=hidden
  "-I$flashmla/csrc" "-I$flashmla/csrc/kerutils/include"
  "-I$flashmla/csrc/sm90" "-I$flashmla/csrc/cutlass/include"
  "-I$flashmla/csrc/cutlass/tools/util/include")

compile() {
  echo "compiling $1" >&2
  "$nvcc" "${flags[@]}" "${@:2}" -c "$1" \
    -o "$objects/$(basename "${1%.*}").o"
}

running=0
for source in "$sparse"/fwd.cu "$sparse"/instantiations/*.cu; do
  if ((running >= jobs)); then
    wait -n
    running=$((running - 1))
  fi
  compile "$source" &
  running=$((running + 1))
done
while ((running > 0)); do
  wait -n
  running=$((running - 1))
done
# As CUDA: FlashMLA's headers are.
compile "$here/FlashMLAPeer.cpp" -x cu "-I$here/../../../include" \
  "-DFLASHMLA_COMMIT=\"$commit\""

# The runtimes of CUDA and C++ are linked statically and hidden, so that the library
# needs the driver alone.
printf '{ global: mlaPeer*; local: *; };\n' >"$objects/exports"
mkdir -p "$(dirname "$output")"
"$nvcc" -shared -cudart static -gencode arch=compute_90a,code=sm_90a \
  -Xcompiler=-static-libstdc++,-static-libgcc \
  "-Xlinker=--version-script=$objects/exports,-z,defs,--strip-all,--gc-sections" \
  "$objects"/*.o -o "$objects/peer.so"
mv "$objects/peer.so" "$output"
echo "$output: FlashMLA $commit" >&2
