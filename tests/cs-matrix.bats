# cs-matrix: what it makes of profiles, worked out in numpy besides.

load helper

setup_file() {
	cd "$BATS_FILE_TMPDIR" || return
	head -n 2500 "$ROOT/data/views.csv" | cs-aggregate -q > views.tsv
	cs-aggregate -q --prefix 'follows ' "$ROOT/data/user_interests.csv" |
		awk 'NR == 1 || NR % 3 == 0' > follows.tsv
	# Negative values and zeros, a tag that all have, names with escapes.
	printf '%s\n' 'c t events value' 'a all 2 -3' 'a x 1 0' 'b all 1 4' \
		'b x 3 2.5' 'c\tc all 1 1' 'c\tc z\\ 2 -0.5' 'd all 7 0.125' |
		tr ' ' '\t' > small.tsv
}

setup() {
	cd "$BATS_FILE_TMPDIR" || return
	checks=0
}

# Check what the test has said by holds, all in one process.
teardown() {
	[ "$checks" -eq 0 ] || "$PYTHON" "$BATS_TEST_DIRNAME/tensors.py" check \
		< "$BATS_TEST_TMPDIR/checks"
}

# The matrix of these options and files is that of the definition: this is
# checked at the end of the test.
holds() {
	local options=() files=() words=() attributes='' blocks=''
	while [ $# -gt 0 ]
	do
		case $1 in
		--attributes)
			options+=("$1" "$2")
			attributes=${attributes:+$attributes,}$2
			shift 2 ;;
		--block)
			options+=("$1" "$2")
			blocks=${blocks:+$blocks,}$2
			shift 2 ;;
		--*) options+=("$1" "$2"); words+=("${1#--}=$2"); shift 2 ;;
		*) files+=("$1"); shift ;;
		esac
	done
	local matrix=$BATS_TEST_TMPDIR/matrix$checks.bin
	cs-matrix "${options[@]}" "${files[@]}" > "$matrix"
	cs-dump --check "$matrix" > /dev/null
	(
		IFS=$'\t'
		words=("${files[@]}" -- "$matrix" "${words[@]}"
			"attributes=$attributes" "block=$blocks")
		echo "${words[*]}"
	) >> "$BATS_TEST_TMPDIR/checks"
	checks=$((checks + 1))
}

@test "each option, against numpy" {
	need numpy
	for file in views.tsv small.tsv
	do
		holds "$file"
		for value in mean sum events one auto
		do
			holds --value $value "$file"
			holds --value $value --damp none --weight none \
				--norm none "$file"
		done
		for damp in none log sqrt
		do
			holds --damp $damp --norm none "$file"
		done
		for weight in none idf sqrt-idf smooth
		do
			holds --weight $weight "$file"
		done
	done
	holds --min-users 20 --min-tags 2 views.tsv
	holds --min-users 20 views.tsv
	holds --min-tags 3 views.tsv
}

@test "--value auto: events where one pair in twenty has several, else the sum" {
	auto() {
		awk -v repeated="$1" 'BEGIN { OFS = "\t"; print "c", "t", "events", "value"
			for (i = 1; i <= 100; i++) print "c" (1000 + i), "t", 1 + (i <= repeated), 7 }' > auto.tsv
		cs-matrix --value auto -o auto.bin auto.tsv 2> said
		cs-matrix --value "$2" -q -o plain.bin auto.tsv
		grep -qx "cs-matrix: --value $2: $1.0 % of pairs have more than one event" said
		cs-dump --what profiles auto.bin > auto.raw
		cs-dump --what profiles plain.bin | cmp - auto.raw
		cs-dump --format json auto.bin > auto.json
		grep -q "\"matrix.value\": \"$2\"" auto.json
		grep -q "\"matrix.repeated\": \"0.0$1\"" auto.json
	}
	auto 4 sum
	auto 5 events
	printf 'c\tt\tevents\tvalue\na\tt\t4294967296\t1\n' > large.tsv
	run -2 cs-matrix --value auto -o out.bin large.tsv
	[[ "$output" == *"large.tsv:2: more than 2^32 - 1 events: give --value events, or sum"* ]]
	cs-matrix --value events -o out.bin large.tsv
}

@test "several files are blocks, each scaled by its norm" {
	need numpy
	holds views.tsv follows.tsv
	holds --weights 1,0.25 views.tsv follows.tsv
	holds --weights 2,1 --norm none --damp none follows.tsv views.tsv
	run -2 cs-matrix views.tsv views.tsv
	[[ "$output" == *"tag "*" stands in views.tsv, too: to tell them apart, cs-aggregate --prefix"* ]]
	run -2 cs-matrix --weights 1,2 views.tsv
	run -2 cs-matrix --weights 1 views.tsv follows.tsv
	run -2 cs-matrix --weights 1,-1 views.tsv follows.tsv
}

