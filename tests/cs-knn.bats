# cs-knn: exact neighbours, in an order that is total, with reasons that add up.

# shellcheck disable=SC2002,SC2059,SC2086,SC2094,SC2154
load helper

DATA=${DATA:-$BATS_TEST_DIRNAME/../../shared/data}

# 400 customers of tags with a heavy tail; c001 to c004 are copies of one
# another, "zero" has a tag of no value; names that need escapes.
profiles() {
	awk 'BEGIN {
		srand(1)
		print "customer\ttag\tevents\tvalue"
		for (i = 0; i < 400; i++)
			for (t = 0; t < 60; t++)
				if (rand() < 3 / (t + 3))
					printf "u%03d\ttag %02d\t1\t%d\n",
					       i, t, 1 + 20 * rand()
		for (i = 1; i <= 4; i++)
			for (t = 5; t < 9; t++)
				printf "c%03d\ttag %02d\t1\t%d\n", i, t, t
		print "a\\tb\\\\c\\n\t50 % + more\t1\t7"
		print "a\\tb\\\\c\\n\ttag 01\t1\t2"
		print "lone\t50 % + more\t1\t7"
		print "zero\ttag 03\t1\t0"
	}' | { IFS= read -r header && printf '%s\n' "$header" &&
	       LC_ALL=C sort -t "$(printf '\t')" -k1,1 -k2,2; }
}

setup_file() {
	cd "$BATS_FILE_TMPDIR" || return
	profiles > profiles.tsv
	"$BIN/cs-matrix" profiles.tsv > matrix.bin
	"$BIN/cs-svd" -k 20 matrix.bin > emb.bin
	"$BIN/cs-knn" --all --quiet -n 10 emb.bin > all.tsv
}

setup() {
	cd "$BATS_FILE_TMPDIR" || return
	PATH=$BIN:$PATH
}

needs() {
	command -v "$1" > /dev/null || skip "$1 is not installed"
}

numpy() {
	PYTHON=/usr/bin/python3
	"$PYTHON" -c 'import numpy' 2> /dev/null || skip "numpy is not installed"
}

# No line of standard input is like the pattern.
without() {
	if grep "$@"; then return 1; fi
}

# The rows of a query, the header and # lines left out.
answers() {
	grep -v -e '^#' -e '^query' "$1"
}

# Each why adds up to its similarity: in integers of 10^-18.
sums_exactly() {
	needs python3
	python3 - "$1" <<-'E'
	import sys
	from decimal import Decimal, getcontext
	getcontext().prec = 60
	lines = 0
	for line in open(sys.argv[1], encoding="utf-8"):
	    if line.startswith(("#", "query")):
	        continue
	    similarity, why = line.rstrip("\n").split("\t")[3:5]
	    items = [item.split(" ")[0] for item in why.split(" + ")]
	    assert why.endswith(" (other)"), line
	    assert sum(map(Decimal, items)) == Decimal(similarity), line
	    assert len(items) <= 4, line
	    size = [abs(Decimal(item)) for item in items[:-1]]
	    assert size == sorted(size, reverse=True), line
	    lines += 1
	assert lines > 0, "no lines"
	E
}

@test "one customer: a header, ten neighbours, ranks, falling similarity" {
	cs-knn -u u007 --no-profiles emb.bin > one.tsv
	[ "$(head -n 1 one.tsv)" = \
	  "$(printf 'query\trank\tneighbour\tsimilarity\twhy')" ]
	[ "$(answers one.tsv | cut -f2 | tr '\n' ' ')" = "1 2 3 4 5 6 7 8 9 10 " ]
	[ "$(answers one.tsv | cut -f1 | sort -u)" = u007 ]
	answers one.tsv | cut -f4 | sort -c -g -r
	answers one.tsv | cut -f3 | without -x u007
}

@test "neighbours are those of dense arithmetic, with each centring and scale" {
	numpy
	for center in none row column; do
		for scale in us sqrt u; do
			cs-svd -k 20 --tol 1e-6 --center $center \
				--scale $scale matrix.bin > of.bin
			cs-knn --all -q -n 15 --metric embedding of.bin > of.tsv
			"$PYTHON" "$BATS_TEST_DIRNAME/dense.py" of.bin of.tsv
		done
	done
}

@test "the first recipe on completejourney: within 2e-5 of dense arithmetic" {
	numpy
	[ -d "$DATA/completejourney" ] || skip "no completejourney"
	[ -x "$BIN/cs-aggregate" ] || skip "no cs-aggregate"
	cs-aggregate -q \
		--tags "$DATA/completejourney/products.csv:product_id,product_category" \
		"$DATA/completejourney/transactions.csv" > journey.tsv
	cs-matrix --value mean --damp none --weight none --norm none \
		journey.tsv |
		cs-svd -k 50 --center row --scale u --tol 1e-6 > classic.bin
	cs-knn --all -q -n 15 classic.bin > classic.tsv
	"$PYTHON" "$BATS_TEST_DIRNAME/dense.py" classic.bin classic.tsv cosine 2e-5
	sums_exactly classic.tsv
}

@test "household 1955 of completejourney has the recorded neighbours" {
	[ -d "$DATA/completejourney" ] || skip "no completejourney"
	[ -x "$BIN/cs-aggregate" ] || skip "no cs-aggregate"
	cs-aggregate -q \
		--tags "$DATA/completejourney/products.csv:product_id,product_category" \
		"$DATA/completejourney/transactions.csv" |
		cs-matrix --value sum --damp log --weight idf --norm l2 |
		cs-svd -k 64 > journey.bin
	run -0 cs-knn -u 1955 --metric embedding --format ids journey.bin
	[ "${lines[*]}" = "1299 574 788 242 1778 888 1187 1203 13 989" ]
	run -0 cs-knn -u 1955 -n 1 --metric embedding --no-profiles journey.bin
	[[ "${lines[1]}" == *"0.293221 DIAPERS & DISPOSABLES + "* ]]
	run -1 cs-knn -u 1878 journey.bin
	[ "$output" = "cs-knn: journey.bin: customer 1878 has no tag with weight, so no one is similar" ]
	run -1 cs-knn -u 19555 journey.bin
	[ "$output" = "cs-knn: journey.bin: no customer 19555; near: 1555, 1955, 1055" ]
}

