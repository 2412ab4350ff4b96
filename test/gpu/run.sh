#!/usr/bin/env bash
# Runs on a machine with a GPU what pack.py has packed into the folder $1. The
# part that needs torch is skipped where there is none.
set -euo pipefail
pack=$(cd "$1" && pwd)
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
export LD_LIBRARY_PATH=$pack${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
export MLA_LIBRARY=$pack/libmla-runtime.so.1 MLA_PACKAGES=$pack/packages
export PYTHONPATH=$PWD/python PYTHONDONTWRITEBYTECODE=1

"$pack/runtime" "$pack/packages/h128-d576" | tee "$pack/runtime.log"
grep -q 'out 0x3f80 .* lse 4.85203' "$pack/runtime.log"
"$pack/runtime-cpp" "$pack/packages/h128-d576" | tee "$pack/runtime.log"
grep -q 'lse 4.85203' "$pack/runtime.log"
python3 python/tests/test_gpu.py -v
python3 python/tests/test_torch.py -v