@test "--block: tags that begin alike are blocks, each scaled by its norm" {
	need numpy
	cs-aggregate --merge --prefix 'views ' views.tsv -o prefixed.tsv
	tail -n +2 follows.tsv >> prefixed.tsv
	{ head -n 1 prefixed.tsv; tail -n +2 prefixed.tsv | sort; } > levels.tsv
	holds --block 'views =1' --block 'follows =0.5' levels.tsv
	# The longest prefix counts; tags of none are a block of weight 1.
	holds --block 'views a=2' --block views=3 --norm none levels.tsv
	holds --block =2 --block 'follows =1' --attributes 'views b' levels.tsv
	cs-matrix -q --block 'views =1' --block 'follows =0.25' levels.tsv -o levels.mat
	cs-dump --format json levels.mat > levels.json
	grep -q '"matrix.block.2": "follows "' levels.json
	grep -q '"matrix.share.2": "0.25"' levels.json
	# The same as two files with weights.
	tail -n +2 levels.tsv | awk -F'\t' -v OFS='\t' 'BEGIN { print "customer", "tag", "events", "value" }
		$2 ~ /^views/' > level1.tsv
	tail -n +2 levels.tsv | awk -F'\t' -v OFS='\t' 'BEGIN { print "customer", "tag", "events", "value" }
		$2 ~ /^follows/' > level2.tsv
	cs-matrix -q --weights 1,0.5 level1.tsv level2.tsv -o files.mat
	cs-dump --what profiles files.mat | sed 1d > files.profiles
	cs-dump --what profiles levels.mat | sed 1d | diff - files.profiles
	# A customer folded in has the model's weights.
	cs-matrix -q --as levels.mat levels.tsv | cs-dump --what profiles |
		sed 1d | diff - files.profiles
	run -2 cs-matrix --block 'view:=1' -o out levels.tsv
	[[ "$output" == *"--block view:: no tag begins so"* ]]
	run -2 cs-matrix --block views=1 -o out level1.tsv level2.tsv
	[[ "$output" == *"--block: it divides one FILE, and there are 2: give --weights"* ]]
	for wrong in views views= views=x views=0 views=-1 views=1e9
	do
		run -2 cs-matrix --block "$wrong" -o out levels.tsv
		[[ "$output" == *"--block \"$wrong\": expected a text that tags begin with"* ]]
	done
	run -2 cs-matrix --as levels.mat --block views=1 -o out levels.tsv
}

@test "attributes are in the matrix, and change nothing of what is compared" {
	need numpy
	awk -F'\t' -v OFS='\t' 'NR == 1 { print; next } $1 != last {
		last = $1; n++; print $1, "age:" n % 3, 1, 1
		if (n % 2) print $1, "town:" n % 7, 1, 1 }' views.tsv > attributes.tsv
	holds --attributes age: --attributes town: views.tsv attributes.tsv
	holds --attributes age: --attributes town: --value events \
		--min-tags 3 views.tsv attributes.tsv
	# town:1 is no attribute here; the longest prefix counts.
	holds --attributes age: views.tsv attributes.tsv
	cs-matrix -q --norm l2 views.tsv | cs-svd -q -k 8 -o without.bin
	cs-matrix -q --attributes age: --attributes town: views.tsv \
		attributes.tsv | cs-svd -q -k 8 -o with.bin
	for model in without with
	do
		cs-knn --all -n 5 --no-why --no-profiles $model.bin |
			awk -F'\t' 'NR > 1 { printf "%s %s %.6f\n", $1, $3, $4 }' > $model.near
	done
	diff without.near with.near
	cs-dump --format json with.bin > with.json
	grep -q '"matrix.attributes.1": "age:"' with.json
	grep -q '"matrix.attributes.2": "town:"' with.json
	cs-dump --what tags with.bin | has '^age:1'
	# New customers: what counts as active is the model's.
	cs-matrix -q --as with.bin views.tsv attributes.tsv -o again.mat
	cs-matrix -q --attributes age: --attributes town: views.tsv \
		attributes.tsv -o first.mat
	"$PYTHON" - "$BATS_TEST_DIRNAME" <<-'END'
	import sys
	sys.path.insert(0, sys.argv[1])
	import tensors
	a, b = (tensors.read(x)[1] for x in ("first.mat", "again.mat"))
	assert (a["profile.values"] == b["profile.values"]).all()
	# A tenth holds customers as active as the least of it, or more.
	assert (a["users.tenth"] <= b["users.tenth"]).all()
	END
}

