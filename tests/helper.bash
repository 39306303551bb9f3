# What the tests share; a file of tests begins with "load helper".
#
# BIN holds the programs under test and BUILD what is built beside them (unit
# tests, the generator), both absolute: "make test-asan" sets them to another
# flavour.  They come first on the PATH.

bats_require_minimum_version 1.5.0

# A pipe fails when any part of it does.  A shell of its own has to be told:
# run bash -o pipefail -c "a | b".
set -o pipefail

# The tests may run under make, and may run make: its variables are not theirs.
unset MAKEFLAGS MFLAGS MAKEOVERRIDES MAKELEVEL
# A machine may have it set to an older processor than its own.
unset OPENBLAS_CORETYPE

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
BIN=${BIN:-$ROOT/bin}
BUILD=${BUILD:-$ROOT/.build/release}
GENERATE=${GENERATE:-$BUILD/generate}
shared=$(cd "$ROOT/.." && pwd)/shared/data	# real logs; may be absent
PYTHON=/usr/bin/python3				# the one that Debian's numpy is for
export ROOT BIN BUILD GENERATE shared PYTHON
export LC_ALL=C
export PATH=$BIN:$PATH

# Skip the test, saying what is missing, unless the real logs are here: the
# whole folder, or the given file in it.
need_shared() {
	[ -e "$shared${1:+/$1}" ] || skip "${1:-real data} not in ../shared/data"
}

# Skip the test unless a program, or a module of Debian's Python, is here.
need() {
	local module

	for module
	do
		command -v "$module" > /dev/null ||
			"$PYTHON" -c "import $module" 2> /dev/null ||
			skip "$module is not installed"
	done
}

# Skip the test unless a terminal can be had here.
need_terminal() {
	need script
	script -qec true /dev/null > /dev/null 2>&1 || skip "no terminal here"
}

# Whether what comes through a pipe has a line like this.  All of it is read:
# who leaves at the first (head -n, grep -q, grep > /dev/null) may end the writer
# by SIGPIPE, now and then, and with it the test.
has() {
	grep "$@" | cat > /dev/null
}

# Standard input is what tests/cases/FILE holds; under "make record" it is
# written there instead, and git shows what changed.
recorded() {
	if [ -n "${RECORD:-}" ]
	then
		cat > "$BATS_TEST_DIRNAME/cases/$1"
	else
		diff -u "$BATS_TEST_DIRNAME/cases/$1" -
	fi
}

# How many of the cases of one kind are tried: the first number in a release
# build; under sanitizers, which look at memory and take several times as long,
# the second.
cases() {
	if [ "${FLAVOUR:-release}" = release ]
	then
		echo "$1"
	else
		echo "$2"
	fi
}
