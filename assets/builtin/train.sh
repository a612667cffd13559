#!/bin/sh
# Makes the built-in model and its draft from the corpus, with fixed seeds:
#     assets/builtin/train.sh [prepare] [fit] [ship]        no word: all three, in this order
# prepare   vocabulary and packed tokens     needs $CORPUS and python3-zstandard
# fit       trains main, then draft          needs torch and what prepare wrote, nothing else
# ship      GGUF files here, and README.md   needs numpy and $FOREWORD
# $WORK (build-builtin/) holds everything between the steps and can travel to another machine. A stopped fit goes on
# where it last saved, a finished one is not repeated before the next prepare. $SIZE is gpu or cpu; $MAIN_MINUTES,
# $DRAFT_MINUTES and on the processor $BASE_MINUTES bound the training.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
PYTHON=${PYTHON:-/usr/bin/python3}
CORPUS=${CORPUS:-$root/../shared/corpus}
WORK=${WORK:-$root/build-builtin}
FOREWORD=${FOREWORD:-$root/build/foreword}
if [ -z "${SIZE:-}" ]; then
  if command -v nvidia-smi >/dev/null && nvidia-smi >/dev/null 2>&1; then SIZE=gpu; else SIZE=cpu; fi
fi
case $SIZE in
  gpu) MAIN_MINUTES=${MAIN_MINUTES:-7} DRAFT_MINUTES=${DRAFT_MINUTES:-4} SAVE_SECONDS=120 ;;
  cpu) BASE_MINUTES=${BASE_MINUTES:-100} MAIN_MINUTES=${MAIN_MINUTES:-9} DRAFT_MINUTES=${DRAFT_MINUTES:-15} SAVE_SECONDS=600 ;;
  *) echo "SIZE is gpu or cpu, not $SIZE" >&2; exit 2 ;;
esac
export PYTHONUNBUFFERED=1

prepare() {
  rm -f "$WORK"/gpu-* "$WORK"/cpu-*   # weights of another vocabulary
  "$PYTHON" "$here/data.py" prepare "$CORPUS" "$WORK"
}

fit_row() {  # row, minutes
  [ -e "$WORK/$1.json" ] || "$PYTHON" "$here/train.py" "$1" "$WORK" --minutes "$2" --save-every "$SAVE_SECONDS"
}

fit() {
  [ "$SIZE" = gpu ] || fit_row "$SIZE-base" "$BASE_MINUTES"
  fit_row "$SIZE-main" "$MAIN_MINUTES"
  fit_row "$SIZE-draft" "$DRAFT_MINUTES"
}

ship() {
  for part in main draft; do
    "$PYTHON" "$here/export.py" "$SIZE-$part" "$WORK" "$WORK/$part-f32.gguf"
    # shellcheck disable=SC2046  # one word an option
    "$FOREWORD" quantize "$WORK/$part-f32.gguf" "$here/$part.gguf" $("$PYTHON" "$here/export.py" --types "$SIZE-$part")
  done
  "$PYTHON" "$here/card.py" "$SIZE" "$WORK" "$FOREWORD" "$CORPUS"
}

for step in ${*:-prepare fit ship}; do
  case $step in
    prepare|fit|ship) "$step" ;;
    *) echo "no such step: $step (prepare, fit, ship)" >&2; exit 2 ;;
  esac
done