@test "every line adds up to its similarity, to the last digit" {
	sums_exactly all.tsv
	cs-svd --center column --scale u -k 20 matrix.bin > column.bin
	cs-knn --all -q column.bin > column.tsv
	sums_exactly column.tsv
	grep -q '[0-9]  + ' column.tsv	# the centring is an item without a name
}

@test "one customer, some and all give the same lines" {
	answers all.tsv | cut -f1 | uniq | sed -n '1~40p' > some
	cs-knn --users some emb.bin > some.tsv
	while read -r user; do
		answers all.tsv | awk -F '\t' -v u="$user" '$1 == u' > lines
		[ -s lines ]
		cs-knn -u "$user" emb.bin > one.tsv
		answers one.tsv | cmp - lines
		answers some.tsv | awk -F '\t' -v u="$user" '$1 == u' |
			cmp - lines
	done < <(grep -v -F "\\" some)
}

@test "the first k of k + 1 are the k" {
	cs-knn --all -q -n 500 emb.bin > most.tsv
	for k in 1 2 3 9; do
		cs-knn --all -q -n $k emb.bin > least.tsv
		awk -F '\t' -v k=$k 'NR == 1 || $2 <= k' most.tsv |
			cmp - least.tsv
	done
}

@test "bytes are equal for any threads, from a file and from a pipe" {
	for j in 1 2 3 7; do
		cs-knn --all -q -j $j emb.bin | cmp - all.tsv
	done
	cat emb.bin | cs-knn --all -q | cmp - all.tsv
	cs-knn --all -q - < emb.bin | cmp - all.tsv
	cs-knn --all -q -o out.tsv emb.bin
	cmp out.tsv all.tsv
	cs-knn -u u007 -j 1 emb.bin > one.tsv
	cs-knn -u u007 -j 3 < emb.bin | cmp - one.tsv
}

@test "copies are ranked by their bytes, and the query is left out by name" {
	run -0 cs-knn -u c003 -n 3 --format ids emb.bin
	[ "${lines[*]}" = "c001 c002 c004" ]
	cs-knn -u c003 -n 3 --no-profiles --no-why emb.bin > copies.tsv
	[ "$(answers copies.tsv | cut -f4 | uniq | wc -l)" -eq 1 ]
}

@test "with --include-self the customer is listed, with similarity exactly 1" {
	cs-knn --all -q --include-self -n 500 --no-why emb.bin > self.tsv
	answers self.tsv | awk -F '\t' '
		$1 == $3 { n++; if ($4 != "1") exit 1 }
		$4 + 0 > 1 || $4 + 0 < -1 { exit 1 }
		END { exit n != 406 }'
	# Without oneself, the rest is the same.
	cs-knn --all -q -n 500 --no-why emb.bin | cut -f1,3,4 > without
	awk -F '\t' '$1 != $3' self.tsv | cut -f1,3,4 | cmp - without
}

@test "a similarity is symmetric, bit by bit" {
	cs-knn --all -q -n 500 --no-why emb.bin | answers /dev/stdin > most.tsv
	awk -F '\t' '{ print $1 FS $3 FS $4 }' most.tsv | LC_ALL=C sort > there
	awk -F '\t' '{ print $3 FS $1 FS $4 }' most.tsv | LC_ALL=C sort > back
	cmp there back
}

@test "a customer with a zero vector has no neighbours and is a neighbour of no one" {
	run -1 --separate-stderr cs-knn -u zero emb.bin
	[ -z "$output" ]
	[ "$stderr" = "cs-knn: emb.bin: customer zero has no tag with weight, so no one is similar" ]
	run -0 --separate-stderr cs-knn --all -n 500 --no-why emb.bin
	[ "$stderr" = "cs-knn: emb.bin: 1 customer has no tag with weight, so no one is similar" ]
	[[ "$output" != *zero* ]]
}

@test "an unknown customer: status 1, near names, no output" {
	run -1 --separate-stderr cs-knn -u u0077 emb.bin
	[ -z "$output" ]
	[ "$stderr" = "cs-knn: emb.bin: no customer u0077; near: u007, u077, u000" ]
	printf '%s\n' 00042,a 42000,a 0142,a | cs-aggregate -q --no-header -u 1 -t 2 |
		cs-matrix -q | cs-svd -q > zeros.bin
	run -1 cs-knn -u 42 zeros.bin
	[ "$output" = "cs-knn: zeros.bin: no customer 42; near: 00042" ]
	run -1 --separate-stderr cs-knn -u u0077 -o none.tsv emb.bin
	[ ! -e none.tsv ]
	run -1 --separate-stderr cs-knn -u "something else" - < emb.bin
	[ "$stderr" = "cs-knn: standard input: no customer something else" ]
}

@test "unknown names in --users are listed, and the others answered" {
	printf 'u001\nnobody\n\nu002\r\nno one' > users
	run -1 --separate-stderr cs-knn --users users -n 1 emb.bin
	[ "$(printf '%s\n' "$output" | tail -n +2 | cut -f1 | tr '\n' ' ')" = \
	  "u001 u002 " ]
	[ "${stderr_lines[0]}" = "cs-knn: users:2: no customer nobody in emb.bin" ]
	[ "${stderr_lines[1]}" = "cs-knn: users:5: no customer no one in emb.bin" ]
	[ "${stderr_lines[2]}" = "cs-knn: 2 of 4 in users are known" ]
	[ "${#stderr_lines[@]}" -eq 3 ]
	{ echo u001; seq -f nobody%.0f 100000; } > many
	run -1 --separate-stderr cs-knn --users many -n 1 emb.bin
	[ "${#stderr_lines[@]}" -eq 11 ]
	[ "${stderr_lines[10]}" = "cs-knn: 1 of 100,001 in many are known" ]
	run -0 --separate-stderr cs-knn --users users --ignore-unknown -n 1 emb.bin
	[ -z "$stderr" ]
	[ "${#lines[@]}" -eq 3 ]
	cs-knn --users - --ignore-unknown -n 1 emb.bin < users > of.tsv
	[ "$output" = "$(cat of.tsv)" ]
	run -1 cs-knn --users /dev/null emb.bin
	run -1 cs-knn -u nobody --ignore-unknown emb.bin
}

