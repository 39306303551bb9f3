# cs-summarize: neighbours described: text, JSON and TSV as recorded, the cases
# that take another line, and the inputs that it refuses.

load helper

CASES=$BATS_TEST_DIRNAME/cases/cs-summarize

setup() {
	cd "$BATS_TEST_TMPDIR" || return
	cp "$CASES/small.tsv" .
}

# small.tsv, edited by sed, as a text.
edited() {
	sed "$@" small.tsv > edited.tsv
	run ! cmp -s small.tsv edited.tsv
	cs-summarize edited.tsv
}

# The text has this line.
has_line() {
	grep -qxF -e "$1" || { echo "no line: $1"; false; }
}

# small.tsv, edited by sed, is refused in one line that holds the text, with
# status 2 and no output.
refused() {
	local text=$1
	shift
	sed "$@" small.tsv > edited.tsv
	run ! cmp -s small.tsv edited.tsv
	run -2 --separate-stderr cs-summarize --format json edited.tsv
	[ "$output" = "" ]
	[ "${#stderr_lines[@]}" -eq 1 ]
	[[ "$stderr" == "cs-summarize: edited.tsv"*"$text"* ]] ||
		{ echo "found $stderr"; false; }
}

@test "what is recorded: text, JSON, TSV" {
	for case in grocery small; do
		for format in text json tsv; do
			cs-summarize --format "$format" "$CASES/$case.tsv" |
				recorded "cs-summarize/$case.$format.expected"
		done
	done
}

@test "text is the default; a pipe, - and -o give the same bytes" {
	cs-summarize small.tsv > text
	cmp text "$CASES/small.text.expected"
	cat small.tsv | cs-summarize | cmp - text
	cs-summarize - < small.tsv | cmp - text
	cs-summarize -o out small.tsv
	cmp out text
}

@test "similarities of pairs that round to zero have no sign" {
	edited '/^#model/s/median_pair=[^;]*/median_pair=-0.001/
		s/top_percent_pair=[^;]*/top_percent_pair=-0.0001/' > text
	has_line "Two customers picked at random have 0.00; one pair in a hundred 0.00 or more." < text
}

@test "a customer of whom the dimensions hold under 1 % is told so" {
	edited '/^#model/s/$/;captured=0.0099/; s/metric=cosine/metric=combined/' > text
	tr '\n' ' ' < text | has -F "The 4 dimensions hold 0.99 % of it: it is \
compared by its tags rather than by them. "
	edited '/^#model/s/$/;captured=2.5e-09/' > text
	has_line "The 4 dimensions hold less than 0.01 % of it: neighbours by them may be chance." < text
	for silent in 's/$/;captured=0.01/' 's/$/;captured=/' \
		's/;metric=[^;]*\(.*\)/;metric=profile\1;captured=0.0099/'
	do
		edited "/^#model/$silent" > text
		run ! grep -q 'dimensions hold' text
	done
	cs-summarize --format json edited.tsv | has -F '"captured": 0.0099,'
	cs-summarize --format json small.tsv | has -F '"captured": null,'
	refused 'captured' '/^#model/s/$/;captured=some/'
}

@test "the group's figures of households 1955 and 1111" {
	cs-summarize --format tsv "$CASES/grocery.tsv" > found
	printf '%s\t%s\t%s\t10\t%s\t%s\t%s\t%s\n' \
		customer tag members expected times customers "has	level" \
		1111 "DIAPERS & DISPOSABLES" 7 0.98 7.13 97 "1	" \
		1955 "DIAPERS & DISPOSABLES" 10 0.85 11.73 97 "1	" \
		1955 "BABY HBC" 7 1.00 7.03 114 "0	" \
		1955 "BABY FOODS" 8 1.36 5.89 182 "1	" \
		1955 "FROZEN PIZZA" 10 5.32 1.88 687 "1	" |
		sed '1s/10/of/' | diff found -
	cs-summarize --format json "$CASES/grocery.tsv" |
		grep -o '"tags_compared": [0-9]*' > found
	printf '"tags_compared": %d\n' 95 66 | diff found -
}

