#!/usr/bin/env bash
# Builds, checks and times the CUDA backend on a machine with a GPU of NVIDIA's; ten minutes at most.
#   tests/bench/cuda.sh [FOLDER]      results in FOLDER (else $OUT, else build-cuda/report): report.txt, bench.jsonl, table.txt
#   tests/bench/cuda.sh pack FOLDER   on a Debian system: puts what a bare machine lacks into FOLDER, 50 MB, to be carried there
# Wanted: CUDA Toolkit 13, CMake 3.25, Ninja, a C++20 compiler, Python with NumPy; GoogleTest, CLI11, nlohmann-json, utf8proc and xxHash,
# or a packed folder that has them. A part that fails or takes too long costs no other its results. Exit code 0: all checks passed.
#   FOREWORD_KIT=FOLDER         the packed folder
#   FOREWORD_SHARED=FOLDER      where the fixtures are; else in the kit, else beside the checkout
#   FOREWORD_CUDA_BUILD=FOLDER  a build that is there already
#   FOREWORD_CUDA_SECONDS=560   for everything together
#   FOREWORD_CUDA_DRY=1         without a GPU: the emulated plugin and a tiny model go through the same parts
#   FOREWORD_LLAMA_BENCH=FILE   llama-bench of llama.cpp's CUDA build, for the ratio on the same file
# shellcheck disable=SC2317  # part() calls functions by name
set -uo pipefail
root=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/../.." && pwd)

