# cs-eval: its figures worked out in numpy besides, its warnings, and inputs
# that cannot be evaluated.

load helper

# Customers c1..c$1 of five kinds, each with events on tags of its kind, and now
# and then of all; $2 events each.
log_of_kinds() {
	awk -v n="$1" -v events="$2" 'BEGIN {
		srand(3); print "customer,tag,value"
		for (c = 1; c <= n; c++)
			for (e = 0; e < events; e++)
				printf "c%d,%s%d,%d.%d\n", c,
					rand() < .7 ? "kind" c % 5 "-" : "any-",
					int(rand() * 12), e, c
	}'
}

# Half A to a.bin, half B folded in to b.mat, of FILE by these options.
halve() {
	local log=$1
	shift
	cs-aggregate -q --half A "$@" "$log" > A.tsv
	cs-aggregate -q --half B "$@" "$log" > B.tsv
	cs-matrix -q --value events --damp sqrt --weight smooth A.tsv |
		cs-svd -q -k 8 > a.bin
	cs-matrix -q --as a.bin B.tsv > b.mat
}

setup_file() {
	cd "$BATS_FILE_TMPDIR" || return
	log_of_kinds 300 30 > log.csv
	halve log.csv
	cs-matrix -q --value mean --damp none --weight none --norm none A.tsv |
		cs-svd -q -k 6 --center row --scale u > other.bin
	cs-matrix -q --as other.bin B.tsv > other.mat
}

setup() {
	cd "$BATS_FILE_TMPDIR" || return
}

# The value of a figure in a TSV report: similarity, against, figure.
figure() {
	awk -F '\t' -v of="$2" -v against="$3" -v figure="$4" \
		'$1 == of && $2 == against && $3 == figure { print $4 }' "$1"
}

@test "every figure is that of the definitions, in numpy" {
	need numpy
	cs-eval --hub --format tsv a.bin b.mat > report.tsv
	cs-index -q --hub a.bin > hub.bin
	PYTHONPATH=$BATS_TEST_DIRNAME "$PYTHON" "$BATS_TEST_DIRNAME/eval.py" \
		hub.bin b.mat report.tsv
	# The table for people has it, and JSON; not where it means nothing.
	cs-eval --hub a.bin b.mat |
		grep -x 'combined, alpha 1 against combined, alpha 1, hub' > /dev/null
	cs-eval --hub --format json a.bin b.mat | grep '"hub": true' > /dev/null
	for metric in profile embedding
	do
		cs-eval --hub --metric $metric --format tsv a.bin b.mat |
			grep "^[a-z() ]*, hub	" > /dev/null
	done
	run -2 cs-eval --hub --overlap a.bin a.bin
	run -2 cs-eval --hub --tune a.bin b.mat
}

@test "the same on real data" {
	need numpy
	need_shared completejourney
	for half in A B
	do
		cs-aggregate -q --half $half --half-by basket_id \
			-u household_id -t product_id -v sales_value \
			--where "household_id<1200" \
			--tags "$shared/completejourney/products.csv:product_id,product_category" \
			"$shared/completejourney/transactions.csv" > real-$half.tsv
	done
	cs-matrix --value events real-A.tsv | cs-svd -k 32 > real.bin
	cs-matrix -q --as real.bin real-B.tsv > real.mat
	cs-eval --hub --queries 1000000 --rounds 40 --format tsv real.bin real.mat > real.tsv
	cs-index -q --hub real.bin > hub.bin
	PYTHONPATH=$BATS_TEST_DIRNAME "$PYTHON" "$BATS_TEST_DIRNAME/eval.py" \
		hub.bin real.mat real.tsv
}

@test "a seed gives the same bytes with any threads; another seed other intervals" {
	for format in text tsv json
	do
		cs-eval --queries 100 -j 1 --format $format a.bin b.mat > one
		cs-eval --queries 100 -j 3 --format $format a.bin b.mat | cmp - one
		run ! cmp -s one <(cs-eval --queries 100 --seed 2 --format $format a.bin b.mat)
	done
	python3 -m json.tool one > /dev/null
}

