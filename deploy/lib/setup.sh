# shellcheck shell=bash
# What the scripts share: Debian's packages, Swift, and the build.
# To be sourced.

packages=(
  librdkafka-dev libhiredis-dev liblmdb-dev libopenblas-dev libsimdjson-dev
  libarchive-dev libcurl4-openssl-dev redis-server kcat pkg-config
)

say() { printf '%s\n' "$*" >&2; }

die() {
  say "${0##*/}: $*"
  exit 1
}

# Prints those of the named packages that are not installed.
missing_packages() {
  local package
  for package in "$@"; do
    dpkg-query --show --showformat='${db:Status-Status}' "$package" 2>/dev/null |
      grep -qx installed || printf '%s\n' "$package"
  done
}

# Installs those of the named packages that are missing, and says so before.
# Usage: ensure_packages ASSUME_YES PACKAGE...; true as the first skips the question before sudo.
ensure_packages() {
  local assume_yes=$1
  shift
  if ! command -v apt-get >/dev/null || ! command -v dpkg-query >/dev/null; then
    say "This is no Debian: make sure by yourself that there are the counterparts of: $*"
    return
  fi
  local missing
  mapfile -t missing < <(missing_packages "$@")
  ((${#missing[@]})) || return 0
  say "Missing from Debian: ${missing[*]}"
  local update=(apt-get update)
  local install=(apt-get install --yes --no-install-recommends "${missing[@]}")
  local by_hand="${update[*]} && ${install[*]}"
  if ((EUID == 0)); then
    say "Installing: $by_hand"
    DEBIAN_FRONTEND=noninteractive "${update[@]}" >&2
    DEBIAN_FRONTEND=noninteractive "${install[@]}" >&2
    return
  fi
  command -v sudo >/dev/null || die "run this as root, then start again: $by_hand"
  if [[ $assume_yes != true ]]; then
    [[ -t 0 ]] || die "run this, then start again (or give --yes): sudo sh -c '$by_hand'"
    local answer
    read -r -p "Install with sudo: $by_hand? [y/N] " answer
    [[ $answer == [yY]* ]] || die "nothing was installed"
  fi
  sudo "${update[@]}" >&2
  sudo DEBIAN_FRONTEND=noninteractive "${install[@]}" >&2
}

# Fails unless there is a Swift that reads Package.swift.
ensure_swift() {
  local needed=6.2 found
  command -v swift >/dev/null ||
    die "Swift $needed or newer is missing: https://www.swift.org/install/linux/"
  found=$(swift --version 2>/dev/null | sed -nE 's/.*Swift version ([0-9]+\.[0-9]+).*/\1/p' |
    head -n 1)
  [[ $(printf '%s\n' "$needed" "${found:-0}" | sort -V | head -n 1) == "$needed" ]] ||
    die "Swift $needed or newer is needed, not ${found:-an unknown version}:" \
      "https://www.swift.org/install/linux/"
}

# Makes sure that all is there to build and run the pipeline.
# Usage: set_up ASSUME_YES [PACKAGE...]; the packages are wanted in addition to the pipeline's own.
set_up() {
  local assume_yes=$1
  shift
  # First: without Swift nothing is to be installed.
  ensure_swift
  ensure_packages "$assume_yes" "${packages[@]}" "$@"
}