pack() {
  local kit=${1:?pack needs a folder} shared=${FOREWORD_SHARED:-$root/../shared}
  mkdir -p "$kit/debs" "$kit/deps"
  (cd "$kit/debs" && apt-get download libgtest-dev libcli11-dev nlohmann-json3-dev libutf8proc-dev libutf8proc2 libxxhash-dev libxxhash0) || return
  for package in "$kit"/debs/*.deb; do dpkg-deb -x "$package" "$kit/deps" || return; done
  rm -r "$kit/debs" "$kit/deps/usr/share/doc"
  tar -C "$shared" -cJf "$kit/fixtures.tar.xz" fixtures/README.md fixtures/models fixtures/ref fixtures/blocks
  du -sh "$kit"
}
if [[ ${1:-} == pack ]]; then
  pack "${2:-}"
  exit
fi

build=${FOREWORD_CUDA_BUILD:-$root/build-cuda}
[[ ${1:-} == step ]] && out=$FOREWORD_CUDA_OUT || out=${1:-${OUT:-$root/build-cuda/report}}
mkdir -p "$out"
out=$(cd "$out" && pwd)
export FOREWORD_CUDA_OUT=$out
started=$SECONDS failures=0
limit=${FOREWORD_CUDA_SECONDS:-560}
dry=${FOREWORD_CUDA_DRY:-}
kit=${FOREWORD_KIT:+$(cd "$FOREWORD_KIT" && pwd)}
if [[ -n $kit && -z ${FOREWORD_SHARED:-} && -f $kit/fixtures.tar.xz ]]; then
  FOREWORD_SHARED=$(mktemp -d) && python3 -m tarfile -e "$kit/fixtures.tar.xz" "$FOREWORD_SHARED" || exit 1  # tar may lack xz
fi
if [[ -n $kit ]]; then
  # What CMake does not look for by itself: xxHash.
  libraries=$kit/deps/usr/lib/x86_64-linux-gnu
  export CPATH=$kit/deps/usr/include LIBRARY_PATH=$libraries${LIBRARY_PATH:+:$LIBRARY_PATH} LD_LIBRARY_PATH=$libraries${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
fi
export FOREWORD_SHARED=${FOREWORD_SHARED:-$root/../shared} FOREWORD_PROGRAM=$build/foreword FOREWORD_NEED_DEVICE=1
plugin=$build/lib/foreword/plugins/foreword_cuda.so
subject=cuda
if [[ -n $dry ]]; then
  plugin=$build/gpu/cuda/emulated/foreword_cuda_emulated_plugin.so
  subject=cuda-emulated
fi
# Each program of the tests has a home of its own: what the driver compiles is kept here.
export CUDA_CACHE_PATH=${CUDA_CACHE_PATH:-$build/compiled}
export FOREWORD_CUDA_PLUGIN=${FOREWORD_CUDA_PLUGIN:-$plugin} FOREWORD_CUDA_EMULATED=$plugin
# One that has NumPy.
python=python3
/usr/bin/python3 -c 'import numpy' 2>/dev/null && python=/usr/bin/python3

left() { echo $((limit - (SECONDS - started))); }

# part NAME SECONDS COMMAND... : runs it with what is left of its time.
part() {
  local name=$1 most=$2 begin=$SECONDS status=0
  shift 2
  (($(left) < most)) && most=$(left)
  if ((most < 5)); then
    printf '\n## %s: no time left\n' "$name"
    return 1
  fi
  printf '\n## %s\n' "$name"
  # timeout runs programs, not functions: those are steps of this script.
  if declare -F "$1" >/dev/null; then set -- bash "$root/tests/bench/cuda.sh" step "$@"; fi
  timeout --kill-after=5 "$most" "$@" 2>&1 || status=$?
  printf '## %s: %s after %s s, %s s left\n' "$name" "$([[ $status == 0 ]] && echo passed || echo "FAILED with $status")" $((SECONDS - begin)) "$(left)"
  return "$status"
}
check() { part "$@" || failures=$((failures + 1)); }

build_all() {
  local capability deps=()
  capability=$(nvidia-smi --query-gpu=compute_cap --format=csv,noheader | head -n 1 | tr -d .)
  [[ -n $kit ]] && deps=(-DCMAKE_PREFIX_PATH="$kit/deps/usr" -DCMAKE_LIBRARY_PATH="$kit/deps/usr/lib/x86_64-linux-gnu" -DCMAKE_INCLUDE_PATH="$kit/deps/usr/include")
  cmake -S "$root" -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=Release -DFOREWORD_DESKTOP=OFF \
    -DCMAKE_CUDA_ARCHITECTURES="${CUDAARCHS:-${capability:-90}-real}" "${deps[@]}" &&
    cmake --build "$build" --target foreword foreword_cuda test_gpu test_session
}

# bench PART SHAPE TYPE KV OPTION... : a line of JSON in bench.jsonl.
bench() {
  local part=$1 shape=$2 type=$3 kv=$4 result model
  shift 4
  model=(--shape "$shape" --type "$type")
  [[ -n $dry ]] && model=(-m "$FOREWORD_SHARED/fixtures/models/stories260K-Q4_K_M.gguf")
  result=$("$build/foreword" --json bench --device cuda --kv "$kv" "${model[@]}" "$@") || return
  printf '{"part":"%s","shape":"%s","type":"%s","kv":"%s","result":%s}\n' "$part" "$shape" "$type" "$kv" "$result" | tee -a "$out/bench.jsonl" | cut -c 1-300
}
prompt=512 tokens=64 repetitions=3 row_counts=1,2,3,4,6,8,12,16,24,32,48,64 depths=(0 4096 16384 65536) many_types=(Q4_K Q8_0 Q6_K Q4_0 MXFP4)
cases='Ops.*:*Linear*:*Attention*:Cuda*' texts_of='SpeculationEquality.S*'
if [[ -n $dry ]]; then
  prompt=8 tokens=2 repetitions=1 row_counts=1,2 depths=(0 64) many_types=(Q4_K MXFP4)
  cases="Ops.Norms:*LinearTest.Experts/Q4_K" texts_of=SpeculationEquality.BuiltinWithOldPagesInFewBits
  export FOREWORD_CASES=1
fi

speeds() {
  local type status=0
  for type in "${many_types[@]}"; do bench speed "$1" "$type" f16 -p "$prompt" -n "$tokens" -r "$repetitions" || status=$?; done
  return "$status"
}
rows() { bench rows 8b Q4_K f16 -p 0 -n 0 -r "$repetitions" --rows "$row_counts" --roofline; }
depth_speeds() {
  local kv depth status=0
  for depth in "${depths[@]}"; do
    for kv in f16 q8 k8v4 q4 q2; do
      bench depth 1b Q4_K "$kv" --context $((depth + 1024)) --depth "$depth" -p "$prompt" -n $((tokens / 2)) -r "$repetitions" || status=$?
    done
  done
  return "$status"
}
drafts() { bench drafts 1b Q4_K f16 -p $((prompt / 2)) -n 0 -r "$repetitions" --drafts 1,3; }
rival() {
  local file=$out/rival.gguf status=0
  "$build/foreword" bench --shape 8b --type Q4_K --write "$file" || return
  bench rival 8b Q4_K f16 -p "$prompt" -n "$tokens" -r "$repetitions"
  "$FOREWORD_LLAMA_BENCH" -m "$file" -ngl 99 -p "$prompt" -n "$tokens" -r "$repetitions" -o json >"$out/llama.json" || status=$?
  rm -f "$file"
  return "$status"
}
# Fails where a tool has found something (9); a tool that does not run on this machine only says so.
sanitized() {
  local tool code status=0
  for tool in memcheck synccheck racecheck; do
    FOREWORD_TEST_DEVICE=$subject compute-sanitizer --tool "$tool" --error-exitcode 9 "$build/tests/test_gpu" --gtest_brief=1 \
      --gtest_filter='Ops.Norms:Ops.Route:Attention.SharesOfWatchedRows:*LinearTest.Experts/Q4_K:*LinearTest.HostileInputs/Q4_K'
    code=$?
    ((code == 9)) && status=9
    ((code == 0 || code == 9)) || printf '%s did not run: %s\n' "$tool" "$code"
  done
  return "$status"
}
# The program says which devices there are; wanted is one of CUDA's.
devices() { "$build/foreword" devices | tee /dev/stderr | grep -q '^cuda:0'; }
ops() { FOREWORD_TEST_DEVICE=$subject "$build/tests/test_gpu" --gtest_brief=1 --gtest_filter="$cases"; }
models() {
  if [[ -n $dry ]]; then
    echo "left out: minutes without a GPU"
  else
    cd "$root/tests/app" && "$python" logits_test.py CudaFixtures
  fi
}
texts() { cd "$root/tests/app" && "$python" cuda_emulated_test.py CudaEmulatedTest.test_it_is_a_device CudaEmulatedTest.test_same_text_as_the_processor_and_with_drafts; }
# Whatever drafts, the text is the same; a session on a device that fails or is short of memory ends in a sentence or on the processor.
speculation() { FOREWORD_TEST_DEVICE=cuda "$build/tests/test_session" --gtest_brief=1 --gtest_filter="$texts_of"; }

main() {
  date -u
  : >"$out/bench.jsonl"
  # A client that stays: without one some drivers leave the device behind each program, and every start takes seconds.
  nvidia-smi --loop=2 --query-gpu=utilization.gpu --format=csv >/dev/null 2>&1 &
  local client=$!
  trap 'kill "$client" 2>/dev/null' EXIT
  nvidia-smi --query-gpu=name,driver_version,memory.total,clocks.max.sm,clocks.max.mem --format=csv || true
  [[ -n ${FOREWORD_CUDA_BUILD:-} ]] || check "build" 300 build_all
  check "devices" 20 devices
  check "ops on the device" 90 ops
  part "speed, 8b" 100 speeds 8b
  check "models of the fixtures" 100 models
  check "texts, with drafts and without" 40 texts
  check "speculation equality" 60 speculation
  part "times by rows" 40 rows
  part "depths" 90 depth_speeds
  part "speed, 3b" 50 speeds 3b
  part "speed, 1b" 30 speeds 1b
  part "drafts" 20 drafts
  if command -v compute-sanitizer >/dev/null; then check "compute-sanitizer" 120 sanitized; else printf '\n## compute-sanitizer is not installed\n'; fi
  if [[ -n ${FOREWORD_LLAMA_BENCH:-} ]]; then part "against llama.cpp" 120 rival; fi
  printf '\n'
  "$python" "$root/tests/bench/cuda_table.py" "$out" | tee "$out/table.txt"
  printf '\n%s checks failed; %s s\n' "$failures" $((SECONDS - started))
  return $((failures > 0))
}
if [[ ${1:-} == step ]]; then
  shift
  "$@"
  exit
fi
main 2>&1 | tee "$out/report.txt"
exit "${PIPESTATUS[0]}"