@test "kinds are found, chance is not beaten by popularity, a model is told from another" {
	cs-eval --format tsv a.bin b.mat --compare other.bin other.mat > report.tsv
	combined="combined, alpha 1"
	awk -v mrr="$(figure report.tsv "$combined" "" matched_mrr)" \
		-v chance="$(figure report.tsv chance "" matched_mrr)" \
		-v near="$(figure report.tsv "$combined" "" agreement_by_tenth)" \
		-v popular="$(figure report.tsv popularity "" mrr)" \
		-v random="$(figure report.tsv chance "" mrr)" 'BEGIN {
		exit !(mrr > 1.5 * chance && near > 1.3 && popular < 2 * random) }'
	[ -n "$(figure report.tsv "$combined" "other.bin (embedding)" mrr)" ]
	[ -n "$(figure report.tsv "$combined" "rows (profile)" agreement_by_both)" ]
	# A figure is within its interval, and a model differs in nothing from itself.
	awk -F '\t' 'NR > 1 && $4 != "" && !($5 <= $4 && $4 <= $6) { print; bad = 1 }
		END { exit bad }' report.tsv
	cs-eval --metric profile --format json a.bin b.mat --compare a.bin b.mat > self.json
	cs-eval --format tsv a.bin b.mat --compare a.bin b.mat |
		awk -F '\t' '$2 ~ /^a.bin/ && ($4 != 0 || $5 != 0 || $6 != 0) { bad = 1 }
			$2 ~ /^a.bin/ { seen++ } END { exit bad || seen != 10 }'
}

@test "where no pair repeats ranks are left out, with the reason" {
	# Each customer has each tag once.
	awk 'BEGIN { srand(5); print "customer,tag"
		for (c = 0; c < 250; c++)
			for (t = 0; t < 40; t++)
				if (rand() < (t % 5 == c % 5 ? .7 : .1))
					print "c" c ",t" t }' > once.csv
	halve once.csv
	cs-eval --format tsv a.bin b.mat > once.tsv 2> said
	grep -q "finding customers again says nothing here: 0.0 % of the pairs" said
	grep -qF 'best of halves by tag (cs-aggregate --half-by "tag"; make eval HALF_BY="tag")' said
	[ -z "$(figure once.tsv "rows (profile)" "" mrr)" ]
	[ -n "$(figure once.tsv "rows (profile)" "" agreement_by_tenth)" ]
	run ! grep -q MRR <(cs-eval -q a.bin b.mat)
	# Halves of the tags, each with columns of its own.
	for half in A B
	do
		cs-aggregate -q --half $half --half-by tag once.csv |
			cs-matrix -q --weight smooth > $half.mat
	done
	cs-svd -q -k 5 A.mat > tags.bin
	cs-eval --format tsv tags.bin B.mat > tags.tsv 2> said
	grep -q "the halves have columns of their own" said
	awk -v near="$(figure tags.tsv "rows (profile)" "" agreement_by_tenth)" \
		'BEGIN { exit !(near > 1.2) }'
}

@test "rows that are equal in all columns are of one half, and that is said" {
	log_of_kinds 200 30 | cut -d , -f 1,2 > equal.csv
	for half in A B
	do
		cs-aggregate -q --half $half equal.csv > equal-$half.tsv
	done
	cs-matrix -q --value events equal-A.tsv | cs-svd -q > equal.bin
	cs-matrix -q --as equal.bin equal-B.tsv > equal.mat
	cs-eval equal.bin equal.mat |
		has "have several events in half B: rows that are equal in all columns are of one half"
	# With their number they are not.
	awk -F , 'NR == 1 { print $0 ",row"; next } { print $0 "," NR }' equal.csv > row.csv
	halve row.csv
	run ! grep "says nothing here" <(cs-eval a.bin b.mat)
	halve log.csv
}