@test "--among and --not choose before the ranking, so there are always n" {
	seq -f u%03g 0 3 399 > third
	cs-knn --users third --among third -n 5 --no-why emb.bin > among.tsv
	[ "$(answers among.tsv | wc -l)" -eq $((5 * $(wc -l < third))) ]
	cs-knn --all -q -n 500 --no-why emb.bin | awk -F '\t' '
		NR == FNR { in_third[$1] = 1; next }
		FNR > 1 && in_third[$1] && in_third[$3] && ++n[$1] <= 5 {
			print $1 FS n[$1] FS $3 FS $4
		}' third - > expected
	answers among.tsv | cmp - expected
	cs-knn --users third --not third -n 5 --no-why emb.bin > not.tsv
	answers not.tsv | cut -f3 | without -x -F -f third
	[ "$(answers not.tsv | wc -l)" -eq $((5 * $(wc -l < third))) ]
	# For one customer as for many; both together.
	cs-knn -u u000 --among third -n 5 --no-why emb.bin > one.tsv
	answers one.tsv | cmp - <(answers among.tsv | sed -n 1,5p)
	printf 'u003\nu006\n' > few
	run -1 cs-knn -u u000 --among few --not third emb.bin
	run -0 --separate-stderr cs-knn -u u000 --among few --format ids emb.bin
	[ "${#lines[@]}" -eq 2 ]
}

@test "--among without a known customer: status 1" {
	printf 'nobody\n' > strangers
	run -1 --separate-stderr cs-knn -u u000 --among strangers emb.bin
	[ -z "$output" ]
	[[ "$stderr" == 'cs-knn: strangers: none of its customers is in emb.bin: it has "nobody", the model has "a?b'* ]]
	printf 'u000\n' > only
	run -1 --separate-stderr cs-knn -u u000 --among only emb.bin
	[ "$stderr" = "cs-knn: emb.bin: customer u000: no one is left to be similar" ]
}

@test "lists of one line, of old Macs, and such as are no lists" {
	local form

	for form in 'u001;u002;u003' 'u001,u002,u003' '"u001"; "u002";"u003"' \
		'u001 u002 u003' $'u001\tu002\tu003\n' $'u001\ru002\ru003\r'; do
		printf '%s' "$form" > list
		cs-knn -u u000 -n 9 --among list --format ids emb.bin | sort |
			diff <(printf 'u00%d\n' 1 2 3) - || { echo "$form"; false; }
		run -0 cs-knn -u u000 -n 999 --not list --format ids emb.bin
		run ! grep -x 'u00[123]' <<< "$output"
	done
	# However long the line is.
	{ printf 'stranger%d;' {1..9000}; printf 'u001;u002;u003'; } > list
	cs-knn -q -u u000 -n 9 --among list --format ids emb.bin | sort |
		diff <(printf 'u00%d\n' 1 2 3) -
	# Two fields may be a customer and something else.
	printf 'u001,2' > list
	run -0 cs-knn -u u000 -n 1 --among list --format ids emb.bin
	[ "${lines[0]}" = "cs-knn: list: of its one line the first field is the name" ]
	[ "${lines[1]}" = u001 ]
	printf 'u001\nu002\n' | iconv -t UTF-16 > list
	run -2 cs-knn -u u000 --not list emb.bin
	[ "$output" = "cs-knn: list: UTF-16, expected names, one a line: iconv -f UTF-16 -t UTF-8 list" ]
	printf 'u001\nu002\n' | iconv -t UTF-16LE > list
	run -2 cs-knn -u u000 --not list emb.bin
	[ "$output" = "cs-knn: list: UTF-16, expected names, one a line: iconv -f UTF-16LE -t UTF-8 list" ]
	printf '["u001","u002"]' > list
	run -2 cs-knn -u u000 --not list emb.bin
	[ "$output" = "cs-knn: list: JSON, expected names, one a line: jq -r '.[]' list" ]
	# Also of numbers, and where it is written on several lines.
	for list in '[1, -2e3 ]' '[
  "u001",
  "u002"
]'
	do
		printf '%s\n' "$list" > list
		run -2 cs-knn -u u000 --not list emb.bin
		[[ "$output" == *": JSON, expected names"* ]]
	done
	# Brackets in names make no JSON.
	for list in '[1]Smith, Ann' '[draft] x, y' '["u001"] a, b' '[1]' '[]' \
		'["u001' '[1, 2] a' '[a, b]'
	do
		printf '%s\nu001\n' "$list" > list
		run -0 cs-knn -q -u u000 -n 9 --among list --format ids emb.bin
		[ "$output" = u001 ]
	done
	printf '["u001","u002"]' > list
	jq -r '.[]' list > ids
	cs-knn -u u000 -n 9 --among ids --format ids emb.bin | sort |
		diff <(printf 'u00%d\n' 1 2) -
}

@test "--not without a known customer: status 1, unless unknown are ignored" {
	printf 'nobody\n' > strangers
	run -1 --separate-stderr cs-knn -u u000 --not strangers emb.bin
	[ -z "$output" ]
	[[ "$stderr" == 'cs-knn: strangers: none of its customers is in emb.bin: it has "nobody", the model has "a?b'* ]]
	run -0 --separate-stderr cs-knn -u u000 --not strangers \
		--ignore-unknown emb.bin
	[ -z "$stderr" ]
	run -0 --separate-stderr cs-knn -u u000 --not /dev/null emb.bin
	[ "$stderr" = "cs-knn: /dev/null: no customer is named in it" ]
	printf 'u001\nnobody\n' > optout
	run -0 --separate-stderr cs-knn -u u000 --not optout emb.bin
	[ "${stderr_lines[0]}" = "cs-knn: optout:2: no customer nobody in emb.bin" ]
	[ "${stderr_lines[1]}" = "cs-knn: 1 of 2 in optout are known" ]
}

