#!/usr/bin/env bash
# Trains LeNet-5 on MNIST or Fashion-MNIST: in float, then with 1-bit weights and 4-bit activations in every layer, warm-started.
# Verifies the packed model on the test images and keeps the small evidence beside this script.
#
#   experiments/lenet5.sh mnist | fashion-mnist [options for both trainings, such as --threads 1]
#
# Data sets are looked for where COARSEGRAD_DATA says, and in the other usual places.
#
# Both trainings can be interrupted: run the script again, and it goes on.
set -euo pipefail
cd "$(dirname "$0")/.."

case "${1:-}" in
  mnist) data=mnist name=mnist float_epochs=5 epochs=6 ;;
  fashion-mnist) data=fashion-mnist name=fashion float_epochs=7 epochs=8 ;;
  *) echo "usage: experiments/lenet5.sh mnist|fashion-mnist [options]" >&2; exit 2 ;;
esac
shift
float="runs/lenet5-$name-float"
quantized="runs/lenet5-$name-1w4a"
common=(--model lenet5 --data "$data" --batch 128 --augment shift --seed 1 "$@")
# Goes on with a run that was interrupted.
resume() { if [ -e "$1/config.json" ]; then echo --resume; fi; }

npx coarsegrad train "${common[@]}" --epochs "$float_epochs" --lr 0.1 --weight-decay 5e-4 --out "$float" $(resume "$float")
npx coarsegrad train "${common[@]}" --bits 1W4A --init "$float" --epochs "$epochs" --lr 0.02 --weight-decay 1e-4 --out "$quantized" $(resume "$quantized")
npx coarsegrad verify "$quantized" --json > "$quantized/verify.json"

kept="experiments/lenet5-$name-1w4a"
mkdir -p "$kept"
cp "$quantized"/{config.json,metrics.jsonl,model.cgm,summary.json,verify.json} "$kept/"
cp "$float/metrics.jsonl" "$kept/float-metrics.jsonl"
cp "$float/summary.json" "$kept/float-summary.json"
echo "kept in $kept"