@test "agreement is left out where half B has no likeness to compare" {
	awk 'BEGIN { srand(1); print "customer,tag,value"
		for (i = 0; i < 60; i++) for (j = 0; j < 6; j++)
			print "c" i ",t" i % 3 * 5 + int(rand() * 8) "," \
				int(rand() * 200) - 100 }' > below.csv
	for half in A B
	do
		cs-aggregate -q --half $half below.csv > below-$half.tsv
	done
	cs-matrix -q --value sum below-A.tsv | cs-svd -q > below.bin
	cs-matrix -q --as below.bin below-B.tsv > below.mat
	cs-eval --format tsv below.bin below.mat > below.tsv 2> said
	grep -q "agreement says nothing here: on half B customers are not alike" said
	[ -z "$(figure below.tsv "rows (profile)" "" agreement_by_both)" ]
	[ -z "$(figure below.tsv "combined, alpha 1" "rows (profile)" agreement_by_tenth)" ]
	[ -n "$(figure below.tsv "rows (profile)" "" mrr)" ]
	cs-eval -q below.bin below.mat > text
	grep -qx "Hubness of the ten neighbours of half A" text
	run ! grep agreement, text
	cs-eval --tune below.bin below.mat |
		has "^agreement means nothing here: customers of half B are not alike"
}

@test "more agreement than none at all is better" {
	# Groups of three; and twelve who share nothing with anyone, of whom one
	# is all that a model of one dimension knows: it has them as neighbours.
	awk 'BEGIN { print "customer,tag,value,row"
		for (c = 0; c < 90; c++)
			for (e = 0; e < 12; e++)
				print "c" c ",t" c % 30 "-" e % 4 ",1," e
		for (c = 10; c < 22; c++)
			for (e = 0; e < 12; e++)
				print "a" c ",own" c "," (c == 10 ? 99 : 1) "," e
	}' > groups.csv
	halve groups.csv
	cs-matrix -q --value sum --damp none --norm none A.tsv |
		cs-svd -q -k 1 --scale u > one.bin
	cs-matrix -q --as one.bin B.tsv > one.mat
	cs-eval --format tsv a.bin b.mat --compare one.bin one.mat > none.tsv
	[ "$(figure none.tsv "one.bin (embedding)" "" agreement_by_tenth)" = 0 ]
	[ "$(figure none.tsv "combined, alpha 1" "one.bin (embedding)" agreement_by_tenth)" = 1000 ]
	cs-eval a.bin b.mat --compare one.bin one.mat > text
	[ "$(grep -c 'agreement, by .* better$' text)" -ge 2 ]
	halve log.csv
}

@test "a column that identifies people is named" {
	{
		log_of_kinds 300 8
		awk 'BEGIN { for (c = 1; c <= 300; c++) for (e = 0; e < 8; e++)
			print "c" c ",store " c ",1" e }'
	} > store.csv
	halve store.csv
	cs-eval a.bin b.mat > report
	grep -q 'warning: the tags that begin with "store " alone carry the ranks: without them the MRR' report
	run ! grep -q warning <(halve log.csv && cs-eval a.bin b.mat)
	# The numbers of stores alone, and names without any text in common.
	sed 's/,store /,/' store.csv > number.csv
	halve number.csv
	cs-eval --report numbers.json a.bin b.mat > report
	grep -q 'warning: the tags that are whole numbers alone carry the ranks' report
	grep -q '"tags_that_are": "numbers"' numbers.json
	sed 's/,store \([0-9]*\)/,x\1/' store.csv > named.csv
	halve named.csv
	run ! grep -q warning <(cs-eval a.bin b.mat)
	halve log.csv
}

@test "few customers are warned of; one is refused, and none" {
	head -n 1501 log.csv > few.csv
	halve few.csv
	cs-eval a.bin b.mat | has "warning: 50 customers are too few"
	cs-eval --queries 9 a.bin b.mat | has "warning: 9 customers asked about are too few"
	printf 'customer,tag\na,x\na,x2\na,y\n' > one.csv
	cs-aggregate -q one.csv | cs-matrix -q --weight none > one.mat
	cs-svd -q one.mat > one.bin
	cs-matrix -q --as one.bin <(cs-aggregate -q one.csv) > one-b.mat
	run -2 --separate-stderr cs-eval -o out one.bin one-b.mat
	[[ "$stderr" == *"1 customers have tags with weight in both: at least 2"* ]]
	printf 'customer,tag\nz,x\nz,y\n' | cs-aggregate -q | cs-matrix -q --as one.bin > none.mat
	run -2 --separate-stderr cs-eval -o out one.bin none.mat
	[[ "$stderr" == *"0 customers have tags with weight in both:"* ]]
	[ ! -e out ]
}

