# What holds for any log, on some random ones; "make test-properties" tries 1,000
# of each kind.

load helper

@test "properties of random logs" {
	local cases=12
	[ "${FLAVOUR:-release}" = release ] || cases=3
	cd "$BATS_TEST_TMPDIR" || return
	TMPDIR=$BATS_TEST_TMPDIR "$ROOT/tests/properties" --cases $cases > said ||
		{ cat said; return 1; }
	[ "$(grep -c ": $cases cases of seed 1, 0 failed" said)" -eq 8 ]
}

@test "a property that does not hold is found" {
	mkdir "$BATS_TEST_TMPDIR/bin"
	cp "$BIN"/cs-* "$BATS_TEST_TMPDIR/bin"
	# A stand-in that loses the last line.
	cat > "$BATS_TEST_TMPDIR/bin/cs-aggregate" <<-END
		#!/bin/bash
		case "\$*" in
		*--merge*) "$BIN/cs-aggregate" "\$@" | sed '\$d' ;;
		*) exec "$BIN/cs-aggregate" "\$@" ;;
		esac
	END
	run env BIN="$BATS_TEST_TMPDIR/bin" TMPDIR="$BATS_TEST_TMPDIR" \
		"$ROOT/tests/properties" --cases 2 merge halves
	[ "$status" -eq 1 ]
	[[ $output == *"merge: 2 cases of seed 1, 2 failed"* ]]
}