@test "levels of tags stand apart in text, TSV and JSON" {
	# Tea is of level drinks, mug of level dishes, cake of none.
	levels() {
		edited "/^#model/s|;customer=|;levels=$1;customer=|
			s/tea/drinks:tea/g; s|mug|dishes/mug|g" > text
	}
	levels 'dishes/\\ndrinks:'
	has_line "What the 3 share, dishes      have it   expected      times        ann" < text
	run ! grep -qE 'What the 3 share(  |, drinks|, other)' text
	cs-summarize --format tsv edited.tsv | cut -f 2,9 > found
	printf '%s\t%s\n' tag level dishes/mug dishes | diff found -
	cs-summarize --format json edited.tsv > json
	grep -qF '"top": [{"tag": "drinks:tea", "level": "drinks", ' json
	grep -qF '{"tag": "cake", "level": null, ' json
	grep -qF '"missing": [{"tag": "dishes/mug", "level": "dishes", ' json
	# The same tags where the levels are others, or there are none.
	levels drinks:
	has_line "What the 3 share, other tags      have it   expected      times        ann" < text
	cs-summarize --format tsv edited.tsv | cut -f 2,9 > found
	printf '%s\t%s\n' tag level dishes/mug "" | diff found -
	edited 's|mug|dishes/mug|g' > text
	has_line "What the 3 share             have it   expected      times        ann" < text
	run ! grep -q '"level"' <(cs-summarize --format json edited.tsv)
	# Too many, one twice, an empty one, one of nothing but its end.
	levels "$(printf 'l%d\\\\n' $(seq 40))l1\\\\n:"
	grep -q "What the 3 share, other tags" text
}

@test "JSON is JSON, and contributions and other give the similarity" {
	need "$PYTHON"
	cs-summarize --format json "$CASES/grocery.tsv" > found
	"$PYTHON" - <<-'E'
	import json
	from decimal import Decimal
	count = 0
	for line in open("found", encoding="utf-8"):
	    answer = json.loads(line, parse_float=Decimal)
	    assert list(answer) == ["customer", "columns", "model", "profile",
	                            "neighbours", "group"]
	    assert isinstance(answer["customer"], str)
	    for one in answer["neighbours"]:
	        items = [item["contribution"] for item in one["why"]]
	        assert sum(items) + one["other"] == one["similarity"]
	        assert isinstance(one["customer"], str)
	        count += 1
	assert count == 20, count
	E
}

@test "no line of the grocery text is wider than 80 columns" {
	run ! grep -q '.\{81\}' "$CASES/grocery.text.expected"
}

@test "fewer passed the filter" {
	edited -e '2s/asked=3/asked=10/' -e '2s/candidates=997/candidates=41/' \
		-e '2s/matching=-1;min_similarity=/matching=3;min_similarity=0.5/' \
		-e '2s/among=/among=segment.txt/' > found
	has_line "Customer ann and the 3 most similar of 41 in segment.txt, compared by 5 tags" < found
	has_line "3 of the 41 customers in segment.txt have a similarity of 0.5 or more" < found
	edited -e '2s/asked=3/asked=1000/' -e '2s/candidates=997/candidates=3/' \
		-e '2s/among=/among=segment.txt/' > found
	has_line "3 customers in segment.txt could be compared, of 1,000 asked for" < found
	run -1 grep -c "asked for" "$CASES/small.text.expected"
}

@test "nothing stands out" {
	# As many of the tenths have it as in any tenth.
	edited -e '/^#tag.mug/s/6.*/600\t1000\t60,60,60,60,60,60,60,60,60,60/' > found
	has_line "The 3 share nothing beyond what customers as active share." < found
	run ! grep -q -e "chosen" -e "may be missing" -e "Expected" found
}

@test "with fewer than three neighbours no group is described" {
	edited -e '/^ann.3/d' -e '/^#profile.dee/d' -e '/^#tag.salt/d' > found
	has_line "It takes 3 neighbours or more to tell what they share." < found
	edited -e '/^ann.[23]/d' -e '/^#profile.[cd]/d' -e '/^#tag.salt/d' > found
	has_line "Customer ann and the most similar of 997 others, compared by 5 tags" < found
	cs-summarize --format json edited.tsv |
		grep -F '"tags_compared": 0' | grep -F '"over_represented": [], "missing": []'
}

