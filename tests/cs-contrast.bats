# cs-contrast: its figures worked out in scipy besides, which statements are
# tests, and groups that nothing can be said of.

load helper

setup_file() {
	cd "$BATS_FILE_TMPDIR" || return
	cs-aggregate -q "$ROOT/data/views.csv" > profiles.tsv
	cs-matrix -q profiles.tsv | cs-svd -q -k 16 > emb.bin
	cs-aggregate -q --half B "$ROOT/data/views.csv" | cs-matrix -q > half.bin
	"$GENERATE" -q --table personas | sed 1d | LC_ALL=C sort > personas.csv
	awk -F, '$2 == "data scientist" { print $1 }' personas.csv > group.txt
	{ echo "customer	segment"; tr , '\t' < personas.csv; } > personas.tsv
	cut -f 1 profiles.tsv | sed 1d | sort -u > everyone.txt
}

setup() {
	cd "$BATS_FILE_TMPDIR" || return
}

@test "every figure is that of the definitions, in scipy" {
	need numpy scipy
	head -n 60 group.txt > some.txt
	head -n 1200 everyone.txt > against.txt
	cs-contrast --group some.txt --format tsv emb.bin > found.tsv
	[ "$(wc -l < found.tsv)" -gt 10 ]
	PYTHONPATH=$BATS_TEST_DIRNAME "$PYTHON" "$BATS_TEST_DIRNAME/contrast.py" \
		emb.bin found.tsv some.txt
	cs-contrast --group some.txt --against against.txt --format tsv \
		emb.bin > found.tsv
	[ "$(wc -l < found.tsv)" -gt 10 ]
	PYTHONPATH=$BATS_TEST_DIRNAME "$PYTHON" "$BATS_TEST_DIRNAME/contrast.py" \
		emb.bin found.tsv some.txt against.txt
}

@test "the kinds of customers behind the sample are described by their tags" {
	cs-contrast --segments personas.tsv emb.bin > found
	grep -qx 'segment data scientist: r-programming, machine-learning, data-science' found
	grep -qx '141 customers, compared with 1,859 others as active' found
	[ "$(grep -c '^segment ' found)" -eq 18 ]
	[ "$(wc -L < found)" -le 80 ]
	tr '\n' ' ' < found | has 'mid-p tests at a false discovery rate of 5 %'
}

@test "JSON and TSV list the same tags, whole; -n cuts the lists" {
	need jq
	cs-contrast --segments personas.tsv --format json emb.bin > found.json
	jq -r '.segments[] | .segment as $s |
		(.over_represented, .under_represented)[] |
		[$s, .tag, .members, .p] | @tsv' found.json > of-json
	cs-contrast --segments personas.tsv --format tsv emb.bin |
		sed 1d | cut -f 1,2,4,10 > of-tsv
	diff of-json of-tsv
	[ "$(jq '[.segments[].customers] | add + .unassigned' found.json 2> /dev/null ||
		jq '([.segments[].customers] | add) + .unassigned' found.json)" -eq 2000 ]
	[ "$(jq -r '.descriptive' found.json)" = false ]
	cs-contrast --group group.txt --format tsv -n 2 emb.bin > cut.tsv
	[ "$(wc -l < cut.tsv)" -eq 5 ]
}

@test "segments that a model knows as its own are described, not tested; --on tests them" {
	id=$(cs-dump emb.bin | awk '$1 == "id" { print $2 }')
	{
		printf 'customer\tsegment\n#model\tid=%s;segments=18\n' "$id"
		sed 1d personas.tsv
	} > own.tsv
	cs-contrast --segments own.tsv emb.bin > found
	tr '\n' ' ' < found | has 'found in these same events: this describes them'
	cs-contrast --segments own.tsv --on half.bin emb.bin > found
	tr '\n' ' ' < found | has 'mid-p tests at a false discovery rate of 5 %'
	run -2 cs-contrast --segments own.tsv --on emb.bin emb.bin
	[[ "$output" == *"--on emb.bin: the segments were found in its events"* ]]
	run -2 cs-contrast --segments own.tsv half.bin
	[[ "$output" == *"own.tsv: the segments were found in model $id, and half.bin is "* ]]
	# They are its own after customers left it, one by one; not of who is new.
	echo 1 > gone
	echo 2 > gone.too
	cs-project -q --forget gone emb.bin |
		cs-project -q --forget gone.too -o less.bin
	cs-contrast --segments own.tsv less.bin > found
	tr '\n' ' ' < found | has 'found in these same events: this describes them'
	run -2 cs-contrast --segments own.tsv --on less.bin emb.bin
	[[ "$output" == *"--on less.bin: the segments were found in its events"* ]]
	cs-matrix -q --as less.bin profiles.tsv | cs-project -q -o new.bin less.bin
	cs-contrast -q --segments own.tsv --on new.bin emb.bin > found
	tr '\n' ' ' < found | has 'mid-p tests at a false discovery rate of 5 %'
}