@test "attributes that are none, or all, and customers with nothing else" {
	printf 'customer\ttag\tevents\tvalue\na\tx\t1\t1\nb\tage:1\t1\t1\n' > few.tsv
	cs-matrix --attributes age: -o few.mat few.tsv 2> said
	grep -qx "cs-matrix: 1 of 2 customers have attributes alone, and are like no one: --min-tags 1 leaves them out" said
	cs-matrix --attributes age: --min-tags 1 -o few.mat few.tsv 2> said
	run ! grep -q alone said
	[ "$(cs-dump --what users few.mat | tail -n +2 | cut -f 1)" = a ]
	run -2 cs-matrix --attributes town: -o out few.tsv
	[[ "$output" == *"--attributes town:: no tag begins so" ]]
	# One that begins so, and that too few have.
	printf 'c\tx\t1\t1\n' >> few.tsv
	for option in '--attributes age:' '--block age:=2'
	do
		# shellcheck disable=SC2086 # two words
		run -2 cs-matrix --min-users 2 $option -o out few.tsv
		[[ "$output" == *"--${option:2:10}"*": of the tags that 2 customers have (--min-users) none begins so" ]]
	done
	run -2 cs-matrix --attributes age: --attributes x -o out few.tsv
	[[ "$output" == *"every tag is one, and there is nothing left to compare"* ]]
	run -2 cs-matrix --attributes age: --attributes age: -o out few.tsv
	[[ "$output" == *'--attributes: the prefix "age:" is given twice'* ]]
	run -2 cs-matrix --attributes "" -o out few.tsv
	run -2 cs-matrix --as few.mat --attributes age: -o out few.tsv
	[[ "$output" == *"--attributes: with --as it is the model's"* ]]
}

@test "the default of -S follows the memory that Slurm gives" {
	seq -f "z%.0f	css	1	1" 100000 140000 | cat views.tsv - > more.tsv
	export TMPDIR=$BATS_TEST_TMPDIR/none
	cs-matrix -q -o more.mat more.tsv
	SLURM_MEM_PER_NODE=1 run -2 cs-matrix -q -o out.mat more.tsv
	[[ $output == *"$TMPDIR: cannot create a scratch file"* ]]
}

@test "same bytes for any memory; several files, in order, or a pipe" {
	cs-matrix views.tsv follows.tsv > expected
	for size in 1 64K 1G
	do
		cs-matrix -S $size views.tsv follows.tsv | cmp - expected
	done
	cs-matrix views.tsv - < follows.tsv | cmp - expected
}

@test "a customer whose tags were dropped stays, as a row of zeros" {
	cs-matrix --min-users 2 --weight none small.tsv > matrix.bin
	cs-dump --what users --format tsv matrix.bin > users
	[ "$(wc -l < users)" -eq 5 ]
	[ "$(cs-dump --what tags --format tsv matrix.bin | cut -f 1 |
		tr '\n' ' ')" = "t all x " ]
}

# A profile of these lines is refused with a message that has the text.
wrong() {
	local text=$1
	shift
	printf '%s\n' "$@" | tr ' ' '\t' > wrong.tsv
	rm -f out
	run -2 --separate-stderr cs-matrix -o out wrong.tsv
	[[ "$stderr" == "cs-matrix: wrong.tsv"*"$text"* ]] || { echo "$stderr"; false; }
	[ "${#stderr_lines[@]}" -eq 1 ]
	[ ! -e out ]
}

