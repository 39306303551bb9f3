# cs-svd: singular triplets that are what they claim to be.

# shellcheck disable=SC2002,SC2086,SC2094,SC2154
load helper

# PROGRAM: awk statements that print "customer tag value" lines; profiles of
# them, in order, the first line of a customer and tag alone.
profiles() {
	printf 'customer\ttag\tevents\tvalue\n'
	awk "BEGIN { srand(1); OFS = \"\t\"; $1 }" |
		awk -F '\t' '{ print $1 FS $2 FS 1 FS $3 }' |
		sort -t "$(printf '\t')" -k1,1 -k2,2 -u
}

# The values as they are.
plain() {
	cs-matrix -q --damp none --weight none --norm none "$@"
}

# 400 customers of 60 tags with a heavy tail: the Gram matrix is made.
narrow_profiles() {
	profiles 'for (i = 0; i < 400; i++) for (t = 0; t < 60; t++)
		if (rand() < 3 / (t + 3))
			printf "u%03d\ttag %02d\t%d\n", i, t, 1 + 20 * rand()'
}

# 2,500 customers of 2,300 tags, some of topics: Lanczos.
wide_profiles() {
	profiles 'for (i = 0; i < 2500; i++) for (t = 0; t < 20; t++) {
		tag = int(exp(rand() * log(2300)))
		if (rand() < 0.6)
			tag = int(tag / 20) * 20 + i % 20
		printf "u%04d\tt%04d\t%d\n", i, tag, 1 + 20 * rand() }
		for (t = 0; t < 2300; t++) printf "v%04d\tt%04d\t1\n", t % 99, t'
}

setup_file() {
	cd "$BATS_FILE_TMPDIR" || return
	narrow_profiles | cs-matrix -q > narrow.mat
	wide_profiles | cs-matrix -q > wide.mat
	cs-svd -q -k 20 narrow.mat > narrow.bin
	cs-svd -q -k 20 wide.mat > wide.bin
}

setup() {
	cd "$BATS_FILE_TMPDIR" || return
	checks=0
}

# Check what the test has said by triplets, all in one process.
teardown() {
	[ "$checks" -eq 0 ] || "$PYTHON" "$BATS_TEST_DIRNAME/triplets.py" \
		< "$BATS_TEST_TMPDIR/checks"
}

# MODEL [SIGMA]: the triplets are what they claim to be: this is checked at the
# end of the test.
triplets() {
	need numpy scipy
	cp "$1" "$BATS_TEST_TMPDIR/$checks.$1"
	echo "$BATS_TEST_TMPDIR/$checks.$1 ${2:-}" >> "$BATS_TEST_TMPDIR/checks"
	checks=$((checks + 1))
}

# WORDS COMMAND...: status 2, nothing on standard output, these words on
# standard error.
refused() {
	local words=$1

	shift
	run -2 --separate-stderr "$@"
	[ -z "$output" ]
	[[ "$stderr" == *"$words"* ]]
}

# How many triplets a model has.
rank_of() {
	cs-dump --what sigma "$1" | tail -n +2 | wc -l
}

# ------------------------------------------------------- what it works out

@test "triplets are those of dense arithmetic, by the Gram matrix" {
	triplets narrow.bin
	for center in row column; do
		for scale in us sqrt u; do
			cs-svd -q -k 20 --center $center --scale $scale \
				narrow.mat > of.bin
			triplets of.bin
		done
	done
}

@test "triplets are those of ARPACK, by Lanczos, at each precision" {
	for tol in 1e-1 1e-3; do
		cs-svd -q -k 20 --tol $tol wide.mat > of.bin
		triplets of.bin $tol
	done
	for tol in 1e-6 1e-10; do
		cs-svd -q -k 20 --tol $tol wide.mat > of.bin
		triplets of.bin 1e-6
	done
}

@test "triplets are those of ARPACK, by Lanczos, centred" {
	for center in row column; do
		cs-svd -q -k 20 --center $center --scale sqrt --tol 1e-6 \
			wide.mat > of.bin
		triplets of.bin 1e-6
	done
}