@test "attributes are tested, though segments were found in the same model" {
	cs-aggregate -q --prefix kind: -u customer -t persona \
		<(sed '1i customer,persona' personas.csv) > kinds.tsv
	cs-matrix -q --attributes kind: profiles.tsv kinds.tsv |
		cs-svd -q -k 24 > with.bin
	cs-segment -q -k 18 with.bin > own.tsv
	cs-contrast --segments own.tsv -n 1 with.bin > found
	[ "$(grep -c '^segment .*: kind:' found)" -ge 12 ]
	tr '\n' ' ' < found |
		has 'tests nothing but attributes, which had no part in finding them: kind:\.'
	cs-contrast --segments own.tsv --format json with.bin |
		"$PYTHON" -c 'import json, sys
assert json.load(sys.stdin)["attributes"] == ["kind:"]'
}

@test "--where: those who have all tags, which are not listed themselves" {
	cs-contrast --where css --where html5 --format tsv emb.bin > found.tsv
	awk -F '\t' '$2 == "css" || $2 == "html5"' profiles.tsv | cut -f 1 |
		sort | uniq -d > both.txt
	grep -qx "javascript" <(cut -f 2 found.tsv)
	run ! grep -qxE "css|html5" <(cut -f 2 found.tsv)
	cs-contrast --where css --where html5 emb.bin > found
	grep -q "^those who have css, html5: " found
	grep -q "^$(wc -l < both.txt) customers, compared with " found
	run -1 cs-contrast --where no-such-tag emb.bin
	[ "$output" = "cs-contrast: emb.bin: no tag no-such-tag" ]
	run -1 cs-contrast --where autocad --where zbrush --where redux --where python --where linq --where css emb.bin
	[[ "$output" == *"no customer has all of these tags" ]]
}

@test "a group that is everybody, one customer, few, unknown or empty" {
	cs-contrast --group everyone.txt emb.bin > found
	grep -qx 'not described: there is nobody else to compare with' found
	echo 1 > one.txt
	cs-contrast --group one.txt emb.bin > found
	grep -qx 'not described: it has fewer than 10 customers' found
	# Nobody was compared: nothing is said of others.
	[ "$(sed -n 2p found)" = '1 customer' ]
	[ "$(cs-contrast --group one.txt --format tsv emb.bin | wc -l)" -eq 1 ]
	cs-contrast --group one.txt --min-group 1 emb.bin |
		has -x '1 customer, compared with [0-9,]* others as active'
	head -n 12 group.txt > twelve.txt
	cs-contrast --group twelve.txt --min-group 13 emb.bin |
		has -x 'not described: it has fewer than 13 customers'
	echo nobody > unknown.txt
	run -1 cs-contrast --group unknown.txt emb.bin
	[[ "$output" == *"unknown.txt: none of its customers is in emb.bin: it has \"nobody\", the model has \"1\"" ]]
	run -1 cs-contrast --group group.txt --against unknown.txt emb.bin
	[[ "$output" == *"unknown.txt: none of its customers is in emb.bin: it has \"nobody\", the model has \"1\"" ]]
	: > empty.txt
	run -1 cs-contrast --group empty.txt emb.bin
	cat group.txt unknown.txt > most.txt
	run -0 --separate-stderr cs-contrast --group most.txt emb.bin
	[[ "$stderr" == *"no customer nobody in emb.bin"* ]]
	[[ "$output" == *"141 customers"* ]]
}

