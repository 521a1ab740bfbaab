# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2016
# Install missing Debian packages; sourced by ./check and ./quickstart.
#
# install_missing NAME...: make sure that each named need is met. Where all are, nothing is printed
# and apt-get is not touched. Returns 1, with the list of packages on standard error, if one is not.

# What shows that a need is met, and the Debian package that meets it. The names hold on 12 and 13.
declare -A PROOF PACKAGE
need() { PACKAGE[$1]=$2 PROOF[$1]=$3; }
need cc         gcc                  'command -v cc && command -v gcc'
need libc       libc6-dev            'test -n "$(echo "#include <stdio.h>" | gcc -E - 2>/dev/null)"'
need meson      meson                'command -v meson'
need ninja      ninja-build          'command -v ninja'
need pkg-config pkgconf              'command -v pkg-config'
need openssl    libssl-dev           'pkg-config --exists "libssl >= 3.0" "libcrypto >= 3.0"'
need libsodium  libsodium-dev        'pkg-config --exists libsodium'
need lanes      libipsec-mb-dev      'test "$(uname -m)" != x86_64 || test -e /usr/include/intel-ipsec-mb.h'
need libuv      libuv1-dev           'pkg-config --exists libuv'
need libedit    libedit-dev          'pkg-config --exists libedit'
need jansson    libjansson-dev       'pkg-config --exists jansson'
need curl       libcurl4-openssl-dev 'pkg-config --exists "libcurl >= 7.85"'
need python3    python3              'test -x /usr/bin/python3'
need clang      clang                'command -v clang'
need clang-rt   libclang-rt-dev      'test -e "$(clang -print-file-name=libclang_rt.asan-$(uname -m).a)" ||
                                      test -e "$(clang -print-runtime-dir)/libclang_rt.asan.a"'
need fuzzer-rt  libclang-rt-dev      'test -e "$(clang -print-file-name=libclang_rt.fuzzer-$(uname -m).a)" ||
                                      test -e "$(clang -print-runtime-dir)/libclang_rt.fuzzer.a"'
need symbolizer llvm                 'command -v llvm-symbolizer'
need format     clang-format         'command -v clang-format'
need cmocka     libcmocka-dev        'pkg-config --exists cmocka'
need pytest     python3-pytest       '/usr/bin/python3 -c "import pytest"'
need xdist      python3-pytest-xdist '/usr/bin/python3 -c "import xdist"'
need pexpect    python3-pexpect      '/usr/bin/python3 -c "import pexpect"'
need pyfernet   python3-cryptography '/usr/bin/python3 -c "import cryptography"'
need faketime   faketime             'command -v faketime'
need strace     strace               'command -v strace'
need ssh-keygen openssh-client       'command -v ssh-keygen'
need openssl-cli openssl             'command -v openssl'
need mandoc     mandoc               'command -v mandoc'
need mkfs       e2fsprogs            'command -v mkfs.ext4 || test -x /sbin/mkfs.ext4'
need mount      mount                'command -v mount'

TO_BUILD=(cc libc meson ninja pkg-config openssl libsodium lanes libuv libedit jansson curl python3)
# shellcheck disable=SC2034 # ./check uses it
TO_TEST=("${TO_BUILD[@]}" clang clang-rt fuzzer-rt symbolizer format cmocka pytest xdist pexpect pyfernet faketime
         strace ssh-keygen openssl-cli mandoc mkfs mount)

missing_packages() {
  local name
  for name in "$@"; do
    eval "${PROOF[$name]}" >/dev/null 2>&1 || echo "${PACKAGE[$name]}"
  done
}

install_missing() {
  local packages as_root=() output
  mapfile -t packages < <(missing_packages "$@")
  [ ${#packages[@]} -eq 0 ] && return 0
  if [ "$(id -u)" -ne 0 ]; then
    as_root=(sudo)
    [ -t 0 ] || as_root=(sudo -n)
  fi
  if ! command -v apt-get >/dev/null; then
    output='There is no apt-get here.'
  elif [ "$(id -u)" -ne 0 ] && ! command -v sudo >/dev/null; then
    output='This user is not root, and there is no sudo here.'
  else
    echo "Installing: ${packages[*]}"
    output=$("${as_root[@]}" apt-get -qq update 2>&1
             "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq -y \
               -o DPkg::Lock::Timeout=120 --no-install-recommends install "${packages[@]}" 2>&1)
  fi
  mapfile -t packages < <(missing_packages "$@")
  [ ${#packages[@]} -eq 0 ] && return 0
  printf '%s\n' "$output" | tail -n 20 >&2
  printf 'These Debian packages are missing, and could not be installed:\n  %s\n' "${packages[*]}" >&2
  printf 'Install them, or what your system calls them, as root, and start this again.\n' >&2
  return 1
}