@test "more tags than a cache holds, and than there are customers" {
	"$GENERATE" -q --customers 2000 --events 150000 --courses 20000 \
		--columns user_handle,course_id |
		cs-aggregate -q -u user_handle -t course_id |
		cs-matrix -q > far.mat
	for tol in 1e-3 1e-8; do
		cs-svd -q -k 20 --tol $tol far.mat > of.bin
		triplets of.bin $tol
	done
	[ "$(cs-dump far.mat | awk '$1 == "tags"' | tr -dc 0-9)" -gt 17000 ]
}

@test "any number of triplets, whatever the width of a block" {
	for k in 1 15 16 17 33; do
		cs-svd -q -k $k --tol 1e-6 wide.mat > of.bin
		[ "$(rank_of of.bin)" -eq $k ]
		triplets of.bin
	done
}

# Values around 10,000: what centring leaves is a small part of what there was.
offset_profiles() {
	profiles "for (i = 0; i < 150; i++) for (t = 0; t < $1; t++)
		printf \"u%03d\\tt%04d\\t%.3f\\n\", i, t, 10000 + 2 * rand()"
}

@test "triplets of small differences from large means" {
	for tags in 60 2300; do
		offset_profiles $tags | plain > offset.mat
		for center in row column; do
			cs-svd -q -k 10 --center $center --tol 1e-4 \
				offset.mat > of.bin
			triplets of.bin 1e-4
			refused "above the tolerance 1e-10" cs-svd -k 10 \
				--center $center --tol 1e-10 -o none.bin offset.mat
			[ ! -e none.bin ]
			run -2 --separate-stderr bash -c "cs-svd -k 10 \
				--center $center --tol 1e-10 offset.mat > cut.bin"
			refused "cut.bin: " cs-dump cut.bin
		done
	done
}

@test "the first recipe: similarities of dense arithmetic within 2e-5" {
	need numpy
	narrow_profiles | plain --value mean |
		cs-svd -q -k 50 --center row --scale u --tol 1e-6 > classic.bin
	cs-knn --all -q -n 15 classic.bin > classic.tsv
	"$PYTHON" "$BATS_TEST_DIRNAME/dense.py" classic.bin classic.tsv cosine 2e-5
}

# ------------------------------------------------------------- same bytes

@test "bytes are equal for any threads, twice, from file and pipe, for any -S" {
	for of in narrow wide; do
		for j in 1 2 3 7; do
			cs-svd -q -k 20 -j $j $of.mat | cmp - $of.bin
		done
		cat $of.mat | cs-svd -q -k 20 | cmp - $of.bin
		cs-svd -q -k 20 - < $of.mat | cmp - $of.bin
		for size in 1 300K 1G; do
			cs-svd -q -k 20 -S $size $of.mat | cmp - $of.bin
		done
		cs-svd -q -k 20 -o out.bin $of.mat
		cmp out.bin $of.bin
		cs-svd -k 20 --progress $of.mat 2> news | cmp - $of.bin
	done
}

@test "the default of -S follows the memory that Slurm gives" {
	export TMPDIR=$BATS_TEST_TMPDIR/none
	cs-svd -q -k 20 wide.mat | cmp - wide.bin
	# A quarter of a megabyte does not hold the basis.
	SLURM_MEM_PER_NODE=1 run -2 cs-svd -q -k 20 -o out.bin wide.mat
	[[ $output == *"$TMPDIR: cannot create a scratch file"* ]]
}

# COURSES: customers and courses, of a million pairs or so: several chunks of
# rows, for threads to share.
many_pairs() {
	"$GENERATE" -q --customers 6000 --events 1600000 --courses "$1" \
		--columns user_handle,course_id,view_time_seconds |
		cs-aggregate -q -u user_handle -t course_id \
			-v view_time_seconds | cs-matrix -q
}

@test "bytes are equal where threads share the rows" {
	for courses in 500 3000; do
		many_pairs $courses > many.mat
		for center in none column; do
			cs-svd -q -k 20 -j 1 --center $center many.mat > of.bin
			for j in $(cases "2 3 7 7" "3 7"); do
				cs-svd -q -k 20 -j $j --center $center \
					many.mat | cmp - of.bin
			done
			cat many.mat | cs-svd -q -k 20 -j 3 -S 1M \
				--center $center | cmp - of.bin
		done
		cs-svd -q -k 20 --tol 1e-8 -j 1 many.mat > of.bin
		cs-svd -q -k 20 --tol 1e-8 -j 3 many.mat | cmp - of.bin
		triplets of.bin 1e-9
	done
}