@test "lists with a byte-order mark, quotes, blanks, a header or more columns" {
	seq -f u%03g 0 3 99 > plain
	{ printf '\xef\xbb\xbf'; sed 's/$/\r/' plain; } > mark
	{ echo user_id,name; sed 's/$/,x/' plain; } > csv
	{ echo 'Customer ID'; cat plain; } > headed
	sed 's/.*/"&"/' plain > quoted
	sed 's/$/ /' plain > blanks
	for option in --not --among --like; do
		who="-u u000"
		[ "$option" != --like ] || who=
		cs-knn $who $option plain -n 9 --format ids emb.bin > expected
		for list in mark csv headed quoted blanks; do
			cs-knn $who $option $list -n 9 --format ids emb.bin \
				2> errors | cmp - expected
			[ ! -s errors ]
		done
	done
	cs-knn --users plain -n 2 emb.bin > expected
	for list in mark csv headed quoted blanks; do
		cs-knn --users $list -n 2 emb.bin | cmp - expected
	done
}

@test "a list ends before those at 0, and a longer one begins with it" {
	local n
	{
		echo user,tag
		printf 'u%d,t%d\n' 0 3 0 3 1 0 1 1 2 0 2 1 2 1 2 2 3 4 4 2 4 4 5 2
	} > few.csv
	cs-aggregate -q few.csv | cs-matrix -q | cs-svd -q -k 2 -o few.bin
	cs-knn -u u1 -n 9 --no-why --min-similarity -1 few.bin > few-all.tsv
	[ "$(answers few-all.tsv | cut -f 4 | cut -c 1-2 | xargs)" = "0. 0. 0 -1 -0" ]
	answers few-all.tsv | sed -n 1,2p > few-expected
	for n in 1 2 3 4 5 9; do
		cs-knn -q -u u1 -n $n --no-why few.bin > few-found.tsv
		answers few-found.tsv | cmp - <(head -n $n few-expected)
	done
}

@test "--min-similarity keeps those that reach it, and reports where none does" {
	cs-knn --all -q -n 500 --no-why emb.bin > most.tsv
	cs-knn --all -q -n 500 --no-why --min-similarity 0.25 emb.bin > some.tsv
	awk -F '\t' 'NR == 1 || $4 + 0 >= 0.25' most.tsv | cmp - some.tsv
	cs-knn -u u000 -n 500 --no-why --min-similarity 0.25 emb.bin > one.tsv
	answers one.tsv | cmp - <(awk -F '\t' '$1 == "u000"' some.tsv)
	matching=$(answers one.tsv | wc -l)
	cs-knn -u u000 -n 1 --min-similarity 0.25 emb.bin |
		has "^#model.*;candidates=405;matching=$matching;min_similarity=0.25;"
	run -1 --separate-stderr cs-knn -u u000 --min-similarity 1 emb.bin
	[ "$stderr" = "cs-knn: emb.bin: customer u000: none of 405 has a similarity of 1 or more" ]
}

@test "--min-similarity S keeps a similarity that is printed as S" {
	# About every second float is less than its nine digits.
	local least metric

	for metric in combined embedding profile; do
		cs-knn -u u000 -n 500 --no-why --no-profiles --metric $metric \
			emb.bin > most.tsv
		for least in $(sed -n '2,20s/.*\t//p' most.tsv) 0.9 0.3 1; do
			cs-knn -u u000 -q -n 500 --no-why --no-profiles \
				--metric $metric --min-similarity "$least" \
				emb.bin > some.tsv || [ $? -eq 1 ]
			awk -F '\t' -v least="$least" '
				NR == 1 || $4 + 0 >= least + 0' most.tsv > expected
			[ -s some.tsv ] || sed 1q most.tsv > some.tsv
			cmp expected some.tsv
		done
	done
}

@test "the scale of similarity is that of all pairs of few customers" {
	needs python3
	# 41 customers are all paired; some similarities are negative.
	{ printf 'user\ttag\tevents\tvalue\n'
		for i in $(seq 10 50); do
			printf "u$i\tt%d\t1\t%d\n" $((i % 3)) $((i % 7 - 3)) \
				$((3 + i % 5)) $((i % 4 + 1))
		done; } > pairs.tsv
	cs-matrix -q --value sum --damp none --weight none pairs.tsv |
		cs-svd -q -k 3 -o pairs.bin
	for metric in combined profile; do
		cs-knn -q --all -n 40 --min-similarity -1 --no-why \
			--metric $metric pairs.bin > pairs-all.tsv
		cs-knn -q -u u10 --metric $metric --profiles pairs.bin |
			grep '^#model' > pairs-scale
		"$PYTHON" - <<-'END'
		import re
		pairs = sorted(float(line.split("\t")[3]) for line in open("pairs-all.tsv")
		               .read().splitlines()[1:] if line[:3] < line.split("\t")[2])
		assert len(pairs) == 820 and pairs[0] < 0
		scale = open("pairs-scale").read()
		for name, share in ("median_pair", .5), ("top_percent_pair", .99):
		    found = float(re.search(name + "=([^;]*)", scale)[1])
		    assert abs(found - pairs[int(share * 819)]) < 1e-6, (name, found)
		END
	done
}

@test "--metric dot ranks by the product" {
	numpy
	cs-svd -k 20 --tol 1e-7 matrix.bin > tight.bin
	cs-knn --all -q --metric dot -n 20 tight.bin > dot.tsv
	sums_exactly dot.tsv
	"$PYTHON" "$BATS_TEST_DIRNAME/dense.py" tight.bin dot.tsv dot 1e-4
}

