#!/usr/bin/env bats
# The sample in data/, the program that makes it, and what it hides: the kind
# of each customer, which its neighbours should share.

load helper

setup() {
	cd "$BATS_TEST_TMPDIR" || return
}

@test "the sample is what the generator writes" {
	mkdir again
	"$GENERATE" --directory again
	for table in views course_tags user_interests user_assessment_scores
	do
		cmp "again/$table.csv" "$ROOT/data/$table.csv"
	done
}

@test "the sums in the sample's README are those of its files" {
	sed -n 's/^    \([0-9a-f]\{64\}  .*\)/\1/p' "$ROOT/data/README.md" > sums
	[ "$(wc -l < sums)" -eq 4 ]
	cd "$ROOT/data"
	sha256sum -c --quiet "$BATS_TEST_TMPDIR/sums"
}

@test "the rows that the sample's README counts are there" {
	for table in views course_tags user_interests user_assessment_scores
	do
		rows=$(sed 1d "$ROOT/data/$table.csv" | wc -l |
			sed ':a; s/\([0-9]\)\([0-9]\{3\}\)\b/\1,\2/; ta')
		grep -F "| \`$table.csv\` | $rows |" "$ROOT/data/README.md"
	done
}

@test "the sample has 2,000 customers, 800 courses and at most 4 MB" {
	views=$ROOT/data/views.csv
	[ "$(sed 1d "$views" | cut -d, -f1 | sort -u | wc -l)" -eq 2000 ]
	[ "$(sed 1d "$ROOT/data/course_tags.csv" | cut -d, -f1 |
		sort -u | wc -l)" -eq 800 ]
	[ "$(cat "$ROOT"/data/*.csv | wc -c)" -le 4000000 ]
}

@test "tags have several courses, and courses several tags" {
	sed 1d "$ROOT/data/course_tags.csv" > pairs
	# No pair twice; a tag has 1752 / 263, a course 1752 / 800 on average.
	[ -z "$(sort pairs | uniq -d)" ]
	[ "$(cut -d, -f2 pairs | sort | uniq -c | awk '$1 > 2' | wc -l)" -gt 150 ]
	[ "$(cut -d, -f1 pairs | sort | uniq -c | awk '$1 > 1' | wc -l)" -gt 400 ]
}

@test "the tag of a view is the main tag of its course" {
	awk -F, 'FNR == 1 { next }
		NR == FNR { if (!($1 in main)) main[$1] = $2; next }
		main[$3] != $6 { print; wrong = 1 }
		END { exit wrong }' \
		"$ROOT/data/course_tags.csv" "$ROOT/data/views.csv"
}

@test "tags have a heavy tail: a fifth of them has most of the views" {
	sed 1d "$ROOT/data/views.csv" | cut -d, -f6 | sort | uniq -c |
		sort -rn | awk '{ views[NR] = $1; all += $1 }
		END {
			for (i = 1; i <= NR / 5; i++)
				top += views[i]
			exit !(top > all / 2 && views[NR] < all / 5000)
		}'
}

@test "a log is in the order of time" {
	sed 1d "$ROOT/data/views.csv" | cut -d, -f2 | sort -c
}

@test "another seed makes another log, the same seed the same" {
	"$GENERATE" --seed 2 --events 1000 > two
	"$GENERATE" --seed 2 --events 1000 > again
	"$GENERATE" --seed 3 --events 1000 > three
	cmp two again
	run cmp -s two three
	[ "$status" -eq 1 ]
}