@test "more customers of one tag each than a chunk takes" {
	# 600,000 products are far fewer than a chunk has otherwise.
	profiles 'for (i = 0; i < 600000; i++)
		printf "u%06d\tt%03d\t%d\n", i, i * 7 % 997, 1 + i % 3' |
		plain > short.mat
	cs-svd -q -k 10 -j 1 short.mat > of.bin
	cs-svd -q -k 10 -j 3 short.mat | cmp - of.bin
	# No two tags share a customer: their norms are the singular values.
	awk 'BEGIN { for (i = 0; i < 600000; i++)
			square[i * 7 % 997] += (1 + i % 3) ^ 2
		for (t in square) printf "%.6f\n", sqrt(square[t]) }' |
		sort -rn | sed -n 1,10p > expected
	cs-dump --what sigma of.bin | sed 1d | cut -f 2 |
		awk '{ printf "%.6f\n", $1 }' | cmp - expected
}

@test "in double precision, too" {
	for j in 1 2 3 7; do
		cs-svd -q -k 20 -j $j --tol 1e-8 --center column wide.mat > $j.bin
		cmp $j.bin 1.bin
	done
	cs-svd -q -k 20 --tol 1e-8 --center column -S 1M wide.mat | cmp - 1.bin
}

@test "--seed changes the start, not the result beyond the tolerance" {
	cs-svd -q -k 20 --tol 1e-8 wide.mat > one.bin
	cs-svd -q -k 20 --tol 1e-8 --seed 2 wide.mat > two.bin
	run -1 cmp -s one.bin two.bin
	triplets one.bin 1e-12
	triplets two.bin 1e-12
}

# ------------------------------------------------------------------ traps

@test "a rank below k: as many columns as the rank, and a message" {
	profiles 'for (i = 0; i < 90; i++) for (t = 0; t < 30; t++)
		if ((t + i) % 5 == 0) print "u" i, "t" t, i % 7 + 1' |
		plain > five.mat
	run -0 --separate-stderr cs-svd -k 16 five.mat -o five.bin
	[ "$stderr" = "cs-svd: five.mat: rank 5 in double precision, less than the 16 dimensions asked for: the model has 5" ]
	triplets five.bin
	run -0 cs-svd -q -k 16 five.mat -o five.bin
	[ -z "$output" ]
}

@test "a rank below k among many tags" {
	profiles 'for (i = 0; i < 90; i++) for (t = 0; t < 2300; t++)
		if ((t + i) % 5 == 0) print "u" i, "t" t, i % 7 + 1' |
		plain > five.mat
	run -0 --separate-stderr cs-svd -k 16 five.mat -o five.bin
	[ "$stderr" = "cs-svd: five.mat: rank 5 in double precision, less than the 16 dimensions asked for: the model has 5" ]
	triplets five.bin
}

@test "k above the number of tags, and of customers" {
	run -0 --separate-stderr cs-svd -k 1000 narrow.mat -o most.bin
	[[ "$stderr" == *"narrow.mat: rank 60 in double precision, less than the 1000 dimensions"* ]]
	triplets most.bin
	profiles 'for (t = 0; t < 2300; t++) for (i = 0; i < 3; i++)
		print "u" i, "t" t, 1 + (t * (i + 2)) % 7' | plain > three.mat
	run -0 --separate-stderr cs-svd three.mat -o three.bin
	[[ "$stderr" == *"three.mat: rank 3 in double precision, less than the 64 dimensions of the default: the model has 3" ]]
	triplets three.bin
	# Without -k, fewer tags than the default takes are no news.
	run -0 --separate-stderr cs-svd narrow.mat -o few.bin
	[ -z "$stderr" ]
	cs-svd --dimensions 64 narrow.mat 2>&1 > few.bin |
		has "less than the 64 dimensions asked for"
	cs-dump few.bin | has "the dimensions hold 100 % (median; tenth of them 100 % or less)"
}

