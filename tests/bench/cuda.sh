#!/usr/bin/env bash
# Builds, checks and times the CUDA backend on a machine with a GPU of NVIDIA's; ten minutes at most.
#   tests/bench/cuda.sh [OUT-FOLDER]      default build-cuda/report; everything that is printed is also in OUT-FOLDER/report.txt
# Wanted: CUDA Toolkit 13, CMake, Ninja, a C++20 compiler, GoogleTest, CLI11, utf8proc, xxHash, Python with NumPy. The fixtures are
# looked for beside the checkout (FOREWORD_SHARED). Exit code 0: all checks passed.
set -uo pipefail
root=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/../.." && pwd)
build=$root/build-cuda
out=${1:-$build/report}
mkdir -p "$out"
started=$SECONDS failures=0
limit=${FOREWORD_CUDA_SECONDS:-600}
export FOREWORD_CUDA_PLUGIN=${FOREWORD_CUDA_PLUGIN:-$build/lib/foreword/plugins/foreword_cuda.so} FOREWORD_PROGRAM=$build/foreword FOREWORD_NEED_DEVICE=1
# FOREWORD_PYTHON: one with NumPy, where Debian's has none.
python=${FOREWORD_PYTHON:-/usr/bin/python3}

left() { echo $((limit - (SECONDS - started))); }

# part NAME SECONDS COMMAND... : runs it with what is left of its time; failing counts.
part() {
  local name=$1 most=$2 begin=$SECONDS status=0
  shift 2
  (($(left) < most)) && most=$(left)
  if ((most < 5)); then
    printf '\n## %s: no time left\n' "$name"
    return 1
  fi
  printf '\n## %s\n' "$name"
  timeout "$most" "$@" 2>&1 || status=$?
  printf '## %s: %s after %s s\n' "$name" "$([[ $status == 0 ]] && echo passed || echo "FAILED with $status")" $((SECONDS - begin))
  return $status
}
check() { part "$@" || failures=$((failures + 1)); }

build_all() {
  cmake -S "$root" -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=Release -DFOREWORD_DESKTOP=OFF -DCMAKE_CUDA_ARCHITECTURES="${CUDAARCHS:-native}" &&
    cmake --build "$build" --target foreword foreword_cuda test_gpu
}
bench() { "$build/foreword" bench --device cuda "$@"; }
# Decode tokens/s, GB/s and share of the measured reading speed, prompt tokens/s, launches a token.
speeds() {
  local shape type
  for shape in 8b 3b 1b; do
    for type in Q4_K Q8_0 Q6_K Q4_0 MXFP4; do bench --shape "$shape" --type "$type" -p 512 -n 64 -r 3 || return; done
  done
}
rows() { bench --shape 8b --type Q4_K -p 0 -n 0 -r 3 --rows 1,2,3,4,6,8,12,16,32,64 --roofline; }
depths() {
  local kv depth
  for kv in f16 q8 k8v4 q4 q2; do
    for depth in 0 4096 16384 65536; do bench --shape 1b --type Q4_K --kv "$kv" --context 66560 --depth "$depth" -p 0 -n 32 -r 2 || return; done
  done
}
drafts() { bench --shape 1b --type Q4_K -p 256 -n 0 -r 3 --drafts 1,3; }
sanitized() {
  local tool
  for tool in memcheck racecheck; do
    FOREWORD_TEST_DEVICE=cuda compute-sanitizer --tool "$tool" --error-exitcode 9 "$build/tests/test_gpu" --gtest_brief=1 \
      --gtest_filter='Ops.Norms:Ops.Route:Attention.SharesOfWatchedRows:*LinearTest.Experts/Q4_K:*LinearTest.HostileInputs/Q*' || return
  done
}

main() {
  date -u
  nvidia-smi --query-gpu=name,driver_version,memory.total,clocks.max.sm,clocks.max.mem --format=csv
  check "build" 240 build_all
  check "devices" 20 "$build/foreword" devices
  check "ops on the device" 90 env FOREWORD_TEST_DEVICE=cuda "$build/tests/test_gpu" --gtest_brief=1 --gtest_filter='Ops.*:*Linear*:*Attention*'
  check "models of the fixtures" 60 env -C "$root/tests/app" "$python" logits_test.py CudaFixtures
  check "texts, with drafts and without" 40 env -C "$root/tests/app" FOREWORD_CUDA_EMULATED="$FOREWORD_CUDA_PLUGIN" "$python" cuda_emulated_test.py CudaEmulatedTest
  if command -v compute-sanitizer >/dev/null; then check "compute-sanitizer" 60 sanitized; else printf '\n## compute-sanitizer is not installed\n'; fi
  part "times by rows" 60 rows
  part "speeds" 150 speeds
  part "drafts" 30 drafts
  part "depths" 90 depths
  printf '\n%s checks failed; %s s\n' "$failures" $((SECONDS - started))
  return $((failures > 0))
}
export build root python
export -f build_all bench speeds rows depths drafts sanitized
# timeout runs programs, not functions.
timeout() {
  local most=$1
  shift
  if declare -F "$1" >/dev/null; then command timeout "$most" bash -c '"$@"' _ "$@"; else command timeout "$most" "$@"; fi
}
main 2>&1 | tee "$out/report.txt"
exit "${PIPESTATUS[0]}"
