#!/usr/bin/env bash
# Trains DS-CNN on the spoken digits: in float, then with 1-bit weights and 4-bit activations in every layer, warm-started.
# 300 of the training recordings are held out: what was chosen, was chosen by them. Verifies the packed model on the test recordings
# and keeps the small evidence beside this script. With "speakers": the six runs that leave one speaker out, and their mean.
#
#   experiments/dscnn.sh digits | speakers [options for all trainings, such as --threads 1]
#
# The data set is looked for where COARSEGRAD_DATA says, and in the other usual places.
#
# All trainings can be interrupted: run the script again, and it goes on.
set -euo pipefail
cd "$(dirname "$0")/.."

what="${1:-}"
shift || true
common=(--model dscnn --seed 1 "$@")
# Goes on with a run that was interrupted.
resume() { if [ -e "$1/config.json" ]; then echo --resume; fi; }

case "$what" in
digits)
  float=runs/dscnn-fsdd-float
  quantized=runs/dscnn-fsdd-1w4a
  own=("${common[@]}" --batch 64 --data fsdd --validate 300)
  npx coarsegrad train "${own[@]}" --augment speech --epochs 20 --lr 0.1 --weight-decay 5e-4 --out "$float" $(resume "$float")
  npx coarsegrad train "${own[@]}" --augment time-shift --bits 1W4A --init "$float" --epochs 24 --optimizer adam --lr 0.004 --weight-decay 0 --out "$quantized" $(resume "$quantized")
  npx coarsegrad verify "$quantized" --json > "$quantized/verify.json"
  kept=experiments/dscnn-fsdd-1w4a
  mkdir -p "$kept"
  cp "$quantized"/{config.json,metrics.jsonl,model.cgm,summary.json,verify.json} "$kept/"
  cp "$float/metrics.jsonl" "$kept/float-metrics.jsonl"
  cp "$float/summary.json" "$kept/float-summary.json"
  echo "kept in $kept"
  ;;
speakers)
  for s in 0 1 2 3 4 5; do
    float="runs/dscnn-fsdd-s$s-float"
    quantized="runs/dscnn-fsdd-s$s-1w4a"
    own=("${common[@]}" --batch 32 --shards 1 --data "fsdd:s$s" --range 80 --augment voices --optimizer adam --lr 0.004)
    npx coarsegrad train "${own[@]}" --epochs 24 --out "$float" $(resume "$float")
    npx coarsegrad train "${own[@]}" --bits 1W4A --init "$float" --epochs 16 --weight-decay 0 --out "$quantized" $(resume "$quantized")
  done
  node -e '
    for (const width of ["float", "1w4a"]) {
      const top1 = [0, 1, 2, 3, 4, 5].map((s) => JSON.parse(require("fs").readFileSync(`runs/dscnn-fsdd-s${s}-${width}/summary.json`)).top1);
      const mean = top1.reduce((a, b) => a + b) / 6;
      const spread = Math.sqrt(top1.reduce((sum, x) => sum + (x - mean) ** 2, 0) / 5);
      console.log(width, top1.map((x) => x.toFixed(1)).join(" "), `mean ${mean.toFixed(2)}, standard deviation ${spread.toFixed(2)}`);
    }'
  ;;
*)
  echo "usage: experiments/dscnn.sh digits|speakers [options]" >&2
  exit 2
  ;;
esac