@test "one column, one row, one number" {
	profiles 'print "a", "x", 3; print "b", "x", -4' | plain > column.mat
	cs-svd -q column.mat > column.bin
	triplets column.bin
	[ "$(cs-dump --what sigma column.bin | sed -n 2p | cut -f2)" = 5 ]
	cs-svd -q --center column column.mat > column.bin
	triplets column.bin
	profiles 'print "a", "x", 3; print "a", "y", -4' | plain > row.mat
	cs-svd -q row.mat > row.bin
	triplets row.bin
	profiles 'print "a", "x", 7' | plain > one.mat
	cs-svd -q one.mat > one.bin
	triplets one.bin
	refused "one.mat: nothing is left once the means are taken off" \
		cs-svd --center row one.mat
}

@test "a matrix of zeros is refused with a message" {
	profiles 'print "a", "x", 0; print "b", "y", 0' | plain > zero.mat
	refused "zero.mat: every value is zero: no customer has a tag with weight" \
		cs-svd zero.mat
	refused "every value is zero" cs-svd -o none.bin zero.mat
	[ ! -e none.bin ]
	[[ "$stderr$output" == *"the log's values are all zero: cs-matrix --value events counts events instead"* ]]
	# With its reason: a tag that everyone has, by inverse document frequency.
	profiles 'print "a", "x", 1; print "b", "x", 2' > all.tsv
	cs-matrix -q --weight idf -o zero.mat all.tsv
	refused "zero.mat: every value is zero: no customer has a tag with weight" \
		cs-svd zero.mat
	[[ "$stderr$output" == *"every customer has every tag, which cs-matrix --weight idf takes for no information: --weight smooth, or none"* ]]
	cs-matrix -q all.tsv | cs-svd -q -o some.bin
}

@test "duplicates of rows and columns" {
	profiles 'for (i = 0; i < 320; i++) for (t = 0; t < 240; t++)
		if ((int(i / 8) * 7 + int(t / 6) * 5) % 11 == 0)
			print "u" i, "t" t, 1 + int(t / 6) % 4' | plain > twins.mat
	cs-svd -q -k 30 --tol 1e-8 twins.mat > twins.bin
	triplets twins.bin
	# Equal rows are embedded alike.
	cs-dump --what embedding twins.bin | grep -E '^u(16|23)	' | cut -f 2- |
		uniq | wc -l | has -x 1
}

@test "a singular value forty times over, with blocks of 16" {
	profiles 'for (g = 0; g < 40; g++) for (i = 0; i < 5; i++)
		for (t = 0; t < 60; t++) if ((t * 3 + i) % 4 < 2)
			printf "u%02d%d\tt%02d%02d\t%d\n", g, i, g, t, 1 + (i * t) % 3' |
		plain > forty.mat
	for tol in 1e-3 1e-6; do
		cs-svd -q -k 48 --tol $tol forty.mat > forty.bin
		triplets forty.bin $tol
	done
	[ "$(cs-dump --what sigma forty.bin | sed 1d | cut -f2 |
		awk 'NR == 1 { s = $1 } (s - $1) < 1e-6 * s' | wc -l)" -eq 40 ]
}

@test "the identity" {
	profiles 'for (t = 0; t < 1400; t++) print "u" t, "t" t, 1' |
		plain > one.mat
	cs-svd -q -k 20 one.mat > one.bin
	triplets one.bin 1e-6
}

@test "huge and tiny values side by side" {
	for wide in '' 'for (t = 0; t < 2300; t++) print "z" t, "z" t, 0.5;'; do
		profiles 'print "u0", "t0", 1000000
			for (i = 0; i < 60; i++) for (t = 0; t < 30; t++)
				print "u" i, "t" t, 1 + (i * t) % 7;'"$wide" | plain > huge.mat
		cs-svd -q -k 5 --tol 1e-10 huge.mat > huge.bin
		triplets huge.bin 1e-9
		profiles 'print "u0", "t0", 1000000000000
			for (i = 0; i < 60; i++) for (t = 0; t < 30; t++)
				print "u" i, "t" t, 1 + (i * t) % 7;'"$wide" | plain > huge.mat
		run -0 --separate-stderr cs-svd -k 5 huge.mat -o huge.bin
		[[ "$stderr" == *"huge.mat: rank 1 in double precision, less than the 5 dimensions"* ]]
	done
}

