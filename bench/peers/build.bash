# Sourced by the build.sh of each peer: its command line, and the compilation of a
# library from sources of its checkout and glue of ours.

# read_command_line NAME "$@": sets checkout, output, jobs, commit and nvcc; NAME is
# what the usage calls the checkout.
read_command_line() {
  local name=$1
  shift
  checkout='' output='' jobs=1 commit=''
  while (($#)); do
    case $1 in
      -o) output=${2:-} && shift ;;
      -j) jobs=${2:-} && shift ;;
      --commit) commit=${2:-} && shift ;;
      -*) usage ;;
      *) [[ -z $checkout ]] && checkout=$1 || usage ;;
    esac
    shift || usage
  done
  [[ -n $checkout && -n $output ]] || usage
  [[ $jobs =~ ^[1-9][0-9]*$ ]] || die "expected -j N with N >= 1, got '$jobs'"
  nvcc=${NVCC:-nvcc}
  command -v "$nvcc" >/dev/null || die "no nvcc: set NVCC to its path"
  # The commit is part of the peer's name, because figures differ between commits.
  [[ -n $commit ]] || commit=$(git -C "$checkout" rev-parse --short=7 HEAD) ||
    die "'$checkout': is no git checkout of $name; give its version with --commit"
}

die() {
  printf 'error: %s\n' "$*" >&2
  exit 1
}

# expect_cutlass: the submodule csrc/cutlass of the checkout.
expect_cutlass() {
  [[ -e $checkout/csrc/cutlass/include/cute/tensor.hpp ]] ||
    die "'$checkout': csrc/cutlass is empty: git submodule update --init csrc/cutlass"
}

# compile SOURCE [OPTION...]: to an object, with `flags`.
compile() {
  echo "compiling $1" >&2
  "$nvcc" "${flags[@]}" "${@:2}" -c "$1" -o "$objects/$(basename "${1%.*}").o"
}

# compile_all SOURCE...: `jobs` at a time.
compile_all() {
  local running=0 source
  for source in "$@"; do
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
}

# link_peer: the library, from all objects. The runtimes of CUDA and C++ are linked
# statically and hidden, so that it needs the driver alone.
link_peer() {
  printf '{ global: mlaPeer*; local: *; };\n' >"$objects/exports"
  mkdir -p "$(dirname "$output")"
  "$nvcc" -shared -cudart static -gencode arch=compute_90a,code=sm_90a \
    -Xcompiler=-static-libstdc++,-static-libgcc \
    "-Xlinker=--version-script=$objects/exports,-z,defs,--strip-all,--gc-sections" \
    "$objects"/*.o -o "$objects/peer.so"
  mv "$objects/peer.so" "$output"
}
