# What the README and the manual show is what happens.

load helper

setup() {
	need numpy
	cp -r "$ROOT/data" "$BATS_TEST_TMPDIR/data"
	cd "$BATS_TEST_TMPDIR/data" || return
}

@test "the README" {
	"$PYTHON" "$BATS_TEST_DIRNAME/readme.py" "$ROOT/README.md"
}

@test "the pages' examples" {
	cs-aggregate -q views.csv > profiles.tsv
	cs-matrix profiles.tsv > matrix.bin
	cs-svd -q matrix.bin > emb.bin
	printf '%s\n' 1 42 77 1155 > segment.txt
	printf '%s\n' 42 > optout.txt
	printf '%s\n' 1155 77 > vip.txt
	cp segment.txt customers.txt
	cs-knn -u 1 --profiles -o neighbours.tsv emb.bin
	for page in "$ROOT"/src/man/*.[157]
	do
		"$PYTHON" "$BATS_TEST_DIRNAME/readme.py" "$page"
	done
}

@test "the README's first screen names each program, and no other" {
	tools=$(basename -s .c "$ROOT"/src/cs-*.c)
	for tool in $tools
	do
		grep -q "^| \`$tool\`" "$ROOT/README.md"
	done
	[ "$(grep -c '^| `cs-' "$ROOT/README.md")" -eq "$(wc -w <<< "$tools")" ]
}
