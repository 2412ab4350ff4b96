#!/usr/bin/env bash
# Runs on a machine with a GPU what pack.py has packed into the folder $1. The
# parts that need torch are skipped where there is none.
set -euo pipefail
pack=$(cd "$1" && pwd)
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
export LD_LIBRARY_PATH=$pack${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
export PYTHONDONTWRITEBYTECODE=1 MLA_CACHE_DIR=$pack/cache

# expect TEXT COMMAND...
expect() {
  local text=$1
  shift
  "$@" | tee "$pack/output.log"
  grep -q -- "$text" "$pack/output.log"
}

echo "== packages, by the runtime alone"
expect 'out 0x3f80 .* lse 4.85203' "$pack/runtime" "$pack/packages/h128-d576"
expect 'lse 4.85203' "$pack/runtime-cpp" "$pack/packages/h128-d576"
expect '3 steps: lse 4.62497' "$pack/serving" "$pack/packages/decode-h16"
packaged=(MLA_LIBRARY="$pack/libmla-runtime.so.1" MLA_PACKAGES="$pack/packages"
  PYTHONPATH="$PWD/python")
env "${packaged[@]}" python3 python/tests/test_gpu.py -v
env "${packaged[@]}" python3 python/tests/test_torch.py -v

[[ -x $pack/mla-jit ]] || exit 0
wheel=(-u MLA_LIBRARY -u MLA_PACKAGES PYTHONPATH="$pack/site")
unset CUDA_HOME CUDA_PATH MLA_PTXAS
while ptxas=$(command -v ptxas); do
  PATH=$(tr : '\n' <<<"$PATH" | grep -vxF "${ptxas%/ptxas}" | paste -sd :)
done

echo "== the compiler, with the driver's linker"
"$pack/mla-jit" info
expect 'from memory' "$pack/jit" "$pack/written"
env "${wheel[@]}" python3 python/tests/test_gpu.py -v
env "${wheel[@]}" python3 python/tests/test_torch.py -v

echo "== the compiler, with ptxas"
export MLA_PTXAS=$pack/ptxas
expect 'from memory' "$pack/jit"
expect 'from disk' "$pack/jit"
env "${wheel[@]}" python3 python/tests/test_torch.py -v
env "${wheel[@]}" MLA_TEST_JIT="$pack/mla-jit" \
  python3 python/tests/test_torch_combine.py -v
env "${wheel[@]}" python3 python/tests/test_torch_decode.py -v
env "${wheel[@]}" python3 python/tests/test_torch_prefill.py -v
env "${wheel[@]}" python3 python/tests/test_torch_gradients.py -v
env "${wheel[@]}" python3 python/tests/test_torch_gradients_peers.py -v
env "${wheel[@]}" python3 python/tests/test_training.py -v
PYTHONPATH=$pack/lit python3 -c 'import lit.main; lit.main.main()' -v --filter=gpu "$pack"