@test "customers without weight in a half are not asked about" {
	# All have the tag x, which idf weighs with 0; c11 and c12 have no other
	# in one of the halves.
	awk 'BEGIN { print "customer\ttag\tevents\tvalue"
		for (c = 11; c <= 21; c++)
			printf "c%d\tt%d\t1\t1\nc%d\tx\t1\t1\n", c, c % 3, c }' > all.tsv
	sed '/^c11\tt/d' all.tsv | cs-matrix -q --weight idf | cs-svd -q -k 2 > a9.bin
	cs-matrix -q --as a9.bin <(sed '/^c12\tt/d' all.tsv) > b9.mat
	cs-eval -q --format tsv a9.bin b9.mat > nine
	awk -F'\t' '$3 == "customers" { print $4 }' nine | has '^9$'
	[ "$(awk -F'\t' '$1 == "chance" && $3 ~ /recall_10/ { print $4 }' nine | sort -u)" = 1 ]
}

@test "halves of different models, and what is no half, are refused" {
	halve log.csv
	run -2 --separate-stderr cs-eval other.bin b.mat
	[[ "$stderr" == *"b.mat: it was folded into another model than other.bin: make it by cs-matrix --as other.bin"* ]]
	run -2 --separate-stderr cs-eval a.bin b.mat --compare other.bin b.mat
	[[ "$stderr" == *"b.mat: it was folded into another model than other.bin"* ]]
	run -2 cs-eval a.bin < /dev/null
	[[ "$output" == *"standard input"* ]]
	run -2 cs-eval
	[[ "$output" == *"expected a MODEL and its HALF"* ]]
	run -2 cs-eval a.bin b.mat b.mat
	run -2 cs-eval a.bin b.mat --compare other.bin
	run -2 cs-eval b.mat a.bin
	run -2 cs-eval --metric combined other.bin other.mat
	[[ "$output" == *"--metric combined: other.bin was made with --center or --scale"* ]]
	cs-eval -q --metric embedding other.bin other.mat > /dev/null
	head -c 5000 a.bin > cut.bin
	run -2 cs-eval cut.bin b.mat
	cp b.mat damaged.mat
	printf X | dd of=damaged.mat bs=1 seek=$(($(wc -c < b.mat) / 2)) conv=notrunc status=none
	run -2 cs-eval a.bin damaged.mat
	"$PYTHON" "$BATS_TEST_DIRNAME/forge.py" a.bin embedding 9 nan > forged.bin
	run -2 cs-eval forged.bin b.mat
	[[ "$output" == *"row 1 of the embedding is not finite"* ]]
	"$PYTHON" "$BATS_TEST_DIRNAME/forge.py" b.mat users.tenth 3 10 > forged.mat
	run -2 cs-eval a.bin forged.mat
	[[ "$output" == *"row 3 is damaged: tenth 10"* ]]
	run -2 cs-eval a.bin log.csv
	run -2 cs-eval a.bin /dev/null
	# A half without an event ends the pipe at its first program that needs one.
	printf 'customer,tag\na,x\n' > single.csv
	cs-aggregate -q --half A single.csv > empty.tsv
	[ "$(wc -l < empty.tsv)" -eq 1 ]
	run -2 cs-matrix -q -o empty.mat empty.tsv
	run -2 cs-matrix -q --as a.bin -o empty.mat empty.tsv
	[[ "$output" == *"empty.tsv: a header alone"* ]]
	[ ! -e empty.mat ]
	# A model of an earlier version, without the shares captured, has all.
	"$PYTHON" "$BATS_TEST_DIRNAME/forge.py" a.bin header '"captured"' \
		'"not_read"' > earlier.bin
	cs-eval --format tsv a.bin b.mat > now
	cs-eval --format tsv earlier.bin b.mat | cmp - now
	# Any weight that cs-knn takes.
	cs-eval -q --alpha 0 a.bin b.mat | has "combined, alpha 0 "
	run -2 cs-eval --tune --alpha .5 a.bin b.mat
	run -2 cs-eval --tune --metric profile a.bin b.mat
	run -2 cs-eval --metric profile --alpha .5 a.bin b.mat
	[[ "$output" == *"--alpha: of --metric combined, not of --metric profile"* ]]
	run -2 cs-eval --alpha 1.1 a.bin b.mat
	[[ "$output" == *"from 0 to 1"* ]]
	run -2 cs-eval --rounds 3 a.bin b.mat
	run -2 cs-eval --format x a.bin b.mat
}