@test "columns are chosen, and fields quoted, without another change" {
	"$GENERATE" --events 1000 | cut -d, -f1,6,7 > plain.csv
	"$GENERATE" --events 1000 --quoted \
		--columns user_handle,course_tag,view_time_seconds |
		tee quoted.csv | tr -d '"' | cmp - plain.csv
	[ "$(tr -dc '"' < quoted.csv | wc -c)" -eq $((1001 * 6)) ]
}

@test "all customers have an event from four events a customer on" {
	[ "$("$GENERATE" --customers 5000 --events 20000 \
		--columns user_handle | sed 1d | sort -u | wc -l)" -eq 5000 ]
}

@test "more tags and courses than the vocabulary has are made up" {
	"$GENERATE" --tags 1000 --courses 5000 --table course_tags |
		sed 1d > pairs
	[ "$(cut -d, -f1 pairs | sort -u | wc -l)" -eq 5000 ]
	[ -z "$(sort pairs | uniq -d)" ]
	[ "$(cut -d, -f2 pairs | sort -u | wc -l)" -eq 1000 ]
}

@test "the generator refuses what it cannot make" {
	for wrong in "--tags 10" "--courses 10" "--table users" "--columns x" \
		"--customers 0" "--seed -1" "--seed x" "--unknown" "operand"
	do
		# shellcheck disable=SC2086
		run "$GENERATE" $wrong
		[ "$status" -eq 2 ]
		[[ $output == generate:* ]]
	done
	run bash -c '"$GENERATE" > /dev/full'
	[ "$status" -eq 2 ]
	[[ $output == *"No space left on device"* ]]
}

# Of the ten neighbours of a customer, as the pipeline finds them, the share
# that is of the customer's kind: 0.915 by default, 0.886 by the cosine of
# embeddings of RECIPE=first, the earlier default; two customers taken at random
# are of one kind in 0.065 of cases.
@test "neighbours share the kind that made them" {
	"$GENERATE" --table personas > personas.csv
	cs-aggregate -q "$ROOT/data/views.csv" > profiles.tsv
	cs-matrix -q profiles.tsv | cs-svd | cs-knn --all --no-why > neighbours.tsv
	cs-matrix -q --value sum --damp log --weight idf profiles.tsv | cs-svd |
		cs-knn --all --no-why --metric embedding > earlier.tsv
	[ "$(sed 1d neighbours.tsv | wc -l)" -eq 20000 ]
	[ "$(sed 1d earlier.tsv | wc -l)" -eq 20000 ]
	awk -F'[,\t]' 'NR == FNR { kind[$1] = $2; size[$2]++; all++; next }
		FNR == 1 { file++; next }
		{ pairs++; same[file] += kind[$1] == kind[$3] }
		END {
			for (k in size)
				chance += (size[k] / all) ^ 2
			printf "%.3f of one kind, earlier %.3f, by chance %.3f\n",
				same[1] / 20000, same[2] / 20000, chance
			exit !(pairs == 40000 && same[1] > 0.9 * 20000 &&
				same[1] > same[2] && chance < 0.1)
		}' <(sed 1d personas.csv) neighbours.tsv earlier.tsv
}

@test "the neighbours of customer 1 are of its kind" {
	"$GENERATE" --table personas | tr , '\t' > personas.tsv
	cs-aggregate "$ROOT/data/views.csv" 2>/dev/null |
		cs-matrix | cs-svd -o emb.bin
	cs-knn -u 1 --format ids emb.bin > ids.txt
	[ "$(wc -l < ids.txt)" -eq 10 ]
	[ "$(awk -F'\t' 'NR == FNR { kind[$1] = $2; next }
		kind[$1] == "front-end developer"' personas.tsv ids.txt |
		wc -l)" -eq 10 ]
}

@test "bench-scale measures each stage and draws what it measured" {
	mkdir work
	WORK=$PWD/work EVENTS=10 TAGS=300 BOUND=1M "$PYTHON" \
		"$ROOT/tests/bench/scale" --shards 1 --draw scale.svg 300 600 \
		> table
	[ "$(grep -cE '^ +[36]00  (aggregate|matrix|svd|search) ' table)" -eq 8 ]
	grep -q '^1,000,000,000    256 ' table
	need gnuplot
	grep -qx 'Drawn: scale.svg' table
	"$PYTHON" - <<-'END'
	import xml.dom.minidom
	text = xml.dom.minidom.parse("scale.svg").documentElement.toxml()
	for word in ("aggregate", "matrix", "svd", "search", "no shards"):
	    assert word in text, word
	END
}