@test "a large first value among small ones: doubtful last ones are reported" {
	profiles 'print "u0000", "t0000", 3000
		for (t = 0; t < 2300; t++) for (i = 0; i < 4; i++)
			printf "u%04d\tt%04d\t%.3f\n", (t * (i + 3) * 7) % 2111,
				t, 1 + rand()' | plain > doubt.mat
	run -0 --separate-stderr cs-svd -k 5 doubt.mat -o doubt.bin
	[[ "$stderr" == *"doubt.mat: triplet "*" may be off by "*"--norm l2"* ]]
	run -0 --separate-stderr cs-svd -k 5 wide.mat -o quiet.bin
	[ -z "$stderr" ]
}

@test "very large and very small units" {
	need numpy
	for unit in 100000000000000000 0.000000001; do
		for of in narrow wide; do
			${of}_profiles | awk -F '\t' -v u=$unit 'BEGIN { OFS = FS }
				NR > 1 { $4 = sprintf(u > 1 ? "%d" : "%.9f",
					(1 + $4 % 7) * u) } 1' | plain > unit.mat
			cs-svd -q -k 8 --tol 1e-6 unit.mat > unit.bin
			triplets unit.bin
		done
	done
}

# OF ITEM VALUE: the matrix with that value forged into it.
forged() {
	need numpy
	"$PYTHON" "$BATS_TEST_DIRNAME/forge.py" "$1.mat" "$2" "$3" "$4" > forged.mat
}

@test "a value that is not finite is refused, its row named" {
	for of in narrow wide; do
		for value in nan inf -inf; do
			forged $of profile.values 999 $value
			refused "forged.mat: row " cs-svd -o none.bin forged.mat
			[ ! -e none.bin ]
			forged $of profile.raw 999 $value
			refused "forged.mat: row " cs-svd forged.mat
		done
	done
	[[ "$stderr" == *finite* ]]
	# The largest that there are.
	forged narrow profile.values 999 3e38
	run -0 --separate-stderr cs-svd forged.mat -o large.bin
	[[ "$stderr" == *"rank 1 in double precision"* ]]
	# Two of them in a row make an embedding that no float can hold.
	mv forged.mat two.mat
	forged two profile.values 1000 3e38
	refused "forged.mat: the largest singular value is 4.2e+38" \
		cs-svd -o none.bin forged.mat
	[ ! -e none.bin ]
}

@test "tags out of range or order are refused, their row named" {
	for of in narrow wide; do
		for tag in -1 2147483647 60000; do
			forged $of profile.indices 777 $tag
			refused "forged.mat: row " cs-svd forged.mat
		done
		forged $of profile.indices 1 0
		refused "forged.mat: row 0" cs-svd forged.mat
		for at in -1 99999999 9223372036854775807; do
			forged $of profile.indptr 17 $at
			refused "forged.mat: " cs-svd forged.mat
		done
	done
}

@test "customers and tags without an entry" {
	need numpy
	# u001 has only a tag that --min-users drops; tags with zeros alone stay.
	for more in '' 'for (t = 0; t < 2300; t++) { print "z" t % 500, "z" t, 1
			print "z" t % 501, "z" t, 2 }'; do
		profiles "$more"'
			print "nobody", "rare", 5
			for (i = 0; i < 50; i++) { print "u" i, "null", 0
				print "nil" i % 2, "null", 0
				for (t = 0; t < 20; t++) if ((i * t + t) % 3)
					print "u" i, "t" t, 1 + (i * t) % 4 }' |
			plain --min-users 2 > empty.mat
		for center in none column; do
			cs-svd -q -k 10 --center $center --tol 1e-6 \
				empty.mat > empty.bin
			triplets empty.bin
		done
		cs-dump --what embedding empty.bin | grep '^nobody	' |
			cut -f 2- | tr '\t' '\n' | sort -u | has -x 0
	done
}

# --------------------------------------------------------- use and misuse