@test "tags that summaries list are counted in half B" {
	cs-eval --report report.json a.bin b.mat > told
	grep -q "^Tags that a summary of half A lists: the neighbours have them in half B" told
	"$PYTHON" -c '
import json
report = json.load(open("report.json"))
times, hold = report["listed_tags"], report["listed_tags_that_hold"]
assert 1.2 < times["low"] <= times["value"] <= times["high"] < 6, times
assert .8 < hold["low"] <= hold["value"] <= hold["high"] <= 1, hold'
	need numpy
	cs-eval --format tsv a.bin b.mat > listed.tsv
	cs-knn --all --profiles a.bin > near
	cs-summarize --format tsv near > listed
	PYTHONPATH=$BATS_TEST_DIRNAME "$PYTHON" "$BATS_TEST_DIRNAME/listed.py" \
		a.bin b.mat near listed listed.tsv
}

@test "overlap: all are kept from a model to itself, few to a random one" {
	cs-eval --overlap --format tsv a.bin a.bin > same.tsv
	grep -qx "$(printf 'mean_kept\t\t10')" same.tsv
	grep -qx "$(printf 'customers_who_kept\t10\t300')" same.tsv
	cs-aggregate -q log.csv | cs-matrix -q > all.mat
	cs-svd -q -k 3 all.mat > small.bin
	cs-svd -q -k 12 all.mat > large.bin
	cs-eval --overlap --metric embedding --format tsv small.bin large.bin > moved.tsv
	awk -F '\t' '$1 == "mean_kept" && !($3 > 0.5 && $3 < 9) { bad = 1 }
		$1 == "customers_who_kept" { sum += $3; kept += $2 * $3 }
		$1 == "mean_kept" { mean = $3 }
		END { exit bad || sum != 300 || (kept / 300 - mean) ^ 2 > 1e-6 }' moved.tsv
	# As many as the neighbours of cs-knn have in common.
	for model in small large
	do
		cs-knn --all --no-why --metric embedding $model.bin |
			cut -f 1,3 | sort > $model.near
	done
	[ "$(comm -12 small.near large.near | grep -vc query)" -eq \
		"$(awk -F'\t' '$1 == "mean_kept" { printf "%.0f", $3 * 300 }' moved.tsv)" ]
	cs-eval --overlap small.bin large.bin | has "kept of 10 neighbours"
	cs-eval --overlap --format json small.bin large.bin | python3 -m json.tool > /dev/null
	run -2 cs-eval --overlap small.bin
	# By a pipe, once.
	cs-eval --overlap --metric embedding --format tsv - large.bin < small.bin |
		cmp - moved.tsv
	cs-eval --overlap --metric embedding --format tsv small.bin - < large.bin |
		cmp - moved.tsv
	cs-eval --overlap --metric embedding --format tsv <(cat small.bin) \
		<(cat large.bin) | cmp - moved.tsv
	run -2 --separate-stderr cs-eval --overlap - - < small.bin
	[[ "$stderr" == *"standard input: named twice, and can be read once"* ]]
}