@test "means, counts and flags have no printed sum" {
	edited 's/kind=sum/kind=mean/' > found
	has_line "(customer by tag, weighed by mean price)" < found
	has_line "ann has 2 tags.  What sets it apart:" < found
	cs-summarize --format json edited.tsv | grep -F '"tags": 2, "value": null'
	edited 's/kind=sum/kind=events/' > found
	has_line "(customer by tag, weighed by number of events)" < found
	has_line "ann has 2 tags.  What sets it apart:" < found
	edited 's/value=price/value=value/' > found
	has_line "ann has 2 tags.  What sets it apart:" < found
	edited 's/kind=sum/kind=one/' > found
	has_line "(customer by tag, each counted once)" < found
	has_line "tea, cake" < found
}

@test "values have at most two decimals, integers none" {
	edited 's/tea=3.5;cake=1;jam=0/tea=1234567.125;cake=20;jam=0.004/' > found
	has_line "ann has 3 tags, 1234587.13 in all.  What sets it apart:" < found
	has_line "tea 1234567.12, cake 20, jam 0.004" < found
}

@test "the query customer among its neighbours is not counted in the group" {
	edited -e '/^ann.1/i ann\t1\tann\t1\t1 (other)' \
		-e 's/^ann.3/ann\t4/' -e 's/^ann.2/ann\t3/' -e 's/^ann.1/ann\t2/' \
		-e '2s/candidates=997/candidates=998/' > found
	has_line "Customer ann and the 3 most similar of 997 others, compared by 5 tags" < found
	has_line "   1       ann       1.000" < found
	has_line "  mug                         3 of 3        0.1       29.9    has not" < found
	cs-summarize --format json edited.tsv |
		grep -F '"held_by": ["bob", "cid", "dee"]'
}

@test "without the reasons, and by another metric" {
	grep -v '^#' small.tsv | cut -f 1-4 > edited.tsv
	sed -i '1r /dev/stdin' edited.tsv < <(sed -n 2p small.tsv)
	sed -n '/^#[pt]/p' small.tsv >> edited.tsv
	cs-summarize edited.tsv > found
	has_line "      customer  similarity" < found
	has_line "   1       bob       0.900" < found
	cs-summarize --format json edited.tsv |
		grep -F '"similarity": 0.9, "why": [], "other": 0.9}'
	edited 's/metric=cosine/metric=dot/' > found
	run ! grep -q "picked at random" found
}

@test "contributions are printed where the similarity is not positive" {
	edited -e 's/dee\t0.5/dee\t-0.5/' -e 's/cid\t0.8/cid\t0/' \
		-e 's/bob\t0.9/bob\t0.001/' > found
	has_line "   1       bob       0.001  tea 0.500000, mug 0.250000, cake -0.010000" < found
	has_line "   2       cid       0.000  tea 0.600000" < found
	has_line "   3       dee      -0.500  mug 0.200000" < found
}

@test "wide names push their column; reasons that do not fit are left out" {
	wide=customer-with-a-name-of-thirty-two
	edited -e "s/bob/$wide/" -e 's/tea/tea from the south side of the garden/' \
		-e 's/mug/a mug of clay that is older than the pot/' > found
	has_line "   1  $wide       0.900  tea from the south side of the garden 56 %" < found
	has_line "   2                                 cid       0.800  tea from the south side of the garden 75 %" < found
	has_line "  a mug of clay that is older than the pot     3 of 3        0.1       29.9    has not" < found
}

@test "names that contain the marks of the format" {
	edited -e 's/tea/a%20+%20b%25c/;s/%25c 	/&/' \
		-e '/^#/s/a%20+%20b%25c/a + b%25c/' \
		-e '/^#/s/cid/#x%3By%3Dz%25/;/^ann/s/cid/#x;y=z%/' > found
	has_line "   1       bob       0.900  a + b%c 56 %, mug 28 %, cake -1 %" < found
	has_line "   2   #x;y=z%       0.800  a + b%c 75 %" < found
	# A customer with the name of a mark.
	for name in '#model' '#profile' '#tag'; do
		edited "s/ann/$name/" > found
		sed 's/ann/#x/' small.tsv | cs-summarize |
			sed "s/#x /$name /; 5,\$d" |
			diff - <(head -n 4 found)
	done
}

