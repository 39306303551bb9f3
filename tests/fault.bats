# Each of the first calls of each function of the C library that can fail, fails,
# in every program and mode: status 0 only with the bytes of a run without a
# fault; otherwise status 2, a message, and nothing left.  "make test-fault"
# goes through all calls.

load helper

@test "a fault in any of the first calls is told, or changes nothing" {
	[ "${FLAVOUR:-release}" = release ] || skip "faults are for release builds"
	cd "$BATS_TEST_TMPDIR" || return
	DATA=$ROOT/data/views.csv TMPDIR=$BATS_TEST_TMPDIR \
		"$ROOT/tests/fault/sweep" --limit 6 | tee said
	# That it reached the programs' calls, many a function.
	grep -qE '^[0-9]+ commands, [0-9]{1,3},[0-9]{3} faults, 0 broke a rule$' said
}

@test "the sweep finds a program that drops what it cannot write" {
	[ "${FLAVOUR:-release}" = release ] || skip "faults are for release builds"
	mkdir "$BATS_TEST_TMPDIR/bin"
	cp "$BIN"/cs-* "$BATS_TEST_TMPDIR/bin"
	# A stand-in that writes half and says that all is well.
	cat > "$BATS_TEST_TMPDIR/bin/cs-dump" <<-END
		#!/bin/bash
		"$BIN/cs-dump" "\$@" || echo half > "\$5"
	END
	run env BIN="$BATS_TEST_TMPDIR/bin" DATA="$ROOT/data/views.csv" \
		TMPDIR="$BATS_TEST_TMPDIR" "$ROOT/tests/fault/sweep" \
		--limit 2 --commands '^dump-npy$'
	[ "$status" -eq 1 ]
	[[ $output == *"other outputs"* ]]
}

@test "cs-serve survives each allocation that fails, once and from then on" {
	[ "${FLAVOUR:-release}" = release ] || skip "faults are for release builds"
	cd "$BATS_TEST_TMPDIR" || return
	head -n 1500 "$ROOT/data/views.csv" > views.csv
	cs-aggregate -q views.csv | cs-matrix -q | cs-svd -q -k 8 -o emb.bin
	export FAULT_OBJECT=$BUILD/fault.so
	FAULTS=${FAULTS:-8} "$PYTHON" "$ROOT/tests/faults.py" emb.bin
	# The same requests, a few; loads of shards.
	cs-aggregate -q --shards 2 -o shards views.csv
	for as in '--value sum' '--as sum'
	do
		for shard in 0 1
		do
			# shellcheck disable=SC2086 # two words
			cs-matrix -q --tally $as -o $shard.tally shards/$shard.tsv
		done
		cs-matrix -q --merge -o sum ?.tally || [ $? -eq 1 ]
	done
	for shard in 0 1
	do
		cs-matrix -q --as sum -o $shard.mat shards/$shard.tsv
	done
	cs-svd -q -k 8 -o set ?.mat
	FAULTS=1 "$PYTHON" "$ROOT/tests/faults.py" set
}
