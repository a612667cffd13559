#!/bin/sh
# Takes pictures of the real window under a virtual display: every state in both themes into a folder, and with a model
# the README's picture, docs/screenshot.png, of a real answer.
# usage: tests/screenshots.sh BUILD_FOLDER [MODEL.gguf]      for the README: assets/builtin/main.gguf
set -eu
build=${1:?usage: tests/screenshots.sh BUILD_FOLDER [MODEL.gguf]}
model=${2:-}
root=$(cd "$(dirname "$0")/.." && pwd)
command -v Xvfb >/dev/null || { echo "screenshots: Xvfb is missing (package xvfb)" >&2; exit 77; }
work=$(mktemp -d)
# The server resets when its last client leaves, unless told not to; it chooses a free number and says which.
Xvfb -displayfd 3 -screen 0 1920x1200x24 -noreset 3>"$work/display" 2>/dev/null &
server=$!
trap 'kill $server; rm -rf "$work"' EXIT
tries=0
while [ ! -s "$work/display" ] && [ $tries -lt 100 ]; do sleep 0.1; tries=$((tries + 1)); done
DISPLAY=":$(cat "$work/display")"
LIBGL_ALWAYS_SOFTWARE=1
export DISPLAY LIBGL_ALWAYS_SOFTWARE
unset DBUS_SESSION_BUS_ADDRESS XDG_RUNTIME_DIR  # the pictures have the colours of no desktop

"$build/ui/ui_gallery" "$build/screenshots"
shot() { "$build/foreword" --data-dir "$work/data" --screenshot "$@"; }
shot "$build/screenshots/start.png" --print-start
if [ -n "$model" ]; then
  shot "$root/docs/screenshot.png" -m "$model" --theme light --seed 3 --temperature 0.5 --limit 150 \
    --say "Write an email to the team about the meeting on Thursday. 📅"
fi
for picture in "$build"/screenshots/*.png; do
  [ -s "$picture" ] || { echo "screenshots: $picture is empty" >&2; exit 1; }
done