@test "JSON holds what TSV holds, a customer a line" {
	needs python3
	cs-knn --all -q --format json emb.bin > all.json
	python3 - <<-'E'
	import json
	tsv = {}
	for line in open("all.tsv", encoding="utf-8").read().split("\n")[1:-1]:
	    query, rank, neighbour, similarity, why = line.split("\t")
	    tsv.setdefault(query, []).append((rank, neighbour, similarity, why))
	def escape(name):
	    for a, b in ("\\\\", "\tt", "\nn", "\rr"):
	        name = name.replace(a, "\\" + b)
	    return name
	objects = [json.loads(line, parse_float=str, parse_int=str)
	           for line in open("all.json", encoding="utf-8")]
	assert len(objects) == len(tsv)
	for o in objects:
	    lines = tsv[escape(o["query"])]
	    assert len(lines) == len(o["neighbours"])
	    for (rank, neighbour, similarity, why), n in zip(lines, o["neighbours"]):
	        assert n["rank"] == rank
	        assert escape(n["customer"]) == neighbour
	        assert n["similarity"] == similarity
	        items = ["%s %s" % (w["contribution"],
	                 w["tag"].replace("%", "%25").replace(" + ", "%20+%20"))
	                 for w in n["why"]]
	        assert " + ".join(items + [n["other"] + " (other)"]) == why, why
	E
	run -0 cs-knn -u u001 -n 1 --no-why --format json emb.bin
	[[ "$output" != *why* && "$output" != *other* ]]
}

@test "--format ids is what --users reads, odd names too" {
	cs-knn --all -q -n 500 --format ids emb.bin | LC_ALL=C sort -u > ids
	grep -q -F -x 'a\tb\\c\n' ids
	[ "$(wc -l < ids)" -eq 406 ]
	cs-knn --users ids emb.bin > back.tsv
	LC_ALL=C sort back.tsv | cmp - <(LC_ALL=C sort all.tsv)
}

@test "# lines: for -u into a pipe, or when asked for" {
	cs-knn -u u001 -n 2 emb.bin > with.tsv
	[ "$(grep -c '^#model' with.tsv)" -eq 1 ]
	[ "$(grep -c '^#profile' with.tsv)" -eq 3 ]
	[ "$(grep -m 1 '^#profile' with.tsv | cut -f2)" = u001 ]
	without '^#' < all.tsv
	cs-knn -u u001 -n 2 --no-profiles emb.bin > bare.tsv
	answers with.tsv | cmp - <(answers bare.tsv)
	without '^#' < bare.tsv
	cs-knn --all -q -n 2 --profiles emb.bin > every.tsv
	[ "$(grep -c '^#profile' every.tsv)" -eq $((406 * 3)) ]
	# Each profile is that of the events.
	grep '^#profile' with.tsv | cut -f2,4 |
		awk -F '[\t;]' '{ for (i = 2; i <= NF; i++) print $1 "\t" $i }' |
		tr '=' '\t' | LC_ALL=C sort > told
	cut -f1,2,4 profiles.tsv | grep -F -f <(cut -f1 told | sort -u) |
		LC_ALL=C sort | cmp - told
	# Each tag named has a #tag line, with how many customers have it.
	cut -f2 told | LC_ALL=C sort -u |
		cmp - <(grep '^#tag' with.tsv | cut -f2)
	awk -F '\t' 'FNR == 1 { file++ }
		file == 1 && FNR > 1 && $4 > 0 { users[$2]++ }
		file == 2 && $1 == "#tag" {
			n = split($5, k, ","); sum = 0
			for (i in k) sum += k[i]
			if (n != 10 || sum != $3 || $3 != users[$2] || $4 != 407)
				exit 1
		}' profiles.tsv with.tsv
}

@test "wrong use: status 2, a reason, no output" {
	refused() {
		run -2 --separate-stderr cs-knn "$@" emb.bin
		[ -z "$output" ]
		[[ "${stderr_lines[0]}" == "cs-knn: "* ]]
	}
	refused
	refused -u u001 --all
	refused -u u001 --users users
	# Of two lists one would be passed over, and its customers be answers.
	refused -u u001 --not users --not other
	[ "${stderr_lines[0]}" = 'cs-knn: --not: given twice, with "users" and "other"' ]
	refused -u u001 --among users --among other
	refused -u ''
	refused -u u001 -n 0
	refused -u u001 -n x
	refused -u u001 -n -1
	refused -u u001 -n 1.5
	refused -u u001 -j 0
	refused -u u001 --metric euclid
	refused -u u001 --format xml
	refused -u u001 --format json --profiles
	refused -u u001 --min-similarity 1.5
	refused -u u001 --min-similarity nan
	refused -u u001 emb.bin
	refused -u u001 --alpha 1.1
	refused -u u001 --alpha -0.1
	refused -u u001 --alpha half
	refused -u u001 --alpha 0.5 --metric dot
	refused -u u001 --blend 0.5
	[[ "$stderr" == *"--metric combined"* ]]
	refused -u u001 --metric cosine
	[[ "$stderr" == *"--metric embedding"* ]]
	refused -u u001 --merge
	refused --merge
	printf 'query\trank\tneighbour\tsimilarity\na\t1\tb\t1\n' > part.tsv
	for option in --among=users --not=users --min-similarity=0 \
		--include-self --ignore-unknown --metric=dot --alpha=0.5 \
		--recall=0.9 --probes=2 --format=ids --no-why --profiles; do
		run -2 --separate-stderr cs-knn --merge "$option" part.tsv
		[ -z "$output" ]
		[[ "$stderr" == "cs-knn: ${option%=*}: not with --merge"* ]]
	done
	cs-knn --merge -j 2 -q part.tsv | cmp - part.tsv
	refused -u u001 --unknown
	[[ "$stderr" == *"unknown option --unknown"* ]]
	run -2 --separate-stderr cs-knn --users - < emb.bin
	run -2 --separate-stderr cs-knn --users - --among - emb.bin
}

@test "wrong input: status 2, the file and what it is, no output" {
	refused() {
		run -2 --separate-stderr cs-knn -u u001 "$1"
		[ -z "$output" ]
		[ "${#stderr_lines[@]}" -eq 1 ]
		[[ "$stderr" == "cs-knn: $1: "* ]]
	}
	: > empty
	printf 'u001\n' > short
	cp emb.bin 'a model'
	printf 'x' >> 'a model'
	refused empty
	refused short
	refused profiles.tsv
	refused all.tsv
	refused matrix.bin
	refused .
	refused absent.bin
	refused 'a model'
	run -2 --separate-stderr cs-knn -u u001 < /dev/null
	[[ "$stderr" == "cs-knn: standard input: "* ]]
}

