#!/bin/sh
# The mutation score of all kernels: writes the tables of docs/Testing.md to standard
# output, and the results by mutation to FOLDER/score.json. Takes minutes.
#
# usage: test/Mutation/score.sh BUILD FOLDER [options of mla-jit mutate]
set -eu
jit=$1/bin/mla-jit
out=$2
shift 2
programs=$(dirname "$0")/../Programs
mkdir -p "$out"

# NAME H D_QK [options]: an operator's file
emit() {
  name=$1 h=$2 d=$3
  shift 3
  "$jit" emit sparse_prefill --sizes h_q="$h",d_qk="$d" "$@" -o "$out/$name.mlir"
}
emit 128-576 128 576
emit 64-512 64 512
emit 16-576-full 16 576 --topk-length --sink
emit 128-512-full 128 512 --topk-length --sink

# combine, with one warp for a row and with several.
"$jit" emit combine --sizes d_v=64 --num-splits -o "$out/combine.mlir"
merge='--sizes=rows=3,splits=1 --sizes=rows=2,splits=40 --sizes=rows=2,splits=70'

# decode: requests of all kinds of lengths, whole and cut; none that has a token.
for h in 8 64; do
  "$jit" emit decode --sizes h_q=$h,s_q=2,d_qk=512 --causal=yes \
    -o "$out/decode-$h.mlir"
done
pages='--sizes=ctas=6,b=2,num_pages=9,max_pages=5
  --sizes=ctas=1,b=2,num_pages=9,max_pages=4
  --sizes=ctas=60,b=6,num_pages=90,max_pages=30
  --sizes=ctas=1,b=1,num_pages=3,max_pages=0'

# prefill: no tile of keys, one, several with a masked one; several output tiles per CTA.
"$jit" emit prefill --sizes h_q=1,h_kv=1,d_qk=64,d_v=64 --causal=yes \
  -o "$out/prefill.mlir"
"$jit" emit prefill --sizes h_q=1,h_kv=1,d_qk=64,d_v=64 --causal=yes \
  --cu-seqlens-q --cu-seqlens-k -o "$out/prefill-packed.mlir"
whole='--sizes=b=1,s_q=130,s_kv=400 --sizes=b=1,s_q=5,s_kv=128
  --sizes=b=1,s_q=5,s_kv=0'
packed='--sizes=b=1,s_q=200,s_kv=330,bounds=4 --sizes=b=1,s_q=9,s_kv=5,bounds=1'

# Numbers of tiles of 64 KV rows: none, one, several with a partial one, and more than
# the depth of the rings. With lengths, the first query uses all of topk, the last none.
sparse() {
  for sizes in 200,topk=330 200,topk=256 99,topk=192 200,topk=65 200,topk=64; do
    printf ' --sizes=s_q=%s,s_kv=%s' "$1" "$sizes"
  done
  printf ' --sizes=s_q=1,s_kv=200,topk=0'
}
one=$(sparse 1)
two=$(sparse 2)
dense='--sizes=heads=1,s_q=130,s_kv=330 --sizes=heads=1,s_q=70,s_kv=256
  --sizes=heads=1,s_q=5,s_kv=192 --sizes=heads=1,s_q=64,s_kv=65
  --sizes=heads=1,s_q=64,s_kv=64'

# The sizes have to be split into words.
# shellcheck disable=SC2086
"$jit" mutate --quiet --json="$out/score.json" "$@" \
  "$out/128-576.mlir" $one --schedule=shared-p --name='shared-p, 128, 576' \
  "$out/64-512.mlir" $one --schedule=shared-p --name='shared-p, 64, 512' \
  "$out/16-576-full.mlir" $two --schedule=shared-p \
  --name='shared-p, 16, 576, full' \
  "$out/128-512-full.mlir" $two --schedule=shared-p \
  --name='shared-p, 128, 512, full' \
  "$out/128-576.mlir" $one --schedule=split-columns \
  --name='split-columns, 128, 576' \
  "$out/128-512-full.mlir" $two --schedule=split-columns \
  --name='split-columns, 128, 512, full' \
  "$out/128-576.mlir" $one --schedule=seesaw --name='seesaw, 128, 576' \
  "$out/128-512-full.mlir" $two --schedule=seesaw \
  --name='seesaw, 128, 512, full' \
  "$out/16-576-full.mlir" $two --schedule=swapped \
  --name='swapped, 16, 576, full' \
  "$out/decode-8.mlir" $pages --schedule=swapped --name='decode, swapped' \
  "$out/decode-64.mlir" $pages --schedule=split-columns \
  --name='decode, split-columns' \
  "$out/decode-64.mlir" $pages --schedule=seesaw --name='decode, seesaw' \
  "$out/prefill.mlir" $whole --schedule=persistent \
  --name='prefill, persistent' \
  "$out/prefill-packed.mlir" $packed --schedule=two-consumers \
  --name='prefill, packed' \
  "$programs/dense-attention.mlir" $dense --scale=0.0884 --name='dense' \
  "$programs/soft-cap.mlir" $dense --scale=8 --name='soft cap' \
  "$programs/two-loops.mlir" $dense --sizes=heads=1,s_q=70,s_kv=700 \
  --scale=0.0884 --name='two loops' \
  "$programs/parts.mlir" $dense --scale=0.0884 --name='parts' \
  "$programs/split-sums.mlir" --sizes=rows=130,keys=600 --sizes=rows=5,keys=3 \
  --name='split sums' \
  "$out/combine.mlir" $merge --schedule=direct --name='combine' \
  "$out/combine.mlir" $merge --schedule=direct:lse=32:loads=1:reduce.warps=8 \
  --name='combine, 8 warps'