@test "control characters in names, and bytes that are not UTF-8" {
	edited -e "s/bob/b$(printf '\033')[2J\\\\nb/" \
		-e "s/mug/m$(printf '\302\233')g/" > found
	has_line '   1  b\x1B[2J\x0Ab       0.900  tea 56 %, m\xC2\x9Bg 28 %, cake -1 %' < found
	need "$PYTHON"
	edited "s/bob/b$(printf '\377')b/" > found
	cs-summarize --format json edited.tsv | "$PYTHON" -c '
import json, sys
print(json.load(sys.stdin)["neighbours"][0]["customer"])' > found
	echo 'b%FFb' | diff found -
}

@test "several customers, and those without listed tags" {
	sed -e 's/ann/eve/' -e 1d \
		-e '/^#tag.mug/s/6.*/600\t1000\t60,60,60,60,60,60,60,60,60,60/' \
		small.tsv > second
	cat small.tsv second small.tsv | sed '16,$ { /^query/d }' > edited.tsv
	[ "$(cs-summarize edited.tsv | grep -c '^Customer')" -eq 3 ]
	[ "$(cs-summarize --format json edited.tsv | wc -l)" -eq 3 ]
	cs-summarize --format tsv edited.tsv | cut -f 1 > found
	printf '%s\n' customer ann ann | diff found -
	cs-summarize edited.tsv | sed -n '21,22p' > found
	printf '%s\n' "" "Customer eve and the 3 most similar of 997 others, compared by 5 tags" | diff found -
}

@test "neighbours without # lines: refused, with the way to get them" {
	refused "cs-knn writes the lines that begin with # for -u into a pipe, and with --profiles" '/^#/d'
	refused "no #model line" '/^#model/d'
	refused "--profiles" '/^#[pt]/d'
}

@test "input that is not neighbours is refused with its name" {
	run -2 --separate-stderr cs-summarize /dev/null
	[ "$stderr" = "cs-summarize: /dev/null: empty, expected neighbours from cs-knn" ]
	head -n 1 small.tsv > header
	run -2 --separate-stderr cs-summarize header
	[ "$stderr" = "cs-summarize: header: a header alone: no neighbours to describe" ]
	printf 'customer\ttag\tevents\tvalue\na\tb\t1\t2\n' > profiles.tsv
	run -2 --separate-stderr cs-summarize profiles.tsv
	[[ "$stderr" == *"profiles.tsv:1: no neighbours: expected the header"* ]]
	printf 'c\td\t1\t2\n' >> profiles.tsv
	cs-matrix profiles.tsv > matrix.bin
	run -2 --separate-stderr cs-summarize matrix.bin
	[ "$output" = "" ]
	[[ "$stderr" == *"matrix.bin:1: "*"a matrix or a model"* ]]
	# Its first bytes alone hold no newline.
	head -c 512 matrix.bin > start.bin
	run -2 --separate-stderr cs-summarize start.bin
	[[ "$stderr" == *"start.bin:1: "*"a matrix or a model"* ]]
	run -2 --separate-stderr cs-summarize .
	[[ "$stderr" == *"a directory"* ]]
	run -2 cs-summarize small.tsv small.tsv
	run -2 cs-summarize --format xml small.tsv
}

@test "an input cut at any byte is refused" {
	size=$(wc -c < small.tsv)
	for ((at = 0; at < size; at += 13)); do
		head -c "$at" small.tsv > edited.tsv
		run -2 --separate-stderr cs-summarize -o out edited.tsv
		[ "${#stderr_lines[@]}" -eq 1 ]
		[ ! -e out ]
	done
}