@test "a model cut at any byte is refused" {
	size=$(stat -c %s emb.bin)
	for at in 1 7 8 9 63 64 100 1000 5000 $((size / 2)) $((size - 9)) \
		$((size - 1)); do
		head -c "$at" emb.bin > cut.bin
		run -2 --separate-stderr cs-knn -u u001 cut.bin
		[ -z "$output" ]
		run -2 --separate-stderr cs-knn --all < cut.bin
	done
}

@test "a byte changed anywhere is found before anything is written" {
	size=$(stat -c %s emb.bin)
	for at in $(seq 0 "$(cases 997 4999)" $((size - 1))) 8 9 \
		$((size - 1)); do
		cp emb.bin bent.bin
		byte=$(od -A n -t u1 -j "$at" -N 1 emb.bin)
		printf "\\x$(printf %02x $((byte ^ 4)))" |
			dd of=bent.bin bs=1 seek="$at" conv=notrunc status=none
		run -2 --separate-stderr cs-knn -u u001 bent.bin
		[ -z "$output" ]
		[ "${#stderr_lines[@]}" -eq 1 ]
	done
}

@test "invalid values with right checksums are found where they are used" {
	needs python3
	forge() {
		python3 "$BATS_TEST_DIRNAME/forge.py" emb.bin "$@" > forged.bin ||
			skip "no libxxhash for python"
	}
	# Models, each with one change: forged.1, forged.2 and so on.
	forge_each() {
		printf '%s\n' "$@" |
			python3 "$BATS_TEST_DIRNAME/forge.py" emb.bin
	}
	for value in nan inf -inf; do
		forge embedding 200 $value
		for whom in "-u u001" "--all -q"; do
			run -2 --separate-stderr cs-knn $whom forged.bin
			[ -z "$output" ]
			[ "$stderr" = "cs-knn: forged.bin: row 10 of the embedding is not finite" ]
		done
	done
	# Of the one who asks, and is in no model: its file is named.
	run -2 --separate-stderr cs-knn --queries forged.bin emb.bin
	[ -z "$output" ]
	[ "$stderr" = "cs-knn: forged.bin: row 10 of the embedding is not finite" ]
	forge embedding 200 1e30
	run -2 --separate-stderr cs-knn -u u001 --metric dot forged.bin
	[ "$stderr" = "cs-knn: forged.bin: row 10 of the embedding is too long for the metric dot" ]
	run -0 --separate-stderr cs-knn -u u001 forged.bin
	forge_each "profile.indices 3 -1" "profile.indices 3 2000000000" \
		"profile.indptr 5 -7" "profile.indptr 5 1000000" \
		"profile.values 4 nan" "components 7 inf" "sigma 0 -1" \
		"users.tenth 3 200" "tags.tenths 3 -5" "tags.tenths 3 9999" \
		"users.offsets 4 99999999" "users.offsets 4 -1"
	for number in $(seq 12); do
		run -2 --separate-stderr cs-knn --all -q --profiles \
			forged.$number
		[ -z "$output" ]
		[ "${#stderr_lines[@]}" -eq 1 ]
		[[ "$stderr" == "cs-knn: forged.$number: "* ]]
	done
	# What no one can know to be wrong is worked with, and does no harm.
	forge_each "components 40 1e300" "components 41 -1e308" \
		"sigma 3 1e-300" "embedding 201 1e38" "embedding 202 1e-45" \
		"profile.raw 7 1e38" "pairs 0 nan"
	for number in $(seq 7); do
		run --separate-stderr cs-knn --all -q --profiles forged.$number
		[ "$status" -eq 0 ] || [ "$status" -eq 2 ]
	done
}

@test "cs-knn is not linked with BLAS" {
	needs ldd
	run ldd "$BIN/cs-knn"
	[[ "$output" != *blas* && "$output" != *lapack* ]]
}

# Two models of the customers of emb.bin: even and odd lines of names.
split_model() {
	[ -s half1.bin ] && return
	for half in 0 1; do
		awk -F '\t' -v half=$half '
			NR == 1 { print; next }
			$1 != last { last = $1; n++ }
			n % 2 == half' profiles.tsv |
			cs-matrix --as emb.bin | cs-project emb.bin \
			> half$half.bin
	done
}

@test "several MODELs give the results of the one that they are parts of" {
	split_model
	cut -f 1 profiles.tsv | sed 1d | uniq | grep -v zero | sed -n '1~40p' \
		> some
	for options in "--users some" "--users some --metric dot" \
		"--users some --include-self -n 3" "--like some -n 20" \
		"--users some --format json" "--users some --alpha 0.4" \
		"--users some --metric embedding" "--users some --metric profile" \
		"--users some --among among" "--all -q -n 3 --no-why" \
		"--users some --format ids --not among -n 1000 -q"; do
		sed -n '1~3p' some > among
		cs-knn $options -q --no-profiles emb.bin > expected
		cs-knn $options -q half0.bin half1.bin | cmp - expected
		cs-knn $options -q -j 3 half1.bin half0.bin | cmp - expected
	done
	run -1 --separate-stderr cs-knn -u u0077 half0.bin half1.bin
	[ "$stderr" = "cs-knn: half0.bin and 1 more: no customer u0077; near: u007, u077, u000" ]
	run -2 --separate-stderr cs-knn -u u007 half0.bin half0.bin
	[[ "$stderr" == *"is in another file too"* ]]
	cs-svd -k 20 --scale u matrix.bin > other.bin
	run -2 --separate-stderr cs-knn -u u007 half0.bin other.bin
	[[ "$stderr" == "cs-knn: other.bin: its components are not those of half0.bin"* ]]
	run -2 cs-knn -u u007 --profiles half0.bin half1.bin
}