@test "wrong use: status 2, a reason, no output" {
	refused '-k, --dimensions: "0": expected a whole number from 1' \
		cs-svd -k 0 narrow.mat
	for k in -1 x 1.5 1x '' 2147483648 99999999999999999999; do
		refused "-k, --dimensions: \"$k\"" cs-svd -k "$k" narrow.mat
	done
	for tol in 0 1 1e-11 0.11 nan x ''; do
		refused "--tol: \"$tol\": expected a number from 1e-10 to 0.1" \
			cs-svd --tol "$tol" narrow.mat
	done
	refused '--center: "rows": expected none, row or column' \
		cs-svd --center rows narrow.mat
	refused '--scale: "s": expected us, sqrt or u' cs-svd --scale s narrow.mat
	refused 'shards: their models are files of a directory: -o DIR' cs-svd narrow.mat wide.mat
	refused '--help' cs-svd --unknown narrow.mat
	refused '-j' cs-svd -j 0 narrow.mat
	refused '-S' cs-svd -S x narrow.mat
}

@test "wrong input: status 2, the file and what it is, no output" {
	refused "cs-svd: none.mat: No such file" cs-svd none.mat
	refused "cs-svd: standard input: an empty input" cs-svd < /dev/null
	narrow_profiles > of.tsv
	refused "cs-svd: of.tsv: profiles (TSV), expected a matrix or a model: cs-matrix makes a matrix of it" cs-svd of.tsv
	refused "cs-svd: narrow.bin: a model already" cs-svd narrow.bin
	refused "cs-svd: .: " cs-svd .
}

@test "a matrix cut at any byte is refused" {
	size=$(stat -c %s narrow.mat)
	for part in 1 7 8 9 100 $((size / 4)) $((size / 2)) $((size - 8)) \
		$((size - 1)); do
		head -c "$part" narrow.mat > cut.mat
		refused "cs-svd: cut.mat: " cs-svd cut.mat
	done
}

@test "a byte changed anywhere is found before anything is written" {
	need numpy
	size=$(stat -c %s narrow.mat)
	for part in 12 $((size / 9)) $((size / 3)) $((size / 2)) $((size - 70)) \
		$((size - 3)); do
		"$PYTHON" -c 'import sys
data = bytearray(open("narrow.mat", "rb").read())
data[int(sys.argv[1])] ^= 4
open("bent.mat", "wb").write(data)' "$part"
		refused "cs-svd: bent.mat: " cs-svd bent.mat
	done
}

@test "a model is not written to a terminal" {
	need_terminal
	run -2 script -qec "'$BIN/cs-svd' narrow.mat" /dev/null
	[[ "$output" == *"standard output is a terminal: use > FILE or -o FILE"* ]]
}

@test "a full device, and a reader that left" {
	refused "standard output: No space left on device" \
		bash -c 'exec cs-svd -q narrow.mat > /dev/full'
	run -0 --separate-stderr bash -c \
		'set -o pipefail; cs-svd -q wide.mat | head -c 9 > out; echo "${PIPESTATUS[0]}"'
	[ "$output" -eq 141 ]
	[ -z "$stderr" ]
}

@test "the partial output of a failed run is refused by every reader" {
	# The first tensors are out when the room for files is at its end.
	bash -c 'ulimit -f 40; trap "" XFSZ; exec cs-svd -q wide.mat > cut.bin' \
		2> why && return 1
	[ -s cut.bin ]
	for reader in "cs-knn -u u0001" cs-dump; do
		refused "cut.bin: " $reader cut.bin
	done
}

@test "on a terminal: a table of sigma, share and residual" {
	cs-svd --progress -k 3 narrow.mat -o of.bin 2> table
	head -n 1 table | has -x ' *triplet *sigma *share *residual'
	[ "$(grep -c % table)" -eq 4 ]
	tail -n 1 table | has 'all .* % in 2 passes'
	cs-svd -k 3 narrow.mat -o of.bin 2> table
	[ ! -s table ]
	cs-svd -q --progress -k 3 narrow.mat -o of.bin 2> table
	[ ! -s table ]
}

