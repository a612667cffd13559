# ./test --full, part by part. To be sourced by it. Each part writes its own row of
# docs/full-test.md, so that --only PART repeats one of them.
# shellcheck shell=bash

readonly FULL_PARTS=(quick reference instruction-sets address-sanitizer thread-sanitizer memory fuzz)
readonly FUZZ_SECONDS=${FUZZ_SECONDS:-300}

# full_test [PART...] : these parts, or all; fails if one failed.
full_test() {
  local parts=("$@") part failed=()
  ((${#parts[@]})) || parts=("${FULL_PARTS[@]}")
  for part in "${parts[@]}"; do
    [[ " ${FULL_PARTS[*]} " == *" $part "* ]] || die "there is no part $part; there are: ${FULL_PARTS[*]}"
  done
  for part in "${parts[@]}"; do
    say "== $part"
    local log=$root/build/full-$part.log started=$SECONDS status=0
    mkdir -p "$root/build"
    # A part runs in a shell of its own, so that one that dies does not end the others.
    ("part_${part//-/_}") </dev/null 2>&1 | tee "$log" || status=$?
    /usr/bin/python3 "$root/packaging/full_report.py" "$root/docs/full-test.md" "$part" "$status" \
      "$((SECONDS - started))" "$(tail -n 1 "$log")"
    ((status == 0)) || failed+=("$part")
  done
  echo "$((${#parts[@]} - ${#failed[@]})) passed, ${#failed[@]} failed${failed[*]:+: ${failed[*]}}"
  ((${#failed[@]} == 0))
}

part_quick() {
  build release all
  run_tests build --label-exclude full
}

# What is too long for every day: the tests with the label full.
part_reference() {
  build release all
  run_tests build --label-regex full
}

# Kernels and whole models at every level below the best that this machine has.
part_instruction_sets() {
  local code=0
  build release all
  for FOREWORD_ISA in avxvnni avx2 generic; do
    export FOREWORD_ISA
    echo "-- FOREWORD_ISA=$FOREWORD_ISA"
    run_tests build --tests-regex '^(gpu|kv|model|session)\.|^app\.(logits|complete|perplexity|reference_models)|^reference_models$' || code=1
  done
  return "$code"
}

part_address_sanitizer() {
  build asan all
  ASAN_OPTIONS=detect_stack_use_after_return=1:strict_string_checks=1 UBSAN_OPTIONS=print_stacktrace=1 \
   run_tests build-asan --label-exclude full
}

# Everything in which threads meet. The sanitizer needs the kernel's plain address layout.
part_thread_sanitizer() {
  build tsan foreword test_base test_session test_storage test_kv test_gpu test_app
  if setarch --addr-no-randomize true 2>/dev/null; then
    ctest() { setarch --addr-no-randomize ctest "$@"; }
  fi
  FOREWORD_CASES=4 TSAN_OPTIONS=halt_on_error=1:second_deadlock_stack=1 run_tests build-tsan \
    --label-exclude full --tests-regex '^(base|session|storage|kv)\.|Threads|^app\.(chat|complete|[A-Z])'
}

# Uninitialised values, which the sanitizers of GCC do not see. Valgrind knows no AVX-512, and runs one thread at a time: fairly, or answers end
# before those who would stop them have their turn.
part_memory() {
  local program room filter code=0
  build release all
  for room in gguf tokenizer template kv sampling session; do
    program=$root/build/tests/test_$room
    [[ -x $program ]] || continue
    echo "-- $room"
    filter='-*Every*:*Random*:*Hostile*:*Linear*'
    # Of whole models those of test size: a pass of the built-in one takes seconds here.
    [[ $room != session ]] || filter='SessionTest.*:SpeculationEquality.Stories:SecondModel.Padding*:SecondModel.Wrong*'
    FOREWORD_ISA=generic FOREWORD_CASES=2 valgrind --quiet --fair-sched=yes --error-exitcode=99 --errors-for-leak-kinds=none "$program" \
      --gtest_brief=1 --gtest_filter="$filter" || code=1
  done
  ((code == 0)) && echo "no uninitialised value was used"
}

# Each target for five minutes from its seeds, two at a time; what they find on the way is kept in build-fuzz/corpus.
part_fuzz() {
  local target targets=() failed=()
  for target in "$root"/tests/fuzz/*_fuzz.cpp; do targets+=("fuzz_$(basename "$target" _fuzz.cpp)"); done
  build fuzz "${targets[@]}"
  mkdir -p "$root"/build-fuzz/corpus/fuzz_gguf
  /usr/bin/python3 "$root/tests/fuzz/make_seeds.py" "$root/build-fuzz/corpus/fuzz_gguf"
  printf '%s\n' "${targets[@]}" | xargs -P 2 -I TARGET bash -c 'fuzz_one TARGET' || true
  for target in "${targets[@]}"; do
    echo "$target: $(tail -n 1 "$root/build-fuzz/$target.log")"
    grep -q "^Done " "$root/build-fuzz/$target.log" || failed+=("$target")
  done
  ((${#failed[@]} == 0)) || die "a crash, a leak or a timeout in ${failed[*]}; see build-fuzz/*.log"
  echo "${#targets[@]} targets for $FUZZ_SECONDS s each, $(sed -n 's/^Done \([0-9]*\) runs.*/\1/p' "$root"/build-fuzz/fuzz_*.log |
    awk '{ sum += $1 } END { printf "%.1f", sum / 1e6 }') million inputs, nothing found"
}

fuzz_one() {
  local target=$1 stem=${1#fuzz_} seeds=() place
  mkdir -p "$root/build-fuzz/corpus/$target" "$root/build-fuzz/findings"
  for place in "tests/fuzz/corpus/$stem" "tests/data/${stem}s"; do
    [[ ! -d $root/$place ]] || seeds+=("$root/$place")
  done
  "$root/build-fuzz/tests/fuzz/$target" "$root/build-fuzz/corpus/$target" "${seeds[@]}" -max_total_time="$FUZZ_SECONDS" \
    -timeout=10 -rss_limit_mb=4096 -artifact_prefix="$root/build-fuzz/findings/$stem-" >"$root/build-fuzz/$target.log" 2>&1
}
export -f fuzz_one
export root FUZZ_SECONDS