@test "a line that is missing or there twice is refused" {
	for line in 1 2 3 4 6 7 8 9 10 11 12 13 14; do
		refused "" "${line}d"
	done
	for line in 1 2 3 4 5 6 7 8 9 10 11 12 13 14; do
		refused "" "${line}p"
	done
}

@test "forged fields are refused" {
	for key in id customers without_signal tags dimensions metric \
		median_pair top_percent_pair customer tag value kind tenths \
		asked candidates matching min_similarity among; do
		refused ":2: #model: the key $key is missing" "2s/\([;	]\)$key=/\1x$key=/"
		refused ":2: #model: the key $key again" "2s/$/;$key=1/"
	done
	for key in customers without_signal tags dimensions asked candidates \
		matching median_pair top_percent_pair; do
		for value in x '' -2e 1e 0x1 nan 1e39 1e999; do
			refused ":2: #model: $key: \"$value\": expected a number" \
				"2s/\([;	]\)$key=[^;]*/\1$key=$value/"
		done
	done
	refused ":2: #model: tenths" '2s/tenths=100,/tenths=/'
	refused ":2: #model: tenths" '2s/tenths=100,/tenths=-1,/'
	refused "do not go together" '2s/tenths=100,100,100,100,100/tenths=100,100,100,100,2/'
	refused ":2: #model: \"x\": expected key=value" '2s/$/;x/'
	refused ":3: rank \"2\": expected 1" 's/^ann.1/ann\t2/'
	refused ":4: rank \"x\"" 's/^ann.2/ann\tx/'
	for value in x '' nan inf .5 5. 1e40 00.5 +1; do
		refused ":3: similarity \"$value\": expected a number" "s/bob\t0.9/bob\t$value/"
		refused ":3: why: " "3s/0.250000/$value/"
	done
	refused ":3: why: expected a sum that ends in (other)" 's/0.16 (other)/0.16/'
	refused ":3: why: expected a sum that ends in (other)" '3s/(other)/other/'
	refused ":3: 6 fields, expected 5" '3s/$/\tx/'
	refused "no #profile line for customer bob" 's/^ann.3.dee/ann\t3\tbob/'
	refused "no #profile line for customer dee" 's/^#profile.dee/#profile\tdea/'
	refused "the first #profile line is of customer amy" 's/^#profile.ann/#profile\tamy/'
	refused ":6: #profile: expected a customer" '6s/\t4\t/\t11\t/'
	refused ":6: #profile: \"tea\": expected tag=number" '6s/tea=3.5/tea/'
	refused ":6: #profile: \"tea=nan\"" '6s/tea=3.5/tea=nan/'
	refused ":6: #profile: the tag tea again" '6s/$/;tea=1/'
	refused ":9: #profile: \"salt=1e39\"" 's/salt=-3/salt=1e39/'
	refused ":12: #tag: the counts of mug do not go together" '12s/\t6\t/\t7\t/'
	refused ":12: #tag: the counts of mug do not go together" '12s/1000/1001/'
	refused "tag mug: its counts" '12s/2,4,0/0,6,0/'
	refused ":12: #tag: expected a tag" '12s/2,4,0/2,4/'
	refused ":12: #tag: expected a tag" '12s/2,4,0/8,-2,0/'
	refused ":12: #tag: the tag jar stands in no profile" '12s/mug/jar/'
	refused "rank \"?[2J?\"" "s/^ann.1/ann\t$(printf '\033')[2J\\\\n/"
	refused "a backslash" '3s/bob/b\\x/'
}

@test "--measured states what cs-eval found of events held back" {
	small=$BATS_TEST_DIRNAME/cases/cs-summarize/grocery.tsv
	echo '{"listed_tags": {"value": 1.7, "low": 1.6, "high": 1.8}}' > report.json
	cs-summarize --measured report.json "$small" | tr '\n' ' ' |
		has -F 'of tags listed like these, 1.70 times the expected number were seen in events held back [1.60, 1.80].'
	# A pipe gives all of a long one.
	{ cat report.json; printf '%200000s' ''; } > long.json
	cs-summarize --measured <(cat long.json) "$small" |
		cmp - <(cs-summarize --measured report.json "$small")
	{ printf '%200000s' ''; cat report.json; } > long.json
	cs-summarize --measured <(cat long.json) "$small" |
		cmp - <(cs-summarize --measured report.json "$small")
	echo '{"listed_tags": null}' > report.json
	cs-summarize --measured report.json "$small" | cmp - <(cs-summarize "$small")
	for wrong in '' '[]' '{}' '{"listed_tags": 1}' '{"listed_tags": {"value": "x"}}'
	do
		echo "$wrong" > report.json
		run -2 cs-summarize --measured report.json "$small"
		[[ "$output" == "cs-summarize: report.json: "*expected* ]]
	done
}