@test "BLAS' own number of threads does not change the result" {
	OPENBLAS_NUM_THREADS=7 OMP_NUM_THREADS=5 cs-svd -q -k 20 wide.mat |
		cmp - wide.bin
}

@test "--align: nearer to the old embedding, with the same similarities" {
	need numpy
	head -n 28000 "$ROOT/data/views.csv" | cs-aggregate -q |
		cs-matrix -q | cs-svd -q -k 24 > old.bin
	cs-aggregate -q "$ROOT/data/views.csv" | cs-matrix -q > now.mat
	cs-svd -q -k 24 now.mat > new.bin
	cs-svd -q -k 24 --align old.bin now.mat > aligned.bin
	cs-dump --check aligned.bin > /dev/null
	cs-svd -q -k 24 -j 1 --align old.bin now.mat | cmp - aligned.bin
	PYTHONPATH=$BATS_TEST_DIRNAME "$PYTHON" - <<-'END'
	from tensors import *
	_, old = read("old.bin")
	_, new = read("new.bin")
	meta, aligned = read("aligned.bin")
	row = {u: i for i, u in enumerate(names(new, "users"))}
	both = [(i, row[u]) for i, u in enumerate(names(old, "users")) if u in row]
	o, n = map(list, zip(*both))
	x, y, z = (t["embedding"].astype(float) for t in (old, new, aligned))
	def unit(a):
	    return a / np.maximum(np.linalg.norm(a, axis=1, keepdims=True), 1e-30)
	before = (unit(x[o]) * unit(y[n])).sum(1).mean()
	after = (unit(x[o]) * unit(z[n])).sum(1).mean()
	assert after > 0.9 and after > before, (before, after)
	# The rotation of the definition, and nothing else.
	a, b = dense(old, "profile.values")[o], dense(new, "profile.values")[n]
	w = (x[o] ** 2).sum(1) / (a ** 2).sum(1) * (y[n] ** 2).sum(1) / (b ** 2).sum(1)
	p, _, q = np.linalg.svd((y[n] * w[:, None]).T @ x[o])
	assert abs(z - y @ (p @ q)).max() < 1e-5
	assert abs(dense(new, "profile.values") @ aligned["components"] - z).max() < 1e-5
	assert abs(y @ y.T - z @ z.T).max() < 1e-5
	assert (new["sigma"] == aligned["sigma"]).all()
	assert (aligned["residual"] <= 1e-3).all() and meta["svd.align"]
	END
	# Among many tags, too, where the residuals take a pass of their own.
	cs-svd -q -k 16 wide.mat > wide.bin
	cs-svd -q -k 16 --seed 2 --align wide.bin wide.mat > again.bin
	cs-dump --what sigma wide.bin | cut -f 1,2 | cut -c 1-8 > sigma
	cs-dump --what sigma again.bin | cut -f 1,2 | cut -c 1-8 | cmp - sigma
	run -2 cs-svd -k 8 --align old.bin now.mat
	[[ "$output" == *"--align: old.bin: it has 24 dimensions, and the new model 8: -k 24"* ]]
	run -2 cs-svd -k 24 --align old.bin --scale u now.mat
	run -2 cs-svd -k 24 --align now.mat now.mat
	run -2 cs-svd -k 16 --align wide.bin now.mat
	[[ "$output" == *"no customer with weight in common"* || "$output" == *"dimensions"* ]]
}

