# Every read, write, fsync, rename, mapping and larger allocation that a program
# makes fails once: it says so with status 2 and leaves no output, or does
# without and gives the same bytes.

load helper

setup() {
	[ "${FLAVOUR:-release}" = release ] || skip "faults are for release builds"
	cd "$BATS_TEST_TMPDIR" || return
	head -n 400 "$ROOT/data/views.csv" > views.csv
	cs-aggregate -q -o profiles.tsv views.csv
	cs-matrix -o matrix.bin profiles.tsv
	cs-svd -q -k 8 -o emb.bin matrix.bin
	cs-knn -u 626 --profiles -o neighbours.tsv emb.bin
}

# Sweep n over a command that writes "out", until its nth call is not reached:
# for each function, at most 40 times.
sweep() {
	local function n status failures=0
	"$@" -o expected
	for function in read write fsync rename mmap malloc
	do
		for n in $(seq 1 40)
		do
			rm -rf out
			status=0
			FAULT=$function FAULT_AT=$n LD_PRELOAD=$BUILD/fault.so \
				"$@" -o out > said 2>&1 || status=$?
			if [ "$status" -eq 0 ]
			then
				diff -r out expected ||
					{ echo "other bytes: $function $n"; return 1; }
			else
				failures=$((failures + 1))
				[ "$status" -eq 2 ] || { echo "status $status: $function $n: $(cat said)"; return 1; }
				grep -q "^$1: " said || { echo "no word: $function $n"; return 1; }
				[ ! -e out ] || { echo "half an output: $function $n"; return 1; }
			fi
		done
	done
	[ "$failures" -ge 5 ]
	# Nothing else is left either.
	[ "$(find . -name '*out*' ! -name out | wc -l)" -eq 0 ]
}

@test "cs-aggregate" {
	sweep cs-aggregate -q -j 2 views.csv
	sweep cs-aggregate -q -j 1 -S 1 views.csv
	sweep cs-aggregate --merge profiles.tsv profiles.tsv
	rm -r expected out
	sweep cs-aggregate -q -j 1 --shards 3 views.csv
}

@test "cs-matrix" {
	sweep cs-matrix profiles.tsv
}

@test "cs-svd" {
	export OPENBLAS_NUM_THREADS=1
	sweep cs-svd -q -k 8 matrix.bin
}

@test "cs-project" {
	export OPENBLAS_NUM_THREADS=1
	sweep cs-project -q emb.bin matrix.bin
}

@test "cs-knn" {
	sweep cs-knn -q -u 626 emb.bin
	sweep cs-knn -q --all --format json emb.bin
}

@test "cs-summarize" {
	sweep cs-summarize neighbours.tsv
	sweep cs-summarize --format json neighbours.tsv
}

@test "cs-dump" {
	sweep cs-dump --check --format json emb.bin
	sweep cs-dump --what embedding --format npy emb.bin
}