@test "names that join nothing are refused; with a header or none, any delimiter" {
	printf '%s\n' u,i,1 u,j,1 v,i,1 w,j,1 x,k,1 |
		cs-aggregate -q --no-header -u 1 -t 2 -v 3 | cs-matrix -q |
		cs-svd -q -o few.bin
	cs-knn -u u -n 2 few.bin > few.tsv
	for between in , ';' '|' '\t'
	do
		printf "%b\n" "tag${between}name" "i${between}Eye" \
			"j${between}Jay" > names.csv
		cs-summarize --names names.csv few.tsv > found
		grep -q 'Eye (i)' found
		sed -i 1d names.csv
		cs-summarize -q --names names.csv few.tsv | cmp - found
	done
	cs-summarize --names names.csv few.tsv 2>&1 > found |
		has "^cs-summarize: names.csv: i -> Eye (first two columns)"
	printf '%s\n' name,tag Eye,i Jay,j > swapped.csv
	run -2 cs-summarize -q --names swapped.csv -o out few.tsv
	[[ "$output" == 'cs-summarize: --names swapped.csv: none of '*' tags is in it: it has "Eye", they have "'*'", which is in its other column: FILE:FIRST,SECOND names the two' ]]
	[ ! -e out ]
	cs-summarize -q --names swapped.csv:tag,name few.tsv > found
	grep -q 'Eye (i)' found
	printf '%s\n' id,name 7,Seven > who.csv
	run -2 cs-summarize -q --who who.csv -o out few.tsv
	[[ "$output" == 'cs-summarize: --who who.csv: none of 3 customers is in it: it has "7", they have "u"' ]]
	printf '%s\n' id,name v,Vee > who.csv
	cs-summarize --who who.csv few.tsv 2>&1 > found |
		has -x 'cs-summarize: --who who.csv: only 1 of 3 customers are in it; the first that is not is "u"'
	grep -q 'Vee (v)' found
}

@test "a long list of shared tags is cut in the text, and told; -n says where" {
	# Twelve with 30 tags of their own, which nobody of the others has, in
	# two levels; all as active.
	for i in {1..60}
	do
		for t in {1..30}
		do
			echo "u$i,$([ "$i" -le 12 ] && echo a || echo b$((i % 6)))$((t % 2)):$t"
		done
	done | cs-aggregate -q --no-header -u 1 -t 2 | cs-matrix -q --block a0:=1 |
		cs-svd -q -o long.bin
	cs-knn -u u1 long.bin > long.tsv
	cs-summarize long.tsv > text
	[ "$(grep -c '10 of 10' text)" -eq 30 ]
	cs-summarize -n 12 long.tsv > text
	[ "$(grep -c '10 of 10' text)" -eq 24 ]
	has_line '  ... and 6 more' < text
	cs-summarize --format tsv long.tsv > all
	[ "$(wc -l < all)" -eq 31 ]
	cs-summarize --format tsv -n 3 long.tsv | cmp - <(
		sed -n 1p all; sed 1d all | awk -F '\t' 'n[$9]++ < 3')
	cs-summarize --format json -n 3 long.tsv | "$PYTHON" -c '
import json, sys
assert len(json.load(sys.stdin)["group"]["over_represented"]) == 6'
	sed '/^#model/s/levels=[^;]*/levels=/' long.tsv | cs-summarize > text
	[ "$(grep -c '10 of 10' text)" -eq 20 ]
	has_line '  ... and 10 more' < text
}