@test "--merge: neighbours in parts are neighbours of the whole" {
	split_model
	for options in "" "--no-why"; do
		cs-knn --queries emb.bin -q -n 10 $options emb.bin > expected
		for half in 0 1; do
			cs-knn --queries emb.bin -q -n 10 $options half$half.bin \
				> half$half.tsv
		done
		cs-knn --merge half0.tsv half1.tsv | cmp - expected
		# Order of files, and files read twice, change no line.
		cs-knn --merge half1.tsv half0.tsv half1.tsv | sort |
			cmp - <(sort expected)
		cs-knn --merge -n 3 - half1.tsv < half0.tsv |
			cmp - <(awk -F '\t' 'NR == 1 || $2 <= 3' expected)
	done
	cs-knn --queries emb.bin -q half0.bin > why.tsv
	run -2 --separate-stderr cs-knn --merge half0.tsv why.tsv
	[[ "$stderr" == "cs-knn: why.tsv:1: a header with why"* ]]
	cs-knn -u u007 --profiles emb.bin > notes.tsv
	run -2 --separate-stderr cs-knn --merge notes.tsv
	[[ "$stderr" == "cs-knn: notes.tsv:"*"--no-profiles"* ]]
	sed '2 s/0\.[0-9]*/0.1/' half0.tsv > other.tsv
	run -2 --separate-stderr cs-knn --merge half0.tsv other.tsv
	[[ "$stderr" == *"twice, with"* ]]
	run -2 cs-knn --merge profiles.tsv
	head -n 1 half0.tsv > none.tsv
	run -1 --separate-stderr cs-knn --merge none.tsv
	[ -z "$output" ]
}

# The customers of emb.bin in a number of files by chance: part0.bin on.
scatter_model() {
	rm -f part*
	awk -F '\t' -v seed="$1" -v parts="$2" '
		BEGIN { srand(seed) }
		NR == 1 {
			for (p = 0; p < parts; p++)
				print > ("part" p ".tsv")
			next
		}
		$1 != last { last = $1; p = int(parts * rand()) }
		{ print > ("part" p ".tsv") }' profiles.tsv
	for part in part*.tsv; do
		cs-matrix -q --as emb.bin "$part" | cs-project -q emb.bin |
			cs-index -q --as fast.bin > "${part%.tsv}.bin"
	done
}

# Some may have nobody who is as similar as they should be.
some_near() {
	cs-knn -q --no-why --no-profiles "$@" || [ $? -eq 1 ]
}

@test "customers distributed over files at random: the results of one file" {
	cut -f 1 profiles.tsv | sed 1d | uniq | grep -v zero | sed -n '1~25p' \
		> some
	cs-index -q emb.bin > fast.bin
	rm -f expected.*
	cs-knn -q --no-why --queries emb.bin emb.bin > expected
	for seed in $(seq 1 "$(cases 20 5)"); do
		scatter_model "$seed" $((seed % 4 + 2))
		threads=$((seed % 3 + 1))
		for options in "--all -n $seed" "--all --metric dot" \
			"--users some --not some" "--all --recall .95" \
			"--all --probes $((seed % 5 + 1)) --include-self" \
			"--users some --min-similarity .$seed"; do
			[ -e "expected.$options" ] ||
				some_near $options fast.bin \
					> "expected.$options"
			some_near -j $threads $options part*.bin |
				cmp - "expected.$options"
		done
		for part in part*.bin; do
			cs-knn -q --no-why --queries emb.bin "$part" \
				> "${part%.bin}.near"
		done
		cs-knn --merge part*.near | cmp - expected
	done
}

@test "rows and embeddings: --metric combined and profile, against dense arithmetic" {
	numpy
	cut -f 1 profiles.tsv | sed 1d | uniq | sed -n '1~40p' |
		grep -v -e zero -e '\\' > some
	for recipe in "" "--center row --scale u"; do
		cs-svd -k 20 --tol 1e-6 $recipe -o of.bin matrix.bin
		cs-knn --users some -n 30 --no-profiles --metric profile of.bin \
			> of.tsv
		"$PYTHON" "$BATS_TEST_DIRNAME/combined.py" of.bin of.tsv profile
	done
	sums_exactly of.tsv
	run -2 --separate-stderr cs-knn -u u007 --metric combined of.bin
	[[ "$stderr" == *"--scale u: take --metric embedding or profile" ]]
	run -2 --separate-stderr cs-knn -u u007 --alpha 0.5 of.bin
	[[ "$stderr" == *"combined is defined for"* ]]
	cs-knn -u u007 of.bin | has ';metric=embedding;alpha=;'
	cs-svd -k 20 --tol 1e-6 -o of.bin matrix.bin
	for alpha in 0.02 0.33 0.75 1; do
		cs-knn --users some -n 30 --no-profiles --alpha $alpha of.bin \
			> of.tsv
		"$PYTHON" "$BATS_TEST_DIRNAME/combined.py" of.bin of.tsv $alpha
		sums_exactly of.tsv
	done
	# One at a time, without an index of rows, as together.
	while IFS= read -r user; do
		cs-knn -u "$user" -n 30 --no-profiles --alpha 1 of.bin | sed 1d
	done < some | cmp - <(sed 1d of.tsv)
	# The first k are the first k of more; the customer itself is 1.
	cs-knn --users some -n 1000 -q emb.bin > all-of.tsv
	cs-knn --users some -n 7 -q emb.bin |
		cmp - <(awk -F '\t' 'NR == 1 || $2 <= 7' all-of.tsv)
	cs-knn --users some -n 1000 -q --min-similarity 0.3 emb.bin |
		cmp - <(awk -F '\t' 'NR == 1 || $4 >= 0.3' all-of.tsv)
	[ "$(cs-knn -u u007 --include-self -n 1 --no-why --no-profiles \
		emb.bin | tail -n 1)" = "$(printf 'u007\t1\tu007\t1')" ]
	cs-knn -u u007 --alpha 0.5 emb.bin | cs-summarize --format json |
		has '"metric": *"combined", *"alpha": *0.5'
}