@test "--learn: dimensions weighed by the scatter within customers" {
	need numpy
	cs-aggregate -q "$ROOT/data/views.csv" | cs-matrix -q > now.mat
	for half in A B
	do
		cs-aggregate -q --half $half "$ROOT/data/views.csv" |
			cs-matrix -q --as now.mat > $half.mat
	done
	cs-svd -q -k 24 now.mat > plain.bin
	cs-svd -q -k 24 --learn A.mat --learn B.mat now.mat > learnt.bin
	cs-dump --check learnt.bin > /dev/null
	cs-svd -q -k 24 -j 1 --learn A.mat --learn B.mat now.mat | cmp - learnt.bin
	PYTHONPATH=$BATS_TEST_DIRNAME "$PYTHON" - <<-'END'
	from tensors import *
	_, plain = read("plain.bin")
	meta, learnt = read("learnt.bin")
	v = plain["components"]
	y = []
	for half in "AB":
	    _, t = read(half + ".mat")
	    a = dense(t, "profile.values")
	    y.append(dict(zip(names(t, "users"), a @ v / np.maximum(
	        np.linalg.norm(a, axis=1, keepdims=True), 1e-30))))
	d = np.array([y[0][u] - y[1][u] for u in y[0] if u in y[1]])
	s = d.T @ d / (2 * len(d))
	w = .9 * s + .1 * np.trace(s) / len(s) * np.eye(len(s))
	values, u = np.linalg.eigh(w)
	t = u @ np.diag((values[0] / values) ** .5) @ u.T
	assert np.linalg.norm(t - np.eye(len(t)), 2) > .1
	assert abs(v @ t - learnt["components"]).max() < 1e-8
	x = learnt["embedding"]
	assert abs(dense(learnt, "profile.values") @ learnt["components"] - x).max() < 1e-5
	assert (plain["sigma"] == learnt["sigma"]).all()
	assert (learnt["residual"] <= 1e-3).all() and meta["svd.learn"]
	END
	# The combined similarity and its reasons, exactly.
	cs-dump --what users learnt.bin | cut -f 1 | sed -n 2,41p > some
	cs-knn --users some learnt.bin > near.tsv
	PYTHONPATH=$BATS_TEST_DIRNAME "$PYTHON" "$BATS_TEST_DIRNAME/combined.py" \
		learnt.bin near.tsv 1
	cs-svd -q -k 24 --learn A.mat --learn B.mat --align learnt.bin now.mat > again.bin
	cs-knn --users some again.bin | cut -f 1-3 > rotated
	[ "$(cut -f 1-3 near.tsv | diff - rotated | grep -c '^<')" -le 4 ]
	refused() {
		run -2 --separate-stderr cs-svd -k 24 "${@:2}" now.mat -o never
		[[ "$stderr" == *"$1"* ]] || { echo "found $stderr"; false; }
		[ ! -e never ]
	}
	refused "--learn: expected it twice" --learn A.mat
	refused "--learn: expected it twice" --learn A.mat --learn B.mat --learn A.mat
	refused "goes with neither --scale nor --center" --learn A.mat --learn B.mat --scale u
	refused "the halves of each customer are alike" --learn A.mat --learn A.mat
	refused "--learn: wide.mat: its tags" --learn A.mat --learn wide.mat
	refused "--learn: learnt.bin: " --learn A.mat --learn learnt.bin
	refused "--learn: some: " --learn A.mat --learn some
	cs-aggregate -q --half B "$ROOT/data/views.csv" | sed 's/^/x/' |
		cs-matrix -q --as now.mat > other.mat
	refused "0 customers have tags with weight in both halves" \
		--learn A.mat --learn other.mat
	head -c 20000 B.mat > cut.mat
	refused "--learn: cut.mat: " --learn A.mat --learn cut.mat
}

@test "under a limit of memory: a model or a sentence, in time" {
	[ "${FLAVOUR:-release}" = release ] || skip "sanitizers take terabytes"
	cs-aggregate -q "$ROOT/data/views.csv" | cs-matrix -q -o sample.bin
	cs-svd -q -o expected sample.bin
	for limit in as=60 as=90 as=120 as=150 as=180 as=190 as=200 as=220 \
		as=300 data=40 data=100 data=140 data=160 as=600
	do
		rm -f out
		local status=0
		timeout 20 prlimit --"${limit%=*}=$((${limit#*=} << 20))" \
			cs-svd -q -o out sample.bin 2> said || status=$?
		[ "$status" -ne 124 ]
		if [ "$status" -eq 0 ]
		then
			cmp expected out
		else
			[ -s said ]
			[ ! -e out ]
		fi
	done
	[ "$status" -eq 0 ]
	# Where threads take what OpenBLAS did not have yet.
	for megabytes in 190 200 210
	do
		status=0
		timeout 20 prlimit --as=$((megabytes << 20)) \
			cs-svd -q -k 20 -j 8 -o out wide.mat 2> said || status=$?
		[ "$status" -eq 2 ] || cmp wide.bin out
	done
}