@test "overlap: models of other columns; who has few neighbours loses no more" {
	# Yesterday's model was made of a matrix with the columns of another.
	cs-aggregate -q log.csv > all.tsv
	cs-matrix -q all.tsv | cs-svd -q -k 3 > base.bin
	cs-matrix -q --as base.bin all.tsv | cs-svd -q -k 3 > old.bin
	sed 's/kind1-3/kind1-x/' log.csv | cs-aggregate -q | cs-matrix -q | cs-svd -q -k 3 > new.bin
	cs-eval --overlap old.bin new.bin | has '^300 customers in both'
	cs-eval --overlap new.bin old.bin | has '^300 customers in both'
	# Thirty groups of three, who share nothing with others; then one of each
	# goes to the next group.
	awk 'BEGIN { print "customer,tag"
		for (c = 0; c < 90; c++)
			print "c" c ",t" c % 30 "\nc" c ",u" c % 30 }' > groups.csv
	awk 'BEGIN { print "customer,tag"
		for (c = 0; c < 90; c++) {
			g = (c % 30 + (c < 30)) % 30
			print "c" c ",t" g "\nc" c ",u" g } }' > moved.csv
	for log in groups moved
	do
		cs-aggregate -q $log.csv | cs-matrix -q | cs-svd -q > $log.bin
	done
	cs-eval --overlap --format tsv groups.bin moved.bin > overlap.tsv
	# The thirty keep none of 2, and each of the sixty who stay keeps one.
	for line in "mean_neighbours		2" "customers_who_kept	0	30" \
		"customers_who_kept	1	60" "customers_who_lost	1	60" \
		"customers_who_lost	2	30" "lost_most	c0	2"
	do
		grep -qxF "$line" overlap.tsv
	done
	cs-eval --overlap groups.bin moved.bin | has "kept of 2 neighbours among these: 0.67"
}

@test "tune: the best of several recipes, and lines for make" {
	log_of_kinds 300 12 > short.csv
	halve short.csv
	cs-matrix -q --value one --weight idf A.tsv | cs-svd -q -k 20 > one.bin
	cs-matrix -q --as one.bin B.tsv > one.mat
	cs-eval --tune --recipe tuned.mk a.bin b.mat --compare one.bin one.mat > tuned
	grep -q "^300 customers, 300 asked about, 17 similarities" tuned
	[ "$(grep -c ' default$' tuned)" -eq 1 ]
	grep -qE '^use (the default|.*: significantly better)' tuned
	# Worse are those with an interval below 0, better others with one above.
	grep -c ' worse$' tuned | has '^[1-9]'
	grep '\]  ' tuned | awk '/ default$/ { next }
		{ text = $0; worse = above = 0 }
		{ while (match(text, /\[[^]]*\]/)) {
			split(substr(text, RSTART + 1, RLENGTH - 2), ends, ", ")
			worse += ends[2] ~ /^-/
			above += ends[1] + 0 > 0
			text = substr(text, RSTART + RLENGTH)
		} }
		{ word = worse ? "worse" : above ? "better" : "" }
		text !~ ("^ *" word "$") { print; wrong = 1 } END { exit wrong }'
	[ "$(sed 's/ =.*//' tuned.mk | tail -n 3 | tr '\n' ' ')" = \
		"matrix-tuned svd-tuned knn-tuned " ]
	cs-eval --tune -j 1 a.bin b.mat --compare one.bin one.mat | cmp - tuned
	run -2 cs-eval --tune other.bin other.mat
	[[ "$output" == *"cannot be tuned"* ]]
	run -2 cs-eval --recipe tuned.mk a.bin b.mat
	run -2 cs-eval --tune --overlap a.bin b.mat
	# All figures of all similarities, and of the default against each.
	cs-eval --tune --format tsv a.bin b.mat --compare one.bin one.mat > tuned.tsv
	default="events sqrt smooth, combined 1, 8"
	[ "$(awk -F'\t' '$3 == "mrr" && $2 == "" && $1 != "chance"' tuned.tsv | wc -l)" -eq 17 ]
	[ "$(awk -F'\t' -v of="$default" '$3 == "mrr" && $2 != "" && $1 == of' tuned.tsv | wc -l)" -eq 16 ]
	cs-eval --format tsv a.bin b.mat |
		awk -F'\t' '$1 == "rows (profile)" && $2 == "" { print $3, $4 }' > rows
	awk -F'\t' '$1 == "events sqrt smooth, profile" && $2 == "" { print $3, $4 }' tuned.tsv |
		diff rows -
	cs-eval --tune --format json a.bin b.mat | python3 -m json.tool > /dev/null
	run -2 cs-eval --tune --report report.json a.bin b.mat
}
