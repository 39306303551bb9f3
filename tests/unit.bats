# Functions that programs cannot show well, each against an oracle of its own.

load helper

@test "unit tests" {
	failed=0
	for unit in "$BATS_TEST_DIRNAME"/unit/*.c
	do
		unit=$(basename "$unit" .c)
		cd "$BATS_TEST_TMPDIR" || return
		"$BUILD/unit-$unit" || { echo "failed: $unit"; failed=1; }
	done
	[ "$failed" -eq 0 ]
}