@test "segments files that are none, with the line that is wrong" {
	while IFS='|' read -r content message
	do
		printf "$content" > wrong.tsv
		run -2 cs-contrast --segments wrong.tsv emb.bin
		[ "$output" = "cs-contrast: wrong.tsv$message" ] ||
			{ echo "$content: $output"; false; }
	done <<-'END'
	|: empty
	customer\n1\n|:1: expected a header line: customer, a tab, segment
	customer\tsegment\n|:1: no customer follows
	customer;segment\n1;2\n|:1: expected a header line: customer, a tab, segment; tr ';' '\t' makes tabs of its marks
	\037\213|: compressed by gzip, expected TSV: zcat wrong.tsv
	customer\tsegment\n1\n|:2: expected a customer, a tab and a segment
	customer\tsegment\n1\t2|:2: the last line has no end: the file was cut
	customer\tsegment\n1\t2\n1\t3\n|:3: customer 1 comes twice
	customer\tsegment\n\t2\n|:2: the customer is empty
	customer\tsegment\tsimilarity\n1\t2\tnear\n|:2: similarity "near": expected a number
	customer\tsegment\n1\t2\\x\n|:2: a backslash that begins no escape
	customer\tsegment\n1\t2\00\n|:2: a NUL byte
	customer\tsegment\n#model\tid=12\n1\t2\n|:2: #model: expected an id of 16 digits
	customer\tsegment\n#model\tk=12\n1\t2\n|:2: #model: expected id=...
	customer\tsegment\nnobody\t2\n|: none of its customers is in emb.bin
	END
	seq 5000 | awk '{ print $1 "\t" $1 }' | sed '1i customer\tsegment' > many.tsv
	run -2 cs-contrast --segments many.tsv emb.bin
	[ "$output" = "cs-contrast: many.tsv:1026: more than 1024 segments" ]
	run -2 cs-contrast --segments no-such-file emb.bin
	[ "$output" = "cs-contrast: no-such-file: No such file or directory" ]
}

@test "segments by number or by name, customers in none, and unknown ones" {
	{
		printf 'customer\tsegment\n'
		awk '{ print $1 "\t" (NR % 3 == 0 ? "" : NR % 3 == 1 ? 10 : 9) }' everyone.txt
		printf 'nobody\t9\n'
	} > numbers.tsv
	run -0 --separate-stderr cs-contrast --segments numbers.tsv emb.bin
	[ "$(grep -o '^segment [0-9]*' <<< "$output" | tr '\n' ' ')" = "segment 9 segment 10 " ]
	[[ "$output" == *"666 customers are in no segment."* ]]
	[ "$stderr" = "cs-contrast: numbers.tsv: 2,000 of its 2,001 customers are in emb.bin; not so nobody" ]
}

@test "one of three ways to name groups" {
	run -2 cs-contrast emb.bin
	[[ "$output" == *"expected one of --segments, --group and --where"* ]]
	run -2 cs-contrast --group group.txt --where css emb.bin
	run -2 cs-contrast --group group.txt --on half.bin emb.bin
	[[ "$output" == *"--on: it is for --segments"* ]]
	run -2 cs-contrast --where css emb.bin half.bin
	[[ "$output" == *"expected one MODEL"* ]]
}

@test "names of tags take their place" {
	printf 'id,name\nmachine-learning,"Machine learning (ML)"\n' > names.csv
	cs-contrast --group group.txt --names names.csv emb.bin |
		has "^  Machine learning (ML)  "
	cs-contrast --group group.txt --names names.csv --format json emb.bin |
		has '"name": "Machine learning (ML)"'
}

@test "where customers have most tags, the text says that having one tells little" {
	for i in {1..60}
	do
		for t in a b c d
		do
			n=$([ "$t" = "$([ $((i % 2)) = 0 ] && echo a || echo b)" ] &&
				echo 9 || echo 1)
			echo "u$i,$t,$n"
		done
	done | cs-aggregate -q --no-header -u 1 -t 2 -v 3 | cs-matrix -q --weight none |
		cs-svd -q -o dense.bin
	cs-segment -q -k 2 -o found dense.bin
	cs-contrast --segments found dense.bin > text
	tr '\n' ' ' < text | grep -F 'On average a customer has 4.0 of the 4 tags, so that having one sets few apart: --rate 1 lists all, with means.' > /dev/null
	cs-contrast --segments found --rate 1 dense.bin > text
	run ! grep 'On average' text
	cs-knn -u u2 dense.bin | cs-summarize | tr '\n' ' ' |
		grep -F 'Most customers have these tags: alike is how much of each.' > /dev/null
}

@test "members who are left out: their tenth has no others" {
	# Customers with as many tags are spread over the tenths.
	printf '%s,x\n' customer 1 2 3 4 5 6 | sed 1s/x/tag/ > alike.csv
	cs-aggregate -q alike.csv | cs-matrix -q > alike.mat
	cs-dump --what users alike.mat | awk -F '\t' '
		NR > 1 && $1 <= 3 { own[$1] = $3 }
		NR > 1 && $1 > 3 { there[$3] = 1 }
		END { for (c in own) left += !(own[c] in there); print left }' > left
	printf '%s\n' 1 2 3 > three.txt
	run -0 cs-contrast --group three.txt --min-group 1 alike.mat
	flat=${output//$'\n'/ }
	[ "$(< left)" -gt 0 ]
	[[ "$flat" == *"($(< left) left out: no other is in their tenth by number of tags)"* ]]
}