@test "fewer neighbours than asked for: as many as there are, and how many" {
	sed -n '1~60p' <(cut -f 1 profiles.tsv | sed 1d | uniq | grep -v zero) \
		> few
	run -0 --separate-stderr cs-knn -u u007 --among few -n 50 \
		--format ids emb.bin
	[ "${#lines[@]}" -eq "$(wc -l < few)" ]
	[ "$stderr" = "cs-knn: emb.bin: customer u007: ${#lines[@]} may be answers, of 50 asked for" ]
	run -0 --separate-stderr cs-knn -u u007 --min-similarity 0.5 -n 500 \
		--format ids emb.bin
	[ "$stderr" = "cs-knn: emb.bin: customer u007: ${#lines[@]} of 405 have a similarity of 0.5 or more" ]
	# Of how many customers, where none is named.
	least=$(cs-knn --all -q -n 500 --no-why --min-similarity 0.5 emb.bin |
		tail -n +2 | cut -f 1 | sort | uniq -c | awk '$1 < 20' | wc -l)
	none=$((406 - $(cs-knn --all -q -n 1 --no-why --min-similarity 0.5 \
		emb.bin | tail -n +2 | wc -l)))
	for whom in --all "--queries emb.bin"; do
		# Every one of them, and the one without signal apart.
		run -0 --separate-stderr cs-knn $whom --among few -n 50 \
			--format ids emb.bin
		[ "${stderr_lines[0]}" = "cs-knn: emb.bin: 1 customer has no tag with weight, so no one is similar" ]
		[ "${stderr_lines[1]}" = "cs-knn: emb.bin: 406 customers have fewer than the 50 neighbours asked for" ]
		run -0 --separate-stderr cs-knn $whom -n 20 --no-why \
			--min-similarity 0.5 emb.bin
		[ "${stderr_lines[1]}" = "cs-knn: emb.bin: $((least + none)) customers have fewer than the 20 neighbours asked for" ]
	done
	run -0 --separate-stderr cs-knn --all -q --among few -n 50 --no-why emb.bin
	[ -z "$stderr" ]
}

@test "equal rows are exactly alike; ties at the end are told, and nothing shared is no answer" {
	{ echo user,tag
		for i in $(seq 10 39); do echo "u$i,a"; done
		for i in $(seq 50 59); do printf '%s\n' "u$i,b" "u$i,c"; done
		printf '%s\n' u70,d u71,a u71,b u80,z; } > ties.csv
	cs-aggregate -q ties.csv | cs-matrix -q | cs-svd -q -k 3 -o ties.bin
	for metric in combined profile
	do
		cs-knn -u u10 -n 5 --metric $metric --no-why --no-profiles ties.bin \
			> found 2> said
		[ "$(cut -f 3,4 found | sed 1d | tr '\t\n' '= ')" = "u11=1 u12=1 u13=1 u14=1 u15=1 " ]
		grep -qx "cs-knn: ties.bin: customer u10: the list ends with 5 of 29 equally similar, the first by name" said
		cs-knn -q -u u10 -n 5 --metric $metric --format json ties.bin |
			has -F '"tied":{"listed":5,"of":29}'
		cs-knn -q -u u10 -n 5 --metric $metric ties.bin | cs-summarize |
			has -x "The list ends with 5 of 29 equally similar, the first by name."
		cs-knn -u u10 --min-similarity 1 -n 100 --metric $metric --format ids \
			ties.bin 2> said | wc -l | has -x 29
		run ! grep -q equally said
	done
	# Not where the last is tied with no other, nor where all are listed, nor
	# with -q.
	cs-knn -u u10 -n 29 --format ids -o out ties.bin 2> said
	run ! grep -q equally said
	cs-knn -q -u u10 -n 5 --format ids -o out ties.bin 2> said
	[ ! -s said ]
	# Only those before the last are told of where they are not like it.
	cs-knn -u u71 -n 40 --metric profile --no-why --no-profiles ties.bin > found 2> said
	[ "$(sed 1d found | wc -l)" -eq 40 ]
	run ! grep -q equally said
	cs-knn -u u71 -n 35 --metric profile --format ids -o out ties.bin 2> said
	grep -qE "ends with [0-9]+ of (10|30) equally similar" said
	# u80 shares its tag with no one.
	run -1 cs-knn -u u80 --metric profile -o none ties.bin
	[[ "$output" == *"customer u80 shares nothing with anyone: --min-similarity 0 lists others all the same" ]]
	[ ! -e none ]
	cs-knn -u u80 --metric profile --min-similarity 0 -n 5 --format ids ties.bin |
		wc -l | has -x 5
	cs-knn -u u50 --metric profile -n 20 --format ids ties.bin > found 2> said
	[ "$(wc -l < found)" -eq 10 ]
	grep -qx "cs-knn: ties.bin: customer u50: 10 share something with it, of 20 asked for: --min-similarity 0 lists others, too" said
	cs-knn -q -u u50 --metric profile -n 20 --profiles ties.bin | cs-summarize |
		has -x "10 of the 42 customers share something with it, of 20 asked for"
	cs-knn --all --metric profile -n 20 --no-why --no-profiles -o found ties.bin 2> said
	grep -q "customers have fewer than the 20 neighbours asked for" said
	awk -F'\t' 'NR > 1 && $4 == 0 { exit 1 }' found
}

@test "a list goes on to those below 0 where nobody is at 0" {
	printf '%s\n' user,item,value 1,a,1 1,b,2 2,a,3 3,a,-3 3,b,-2 > signs.csv
	cs-aggregate -q signs.csv | cs-matrix -q --value sum | cs-svd -q -o signs.bin
	run -0 cs-knn -q -u 1 --format ids signs.bin
	[ "$output" = $'2\n3' ]
	# Who is at 0 ends the list, before those below.
	echo 4,c,1 >> signs.csv
	cs-aggregate -q signs.csv | cs-matrix -q --value sum | cs-svd -q -o signs.bin
	run -0 cs-knn -q -u 1 --format ids signs.bin
	[ "$output" = 2 ]
}
