#!/usr/bin/env bash
# Fuzzes for longer than ctest does; finds are minimised and kept.
set -euo pipefail

usage() {
  cat <<END
usage: run.sh [--build DIR] [--out DIR] [--seconds N] [--jobs J] [TARGET...]
       run.sh --check [--build DIR] [--out DIR] [--seconds N] TARGET

  --build DIR    where the targets are built (build-fuzz, else build)
  --out DIR      corpus and finds, kept from run to run (DIR of --build/fuzz)
  --seconds N    for each target (60)
  --jobs J       processes at once (1)
  --check        what ctest runs: the inputs to start from, with past finds among
                 them, then new ones from a fixed seed; stops at a find
  TARGET         opt, package, npy, tuning, cache or foreign; all by default

Exits with 1 if an input crashed, hung for 20 seconds or took 2 GiB. Such inputs
are in OUT/finds/TARGET, with what was reported beside each, smaller ones in
OUT/finds/TARGET/small; of several that report the same, one is listed. To see
one again: DIR/bin/mla-fuzz-TARGET INPUT
END
}

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
build=$root/build-fuzz
[[ -x $build/bin/mla-fuzz-opt ]] || build=$root/build
out= seconds=60 jobs=1 check=0 targets=()
while (($#)); do
  case $1 in
    --build) build=$(realpath "$2") && shift ;;
    --out) out=$2 && shift ;;
    --seconds) seconds=$2 && shift ;;
    --jobs) jobs=$2 && shift ;;
    --check) check=1 ;;
    -h | --help) usage && exit ;;
    -*) usage >&2 && exit 2 ;;
    *) targets+=("$1") ;;
  esac
  shift
done
((${#targets[@]})) || targets=(opt package npy tuning cache foreign)
out=${out:-$build/fuzz}
jit=$build/bin/mla-jit
[[ -x $jit ]] || jit=$root/build/bin/mla-jit

here=$root/test/Fuzz
limits=(-timeout=20 -rss_limit_mb=2048)
# Memory that is freed and used again shows.
export MALLOC_PERTURB_=165
export UBSAN_OPTIONS=print_stacktrace=1

mkdir -p "$out"
[[ -d $out/seeds ]] || "$here/corpus.py" --jit "$jit" "$out/seeds"

# Sets `command`.
prepare() {
  local target=$1
  command=("$build/bin/mla-fuzz-$target" "${limits[@]}" -max_len=262144 -len_control=0)
  [[ ! -e $here/$target.dict ]] || command+=(-dict="$here/$target.dict")
  # Without coverage no input is interesting, and none would be mutated.
  [[ $target != opt ]] || command+=(-keep_seed=1)
}

# Inserts ops where no pass expects them; of --check and of the long run alike.
foreign() {
  local binary=$build/bin/mla-fuzz-foreign
  [[ -x $binary ]] || binary=$root/build/bin/mla-fuzz-foreign
  "$binary" --programs "$out/seeds/foreign" --finds "$out/finds/foreign" "$@" \
    "$here/foreign.mlir" "$root"/test/Dialect/{MLA,Tile,CTA}/roundtrip.mlir \
    "$root/test/Dialect/CTA/copies.mlir" "$root/test/Dialect/CTA/sync.mlir"
}

if ((check)) && [[ ${targets[0]} == foreign ]]; then
  foreign --trials 60 --seed 1
  exit
fi
if ((check)); then
  target=${targets[0]}
  prepare "$target"
  scratch=$(mktemp -d)
  trap 'rm -rf "$scratch"' EXIT
  mkdir -p "$out/finds/$target"
  "${command[@]}" -seed=1 -max_total_time="$seconds" -print_final_stats=1 \
    -artifact_prefix="$out/finds/$target/" "$scratch" "$out/seeds/$target"
  exit
fi

# Keeps what an input reports; of the first of each kind the input made smaller.
declare -A kinds=()
examine() {
  local input=$1 binary=$2 kind
  # A busy machine makes hangs of inputs that do not hang.
  if "$binary" "${limits[@]}" "$input" >"$input.log" 2>&1; then
    rm "$input" "$input.log"
    return 0
  fi
  found=1
  kind=$(grep -aoE -m 1 'runtime error: .*|Assertion .* failed|ERROR: .*' "$input.log" || true)
  kind+=$(grep -aoE -m 1 ' in mla::[^ (]*' "$input.log" || true)
  [[ -z ${kinds[$kind.]:-} ]] || return 0
  kinds[$kind.]=1
  printf 'find: %s\n      %s\n' "$input" "$kind"
  [[ $input == *crash-* ]] || return 0
  mkdir -p "$(dirname "$input")/small"
  "$binary" "${limits[@]}" -minimize_crash=1 -max_total_time=30 \
    -exact_artifact_path="$(dirname "$input")/small/$(basename "$input")" \
    "$input" >/dev/null 2>&1 || true
}

found=0
for target in "${targets[@]}"; do
  if [[ $target == foreign ]]; then
    foreign --seconds "$seconds" --jobs "$jobs" --seed "$(date +%s)" || found=1
    continue
  fi
  prepare "$target"
  corpus=$out/corpus/$target finds=$out/finds/$target
  mkdir -p "$corpus" "$finds"
  touch "$out/started"
  "${command[@]}" -fork="$jobs" -ignore_crashes=1 -ignore_timeouts=1 -ignore_ooms=1 \
    -max_total_time="$seconds" -artifact_prefix="$finds/" \
    "$corpus" "$out/seeds/$target" >"$out/$target.log" 2>&1 || true
  printf '%s: %s\n' "$target" "$(grep -a '^#' "$out/$target.log" | tail -n 1)"
  while read -r input; do
    examine "$input" "${command[0]}"
  done < <(find "$finds" -maxdepth 1 -newer "$out/started" \
    \( -name 'crash-*' -o -name 'timeout-*' -o -name 'oom-*' -o -name 'leak-*' \) ! -name '*.log')
done
exit "$found"
