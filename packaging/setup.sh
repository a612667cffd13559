# What ./run and ./test share: installing packages, configuring, building. To be sourced; `root` is the checkout.
# shellcheck shell=bash

packages_file=$root/packaging/packages.txt

say() { printf '%s\n' "$*" >&2; }

die() {
  say "foreword: $*"
  exit 1
}

# packages_of SECTION... : the packages of these sections.
packages_of() {
  awk -v wanted=" $* " '/^\[/ { inside = index(wanted, " " substr($0, 2, length($0) - 2) " "); next }
                        inside && NF && !/^#/' "$packages_file"
}

# missing_of PACKAGE... : those that are not installed.
missing_of() {
  comm -23 <(printf '%s\n' "$@" | sort) \
    <(dpkg-query -W -f='${db:Status-Status} ${Package}\n' "$@" 2>/dev/null | sed -n 's/^installed //p' | sort)
}

# install_packages SECTION... : installs what is missing, and asks for root only then.
install_packages() {
  local wanted missing as_root=()
  command -v dpkg-query apt-get >/dev/null ||
    die "this system has no apt: install what packaging/packages.txt names, then add --no-install."
  mapfile -t wanted < <(packages_of "$@")
  mapfile -t missing < <(missing_of "${wanted[@]}")
  ((${#missing[@]})) || return 0
  if ((EUID != 0)); then
    command -v sudo >/dev/null || die "not root and no sudo: as root, run apt-get install ${missing[*]}"
    as_root=(sudo)
  fi
  say "Installing ${#missing[@]} Debian packages: ${missing[*]}"
  local apt=("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300)
  # An update that fails may still leave lists that serve, so only the installation decides.
  logged install.log "the packages could not be installed" bash -c \
    '"$@" update; "$@" install --yes --no-install-recommends '"${missing[*]}" apt "${apt[@]}"
}

# logged FILE COMPLAINT COMMAND... : runs it with its output in build/FILE; if it fails, shows the end of that and dies.
logged() {
  local log=$root/build/$1 complaint=$2
  shift 2
  mkdir -p "$root/build"
  if ! "$@" </dev/null 2>&1 | tee "$log" | show_steps; then
    tail -n 30 "$log" >&2
    die "$complaint; the whole log is $log"
  fi
}

# Ninja's step numbers in one line of the terminal, everything else swallowed.
show_steps() {
  [[ -t 2 ]] || exec cat >/dev/null
  sed -un 's/^\(\[[0-9]*\/[0-9]*\]\) .*/\1/p' | while read -r step; do printf '\r%s \033[K' "$step" >&2; done
  printf '\r\033[K' >&2
}

# build PRESET TARGET... : configures and builds, all cores.
build() {
  local preset=$1
  shift
  logged "$preset-configure.log" "configuring failed" env -C "$root" cmake --preset "$preset"
  logged "$preset-build.log" "building failed" \
    env -C "$root" cmake --build --preset "$preset" --parallel "$(nproc)" --target "$@"
}