@test "an invalid profile is refused, with line and reason" {
	h="c t events value"
	wrong ": a header alone: a matrix without entries" "$h"
	wrong ":1: 3 columns, expected the header of profiles" "c t events"
	wrong ":1: not a header of profiles" "a t 1 2"
	wrong ":2: 3 fields, expected 4" "$h" "a t 1"
	wrong ":2: the customer is empty" "$h" " t 1 2"
	wrong ":2: the tag is empty" "$h" "a  1 2"
	wrong ":2: events \"0\"" "$h" "a t 0 2"
	wrong ":2: events \"1.5\"" "$h" "a t 1.5 2"
	wrong ":2: value \"x\": expected a number" "$h" "a t 1 x"
	wrong ":2: value \"nan\": expected a number" "$h" "a t 1 nan"
	wrong ":2: value \"1e30\": a sum of 10^29 or more" "$h" "a t 1 1e30"
	wrong ":2: value \"1e-10\": more than 9 decimals" "$h" "a t 1 1e-10"
	wrong ":2: events \"9223372036854775808\"" "$h" \
		"a t 9223372036854775808 1"
	wrong ":1: not a header of profiles" "query rank neighbour similarity"
	wrong ":3: not in order" "$h" "b t 1 1" "a t 1 1"
	wrong ":3: not in order" "$h" "a u 1 1" "a t 1 1"
	wrong ":3: customer a has tag t twice: cs-aggregate --merge" "$h" \
		"a t 1 1" "a t 1 1"
	printf 'c\tt\tevents\tvalue\na\tt\t1\t2' > wrong.tsv
	run -2 cs-matrix wrong.tsv
	[[ "$output" == *"wrong.tsv:2: "* ]]
	printf 'c\tt\tevents\tvalue\r\na\tt\t1\t2\r\n' > wrong.tsv
	run -2 cs-matrix wrong.tsv
	[[ "$output" == *"CR LF"* ]]
	printf 'c\tt\tevents\tvalue\na\tt\\x\t1\t2\n' > wrong.tsv
	run -2 cs-matrix wrong.tsv
	printf 'c\tt\377\tevents\tvalue\na\tt\t1\t2\n' > wrong.tsv
	run -2 cs-matrix wrong.tsv
	[[ "$output" == *"wrong.tsv:1: the name of column 2 is not UTF-8"* ]]
	printf 'c\tt\tevents\tvalue\na\tt\0\t1\t2\n' > wrong.tsv
	run -2 cs-matrix wrong.tsv
	[[ "$output" == *"wrong.tsv:2: a NUL byte"* ]]
	gzip -c views.tsv > wrong.tsv.gz
	run -2 cs-matrix wrong.tsv.gz
	[[ "$output" == *"compressed by gzip: zcat wrong.tsv.gz | cs-matrix"* ]]
	# As PowerShell's > writes.
	iconv -t UTF-16 views.tsv > wide.tsv
	run -2 cs-matrix wide.tsv
	[ "$output" = "cs-matrix: wide.tsv: UTF-16: iconv -f UTF-16 -t UTF-8 wide.tsv | cs-matrix" ]
	run -2 cs-matrix "$ROOT/data/views.csv"
	[[ "$output" == *"expected the header of profiles"* ]]
}

# 20 pieces that threads parse; one customer is larger than a piece.
@test "any number of threads, and lines read one by one: the same bytes" {
	awk 'BEGIN {
		OFS = "\t"; print "c", "t", "events", "value"
		for (i = 1; i < 20000; i++)
			for (j = i % 9; j < 16; j += 1 + i % 3)
				printf "c%06d\tt%02d\t%d\t%d.5\n", i, j,
					1 + i % 4, i % 50 - 3
		for (j = 0; j < 25000; j++)
			print "d", sprintf("t%06d", j), 1, 2
		print "e", "t01", 1, 1
	}' > many.tsv
	cs-matrix -q -j 1 many.tsv > expected
	for threads in 2 3
	do
		cs-matrix -q -j $threads many.tsv | cmp - expected
		cs-matrix -q -j $threads < many.tsv | cmp - expected
	done
	# Where one line is written otherwise, all from there on are read alone.
	awk -F '\t' -v OFS='\t' 'NR == 2 { $3 = "0" $3 } { print }' many.tsv |
		cs-matrix -q -j 2 | cmp - expected
	awk -F '\t' -v OFS='\t' 'NR == 70000 { $3 = "0" $3 } { print }' \
		many.tsv | cs-matrix -q -j 2 | cmp - expected
	# A wrong line is named, and the first of several.
	for threads in 1 2
	do
		run -2 cs-matrix -q -j $threads -o none.bin \
			<(sed -e '60000s/$/x/' -e '90000s/c/\t/' many.tsv)
		[[ "$output" == *":60000: value"* ]]
		run -2 cs-matrix -q -j $threads -o none.bin \
			<(sed -e '70001{h;d}' -e '70002{p;x}' many.tsv)
		[[ "$output" == *":70002: not in order"* ]]
	done
}

@test "filters that leave nothing, and wrong use" {
	run -2 cs-matrix --min-users 100 small.tsv
	[[ "$output" == *"no tag has the 100 customers of --min-users"* ]]
	run -2 cs-matrix --min-tags 9 small.tsv
	[[ "$output" == *"no customer has the 9 tags of --min-tags"* ]]
	for wrong in "--value x" "--damp x" "--weight x" "--norm x" \
		"--min-users 0" "--min-tags -1" "-S 1X" "--weights x,1"
	do
		# shellcheck disable=SC2086
		run -2 cs-matrix $wrong small.tsv
		[[ "$output" == *"${wrong%% *}"* ]]
	done
}
