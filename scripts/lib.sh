# Shared by the scripts of this folder; sourced, not run. Bash.

root_dir="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
jobs="${GODWIT_JOBS:-$(nproc)}"
ninja_status='[%f/%t %es] '

say() { printf '%s\n' "$*"; }
step() { printf '\n== %s\n' "$*"; }
warn() { printf 'warning: %s\n' "$*" >&2; }
die() {
  printf '%s: %s\n' "$(basename "$0")" "$*" >&2
  exit 1
}

# Prints the comment block at the top of the calling script: its help text.
usage() { sed -n '2,/^[^#]/{/^#/!d;s/^# \{0,1\}//;p}' "$0"; }

# Kinds of build: what each one means is in scripts/build.
is_build_kind() {
  case "$1" in
    release | debug | asan | tsan | fuzz) return 0 ;;
    *) return 1 ;;
  esac
}
