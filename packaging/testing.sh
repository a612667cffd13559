# Running tests: a display of their own, and a last line that counts. To be sourced after setup.sh.
# shellcheck shell=bash

# start_display: a virtual screen for the window's tests, drawn by software, gone when the script ends.
start_display() {
  command -v Xvfb >/dev/null || die "Xvfb is missing: run ./test without --no-install, or install the package xvfb."
  local number
  coproc XVFB { exec Xvfb -displayfd 3 -screen 0 1600x1200x24 -noreset -nolisten tcp 3>&1 >/dev/null 2>&1; }
  # shellcheck disable=SC2064
  trap "kill $XVFB_PID 2>/dev/null || true" EXIT
  read -r -t 30 number <&"${XVFB[0]}" || die "the virtual screen for the window's tests (Xvfb) does not start."
  export DISPLAY=:$number LIBGL_ALWAYS_SOFTWARE=1
  unset WAYLAND_DISPLAY
}

# run_tests FOLDER CTEST-OPTION... : the tests of a build folder; prints the count and fails if one failed.
run_tests() {
  local folder=$root/$1 status=0
  shift
  rm -f "$folder/tests.xml"
  ctest --test-dir "$folder" --parallel 2 --output-on-failure --no-tests=error --output-junit tests.xml "$@" \
    </dev/null || status=$?
  /usr/bin/python3 "$root/packaging/count_tests.py" "$folder/tests.xml" "$status"
}
