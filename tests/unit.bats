# Functions that programs cannot show well, each against an oracle of its own:
# a line for each program of tests/unit.

load helper

unit() {
	cd "$BATS_TEST_TMPDIR" || return
	"$BUILD/unit-$1"
}

@test "unit best" { unit best; }
@test "unit bitset" { unit bitset; }
@test "unit codes" { unit codes; }
@test "unit escapes" { unit escapes; }
@test "unit factor" { unit factor; }
@test "unit index" { unit index; }
@test "unit json_writer" { unit json_writer; }
@test "unit nearest" { unit nearest; }
@test "unit neighbours" { unit neighbours; }
@test "unit number" { unit number; }
@test "unit reasons" { unit reasons; }
@test "unit scan" { unit scan; }
@test "unit summary" { unit summary; }

@test "each program of tests/unit has a line here" {
	diff <(basename -s .c "$BATS_TEST_DIRNAME"/unit/*.c | sort) \
		<(sed -n 's/^@test "unit \(.*\)" {.*/\1/p' "$BATS_TEST_FILENAME" |
			sort) || {
		echo "< has no line in this file, > is no program"
		false
	}
}
