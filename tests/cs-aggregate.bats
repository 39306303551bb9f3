# cs-aggregate: sums held against awk and sort, the CSV that it takes, the
# columns that it finds, what it does with rows that are wrong.

load helper

setup() {
	cd "$BATS_TEST_TMPDIR" || return
	VIEWS=$ROOT/data/views.csv
	COURSE_TAGS=$ROOT/data/course_tags.csv
}

# What sort makes of lines of a profile.
sorted() {
	sort -t "$(printf '\t')" -k1,1 -k2,2
}

# A log of the given lines with the header user,tag,value.
log() {
	printf '%s\n' user,tag,value "$@" > log.csv
}

# The profile of standard input has the given lines, fields between blanks.
gives() {
	cs-aggregate -q > found
	printf '%s\n' "$@" | tr ' ' '\t' | diff - <(tail -n +2 found)
}

# A run is refused with a message that has the text, and writes nothing.
refused() {
	local text=$1
	shift
	run -2 --separate-stderr cs-aggregate -o out "$@"
	[ "$output" = "" ]
	[ ! -e out ]
	[[ "$stderr" == cs-aggregate:*"$text"* ]] ||
		{ echo "found $stderr"; false; }
}

# ------------------------------------------------------------------- sums

@test "sums equal those of awk and sort" {
	cs-aggregate -q "$VIEWS" > found
	{
		printf 'user_handle\tcourse_tag\tevents\tview_time_seconds\n'
		awk -F, 'NR > 1 { k = $1 "\t" $6; n[k]++; s[k] += $7 }
			END { for (k in n) print k "\t" n[k] "\t" s[k] }' \
			"$VIEWS" | sorted
	} | diff - found
}

@test "a join with --tags equals that of join" {
	cs-aggregate -q --tags "$COURSE_TAGS" "$VIEWS" > found
	join -t, -1 3 -2 1 -o 1.1,2.2,1.7 \
		<(tail -n +2 "$VIEWS" | sort -t, -k3,3) \
		<(tail -n +2 "$COURSE_TAGS" | sort -t, -k1,1) |
		awk -F, '{ k = $1 "\t" $2; n[k]++; s[k] += $3 }
			END { for (k in n) print k "\t" n[k] "\t" s[k] }' |
		sorted | diff - <(tail -n +2 found)
	[ "$(head -n 1 found)" = \
		"$(printf 'user_handle\tcourse_tags\tevents\tview_time_seconds')" ]
}

@test "same bytes for any threads, memory, file or pipe, and order of rows" {
	cs-aggregate -q --tags "$COURSE_TAGS" "$VIEWS" > expected
	for j in 1 2 3 7; do
		cs-aggregate -q -j "$j" --tags "$COURSE_TAGS" "$VIEWS" |
			cmp - expected
	done
	for size in 1 64K 300K 1M 64M; do
		cs-aggregate -q -S "$size" --tags "$COURSE_TAGS" "$VIEWS" |
			cmp - expected
	done
	cat "$VIEWS" | cs-aggregate -q --tags "$COURSE_TAGS" | cmp - expected
	cs-aggregate -q --tags "$COURSE_TAGS" - < "$VIEWS" | cmp - expected
	{ head -n 1 "$VIEWS"; tail -n +2 "$VIEWS" | shuf --random-source=<(yes); } |
		cs-aggregate -q --tags "$COURSE_TAGS" | cmp - expected
	cs-aggregate -q --tags "$COURSE_TAGS" -o out "$VIEWS"
	cmp out expected
}

@test "parts of a log: as several files, and each aggregated and merged" {
	cs-aggregate -q "$VIEWS" > expected
	tail -n +2 "$VIEWS" | shuf --random-source=<(yes) |
		split -n r/7 - part.
	for part in part.??; do
		{ head -n 1 "$VIEWS"; cat "$part"; } > "$part.csv"
		cs-aggregate -q -o "$part.tsv" "$part.csv"
	done
	cs-aggregate -q part.??.csv | cmp - expected
	cs-aggregate --merge part.??.tsv | cmp - expected
	cs-aggregate --merge <(cs-aggregate --merge part.a[a-c].tsv) \
		part.a[d-g].tsv | cmp - expected
	cs-aggregate --merge < expected | cmp - expected
}

@test "runs in more passes than one, with few files open" {
	"$GENERATE" --customers 3000 --events 200000 -o large.csv
	cs-aggregate -q large.csv > expected
	(ulimit -n 16; cs-aggregate -q -S 100K -j 2 large.csv) | cmp - expected
	cs-aggregate -q -S 1 -j 1 --report report large.csv | cmp - expected
	cs-aggregate -q --report whole large.csv > /dev/null
	cmp report whole
}

@test "more profiles than may be open are merged" {
	head -n 2 "$VIEWS" | cs-aggregate -q > one
	for i in $(seq 450); do
		cp one "profile.$i"
	done
	(ulimit -n 240; cs-aggregate --merge profile.*) > found
	awk -F '\t' -v OFS='\t' 'NR > 1 { $3 *= 450; $4 *= 450 } 1' one |
		diff - found
}

# Profiles of 6 MB in all, more than is merged at a time; rows of a customer
# stand in any of three, and some in two.
@test "profiles are merged by any number of threads to the same bytes" {
	awk -v OFS='\t' 'BEGIN {
		print "user", "tag", "events", "value" > "whole"
		for (i = 100000; i < 150000; i++)
			for (j = 0; j < 5; j++) {
				n = i * 7 % 11 + j
				print i, "tag-" j, n + 1, -n > "whole"
				# A row in part 0, 1, 2, or cut in two.
				to = (i * 3 + j) % 4
				if (to == 3) {
					print i, "tag-" j, 1, -n > "part-0"
					if (n > 0)
						print i, "tag-" j, n, 0 > "part-2"
				} else
					print i, "tag-" j, n + 1, -n > "part-" to
			}
	}'
	sed -i '1i\user\ttag\tevents\tvalue' part-?
	for j in 1 2 5; do
		cs-aggregate -q -j $j --merge part-? | cmp - whole
	done
	cs-aggregate --merge --report report part-? > /dev/null
	[ "$(jq -c '[.users, .tags, .pairs]' report)" = '[50000,5,250000]' ]

	# From a row with an escape on, and from the first customer that stands
	# alone in its file, lines are read one by one.
	printf '149999x\ta\\tb\t1\t1\n15\tc\t1\t1\n' >> whole
	printf '149999x\ta\\tb\t1\t1\n' >> part-1
	printf '15\tc\t1\t1\n' > extra
	sed -i '1i\user\ttag\tevents\tvalue' extra
	cs-aggregate -q -j 2 --merge part-? extra | cmp - whole

	# Wrong lines are found far into a file, too.
	printf '149999x\tc\t1\t1\n' >> part-0
	sed '20000{h;d}; 20001G' part-2 > wrong
	refused "wrong:20001: not in order" --merge part-0 wrong
	sed '20000p' part-2 > wrong
	refused "wrong:20001: customer" --merge part-0 wrong
	printf 150000 >> part-2
	refused "the last line has no newline" --merge part-0 part-2
}

@test "decimals are exact, however many and large" {
	{
		echo user,tag,value
		for i in $(seq 1000); do echo a,t,0.1; done
		for i in $(seq 1000); do echo a,u,999999999999999999.999999999; done
		echo a,v,-0.5
		echo a,v,.25
		echo a,w,1e3
		echo a,w,+2
		echo a,x,1e-9
		echo a,y,-5
		echo a,y,5.000000000000
		echo a,z,4.440892e-16
		echo b,u,-999999999999999999
		echo b,u,1
		echo b,w,-9223372036.854775809
	} > log.csv
	gives "a t 1000 100" "a u 1000 999999999999999999999.999999" \
		"a v 2 -0.25" "a w 2 1002" "a x 1 0.000000001" "a y 2 0" \
		"a z 1 0" "b u 2 -999999999999999998" \
		"b w 1 -9223372036.854775809" < log.csv
	cs-aggregate -q log.csv > expected
	cs-aggregate -q -S 1 log.csv | cmp - expected
	cs-aggregate --merge expected expected |
		has "^a	u	2000	1999999999999999999999.999998\$"
}

@test "without a value column each event counts 1" {
	printf '%s\n' user,tag a,t a,t b,t > log.csv
	cs-aggregate -q log.csv > found
	printf '%s\n' 'user tag events value' 'a t 2 2' 'b t 1 1' | tr ' ' '\t' |
		diff - found
}

# -------------------------------------------------------------------- CSV

@test "quotes, line ends, byte-order mark, blanks" {
	printf '\357\273\277"user","tag","value"\r\n"a ""b""","t,u",1\r\n' > log.csv
	printf '\r\n"c\r\nd"," e ",2\r f,g ,3\n\n' >> log.csv
	cs-aggregate log.csv > found 2> /dev/null
	printf '%s\n' 'user	tag	events	value' ' f	g 	1	3' \
		'a "b"	t,u	1	1' 'c\r\nd	 e 	1	2' | diff - found
}

@test "bytes that TSV escapes are escaped, sorted as they stand, and merge" {
	printf 'user,tag,value\n"a\tb",t\\u,1\n"a\nb",t,2\naZ,t,3\na,"x\ry",4\n' \
		> log.csv
	cs-aggregate -q log.csv > found
	printf '%s\n' 'a x\ry 1 4' 'aZ t 1 3' 'a\nb t 1 2' 'a\tb t\\u 1 1' |
		tr ' ' '\t' | sorted | diff - <(tail -n +2 found)
	cs-aggregate --merge found | cmp - found
}

@test "a row may be longer than a block, and hold its line ends" {
	{
		echo user,tag,value
		printf 'a,"'
		seq 200000
		printf '",1\nb,t,2\n'
	} > log.csv
	cs-aggregate -q log.csv > found
	[ "$(wc -l < found)" -eq 3 ]
	[ "$(tail -n 1 found)" = "$(printf 'b\tt\t1\t2')" ]
	echo b,t,x >> log.csv
	refused "log.csv:200004: value \"x\"" log.csv
}

@test "empty lines before the header may be more than a block" {
	{
		printf '\r\n%.0s' {1..150000}
		printf '\nuser,tag,value\r\nb,t,2\r\n'
	} > log.csv
	[ "$(cs-aggregate -q log.csv | tail -n 1)" = "$(printf 'b\tt\t1\t2')" ]
	echo b,t,x >> log.csv
	refused "log.csv:150004: value \"x\"" log.csv
}

@test "other delimiters" {
	log a,t,1 b,u,2
	cs-aggregate -q log.csv > expected
	tr , ';' < log.csv | cs-aggregate -q -d ';' | cmp - expected
	tr , '\t' < log.csv > log.tsv
	cs-aggregate -q -d '\t' log.tsv | cmp - expected
	cs-aggregate -q -d "$(printf '\t')" log.tsv | cmp - expected
	refused "if tabs stand between its columns: -d '\t'" log.tsv
	for wrong in '' ',"' '"' 0123456789abcdef; do
		refused "-d, --delimiter" -d "$wrong" log.csv
	done
}

# ---------------------------------------------------------------- columns

@test "names that are known, in any spelling" {
	for user in user_handle user_id user customer_id customer household_id \
		"User ID" CUSTOMER-ID householdId; do
		for tag in course_tag course_tags tag interest_tag \
			assessment_tag course_id product_id item_id item \
			movie_id sku stock_code StockCode; do
			# Under sanitizers each once.
			[ "$user" = user_handle ] || [ "$tag" = course_tag ] ||
				[ "$(cases all few)" = all ] || continue
			printf '%s\n' "x,$user,$tag" 1,a,t |
				cs-aggregate -q > found
			[ "$(head -n 1 found)" = \
				"$(printf '%s\t%s\tevents\tvalue' "$user" "$tag")" ]
		done
	done
	for value in view_time_seconds course_view_time_seconds \
		user_assessment_score sales_value value amount score Rating; do
		printf '%s\n' "user,tag,$value" a,t,7 | cs-aggregate -q > found
		[ "$(tail -n 1 found)" = "$(printf 'a\tt\t1\t7')" ]
		[ "$(head -n 1 found | cut -f 4)" = "$value" ]
	done
}

@test "names of public logs are known where no nearer name stands there" {
	local header row took

	while IFS='|' read -r header row took; do
		printf '%s\n' "$header" "$row" | cs-aggregate -o out 2> said
		grep -q "took $took\$" said || { cat said; return 1; }
	done <<-'END'
		Customer ID,Sub-Category,Sales|1,a,2|Customer ID, Sub-Category, Sales
		Customer ID,Product ID,Category,Sub-Category,Sales|1,p,c,s,2|Customer ID, Product ID, Sales
		event_time,visitorid,itemid|t,1,p|visitorid, itemid; each row counts 1
		member_number,Date,itemDescription|1,d,milk|member_number, itemDescription; each row counts 1
		user,artist,genre,plays|1,a,g,2|user, artist, plays
		id_student,id_assessment,score|1,2,3|id_student, id_assessment, score
		reviewerID,asin,overall|1,2,3|reviewerID, asin; each row counts 1
		account_id,category,spend|1,a,3|account_id, category, spend
		customer_unique_id,product_category_name,payment_value|1,a,3|customer_unique_id, product_category_name, payment_value
		customer,tags,value|1,a,3|customer, tags, value
		user_id,category,tags|1,c,a|user_id, category; each row counts 1
		member_id,genres,rating|1,drama,3|member_id, genres, rating
	END
	rm out
	printf '%s\n' client_id,member_id,sku 1,2,a > log.csv
	refused "client_id and member_id both have a name known for customers" log.csv
	# A catalogue is joined by items alone.
	printf '%s\n' user,category 1,a > log.csv
	printf '%s\n' thing,tag a,t > tags.csv
	refused "no column has a name known for items" --tags tags.csv log.csv
}

@test "the detected columns are reported, unless all are named and all rows used" {
	cs-aggregate "$VIEWS" > /dev/null 2> said
	printf 'cs-aggregate: %s\n' \
		"took user_handle, course_tag, view_time_seconds" \
		"32,000 rows: 32,000 used; 2,000 customers, 261 tags, 21,310 pairs" |
		diff - said
	cs-aggregate -u user_handle -t course_tag -v view_time_seconds "$VIEWS" \
		> /dev/null 2> said
	[ ! -s said ]
	cs-aggregate -q "$VIEWS" > /dev/null 2> said
	[ ! -s said ]
	cs-aggregate --progress -u 1 -t 6 "$VIEWS" 2>&1 > /dev/null |
		has "32,000 rows: 32,000 used"
}

@test "no value column is detected where customer and tag are named" {
	log a,t,5
	cs-aggregate -u user -t tag log.csv > found
	[ "$(tail -n 1 found)" = "$(printf 'a\tt\t1\t1')" ]
	[ "$(head -n 1 found)" = "$(printf 'user\ttag\tevents\tvalue')" ]
}

@test "columns by name or number; a number that is another's name is an error" {
	printf '%s\n' 2,1,user a,b,c > log.csv
	refused "log.csv: column 1 of its header is called 2, which may mean column 2, too" \
		-u 2 -t 3 log.csv
	[[ "$stderr" == *"if its first line is a row: --no-header"* ]]
	printf '%s\n' 1,2,user a,b,c > log.csv
	cs-aggregate -q -u 1 -t 2 log.csv > found
	[ "$(tail -n 1 found)" = "$(printf 'a\tb\t1\t1')" ]
	printf '%s\n' a,t,3 a,t,4 | cs-aggregate --no-header -u 1 -t 2 -v 3 > found
	printf 'customer\ttag\tevents\tvalue\na\tt\t2\t7\n' | diff - found
	refused "no column 4: without a header line columns have numbers, here 1 to 3" \
		--no-header -u 4 -t 1 log.csv
	refused "-u and -t must give the numbers" --no-header log.csv
	refused "column 2 cannot be two of" -u 2 -t 1 -v 2 log.csv
}

@test "a header that may be a row is warned of, with --no-header" {
	told() {
		cs-aggregate "$@" -o out log.csv 2> said
		grep -q "if the first line is a row, --no-header" said ||
			{ cat said; false; }
		cs-aggregate -q "$@" -o out log.csv 2> said
		[ ! -s said ]
	}
	printf '%s\n' u7,a,20 u8,a,10 > log.csv
	told -u 1 -t 2 -v 3
	told -u 1 -t 2
	cs-aggregate -u 1 -t 2 -v 3 -o out log.csv 2>&1 |
		has 'log.csv: its header calls column 3 "20"'
	cs-aggregate -u 1 -t 2 -o out log.csv 2>&1 |
		has 'log.csv: "u7" of its header looks like what is below it'
	# A first line whose tag is one of the rows'.
	printf '%s\n' ann,python bob,sql cid,python > log.csv
	run -0 cs-aggregate -u 1 -t 2 -o out log.csv
	[[ "$output" == *'"python" of its header looks like what is below it: if the first line is a row, --no-header' ]]
	rm out
	# Fields with digits in other places are other fields.
	printf '%s\n' user1,tag user,tag2 u1,t > log.csv
	cs-aggregate -u 1 -t 2 -o out log.csv 2> said
	run ! grep -q no-header said
	rm out
	printf '%s\n' 7,8 9,10 > log.csv
	refused "no column has a name known for customers" log.csv
	[[ "$stderr" == *"if its first line is a row: --no-header, and columns by number"* ]]
}

@test "names of a header are found without blanks and marks around them, and shown with them" {
	printf '\xef\xbb\xbf\xef\xbb\xbfuser_id,category , amount\n1,a,2\n' > log.csv
	cs-aggregate -q -u user_id -t category -v amount log.csv > found
	[ "$(tail -n 1 found)" = "$(printf '1\ta\t1\t2')" ]
	cs-aggregate -q -u 1 -t 'category ' -v ' amount' log.csv | cmp - found
	refused "no column price" -u user_id -t price log.csv
	[[ "$stderr" == *'"category " " amount"'* ]]
	# What stands so goes before what is so when trimmed.
	printf '%s\n' 'user,tag ,tag' u,a,b > log.csv
	cs-aggregate -q -u user -t tag log.csv | has -x "$(printf 'u\tb\t1\t1')"
	printf '%s\n' 'user,tag , tag' u,a,b > log.csv
	refused 'columns 2 and 3 are both called tag' -u user -t tag log.csv
	printf '%s\n' user,tag 'u,a"b' 'v,c' > log.csv
	refused "a quote within a field that is not quoted" log.csv
	[[ "$stderr" == *"where quotes follow other rules: --quote none, or --escape backslash"* ]]
}

@test "two candidates, or none, are an error that lists the header" {
	printf '%s\n' user_id,customer,tag a,b,t > log.csv
	refused "user_id and customer both have a name known for customers" log.csv
	[[ "$stderr" == *"it has: user_id customer tag"*"-u CUSTOMER"* ]]
	printf '%s\n' user,tag,course_tag a,b,t > log.csv
	refused "tag and course_tag both have a name known for tags or items" log.csv
	printf '%s\n' user,item,sku a,b,t > log.csv
	refused "item and sku both have a name known for tags or items" log.csv
	printf '%s\n' user,tag,score,amount a,b,1,2 > log.csv
	refused "score and amount both have a name known for values" log.csv
	printf '%s\n' who,tag a,b > log.csv
	refused "no column has a name known for customers" log.csv
	printf '%s\n' user,what a,b > log.csv
	refused "no column has a name known for tags or items" log.csv
	refused "no column buyer" -u buyer log.csv
	printf '%s\n' user,user,tag a,b,c > log.csv
	refused "columns 1 and 2 are both called user: give the number" \
		-u user log.csv
}

@test "later files have the columns of the first one, in any position" {
	printf '%s\n' user,tag,value a,t,1 > a.csv
	printf '%s\n' new,value,tag,user x,2,t,a > b.csv
	cs-aggregate -q a.csv b.csv > found
	[ "$(tail -n 1 found)" = "$(printf 'a\tt\t2\t3')" ]
	printf '%s\n' user,tag a,t > c.csv
	refused "c.csv: no column value" a.csv c.csv
}

# ------------------------------------------------------------------- tags

@test "--tags: many an item, pairs once, none for an empty tag or no item" {
	printf '%s\n' item,tag i,t i,u i,t j, j,v k, > tags.csv
	printf '%s\n' user,item,value a,i,2 a,j,3 a,k,4 a,l,5 > log.csv
	gives "a t 1 2" "a u 1 2" "a v 1 3" < <(
		cs-aggregate -q --tags tags.csv log.csv |
			awk -F '\t' 'NR == 1 { print "user,tag,value" }
				NR > 1 { print $1 "," $2 "," $4 }')
	cs-aggregate --tags tags.csv log.csv 2>&1 > /dev/null |
		has "4 rows: 2 used, 2 without a tag; 1 customers, 3 tags"
}

@test "--tags: columns by name and number, a log's own name, several a cell" {
	printf '%s\n' title,genres,film x,Action\|Comedy,1 y,Drama,2 > films.csv
	printf '%s\n' user,film,score a,1,5 a,2,3 > log.csv
	cs-aggregate -q --tags films.csv:film,genres --tag-sep '|' log.csv > found
	printf '%s\n' 'user genres events score' 'a Action 1 5' 'a Comedy 1 5' \
		'a Drama 1 3' | tr ' ' '\t' | diff - found
	cs-aggregate -q --tags films.csv:3,2 --tag-sep '|' -t 2 log.csv |
		cmp - found
	cs-aggregate -q --tags films.csv:3,2 --tag-sep '|' -u 1 -t 2 -v 3 log.csv |
		cmp - found
	printf '%s\n' film,title 1,x > odd:a,b
	cs-aggregate -q --tags odd:a,b -t film log.csv > /dev/null
}

@test "--tags: what is wrong with a catalogue" {
	log a,t,1
	# Blanks, which --trim takes from both sides.
	printf 'tag\tof\n t \t new \nu\tx\n' > blanks.tsv
	refused 'none of 1 rows'"'"' items is in it: it has " t ", they have "t"' \
		-t tag --tags blanks.tsv log.csv
	cs-aggregate -q --trim -t tag --tags blanks.tsv log.csv |
		tail -n 1 | diff <(printf 'a\tnew\t1\t1\n') -
	printf '%s\n' 'Items of 2024' item,tag > tags.csv
	refused 'its first line begins with "Items of 2024"' --tags tags.csv log.csv
	echo item > tags.csv
	refused "tags.csv: 1 column, expected 2: the item and its tag" --tags tags.csv log.csv
	printf '%s\n' item,tag i > tags.csv
	refused "tags.csv:2: 1 fields, expected 2" --tags tags.csv log.csv
	printf '%s\n' item,tag i,t ,t > tags.csv
	refused "tags.csv:3: the item is empty" --tags tags.csv log.csv
	printf '%s\n' item,tag '"i"x,t' > tags.csv
	refused "tags.csv:2: text after the quote" --tags tags.csv log.csv
	printf '%s\n' item,tag i,t > tags.csv
	refused "tags.csv: no column x" --tags tags.csv:x,tag log.csv
	refused "expected FILE, or FILE and two of its columns" --tags tags.csv:item log.csv
	refused "no such: No such file" --tags "no such" log.csv
	refused "no column has a name known for items" --tags tags.csv log.csv
	: > tags.csv
	refused "tags.csv: empty" --tags tags.csv log.csv
}

@test "--tags: says which columns it takes, and what joins nothing" {
	printf '%s\n' user,item,value a,1,2 a,2,3 b,3,4 > log.csv
	printf '%s\n' item,name,tag 1,x,t 2,y,u 3,z,t > tags.csv
	cs-aggregate --tags tags.csv -o out log.csv 2> said
	grep -qx "cs-aggregate: tags.csv: item -> name (first two columns)" said
	cs-aggregate -q --tags tags.csv -o out log.csv 2> said
	[ ! -s said ]
	cs-aggregate --tags tags.csv:item,tag -o out log.csv 2> said
	run ! grep -q "first two columns" said
	rm out
	printf '%s\n' item,tag 01,t 02,u > zeros.csv
	refused 'zeros.csv: none of 3 rows'"'"' items is in it: it has "01", they have "1"' \
		-q --tags zeros.csv:item,tag log.csv
	printf '%s\n' tag,item t,1 u,2 > swapped.csv
	refused 'it has "t", they have "1", which is in its other column: FILE:FIRST,SECOND names the two' \
		--tags swapped.csv log.csv
	cs-aggregate -q --tags swapped.csv:item,tag log.csv > found
	[ "$(cut -f 2 found | tr '\n' ' ')" = "tag t u " ]
	printf '%s\n' item,tag 3,t 4,t > few.csv
	cs-aggregate --tags few.csv log.csv 2>&1 > /dev/null |
		grep -x 'cs-aggregate: --tags few.csv: only 1 of 3 rows'"'"' items are in it; the first that is not is "1"' > found
	# A log without a row joins nothing either, and is no error.
	head -n 1 log.csv | cs-aggregate -q --tags tags.csv > /dev/null
}

@test "--tags: with a header line or none, and any delimiter" {
	printf '%s\n' user,item,value a,1,2 a,2,3 b,3,4 > log.csv
	printf '%s\n' 'a t 1 2' 'a u 1 3' 'b t 1 4' | tr ' ' '\t' > rows
	for between in , ';' '|' '\t'
	do
		printf "%b\n" "item${between}tag" "1${between}t" "2${between}u" \
			"3${between}t" > tags.csv
		cs-aggregate -q --tags tags.csv log.csv | tail -n +2 | diff rows -
		# No header, and of a log that has one.
		sed -i 1d tags.csv
		cs-aggregate -q --tags tags.csv log.csv > found
		tail -n +2 found | diff rows -
		[ "$(head -n 1 found)" = "$(printf 'user\ttag\tevents\tvalue')" ]
		cs-aggregate -q --tags tags.csv:1,2 log.csv | cmp - found
	done
	# A header, and of a log that has none, in another dialect.
	printf '%s\n' item,tag 1,t 2,u 3,t > tags.csv
	sed '1d; s/,/::/g' log.csv > bare.csv
	for columns in "" :item,tag :1,2
	do
		cs-aggregate -q --no-header -d :: -u 1 -t 2 -v 3 \
			--tags "tags.csv$columns" bare.csv | tail -n +2 | diff rows -
	done
	cs-aggregate -q --tags <(cat tags.csv) log.csv | tail -n +2 | diff rows -
}

@test "--keep-item and several TAGs: a level each, in one pass" {
	printf '%s\n' user,item,value a,1,2 a,2,3 b,9,4 > log.csv
	printf '%s\n' item,tag,group 1,t,g 2,u,g 3,t, > tags.csv
	printf '%s\n' 'user tag events value' 'a group:g 2 5' 'a item:1 1 2' \
		'a item:2 1 3' 'a tag:t 1 2' 'a tag:u 1 3' 'b item:9 1 4' |
		tr ' ' '\t' > expected
	cs-aggregate -q --tags tags.csv:item,tag,group --keep-item log.csv |
		diff expected -
	for options in "-j 1" "-j 2 -S 1" "-j 3 -S 1M"
	do
		cs-aggregate -q --tags tags.csv:item,tag,group --keep-item $options \
			log.csv | cmp - expected
	done
	cs-aggregate -q --tags tags.csv:item,tag,group --keep-item \
		--levels 'i,t a,gr' log.csv |
		diff <(sed 's/item:/i:/; s/tag:/t a:/; s/group:/gr:/' expected |
			sort) <(sort -) 
	# Without the item, an event without any tag is untagged as ever.
	cs-aggregate --tags tags.csv:item,tag,group log.csv 2> said |
		diff <(grep -v item: expected) -
	grep -q "3 rows: 2 used, 1 without a tag" said
	cs-aggregate -q --tags tags.csv:item,group --keep-item --prefix 'x ' log.csv |
		has -x "$(printf 'b\tx item:9\t1\t4')"
	refused "--levels a: expected 3 names: of the item, then of each column of tags" \
		--tags tags.csv:item,tag,group --keep-item --levels a log.csv
	refused "--keep-item: it is about the catalogue of --tags" --keep-item log.csv
	refused "column 2 is named twice, expected 3 columns" \
		--tags tags.csv:item,tag,tag log.csv
	refused "expected FILE, or FILE and two" --tags tags.csv:item,,tag log.csv
	# Many levels of many items not in the catalogue, against the same by hand.
	awk 'BEGIN { print "user,item,value"; for (i = 0; i < 60000; i++)
		print "u" i % 500 "," i % 4001 ",1" }' > log.csv
	awk 'BEGIN { print "item,tag"; for (i = 0; i < 2000; i++) print i ",t" i % 50 }' > tags.csv
	cs-aggregate -q --tags tags.csv:item,tag --keep-item -j 2 log.csv > found
	cs-aggregate -q --prefix item: log.csv > items
	cs-aggregate -q --tags tags.csv:item,tag --prefix tag: log.csv > tagged
	{ sed 1d items; sed 1d tagged; } | sort | diff - <(sed 1d found)
}

@test "--tag-sep: parts once, empty ones none" {
	printf '%s\n' user,tag,value 'a,x;y;x,1' 'a,;,2' 'a,,3' 'b,y;;z,4' > log.csv
	cs-aggregate --tag-sep ';' log.csv > found 2> said
	printf '%s\n' 'a x 1 1' 'a y 1 1' 'b y 1 4' 'b z 1 4' | tr ' ' '\t' |
		diff - <(tail -n +2 found)
	grep -q "4 rows: 2 used, 2 without a tag" said
	printf 'user,tag\na,"one\ntwo\\nthree"\n' > log.csv
	cs-aggregate -q --tag-sep "$(printf '\n.')" log.csv > /dev/null
	cs-aggregate -q --tag-sep n log.csv > found
	printf '%s\n' 'a e\ntwo\\ 1 1' 'a o 1 1' 'a three 1 1' |
		tr ' ' '\t' | diff - <(tail -n +2 found)
	refused "--tag-sep: expected a text" --tag-sep '' log.csv
}

@test "--prefix stands before each tag" {
	log a,t,1 b,u,2
	cs-aggregate -q --prefix 'x:' log.csv > found
	printf '%s\n' 'a x:t 1 1' 'b x:u 1 2' | tr ' ' '\t' |
		diff - <(tail -n +2 found)
	cs-aggregate -q log.csv | cs-aggregate --merge --prefix 'x:' | cmp - found
	cs-aggregate -q -S 1 --prefix "$(printf '\t')" log.csv |
		has '^a	\\tt	1	1$'
}

# -------------------------------------------------------------- wrong rows

# The log of these lines is refused with this message.
wrong() {
	local text=$1
	shift
	log "$@"
	refused "log.csv:$text" log.csv
	case $stderr in
	*" in 1 of 1 rows"*)
		[[ "$stderr" == *"all rows are wrong"* ]]
		[[ "$stderr" != *"--rejects"* ]]
		;;
	*) [[ "$stderr" == *"--rejects FILE"* ]] ;;
	esac
}

@test "what is wrong with a row, with file, line, column and reason" {
	wrong "3: 2 fields, expected 3; so in 1 of 2 rows" a,t,1 a,t
	wrong "2: 4 fields, expected 3" a,t,1,2
	wrong "2: user is empty" ,t,1
	wrong "2: tag is empty" a,,1
	wrong "2: value is empty" a,t,
	for text in x 1,5 NaN nan Inf -inf 0x10 1e 1.2.3 - . 1_000; do
		wrong "2: value \"$text\": expected a number" "a,t,\"$text\""
	done
	wrong "2: value \" 1 2\": expected a number" "a,t, 1 2"
	wrong "2: value \"1000000000000000000\":" a,t,1000000000000000000
	wrong "2: value \"1e300\":" a,t,1e300
	wrong "2: a quote within a field" 'a"b,t,1'
	wrong "2: text after the quote that closes" '"a"b,t,1'
	wrong "2: text after the quote that closes" '"a" ,t,1'
	wrong "3: a quote that is not closed" a,t,1 'a,"t,1' a,t,1
	printf 'user,tag,value\na,t\0u,1\n' > log.csv
	refused "log.csv:2: a zero byte" log.csv
}

@test "rows are counted by reason, over several files" {
	log a,t,1 ,t,1 a,t,x
	cp log.csv b.csv
	log a,t,1
	cat log.csv <(sed 1d log.csv) > a.csv
	refused "b.csv:3: user is empty; so in 2 of 8 rows" a.csv b.csv b.csv
	[[ "$stderr" == *"cs-aggregate: b.csv:4: value \"x\": expected a number; so in 2 of 8 rows"* ]]
	# A hostile field neither steers a terminal nor forges a message.
	printf 'user,tag,value\na,t,"\033[2J\ncs-aggregate: done"\n' > log.csv
	refused '"?[2J\ncs-aggregate: done"' log.csv
}

@test "--rejects: rows and their header as they stand, reasons beside them" {
	printf 'user,tag,value\r\n"a","t",1\r\n\r\n,"x\r\ny",2\r\na,t,z z\r\n"b" ,t,1\r\na,t,2' \
		> log.csv
	cs-aggregate --rejects out log.csv > found 2> said
	printf 'user,tag,value\r\n,"x\r\ny",2\r\na,t,z z\r\n"b" ,t,1\r\n' | cmp - out
	printf 'log.csv\t%s\t%s\t%s\n' 4 user "is empty" \
		6 value '"z z": expected a number' \
		7 "" "text after the quote that closes a field" | diff - out.why
	[ "$(tail -n 1 found)" = "$(printf 'a\tt\t2\t3')" ]
	grep -q "5 rows: 2 used, 3 rejected; 1 customers, 1 tags, 1 pairs" said
	grep -q "log.csv:4: user is empty; so in 1 of 5 rows" said
	# What was set aside is wrong again, and the files are there with none.
	cs-aggregate -q --rejects again out > /dev/null
	cmp out again
	log a,t,1
	cs-aggregate -q --rejects none log.csv > /dev/null
	[ "$(cat none)" = user,tag,value ]
	[ ! -s none.why ]
	# Nothing is written beside what is no file.
	cs-aggregate -q -o found --rejects - out > again
	cmp out again
	mkfifo pipe
	cat pipe > again &
	cs-aggregate -q --rejects pipe out > /dev/null
	wait
	cmp out again
	[ ! -e ./-.why ] && [ ! -e pipe.why ]
}

@test "--rejects: in the order of the rows, for any threads and memory" {
	awk -F, -v OFS=, 'NR > 1 && NR % 3 == 0 { $7 = "x" NR } 1' "$VIEWS" \
		> log.csv
	cs-aggregate -q -j 1 --rejects expected log.csv > found
	[ "$(tail -n +2 expected | cut -d, -f7 | tr -d x | sort -nc 2>&1)" = "" ]
	[ "$(wc -l < expected.why)" -eq 10667 ]
	for j in 2 5; do
		cs-aggregate -q -j "$j" -S 1 --rejects aside log.csv | cmp - found
		cmp aside expected
		cmp aside.why expected.why
	done
	printf '%s\n' user_handle,course_tag 1,t > other.csv
	refused "its header is not that of log.csv" --rejects out2 -u user_handle \
		-t course_tag log.csv other.csv
}

@test "--report: what became of the rows, also of a run that failed" {
	need python3
	printf '%s\n' item,tag i,t > tags.csv
	printf '%s\n' user,item,value a,i,1 a,j,1 ,i,1 a,i,x a,i,y > log.csv
	cs-aggregate -q --rejects aside --report report --tags tags.csv log.csv \
		> found
	check='import json, sys
r = json.load(open("report"))
assert r == json.loads(sys.argv[1]), r
assert r["rows_in"] == r["rows_used"] + r["rows_untagged"] \
	+ sum(r["rows_rejected"].values())'
	"$PYTHON" -c "$check" '{"rows_in": 5, "rows_used": 1,
		"rows_untagged": 1, "values_rounded": 0,
		"header_lines_repeated": 0, "rows_rejected": {"user is empty": 1,
		"value: expected a number": 2}, "users": 1, "tags": 1, "pairs": 1}'
	rm report
	refused "user is empty" --report report --tags tags.csv log.csv
	"$PYTHON" -c "$check" '{"rows_in": 5, "rows_used": 1,
		"rows_untagged": 1, "values_rounded": 0,
		"header_lines_repeated": 0, "rows_rejected": {"user is empty": 1,
		"value: expected a number": 2}, "users": null, "tags": null,
		"pairs": null}'
	cs-aggregate --merge --report report found > /dev/null
	"$PYTHON" -c "$check" '{"rows_in": 1, "rows_used": 1,
		"rows_untagged": 0, "values_rounded": 0,
		"header_lines_repeated": 0, "rows_rejected": {}, "users": 1, "tags": 1,
		"pairs": 1}'
}

# ------------------------------------------------------------ whole inputs

@test "a header alone gives an empty profile" {
	echo user,tag,value > log.csv
	cs-aggregate -q log.csv > found
	printf 'user\ttag\tevents\tvalue\n' | cmp - found
	cs-aggregate --merge found found | cmp - found
}

@test "a last line without its end is warned of, and counts" {
	printf 'user,tag,value\na,t,1' > log.csv
	cs-aggregate log.csv 2> said | has '^a	t	1	1$'
	grep -q "log.csv: its last line does not end: the input may be cut" said
}

@test "input that is not CSV is refused with its file type" {
	log a,t,1
	: > empty.csv
	refused "empty.csv: empty, expected CSV with a header line" empty.csv
	printf '\n\r\n' > empty.csv
	refused "nothing but empty lines" empty.csv
	gzip -k log.csv
	refused "log.csv.gz: compressed by gzip: zcat log.csv.gz | cs-aggregate" \
		log.csv.gz
	run -2 --separate-stderr cs-aggregate < log.csv.gz
	[[ "$stderr" == *"standard input: compressed by gzip"* ]]
	printf 'PAR1\0\0' > log.parquet
	refused "Parquet: duckdb -csv -c \"FROM 'log.parquet'\" | cs-aggregate" \
		log.parquet
	printf 'PK\3\4\24\0log.csv' > log.zip
	refused "a zip archive: unzip -p log.zip | cs-aggregate" log.zip
	printf 'PK\3\4\24\0[Content_Types].xml' > log.xlsx
	refused "a workbook (xlsx): xlsx2csv log.xlsx | cs-aggregate" log.xlsx
	printf '{"user_id": "u", "tag": "a"}\n{"user_id": "v", "tag": "b"}\n' \
		> log.ndjson
	jq -s . log.ndjson > log.json
	for kind in json ndjson; do
		run -2 --separate-stderr cs-aggregate log.$kind
		[[ "$stderr" == *": JSON"*": jq -r"*" | cs-aggregate" ]]
		bash -c "${stderr##*JSON*: } -q" > from-json
		cut -f 1-2 from-json | cmp - <(printf 'user_id\ttag\nu\ta\nv\tb\n')
	done
	refused ": a directory, expected a file" .
	refused "no-such-file: No such file" no-such-file
	cs-aggregate -q "$VIEWS" | cs-matrix -o matrix.bin
	refused "matrix.bin: a binary stream of matrices, expected CSV" matrix.bin
	cs-aggregate -q "$VIEWS" > profiles.tsv
	refused "a profile already? --merge adds profiles up" profiles.tsv
	refused "the header line has" "$(command -v cs-matrix)"
	printf 'user,"tag\n' > log.csv
	refused "log.csv:1: the header line has a quote that is not closed" log.csv
	printf '\377\376u\0s\0' > log.csv
	refused "UTF-16" log.csv
}

@test "halves: of events, of a column, of tags; together they are all" {
	for i in {1..400}
	do
		echo "c$((i % 7)),i$((i % 23)),b$((i / 4)),$i"
	done | sed '1i customer,item,basket,value' > log.csv
	printf 'item,tag\n' > tags.csv
	for i in {0..22}; do echo "i$i,t$((i % 9))"; done >> tags.csv
	cs-aggregate -q log.csv > all.tsv
	for by in "" "--half-by basket" "--half-by item" "--half-by 3" "--half-by basket --seed 7"
	do
		for half in A B
		do
			# shellcheck disable=SC2086
			cs-aggregate -q --half $half $by --report $half.json log.csv > $half.tsv
			# shellcheck disable=SC2086
			sed 1d log.csv | sort -r | sed '1i customer,item,basket,value' |
				cs-aggregate -q --half $half $by -S 64K | cmp - $half.tsv
			for quarter in A B
			do
				cs-aggregate -q --half $half$quarter $by log.csv > $quarter.part
				run ! cmp -s $quarter.part $half.tsv
			done
			cs-aggregate --merge A.part B.part | cmp - $half.tsv
		done
		cs-aggregate --merge A.tsv B.tsv | cmp - all.tsv
		[ "$(wc -l < A.tsv)" -gt 20 ] && [ "$(wc -l < B.tsv)" -gt 20 ]
		used=$(grep -oE '"rows_used": [0-9]+' A.json | grep -oE '[0-9]+$')
		grep -q "\"rows_other_half\": $used," B.json
		grep -q "\"rows_other_half\": $((400 - used))," A.json
	done
	# Tags of the two halves are different ones, with a catalogue too.
	for more in "--half-by item" "--tags tags.csv --half-by tag"
	do
		for half in A B
		do
			# shellcheck disable=SC2086
			cs-aggregate -q --half $half $more log.csv | sed 1d |
				cut -f 2 | sort -u > $half.tags
			[ -s $half.tags ]
		done
		[ -z "$(comm -12 A.tags B.tags)" ]
	done
	# Baskets stay whole.
	for half in A B
	do
		cs-aggregate -q --half $half --half-by basket -t basket log.csv |
			cut -f 2 | sed 1d | sort -u > $half.baskets
	done
	[ -z "$(comm -12 A.baskets B.baskets)" ]
	run ! cmp -s <(cs-aggregate -q --half A --half-by basket log.csv) \
		<(cs-aggregate -q --half A --half-by basket --seed 2 log.csv)
	run -2 cs-aggregate --half-by basket log.csv
	[[ "$output" == *"--half-by: it says how --half cuts"* ]]
	run -2 cs-aggregate --half A --half-by no log.csv
	[[ "$output" == *"no column no"* ]]
	run -2 cs-aggregate --half C log.csv
	run -2 cs-aggregate --merge --half A all.tsv
	run -2 cs-aggregate --merge --quote none all.tsv
	[[ "$output" == *"--quote says how a log is read"* ]]
}

@test "profiles whose sums are too large for one are not merged" {
	printf 'user\ttag\tevents\tvalue\n1\ta\t1\t9e28\n' > a.tsv
	sed 's/9e28/90000000000000000000000000000/' a.tsv > b.tsv
	refused "customer 1, tag a: values that add up to 10^29 or more: scale" \
		--merge a.tsv b.tsv
	refused "customer 1, tag a: values" --merge b.tsv b.tsv
	sed 's/\t9/\t-9/' a.tsv > minus.tsv
	cs-aggregate -q --merge a.tsv minus.tsv | has '^1	a	2	0$'
	refused "values that add up" --merge minus.tsv minus.tsv
	sed '$s/1\t9.*/9223372036854775807\t1/' a.tsv > many.tsv
	cs-aggregate -q --merge many.tsv | cmp - many.tsv
	refused "customer 1, tag a: events that add up to 2^63 or more" \
		--merge many.tsv b.tsv
	# In two runs, since more files are not open at a time.
	for i in {100..300}
	do
		printf 'user\ttag\tevents\tvalue\nc%d\tb\t1\t1\n' $i > p$i.tsv
	done
	cs-aggregate -q --merge p*.tsv | sed 1d | wc -l | has '^ *201$'
	cat many.tsv > p100.tsv
	cat many.tsv > p300.tsv
	refused "customer 1, tag a: events" --merge p*.tsv
}

@test "profiles to merge have equal headers, and are profiles" {
	log a,t,1 b,t,2
	cs-aggregate -q log.csv > a.tsv
	sed 1s/user/who/ a.tsv > b.tsv
	refused "b.tsv: column 1 is who, in the first file user" --merge a.tsv b.tsv
	sed '2,3!b; 2{h;d}; G' a.tsv > c.tsv
	refused "c.tsv:3: not in order" --merge c.tsv
	refused "log.csv" --merge log.csv
	refused "--user says how a log is read: it does not go with --merge" \
		--merge -u user a.tsv
}

@test "wrong usage" {
	run -2 --separate-stderr cs-aggregate --tags a.csv --tags b.csv log.csv
	[ "${stderr_lines[0]}" = 'cs-aggregate: --tags: given twice, with "a.csv" and "b.csv"' ]
	refused "--option" --option
	for option in -u -t -v --tags --tag-sep --prefix --rejects --report; do
		refused "expected a text" "$option" "" "$VIEWS"
	done
	refused "-S" -S 1X "$VIEWS"
	refused "-j" -j 0 "$VIEWS"
}

# ------------------------------------------------------- other people's files

@test "values that floating point wrote are rounded to nine decimals, and counted" {
	printf '%s\n' user,tag,value 1,a,8.850000000000001 1,a,0.30000000000000004 \
		2,b,0.0000000025 2,c,1 > noise.csv
	run -0 cs-aggregate --report report.json noise.csv
	[[ "$output" == *"3 values of more than 9 decimals rounded to 9"* ]]
	[[ "$output" == *$'1\ta\t2\t9.15'* ]]
	[[ "$output" == *$'2\tb\t1\t0.000000002'* ]]
	grep -q '"values_rounded": 3' report.json
	printf '%s\n' user,tag,value 1,a,1000000000000000000.1 > large.csv
	run -2 cs-aggregate large.csv
	[[ "$output" == *"magnitude of 10^18 or more"* ]]
}

@test "a decimal comma and groups of thousands are read where they are named" {
	printf '%s\n' 'user;tag;value' '1;a;1.234,50' '1;b;-,5' '2;a; 7 ' \
		> comma.csv
	cs-aggregate -q -d ';' --decimal , --thousands . comma.csv > out
	printf 'user\ttag\tevents\tvalue\n1\ta\t1\t1234.5\n1\tb\t1\t-0.5\n2\ta\t1\t7\n' |
		cmp out -
	# Of two before the last three.
	printf '%s\n' 'user;tag;value' '1;a;12,34,567.50' '2;a;1,00,000' > india.csv
	run -0 cs-aggregate -q -d ';' --thousands , india.csv
	[[ "$output" == *$'1\ta\t1\t1234567.5\n2\ta\t1\t100000' ]]
	printf '%s\n' 'user;tag;value' '1;a;123,45,678' '1;a;1,23,45' '1;a;1,23,4567' \
		'1;a;1,234,56,789' > wrong.csv
	run -2 cs-aggregate -d ';' --thousands , wrong.csv
	[[ "$output" == *"all rows are wrong"* ]]
	# Never another number without a word.
	run -2 cs-aggregate -d ';' comma.csv
	[[ "$output" == *'"1.234,50": expected a number; --decimal , --thousands .'* ]]
}

@test "header lines in the middle are skipped, counted and said" {
	printf '%s\n' user,tag,value 1,a,2 > one.csv
	printf '\xef\xbb\xbf%s\n' user,tag,value > two.csv
	echo 2,b,3 >> two.csv
	run -0 cs-aggregate --report report.json <(cat one.csv two.csv one.csv)
	[[ "$output" == *"2 repeated header lines skipped"* ]]
	[[ "$output" == *$'1\ta\t2\t4\n2\tb\t1\t3'* ]]
	grep -q '"rows_in": 3,' report.json
	grep -q '"header_lines_repeated": 2' report.json
	# However it is spelt, but for names of one or two letters.
	printf '%s\n' user_id,tag 1,a USER_ID,TAG 2,b '"User ID", tag ' > log.csv
	run -0 --separate-stderr cs-aggregate -o kept log.csv
	[[ "$stderr" == *"2 repeated header lines skipped"* ]]
	[ "$(cut -f 1 kept | tr '\n' ' ')" = 'user_id 1 2 ' ]
	printf '%s\n' u,t U,T > log.csv
	[ "$(cs-aggregate -u u -t t log.csv | wc -l)" -eq 2 ]
	# A row that has but the customer's name in common is a row.
	printf '%s\n' user,tag,value user,x,1 > like.csv
	run -0 cs-aggregate -q like.csv
	[[ "$output" == *$'user\tx\t1\t1'* ]]
}

@test "texts that mean nothing are empty where they are named" {
	printf '%s\n' user,tag,value NULL,a,1 1,N/A,1 1,a,- 2,b,3 > missing.csv
	run -0 cs-aggregate --null NULL --null N/A --null - --rejects set-aside \
		missing.csv
	[[ "$output" == *"4 rows: 1 used, 3 rejected"* ]]
	[ "$(cut -f 2,4 set-aside.why | tr '\n' ' ')" = \
		$'2\tis empty 3\tis empty 4\tis empty ' ]
	# Several tags in cells that nothing splits are noticed.
	printf '%s\n' item,genre 'x,a|b' 'y,a|c' z,a > genres.csv
	printf '%s\n' user,item 1,x 1,y > log.csv
	run -0 cs-aggregate --tags genres.csv:item,genre log.csv
	[[ "$output" == *"genres.csv: 2 of 3 tags have a | in them, as "?"a|b"?": --tag-sep '|' makes each part a tag"* ]]
	run -0 cs-aggregate --tags genres.csv:item,genre --tag-sep '|' log.csv
	[[ "$output" != *"tag-sep"* ]]
	# So are the tags of a cell that holds several, here and in a catalogue.
	printf '%s\n' user,tag '1,{}' '2,a;{};b' '3, NULL ' > cells.csv
	run -0 cs-aggregate --null '{}' --null NULL --tag-sep ';' cells.csv
	[[ "$output" == *"3 rows: 1 used, 2 without a tag"* ]]
	[ "$(grep -c '^2' <<< "$output")" -eq 2 ]
	printf '%s\n' item,genre 'x,(none)' 'y,a|(none)' > genres.csv
	printf '%s\n' user,item 1,x 1,y > log.csv
	run -0 cs-aggregate --null '(none)' --tag-sep '|' --tags genres.csv log.csv
	[[ "$output" == *"2 rows: 1 used, 1 without a tag"* ]]
	[[ "$output" == *$'\n1\ta\t1\t1'* ]]
}

@test "lines before the header, comments, and Excel's separator line" {
	printf '%s\n' 'Sales report' 'of June' '' user,tag,value 1,a,2 > report.csv
	run -0 cs-aggregate -q --skip 3 report.csv
	[[ "$output" == *$'1\ta\t1\t2' ]]
	run -2 cs-aggregate report.csv
	[[ "$output" == *"if its header is not on the first line: --skip N"* ]]
	printf '%s\n' '# by shop v3' user,tag,value '# June' '1,"#a",2' '#1,b,5' \
		1,b,many > comments.csv
	run -2 cs-aggregate --comment '#' comments.csv
	[[ "$output" == *'comments.csv:6: value "many"'*"so in 1 of 2 rows"* ]]
	run -2 cs-aggregate comments.csv
	[[ "$output" == *"--comment '#'"* ]]
	printf '%s\r\n' 'sep=;' 'user;tag;value' '1;a,b;2' > excel.csv
	run -0 cs-aggregate -q excel.csv
	[[ "$output" == *$'1\ta,b\t1\t2' ]]
	# Where the log is converted, too, and in quotation marks.
	run -0 cs-aggregate -q --comment '#' excel.csv
	[[ "$output" == *$'1\ta,b\t1\t2' ]]
	iconv -t UTF-16 excel.csv > wide.csv
	run -0 cs-aggregate -q --encoding UTF-16 wide.csv
	[[ "$output" == *$'1\ta,b\t1\t2' ]]
	sed 's/sep=;/"SEP=;"/' excel.csv > quoted.csv
	run -0 cs-aggregate -q quoted.csv
	[[ "$output" == *$'1\ta,b\t1\t2' ]]
	# Without a byte there it is a line like others.
	printf '%s\r\n' 'sep=' 'user,tag,value' '1,a,2' > nothing.csv
	run -2 cs-aggregate nothing.csv
	[[ "$output" == *'it has: sep='*'--skip N' ]]
	run -0 cs-aggregate -q --skip 1 nothing.csv
	[[ "$output" == *$'1\ta\t1\t2' ]]
	printf 'user,tag,value\n1,a,1\n' > comma.csv
	run -0 cs-aggregate -q --comment '#' excel.csv comma.csv
	[[ "$output" == *$'1\ta\t1\t1\n1\ta,b\t1\t2' ]]
}

@test "dialects: long delimiters, runs of blanks, no quotes, backslashes" {
	printf '%s\n' '1::"a":b::2' '1::c::3' > long.csv
	run -0 cs-aggregate -q -d :: --no-header --quote none -u 1 -t 2 -v 3 long.csv
	[[ "$output" == *$'1\t"a":b\t1\t2\n1\tc\t1\t3' ]]
	printf 'user  tag \t value\n 1   a  2 \n2\tb    3\n' > blanks.txt
	run -0 cs-aggregate -q -d ' +' blanks.txt
	[[ "$output" == *$'1\ta\t1\t2\n2\tb\t1\t3' ]]
	printf 'user\ttag\tvalue\n1\t5" pipe\t2\n1\t"b\t3\n' > plain.tsv
	run -0 cs-aggregate -q -d '\t' --quote none plain.tsv
	[[ "$output" == *$'1\t"b\t1\t3\n1\t5" pipe\t1\t2' ]]
	run -2 cs-aggregate -d '\t' --no-header -u 1 -t 2 <(sed 1d plain.tsv)
	[[ "$output" == *"if quotation marks are part of the text: --quote none"* ]]
	printf 'user\ttag\nA\\\\b\tx\\ty\nA\\\\b\t\\N\n1\tx\\ny\n' > copy.tsv
	run -0 cs-aggregate -q -d '\t' --quote none --escape backslash \
		--null '\N' --rejects wrong copy.tsv
	[[ "$output" == *'1'$'\t''x\\ny'$'\t1\t1\nA''\\b'$'\t''x\ty'$'\t1\t1' ]]
	# A tab within a field is no hint that tabs stand between fields.
	printf 'A\\ta\tx\n' > copy.tsv
	run -0 cs-aggregate -d '\t' --no-header -u 1 -t 2 --quote none \
		--escape backslash copy.tsv
	[[ "$output" != *"if tabs"* ]]
	printf '%s\n' user,tag,value '1,"a \"b\", c",2' '1,d\,e,3' > escaped.csv
	run -0 cs-aggregate -q --escape backslash escaped.csv
	[[ "$output" == *$'1\ta "b", c\t1\t2\n1\td,e\t1\t3' ]]
	printf '%s\n' 'user;tag;value' '1;a;2' > one.csv
	run -2 cs-aggregate -d ';;' one.csv
	[[ "$output" == *"if semicolons stand between its columns: -d ';'"* ]]
	# What breaks the rules of a dialect is a wrong row, not another row.
	printf '%s\n' user,tag,value '1,a"b,2' '1,"a"b,2' 1,c,3 > wrong.csv
	run -2 cs-aggregate --comment '#' wrong.csv
	[[ "$output" == *"wrong.csv:2: text after the quote"*"so in 2 of 3 rows"* ]]
}

@test "a converted log gives the bytes of the plain one, whatever its size" {
	head -n 20000 "$ROOT/data/views.csv" > plain.csv
	sed 's/,/::/g' plain.csv > long.csv
	sed 's/,/;/g' plain.csv | iconv -f UTF-8 -t UTF-16 > wide.csv
	cs-aggregate -q plain.csv > expected
	cs-aggregate -q -d :: long.csv | cmp - expected
	cs-aggregate -q -d :: < long.csv | cmp - expected
	cs-aggregate -q -d ';' --encoding UTF-16 wide.csv | cmp - expected
	sed '1!s/^/#/' plain.csv | cat plain.csv - |
		cs-aggregate -q --comment '#' | grep -v -x '#' > with-comments
	cmp with-comments expected
}

@test "an encoding that is not known, or not the file's, is an error" {
	printf '%s\n' user,tag,value 1,a,2 > log.csv
	run -2 cs-aggregate --encoding no-such log.csv
	[[ "$output" == *'--encoding "no-such": not known'* ]]
	printf 'user,tag,value\n1,caf\xe9,2\n' > latin1.csv
	run -0 cs-aggregate -q --encoding ISO-8859-1 latin1.csv
	[[ "$output" == *$'1\tcafé\t1\t2' ]]
	run -2 cs-aggregate --encoding UTF-8 -o out latin1.csv
	[[ "$output" == *'latin1.csv: bytes that are not of the encoding "UTF-8"'* ]]
	[ ! -e out ]
}

@test "an empty field after the last column of a row is ignored, and said" {
	printf '%s\n' user,tag,value 1,a,2, 1,b,3, > surplus.csv
	run -0 cs-aggregate surplus.csv
	[[ "$output" == *"2 rows with an empty field after the last column"* ]]
	[[ "$output" == *$'1\ta\t1\t2\n1\tb\t1\t3'* ]]
	printf '%s\n' user,tag,value 1,a,2,x > more.csv
	run -2 cs-aggregate more.csv
	[[ "$output" == *"4 fields, expected 3"* ]]
}

@test "an open quote is told with the lines that it swallowed" {
	printf '%s\n' user,tag,value a,t,1 'a,"t,1' > open.csv
	seq -f 'a,t,%g' 20 >> open.csv
	run -2 cs-aggregate open.csv
	[[ "$output" == *"open.csv:3: a quote that is not closed by the end of the file: lines 3 to 23"* ]]
}

@test "a log that is not UTF-8 is warned of once, with line, bytes and remedy" {
	for threads in 1 3
	do
		{ echo user,tag,value; seq -f '%g,t,1' 50000; } > latin1.csv
		printf 'Jos\xe9,caf\xe9,2\nM\xfcller,t,3\n' >> latin1.csv
		run -0 cs-aggregate -j $threads latin1.csv
		[ "$(grep -ac 'not UTF-8' <<< "$output")" -eq 1 ]
		grep -aq 'latin1.csv:50002: not UTF-8 (bytes e9 2c 63 61).*--encoding WINDOWS-1252.*iconv' \
			<<< "$output"
	done
	run -0 cs-aggregate --encoding ISO-8859-1 -o out latin1.csv
	run ! grep 'not UTF-8' <<< "$output"
	grep -q $'^José\tcafé\t1\t2$' out
}

@test "why a value is no number is told with the remedy for it" {
	local IFS='|'
	while read -r value told
	do
		printf 'user;tag;value\n1;a;%s\n' "$value" > value.csv
		run -2 cs-aggregate -d ';' value.csv
		[[ "$output" == *": $told; so in 1 of 1 rows"* ]] || {
			echo "$value: $output"
			false
		}
		[[ "$output" == *"all rows are wrong"* ]]
	done <<- 'END'
		-$5|a sign of currency, percent or a unit: take it away before, as with sed 's/\$//g'
		5,00 €|a sign of currency, percent or a unit: take it away before, as with sed 's/€//g', and --decimal , says what the mark is
		R$ 1.234,50|a sign of currency, percent or a unit: take it away before, as with sed 's/R\$//g', and --decimal , --thousands . say what the marks are
		12 kg|a sign of currency, percent or a unit: take it away before, as with sed -E 's/([0-9]) *kg\b/\1/g'
		EUR 12|a sign of currency, percent or a unit: take it away before, as with sed -E 's/\bEUR *([0-9])/\1/g'
		1.5k|a sign of currency, percent or a unit: if k stands for 10^3, as with sed -E 's/([0-9]) *k\b/\1e3/g'
		2,5 Mio|a sign of currency, percent or a unit: if Mio stands for 10^6, as with sed -E 's/([0-9]) *Mio\b/\1e6/g', and --decimal , says what the mark is
		(12.00)|a negative number without a minus before it: write -12.00, as with sed -E 's/[(]([0-9.,]+)[)]/-\1/g'
		5-|a negative number without a minus before it: write -5
		–4|a negative number without a minus before it: write -4
		4.50 –|a negative number without a minus before it: write -4.50
		–$5|a sign of currency, percent or a unit: take it away before, as with sed 's/\$//g'
		4.50 DR|a sign of currency, percent or a unit: if DR says whether it is a debit or a credit, write a minus for one of them in place of it
		12,50 H|a sign of currency, percent or a unit: if H says whether it is a debit or a credit, write a minus for one of them in place of it, and --decimal , says what the mark is
		12 000|expected a number; --thousands ' ' says what the mark is
		1 234,5|expected a number; --decimal , --thousands ' ' say what the marks are
		1’234.5|expected a number; --thousands "'" says what the mark is
		1.234.567|expected a number; --thousands . says what the mark is
		1,000|expected a number; --decimal , or --thousands , says what the mark is
		abc1|expected a number
		2024-01-31|expected a number
		0x10|expected a number
	END
	# What is told gives the number.
	printf 'user;tag;value\n1;a;1 234,5 \n1;b;−2\n' > told.csv
	run -0 cs-aggregate -q -d ';' --decimal , --thousands ' ' told.csv
	[[ "$output" == *$'1\ta\t1\t1234.5\n1\tb\t1\t-2' ]]
	printf 'user;tag;value\n1;a (b);(1 234,5)\n1;c;(1\xe2\x80\x99000\xe2\x80\x99000)\n' > told.csv
	told=$(cs-aggregate -q -d ';' told.csv 2>&1) || true
	[[ "$told" =~ "as with "(sed .*"'")", and " ]]
	eval "${BASH_REMATCH[1]}" < told.csv > exact.csv
	grep -qx '1;a (b);-1 234,5' exact.csv
	grep -qx '1;c;-1[^()0-9]*000[^()0-9]*000' exact.csv
	printf '%s\n' user,tag,value '1,2 kits,1.5k' > told.csv
	run -2 cs-aggregate -q told.csv
	[[ "$output" =~ "as with "(sed .*"'")";" ]]
	eval "${BASH_REMATCH[1]}" < told.csv > exact.csv
	[ "$(cs-aggregate -q exact.csv | sed 1d)" = $'1\t2 kits\t1\t1500' ]
}

@test "quotes of other dialects are told, and --quote takes any mark" {
	printf '%s\n' user,tag,value "1,'a, b',2" "2,'it''s',1" "3,o'k,1" > q.csv
	run -2 cs-aggregate q.csv
	[[ "$output" == *"q.csv:2: 4 fields, expected 3: quoted by ': --quote \"'\""* ]]
	run -0 cs-aggregate -q --quote "'" q.csv
	[[ "$output" == *$'1\ta, b\t1\t2\n2\tit\'s\t1\t1\n3\to\'k\t1\t1' ]]
	printf '%s\n' user,tag,value '1,a\,b,2' '1,\N,3' > b.csv
	run -2 cs-aggregate b.csv
	[[ "$output" == *"b.csv:2: 4 fields, expected 3: a backslash before a delimiter: --escape backslash"* ]]
	run -0 cs-aggregate -q --escape backslash b.csv
	[[ "$output" == *$'1\t\\\\N\t1\t3\n1\ta,b\t1\t2' ]]
	printf '%s\n' user,tag,value '1, "a, b",2' > s.csv
	run -2 cs-aggregate s.csv
	[[ "$output" == *"a blank before it: sed 's/, *\"/,\"/g'"* ]]
	run -0 cs-aggregate -q <(sed 's/, *"/,"/g' s.csv)
	[[ "$output" == *$'1\ta, b\t1\t2' ]]
	run -2 cs-aggregate --quote "''" s.csv
	[[ "$output" == *"--quote \"''\": expected one byte"* ]]
}

@test "blanks at the ends of names are told, and --trim takes them away" {
	printf '%s\n' user,tag,value '1,a,1' ' 1,a,1' $'1\xc2\xa0,a\xe2\x80\x8b,1' \
		$'\xef\xbb\xbf1,a|b |c,1' > log.csv
	run -0 cs-aggregate log.csv
	[[ "$output" == *"3 rows with a blank, or a mark that is not seen,"*"--trim"* ]]
	run -0 cs-aggregate --trim --tag-sep '|' -o out log.csv
	[[ "$output" != *"a mark that is not seen"* ]]
	[ "$(tail -n +2 out | tr '\t\n' ' ;')" = '1 a 4 4;1 b 1 1;1 c 1 1;' ]
	printf '%s\n' user,tag,value ' ,a,1' > blank.csv
	run -2 cs-aggregate --trim blank.csv
	[[ "$output" == *"user is empty"* ]]
	# Byte-order marks at the start of a file are no part of its header.
	printf '\xef\xbb\xbf\xef\xbb\xbfuser,tag\n1,a\n' > marks.csv
	run -0 cs-aggregate -q marks.csv
	[[ "${lines[0]}" == $'user\t'* ]]
}

@test "what is no CSV is told by its kind, with a command where one helps" {
	printf 'SQLite format 3\0' > shop.db
	run -2 cs-aggregate shop.db
	[[ "$output" == *"an SQLite database ("*"): sqlite3 -csv -header shop.db"* ]]
	printf 'user,tag\n1,a long tag\n' | iconv -t UTF-16LE > wide.csv
	run -2 cs-aggregate wide.csv
	[[ "$output" == *"UTF-16: iconv -f UTF-16LE -t UTF-8 wide.csv"* ]]
	run -0 cs-aggregate -q --encoding UTF-16LE wide.csv
	printf '\n <HTML><body>404' > page.csv
	run -2 cs-aggregate page.csv
	[[ "$output" == *"page.csv: HTML"* ]]
	printf 'user,tag\n1,a\n' > log.csv
	tar -cf log.tar log.csv
	run -2 cs-aggregate log.tar
	[ "$output" = "cs-aggregate: log.tar: a tar archive: tar -xOf log.tar | cs-aggregate" ]
	tar -xOf log.tar | cs-aggregate -q > /dev/null
	# A customer whose name stands where an archive has its mark.
	printf 'user,item\n%0244d,b\nustar,x\n' 1 > mark.csv
	[ "$(tail -c +258 mark.csv | head -c 5)" = ustar ]
	[ "$(cs-aggregate -q mark.csv | tail -n 1)" = $'ustar\tx\t1\t1' ]
	printf 'PK\3\4mimetypeapplication/vnd.oasis.opendocument.spreadsheet' > log.ods
	run -2 cs-aggregate log.ods
	[[ "$output" == *"log.ods: a workbook (ods): ssconvert "* ]]
	# JSON in an object, as services answer.
	# Lines with tables within are not the table of the first.
	printf '%s\n' '{"user": 1, "of": [{"tag": "a"}, {"tag": "b"}]}' \
		'{"user": 2, "of": [{"tag": "c"}]}' > log.json
	run -2 cs-aggregate log.json
	[[ "$output" == *"log.json: JSON lines: jq -rs 'map([paths"* ]]
	bash -c "${output#*: JSON lines: } -q -t of" 2>&1 |
		grep -F $'1\t{"tag":"a"}|{"tag":"b"}\t1' > /dev/null
	# Objects within, arrays of tags, and a key that the first object lacks.
	printf '%s\n' '{"user": {"id": 1}, "tag": ["a", "b"], "x": {}}' \
		'{"user": {"id": 2, "new": "}"}, "tag": [], "value": 3}' > log.json
	run -2 cs-aggregate log.json
	bash -c "${output#*: JSON lines: } -q -u user.id -t tag --tag-sep '|'" |
		tail -n +2 | diff <(printf '1\ta\t1\t1\n1\tb\t1\t1\n') -
	printf '%s\n' '{"user": 1, "tag": "{["}' '{"user": 2, "tag": "b", "value": 3}' \
		> log.json
	run -2 cs-aggregate log.json
	[[ "$output" == *"jq -rs '(add | keys_unsorted)"* ]]
	bash -c "${output#*: JSON lines: } -q -v value --rejects wrong" 2> /dev/null |
		tail -n 1 | diff <(printf '2\tb\t1\t3\n') -
	printf '{"status": "ok",\n "events": [\n  {"user": 1, "tag": "a"},\n {"user": 2, "tag": "b"}]}' > log.json
	run -2 cs-aggregate log.json
	sh -c "${output#*: JSON: } -q" | tail -n +2 |
		diff <(printf '1\ta\t1\t1\n2\tb\t1\t1\n') -
	printf '<html><body>404' > page.csv
	run -2 cs-aggregate page.csv
	[[ "$output" == *"page.csv: HTML"* ]]
	printf 'user\001tag\n1\001a\n' > hive.txt
	run -2 cs-aggregate hive.txt
	[[ "$output" == *"-d '\\x01'"* ]]
	run -0 cs-aggregate -q -d '\x01' hive.txt
	[[ "$output" == *$'1\ta\t1\t1' ]]
	printf 'item,name\n1,Th\xe9\n' > names.csv
	printf '%s\n' user,item 1,1 > items.csv
	run -0 cs-aggregate --tags names.csv items.csv
	[[ "$output" == *"names.csv:2: not UTF-8 (byte e9)"* ]]
}

@test "what is binary, or of Python, is told by its kind" {
	local kind

	while IFS='|' read -r bytes kind; do
		printf "$bytes" > log.bin
		run -2 cs-aggregate log.bin
		[ "$output" = "cs-aggregate: log.bin: $kind" ] ||
			{ echo "$output, expected $kind"; return 1; }
	done <<-'END'
		\211HDF\r\n\032\n|HDF5, expected CSV
		\223NUMPY\001\0|an array of numpy, expected CSV
		\377\377\377\377\170\0|Arrow, expected CSV
		FEA1\0|Feather, expected CSV
		\200\4\225\0|a pickle of Python, expected CSV
		version https://git-lfs.github.com/spec/v1\n|a pointer of Git LFS in place of the file (git lfs pull), expected CSV
		<rows><row/></rows>\n|XML, expected CSV
		\135\0\0\200\0|compressed by lzma: xzcat log.bin | cs-aggregate
		\002\041\114\030\0|compressed by lz4: lz4cat log.bin | cs-aggregate
	END
	# A header of another kind that begins as XML does.
	printf '%s\n' '<user>,<tag>' 'a,<b></b>' > log.csv
	[ "$(cs-aggregate -q -u '<user>' -t '<tag>' log.csv | tail -n 1)" = \
		$'a\t<b></b>\t1\t1' ]
	printf 'user,tag\0\nu,t\n' > log.csv
	run -2 cs-aggregate log.csv
	[[ "$output" == *"has a zero byte"*"if it is binary"* && "$output" != *'x00'* ]]
	printf 'user,tag\nu,t\n' | iconv -t UTF-32 > wide.csv
	run -2 cs-aggregate wide.csv
	[ "$output" = "cs-aggregate: wide.csv: UTF-32: iconv -f UTF-32 -t UTF-8 wide.csv | cs-aggregate" ]
	sh -c "${output#*UTF-32: } -q" | has -x $'u\tt\t1\t1'
	cs-aggregate -q --encoding UTF-32 wide.csv | has -x $'u\tt\t1\t1'
}

@test "the command that is named works for each layout of JSON, databases, drawn tables" {
	local file options

	printf 'u\ta\t1\t1\nv\tb\t1\t1\n' > expected
	# As Elasticsearch answers; with a byte-order mark; rows as arrays, in one or a line each.
	printf '\357\273\277[{"user": "u", "tag": "a"}, {"user": "v", "tag": "b"}]' > mark.json
	printf '{"hits": {"hits": [{"_id": 1, "row": {"user": "u", "tag": "a"}},
		{"_id": 2, "row": {"user": "v", "tag": "b"}}]}}' > hits.json
	printf '[["user", "tag"], ["u", "a"], ["v", "b"]]' > arrays.json
	printf '%s\n' '["user", "tag"]' '["u", "a"]' '["v", "b"]' > lines.json
	# As pandas writes them: by column, with the index or without; split.
	printf '{"user":{"0":"u","1":"v"},"tag":{"0":"a","1":"b"}}' > index.json
	printf '{"user": ["u", "v"],\n "tag": ["a", "b"]}' > columns.json
	printf '{"columns":["user","tag"],"index":[0,1],"data":[["u","a"],["v","b"]]}' > split.json
	printf '%s\n' '{"user": "u", "tag": "a", "of": ["x", "y"]}' \
		'{"user": "v", "tag": "b", "of": []}' > objects.json
	printf '%s\n' +------+-----+ '| user | tag |' +------+-----+ \
		'|    u | a   |' '|    v | b   |' +------+-----+ > mysql.txt
	sed 's/$/\r/' mysql.txt > crlf.txt
	printf '%s\n' ' user | tag ' '------+-----' ' u    | a' ' v    | b' '(2 rows)' \
		'' > psql.txt
	printf '%s\n' '| user | tag |' '|------|:----|' '| u | a |' '| v | b | ' \
		> markdown.txt
	for file in *.json *.txt; do
		run -2 cs-aggregate "$file"
		options=-q
		[ $file != hits.json ] || options='-q -u row.user -t row.tag'
		bash -c "$(sed -E 's/^.*: (jq|sed) /\1 /' <<< "$output") $options" |
			tail -n +2 | diff expected - || { echo "$output"; return 1; }
	done
	# JSON behind a key is no table of tabs.
	printf 'k\t%s\n' '{"user": "u"}' > keyed.txt
	run -2 cs-aggregate keyed.txt
	[[ "$output" == *"if JSON stands behind a key: cut -f 2-"* ]]
	type -P sqlite3 > /dev/null || skip "no sqlite3"
	sqlite3 shop.db "create table views (user, tag);
		insert into views values ('u', 'a'), ('v', 'b');"
	run -2 cs-aggregate shop.db
	bash -c "${output#*lists its tables): } -q" | tail -n +2 | diff expected -
	sqlite3 shop.db 'create table other (a);'
	run -2 cs-aggregate shop.db
	[[ "$output" == *"(sqlite3 FILE .tables lists its tables): sqlite3 -csv -header shop.db 'SELECT * FROM TABLE' | cs-aggregate" ]]
}

@test "names of columns with blanks are told in quotes; so are unseen marks" {
	printf '%s\n' 'Full name,Event\302\240,x' | xargs -0 printf > log.csv
	run -2 cs-aggregate log.csv
	[[ "${lines[1]}" == '  it has: "Full name" "Event'*'" x' ]]
	printf 'user\302\240, tag\nu,t\n' > log.csv
	run -0 cs-aggregate log.csv
	[ "${lines[0]}" = $'cs-aggregate: took "user\302\240", " tag"; each row counts 1' ]
	cs-aggregate -q -u user -t tag log.csv | has -x $'u\tt\t1\t1'
	printf '%s\n' '"user,tag"' '"u,""a, b"""' > log.csv
	run -2 cs-aggregate log.csv
	[[ "$output" == *"if each row as a whole is quoted: sed "* ]]
	command=${output##*quoted: }
	bash -c "${command% takes*} log.csv" | cs-aggregate -q |
		has -x $'u\ta, b\t1\t1'
}

@test "rows that have a field more than the header, as R writes them, are told" {
	printf '%s\n' '"user" "tag"' '"1" 3 "a b"' '"2" 4 "b"' > table.txt
	refused "if the header lacks the first column's name, as R writes it" \
		-d ' ' table.txt
	tr ' ' ',' < table.txt > table.csv
	refused "as R writes it: --skip 1 --no-header" table.csv
	cs-aggregate -q -d ' ' --skip 1 --no-header -u 2 -t 3 table.txt |
		has -x $'3\ta b\t1\t1'
	printf '%s\n' user,tag u,a u,b,c > log.csv
	refused "--rejects FILE" log.csv
	[[ "$stderr" != *"as R writes it"* ]]
}

@test "texts of spreadsheets, lines below headers, wide commas, matrices are told" {
	local threads command

	printf '%s\n' user,tag '="0012",a' '="0013",="b"' > log.csv
	refused 'a spreadsheet writes texts so: sed -E ' log.csv
	command=${stderr##*texts so: }
	bash -c "${command%%; so in *} log.csv" | cs-aggregate -q > found
	printf '%s\n' user,tag '"=""0012""",a' '"=""0013""",b' > log.csv
	for threads in 1 4; do
		run -0 --separate-stderr cs-aggregate -u user -t tag -j $threads log.csv
		[[ "$stderr" == *'customers are named as "="0012"", with 2 of 2 events: a spreadsheet writes texts so: sed -E '* ]]
	done
	bash -c "${stderr##*texts so: } log.csv" | cs-aggregate -q | cmp - found
	[ "$(sed 1d found)" = $'0012\ta\t1\t1\n0013\tb\t1\t1' ]
	printf '%s\n' user,tag ----,--- u,t > log.csv
	run -0 --separate-stderr cs-aggregate -u user -t tag log.csv
	[[ "$stderr" == *'customers are named as "----", with 1 of 2 events: if that is a line below the header, --comment -'* ]]
	cs-aggregate -q --comment - log.csv | sed 1d | has -x $'u\tt\t1\t1'
	printf '%s\n' 'user，tag' 'u，t' > log.csv
	refused "-d '，'" log.csv
	cs-aggregate -q -d '，' log.csv | has -x $'u\tt\t1\t1'
	printf '%s\n' '%%MatrixMarket matrix coordinate real general' '% x' \
		'2 2 2' '1 2 5' '2 1 0.5' > m.mtx
	run -2 cs-aggregate m.mtx
	bash -c "${output#*Matrix Market: } -q" | sed 1d > found
	[ "$(cat found)" = $'1\t2\t1\t5\n2\t1\t1\t0.5' ]
}

@test "a file named twice, ids with .0 beside others, UTF-8 taken for another are told" {
	log u,t,1
	run -0 cs-aggregate -u user -t tag log.csv ./log.csv
	[ "${lines[0]}" = "cs-aggregate: ./log.csv: named twice: what it has counts twice" ]
	cs-aggregate -q log.csv -o p.tsv
	ln -s p.tsv q.tsv
	run -0 --separate-stderr cs-aggregate --merge p.tsv q.tsv
	[ "$stderr" = "cs-aggregate: q.tsv: named twice: what it has counts twice" ]
	cp p.tsv r.tsv
	run -0 --separate-stderr cs-aggregate --merge p.tsv r.tsv
	[ "$stderr" = "" ]
	log 1,t,1 2.0,t,1 12.0,t,1
	for threads in 1 4; do
		run -0 --separate-stderr cs-aggregate -u user -t tag -j $threads log.csv
		[[ "$stderr" == *'customers are named as "12.0", with 2 of 3 events: others have whole numbers'* ]]
	done
	log 1.0,t,1 v1.0,t,1 1.05,t,1
	run -0 --separate-stderr cs-aggregate -u user -t tag log.csv
	[ "$stderr" = "" ]
	log 1,t,00:12:33
	refused "a time such as 1:02:03 is none: write it in seconds" log.csv
	printf '\357\273\277user,tag\nu,t\n' > mark.csv
	run -0 --separate-stderr cs-aggregate --encoding latin1 -u 1 -t 2 mark.csv
	[[ "$stderr" == *'mark.csv: it has the byte-order mark of UTF-8, and it is read as "latin1": leave --encoding out'* ]]
	printf 'user,tag\nJos\303\251,t\n' > plain.csv
	run -0 --separate-stderr cs-aggregate --encoding latin1 -u user -t tag plain.csv
	[ "$stderr" = 'cs-aggregate: plain.csv: its first bytes are UTF-8, and it is read as "latin1": leave --encoding out' ]
	run -2 cs-aggregate --encoding UTF-16 plain.csv
	[ "${lines[0]}" = 'cs-aggregate: plain.csv: without a zero byte it is not "UTF-16"' ]
	iconv -f UTF-8 -t UTF-16 plain.csv > wide.csv
	run -0 --separate-stderr cs-aggregate --encoding UTF-16 -u user -t tag wide.csv
	[ "$stderr" = "" ]
	iconv -f UTF-8 -t latin1 plain.csv > other.csv
	for encoding in latin1 UTF-8; do
		file=other.csv
		[ $encoding = latin1 ] || file=mark.csv
		run -0 --separate-stderr cs-aggregate --encoding $encoding -u user -t tag $file
		[ "$stderr" = "" ]
	done
}

@test "the command that is named for an SQL dump works, of one table of several" {
	local dump

	cat > "my dump.sql" <<-'END'
		-- MySQL dump 10.13
		CREATE TABLE `events` (
		  `user_id` int
		);
		INSERT INTO `events` VALUES (1,'a, b',2.50),(2,'o\'neil',NULL);
		INSERT INTO `events` VALUES (4,'a',1.00);
		UNLOCK TABLES;
		INSERT INTO `other` VALUES (9,'z',1.00);
	END
	cat > phpmyadmin.sql <<-'END'
		SET SQL_MODE = "NO_AUTO_VALUE_ON_ZERO";
		INSERT INTO `events` (`user_id`, `tag`) VALUES
		(1, 'a, b'),
		(2, 'o''neil');
		INSERT INTO `other` (`user_id`, `tag`) VALUES
		(9, 'z');
		INSERT INTO `events` (`user_id`, `tag`) VALUES (4, 'a');
	END
	cat > sqlite.sql <<-'END'
		PRAGMA foreign_keys=OFF;
		INSERT INTO events VALUES(1,'a, b');
		INSERT INTO events VALUES(2,'o''neil');
		INSERT INTO events VALUES(4,'a');
		COMMIT;
	END
	{
		printf '%s\n' -- '-- PostgreSQL database dump' \
			'COPY public.events (user_id, tag) FROM stdin;'
		printf "1\ta, b\n2\to'neil\n4\ta\n%s\n" '\.'
		printf '%s\n' '' 'COPY public.other (user_id, tag) FROM stdin;'
		printf '9\tz\n%s\n' '\.'
	} > pg_dump.sql
	printf '1\ta, b\t1\t1\n2\to'"'"'neil\t1\t1\n4\ta\t1\t1\n' > expected
	for dump in *.sql; do
		run -2 cs-aggregate "$dump"
		[[ "$output" == "cs-aggregate: $dump: an SQL dump ("*"): sed "* ]]
		sh -c "${output#*): } -q" | tail -n +2 | diff expected - ||
			{ echo "$output"; return 1; }
	done
	printf '%s\n' 'create table log (a int);' > sql
	refused "sql: SQL, expected CSV" sql
	# Words of SQL in a log are none.
	printf '%s\n' 'use case,user,tag' 'INSERT INTO,1,a' > log.csv
	cs-aggregate -q log.csv > /dev/null
}

@test "a delimiter that the header line has is named where another one is read" {
	printf '"user"\t"tag"\n"1"\t"a"\n' > log.tsv
	refused "-d '\\t'" log.tsv
	refused "-d '\\t'" --no-header -u 1 -t 2 log.tsv
	cs-aggregate -q -d '\t' log.tsv > /dev/null
	printf '%s\n' 'user;tag;value, EUR' '1;a;2' > log.csv
	refused "-d ';'" log.csv
	refused "-d ';'" -u user -t tag log.csv
	printf '%s\n' 'user  tag' '1     a' > log.txt
	refused "-d ' +'" log.txt
	[[ "$stderr" == *"--skip N"* ]]
	cs-aggregate -q -d ' +' log.txt > /dev/null
	# By number the wrong columns are taken in a log of decimal commas.
	printf '%s\n' '1;a;2,5' '2;b;3,5' > log.csv
	run -0 cs-aggregate --no-header -u 1 -t 2 log.csv
	[[ "${lines[0]}" == *'column 1 of its first line is "1;a;2"' ]]
	[[ "${lines[1]}" == *"-d ';'" ]]
	run -0 cs-aggregate --no-header -d ';' --decimal , -u 1 -t 2 -v 3 log.csv
	[[ "${lines[1]}" == $'1\ta\t1\t2.5' ]]
	# Not of a column that is called so.
	printf '%s\n' 'user,a|b,x;y' u,t,1 > log.csv
	run -0 cs-aggregate -u user -t 'a|b' -o bars log.csv
	[ -z "$output" ]
}

@test "all words for nothing are pointed out, of customers and of tags" {
	printf '%s\n' user,tag,value 1,NULL,1 'NULL,a,1' '\N,a,2' 'N/A,a,1' '  ,b,1' 2,a,1 > log.csv
	run -0 cs-aggregate -o out log.csv
	[[ "$output" == *'customers are named "NULL", "\N", "N/A", " ", with 4 of 6 events: if that means no customer, --null '"'NULL' --null '\N' --null 'N/A' --null ' '"* ]]
	[[ "$output" == *'a tag is named "NULL", with 1 of 6 events'* ]]
	run -0 cs-aggregate --null NULL --null '\N' --null N/A --rejects aside -o out log.csv
	[[ "$output" != *"named"* ]]
	[ "$(cut -f 1 out | tr '\n' ' ')" = 'user    2 ' ]
	# What spreadsheets write.
	printf '%s\n' user,tag '#REF!,a' 1.23457E+11,a 1.23456E+11,b 12E+1,a 1.5E+3x,b > log.csv
	run -0 cs-aggregate -o out log.csv
	[[ "$output" == *'a customer is named "#REF!"'* ]]
	[[ "$output" == *'customers are named as "1.23456E+11", with 2 of 5 events: a spreadsheet has cut their numbers'* ]]
	# Also between blanks.
	printf '%s\n' user,tag,value 'N/A ,a,1' ' NULL,b,2' '2,c, N/A ' 3,d,4 > log.csv
	cs-aggregate -q --null NULL --null N/A --rejects aside log.csv > out
	[ "$(tail -n +2 out)" = $'3\td\t1\t4' ]
}

@test "a customer whose name is a word for nothing, or who has a fifth of all rows, is pointed out" {
	{ echo user,tag,value; seq -f '%g,t,1' 20; printf '%s\n' NULL,t,1 NULL,u,1; } > log.csv
	run -0 cs-aggregate -o out log.csv
	[[ "$output" == *'a customer is named "NULL", with 2 of 22 events'*"--null 'NULL'"* ]]
	run -0 cs-aggregate --null NULL --rejects aside -o out log.csv
	[[ "$output" != *"is named"* ]]
	{ echo user,tag,value; seq -f '%g,t,1' 20; seq -f 'guest,t%g,1' 30; } > log.csv
	for threads in 1 3
	do
		run -0 cs-aggregate -j $threads -S 1M -o out log.csv
		[[ "$output" == *'customer "guest" has 30 of 50 events'*"--null 'guest'"* ]]
	done
	# Neither without a reason, nor under -q.
	run -0 cs-aggregate -q -o out log.csv
	[ -z "$output" ]
	run -0 cs-aggregate -o out "$ROOT/data/views.csv"
	[[ "$output" != *"events: if that means"* ]]
}

# ----------------------------------------------------------------- shards

# What the shards of a directory are together.
joined() {
	local shards=("$1"/*.tsv)
	head -n 1 "${shards[0]}"
	tail -q -n +2 "$1"/*.tsv | sorted
}

@test "shards: a customer is whole in one, and all of them are the profile" {
	cs-aggregate -q "$VIEWS" > expected
	for n in 1 4 13
	do
		cs-aggregate -q --shards $n -o "of-$n" "$VIEWS"
		[ "$(ls "of-$n" | wc -l)" -eq $n ]
		joined "of-$n" | cmp - expected
		for shard in "of-$n"/*.tsv
		do
			tail -n +2 "$shard" | sorted | cmp - <(tail -n +2 "$shard")
			tail -n +2 "$shard" | cut -f 1 | uniq
		done | sort | uniq -d | diff - /dev/null
	done
	[ -e of-13/00.tsv ] && [ -e of-13/12.tsv ]
	# Threads, memory and the way of the input change nothing.
	cs-aggregate -q --shards 4 -S 64K -j 3 -o spilled/ - < "$VIEWS"
	diff -r of-4 spilled
	cs-aggregate --merge --shards 4 -o merged expected
	diff -r of-4 merged
	# Where the 2000 customers are is stable, and even.
	for shard in of-4/*.tsv
	do
		tail -n +2 "$shard" | cut -f 1 | uniq | wc -l
	done > counts
	[ "$(tr '\n' ' ' < counts)" = "482 474 548 496 " ]
}

@test "shards of one number add up over days, shard by shard" {
	cs-aggregate -q "$VIEWS" > expected
	for day in 1 2 3
	do
		awk -v d=$day 'NR == 1 || NR % 3 + 1 == d' "$VIEWS" > day.csv
		cs-aggregate -q --shards 5 -o "day-$day" day.csv
	done
	mkdir all
	for s in 0 1 2 3 4
	do
		cs-aggregate --merge -o "all/$s.tsv" day-?/$s.tsv
	done
	joined all | cmp - expected
	cs-aggregate -q --shards 5 -o whole "$VIEWS"
	diff -r whole all
	# Shards without customers, and names with escapes.
	printf '%s\n' user,tag,value 'a\b,t,1' '"c	d",t,2' > few.csv
	cs-aggregate -q --shards 9 -o few few.csv
	cs-aggregate -q few.csv | cmp - <(joined few)
	[ "$(cat few/*.tsv | grep -c '^user')" -eq 9 ]
	cs-aggregate --merge few/*.tsv | cmp - <(joined few)
}

@test "shards: the directory appears whole, replaces nothing, and leaves nothing" {
	mkdir kept empty
	echo old > kept/file
	run -2 cs-aggregate --shards 2 -o kept "$VIEWS"
	[[ "$output" == *"kept: it exists and is not empty"* ]]
	[ "$(ls kept)" = file ]
	cs-aggregate -q --shards 2 -o empty "$VIEWS"
	[ "$(ls empty | tr '\n' ' ')" = "0.tsv 1.tsv " ]
	run -2 cs-aggregate --shards 2 "$VIEWS"
	[[ "$output" == *"-o DIR names it"* ]]
	run -2 cs-aggregate --shards 2 -o - "$VIEWS"
	run -2 cs-aggregate --shards 0 -o none "$VIEWS"
	run -2 cs-aggregate --shards 513 -o none "$VIEWS"
	run -2 cs-aggregate --shards 2 -o no-such-folder/out "$VIEWS"
	[[ "$output" == *"no-such-folder/out"* ]]
	# Wrong rows, and a signal while the log is read.
	log a,t,1 b,t,x
	refused "expected a number" --shards 2 log.csv
	mkfifo pipe
	cs-aggregate -q --shards 2 -o signalled pipe &
	{ cat "$VIEWS"; for _ in $(seq 100); do
		[ -z "$(find . -name 'signalled.*' -type d)" ] || break
		sleep 0.02
	done; kill -TERM $!; } > pipe
	local ended=0
	wait $! || ended=$?
	[ "$ended" -eq 143 ]
	[ -z "$(find . -name 'signalled*' -o -name 'out*')" ]
	# As many files as are allowed, where the system lets processes have them.
	(ulimit -Sn 64; cs-aggregate -q --shards 512 -o many "$VIEWS")
	[ "$(ls many | wc -l)" -eq 512 ]
}

@test "a header has a bound, in columns and in bytes" {
	{ printf 'user,tag,value'; head -c 65533 /dev/zero | tr '\0' ,; echo; } \
		> log.csv
	cs-aggregate -q -o out log.csv
	{ printf 'user,tag,value'; head -c 65534 /dev/zero | tr '\0' ,; echo; } \
		> log.csv
	run -2 cs-aggregate -o out log.csv
	[[ $output == *"log.csv:1: the header line has more than 65536 columns"* ]]
	{ printf 'user,tag,value'; head -c 70M /dev/zero | tr '\0' x; echo; } \
		> log.csv
	run -2 cs-aggregate -o out log.csv
	[[ $output == *"log.csv:1: the header line is longer than 64 MB"* ]]
	# So has a line of a profile, or of a list, with any line end.
	run -2 cs-aggregate --merge log.csv
	[ "$output" = "cs-aggregate: log.csv:1: the line is longer than 64 MB" ]
	printf '%s\n' user,tag,value a,b,1 > short.csv
	run -2 cs-aggregate --forget /dev/zero short.csv
	[[ $output == *"/dev/zero:1: the line is longer than 64 MB" ]]
}

# ------------------------------------------------------- filters and weights

events() {
	printf '%s\n' user,type,item,price,when \
		a,view,x,,2017-01-01 \
		a,view,x,,'2017-01-02 10:00:00' \
		a,buy,x,2.5,2017-01-03T00:00:00Z \
		b,cart,y,abc,2017-02-01 \
		b,buy,y,10,2017-02-02 \
		,junk,,,2017-02-03 > events.csv
}

@test "--where: = != < <= > >= by number or by bytes; all must hold" {
	events
	keeps() {
		local expected=$1
		shift
		cs-aggregate -q -u user -t item "$@" events.csv |
			sed 1d | cut -f 1-3 | tr '\t\n' '- ' > found
		[ "$(cat found)" = "$expected" ] || { echo "$*:"; cat found; false; }
	}
	keeps "a-x-1 b-y-1 " --where type=buy
	keeps "a-x-1 " --where type=buy --where 'price<10'
	keeps "a-x-1 b-y-1 " --where 'price<=10.0'
	keeps "b-y-1 " --where 'price>2.50'
	keeps "b-y-1 " --where '4=1e1' --where 'price>=10'
	keeps "a-x-1 " --where 'price=2.500'
	# By bytes where the value is no number; no number is unequal to one.
	keeps "a-x-3 " --where 'when<2017-02'
	keeps "a-x-2 b-y-1 " --where 'price!=2.5' --where 'price!=10' --where 'type!=junk'
	keeps "a-x-3 b-y-2 " --where user!=
	# What other rows hold is not looked at, whatever the values are.
	cs-aggregate -u user -t item -v price --where type=buy --report report \
		events.csv > found 2> said
	[ "$(sed 1d found | tr '\t\n' '- ')" = "a-x-1-2.5 b-y-1-10 " ]
	grep -qx "cs-aggregate: 6 rows: 2 used, 4 left out; 2 customers, 2 tags, 2 pairs" said
	grep -q '"rows_in": 6, "rows_used": 2, "rows_untagged": 0, "rows_left_out": 4,' report
	refused "price \"abc\": expected a number" -u user -t item -v price \
		--where type!=view events.csv
	refused "no column kind" -u user -t item --where kind=x events.csv
	for wrong in type =x 'type!x' ''
	do
		refused "--where \"$wrong\": expected a column, one of = != < <= > >=, and a value" \
			--where "$wrong" events.csv
	done
	# Every row is somewhere, for any threads and memory, and beside rejects.
	awk 'BEGIN { print "user,type,item,price"; for (i = 0; i < 90000; i++)
		print "u" i % 300 "," i % 7 ",i" i % 50 "," (i % 5000 ? i % 11 : "x") }' > many.csv
	for options in "-j 1" "-j 3" "-j 2 -S 1M"
	do
		cs-aggregate -q $options -u user -t item -v price --where 'type>=3' \
			--rejects aside --report report many.csv > found
		awk -F, 'NR > 1 && $2 >= 3 && $4 != "x" { n[$1 "\t" $3]++; v[$1 "\t" $3] += $4 }
			END { for (k in n) print k "\t" n[k] "\t" v[k] }' many.csv |
			sort | diff - <(sed 1d found)
		"$PYTHON" -c 'import json; r = json.load(open("report")); assert r["rows_in"] == 90000 == r["rows_used"] + r["rows_left_out"] + sum(r["rows_rejected"].values()), r'
	done
}

@test "--since and --until: half-open, in any form of date" {
	events
	for when in 2017-01-02 2017-01-02T00:00Z 1483315200 1483315200000
	do
		cs-aggregate -q -u user -t item --time when --since $when \
			--until 2017-02-02 --where user!= events.csv > found
		[ "$(sed 1d found | cut -f 1-3 | tr '\t\n' '- ')" = "a-x-2 b-y-1 " ]
	done
	cs-aggregate -u user -t item --time 5 --until 2017-01-03 events.csv 2>&1 > found |
		has "6 rows: 2 used, 4 left out"
	printf '%s\n' user,item,when a,x,1/31/2017 a,y,12/1/2016 > american.csv
	cs-aggregate -q -u user -t item --time when --time-format %m/%d/%Y \
		--since 2017-01-31 american.csv > found
	[ "$(sed 1d found | cut -f 1-3)" = "$(printf 'a\tx\t1')" ]
	refused 'american.csv:2: when "1/31/2017": expected a date' -u user -t item \
		--time when --since 2017-01-31 american.csv
	# Micro- and nanoseconds, and digits alone, as of an event after them.
	for date in 1485820800000000 1485820800000000000 201701310000 20170131000000
	do
		printf '%s\n' user,item,when "a,x,$date" > form.csv
		cs-aggregate -q --time when --since 2017-01-31 --until 2017-02-01 \
			form.csv | has -x $'a\tx\t1\t1'
	done
	printf '%s\n' user,item,when a,x,45322.5 > form.csv
	refused 'days as a spreadsheet counts them are none: save them as dates' \
		--time when --since 2017-01-31 form.csv
	# The form that reads it is named, or both of two.
	while IFS='|' read -r date forms
	do
		printf 'user|item|when\na|x|%s\n' "$date" > form.csv
		run -2 cs-aggregate -q -d '|' --time when --since 2000-01-01 form.csv
		[[ "$output" == *"such as 2026-01-31; --time-format $forms reads it"* ]] ||
			{ echo "$date: $output"; false; }
		eval "cs-aggregate -q -d '|' --since 2000-01-01 --time when --time-format ${forms%% or *} form.csv" > found
	done <<- 'END'
		29.05.2026|'%d.%m.%Y'
		1/31/2017|'%m/%d/%Y'
		31/1/2017 9:05|'%d/%m/%Y %H:%M'
		11/12/2026 1:10:59 PM|'%m/%d/%Y %I:%M:%S %p' or '%d/%m/%Y %I:%M:%S %p'
		01-Feb-26|'%d-%b-%y'
		Feb 1, 2026|'%b %d, %Y'
	END
	printf '%s\n' user,item,when a,x,soon > form.csv
	refused 'when "soon": expected a date, such as 2026-01-31 or ' \
		--time when --since 2000-01-01 form.csv
	cs-aggregate -q -u user -t item --time when --since 2017-01-31 \
		--rejects aside american.csv > found
	[ "$(cut -f 3 aside.why | sort -u)" = when ]
	refused '--since "yesterday": expected a date' --time when --since yesterday events.csv
	refused "--since: --time says which column" --since 2017-01-01 events.csv
	refused "--time: it is for --since, --until, --half-life and --report" --time when events.csv
	refused "--until says how a log is read" --merge --time when --until 2017-01-01 events.csv
	refused '--until "2017": expected a date' --time when --until 2017 events.csv
}

@test "--time with --report: the first and the last event that counts" {
	{ echo user,tag,at; seq -f 'u%g,t,2024-03-05T10:00:00.5' 3000
		printf '%s\n' u1,t,2023-12-31 u1,t,1711843200 u2,t,2030-01-01; } > log.csv
	for threads in 1 3
	do
		run -0 cs-aggregate -q -j $threads --time at --until 2029-01-01 \
			--report report.json log.csv
		grep -q '"first_event": "2023-12-31T00:00:00Z", "last_event": "2024-03-31T00:00:00Z"' report.json
	done
	run -0 cs-aggregate -q --time at --report report.json log.csv
	grep -q '"last_event": "2030-01-01T00:00:00Z"' report.json
	refused '--until: no time is before it and not before --since' --time at \
		--since 2024-01-02 --until 2024-01-02 log.csv
	run -0 cs-aggregate -q --time at --until 2000-01-01 --report report.json log.csv
	grep -q '"first_event": null, "last_event": null' report.json
	run -0 cs-aggregate -q --report report.json log.csv
	run ! grep first_event report.json
}

@test "--where: blanks, ==, marks of numbers, and a filter that leaves nothing" {
	printf '%s\n' 'user;item;kind;value' '1;a; buy;12,5' '2;b;buy ;1,5' \
		'3;c;view;2' > log.csv
	users() {
		cs-aggregate -q -d ';' --decimal , "$@" log.csv | sed 1d |
			cut -f 1 | tr '\n' ' '
	}
	[ "$(users --where kind=buy)" = "1 2 " ]
	[ "$(users --where 'kind == buy')" = "1 2 " ]
	[ "$(users --where 'kind!=buy')" = "3 " ]
	# Fields and the number are read as values are.
	[ "$(users --where 'value>2')" = "1 " ]
	[ "$(users --where 'value >= 1,5' --where 'value<2.5')" = "2 3 " ]
	refused '--where: value "2,5": expected a number; --decimal , says what the mark is' \
		-d ';' --where 'value>2,5' log.csv
	run -0 cs-aggregate -d ';' --decimal , -u user -t item -o none \
		--where kind=sale --where 'value>0' log.csv
	[[ "$output" == *'no row is left; in the first one kind is " buy", value is "12,5"' ]]
	printf '%s\n' 'kind,weight' 'buy,0' 'view,0' > none.csv
	printf '%s\n' 'user,item,kind' > header.csv
	printf '%s\n' 'user,item,kind' '1,a,view' > view.csv
	run -0 cs-aggregate --weight-by kind:none.csv -o none view.csv
	[[ "$output" == *'no row is left; in the first one kind is "view"' ]]
	run -0 cs-aggregate --where kind=buy -o none header.csv view.csv
	[[ "$output" == *'no row is left' ]]
	printf '%s\n' 'kind;weight' 'buy;0,5' 'view;0' > weights.csv
	cs-aggregate -q -d ';' --decimal , --weight-by kind:weights.csv log.csv |
		sed 1d | diff <(printf '1\ta\t1\t6.25\n2\tb\t1\t0.75\n') -
	refused 'buy: weight "0,5": expected a number; --decimal , says what the mark is' \
		-d ';' --weight-by kind:weights.csv log.csv
	# What is left out for want of a number is told, with what makes it one.
	printf '%s\n' user,item,price '1,a,"1,200.50"' '2,a,"1,100"' 3,a,500 4,a, 5,a,9 > price.csv
	for threads in 1 2
	do
		run -0 cs-aggregate -u user -t item -j "$threads" --where 'price>100' price.csv
		[[ "$output" == *'2 of the rows left out have no number where --where compares, such as "1,100": expected a number; --decimal , or --thousands , says what the mark is'* ]]
		[[ "$output" == *"5 rows: 1 used, 4 left out"* ]]
	done
	run -0 cs-aggregate -u user -t item --thousands , --where 'price>100' price.csv
	[[ "$output" != *"no number"* && "$output" == *"3 used, 2 left out"* ]]
}

@test "--weight-by: an event counts as its type says" {
	events
	printf '%s\n' type,weight view,1 cart,2.5 buy,5 junk,0 > weights.csv
	cs-aggregate -q -u user -t item --weight-by type:weights.csv events.csv > found
	printf '%s\n' 'user item events weighted_events_by_type' 'a x 3 7' \
		'b y 2 7.5' | tr ' ' '\t' | diff - found
	# Of values; no header, named columns, another delimiter.
	printf '%s\n' 'buy;0.3' 'view;0' 'cart;0' 'junk;0' > bare.csv
	cs-aggregate -q -u user -t item -v price --weight-by type:bare.csv events.csv > found
	printf '%s\n' 'user item events weighted_price_by_type' 'a x 1 0.75' \
		'b y 1 3' | tr ' ' '\t' | diff - found
	printf '%s\n' w,t 1,view 2.5,cart 5,buy 0,junk > swapped.csv
	cs-aggregate -q -u user -t item --weight-by type:swapped.csv:t,w events.csv |
		tail -n +2 | diff <(printf 'a\tx\t3\t7\nb\ty\t2\t7.5\n') -
	# The matrix takes the sums, though pairs have several events.
	cs-aggregate -q -u user -t item --weight-by type:weights.csv events.csv |
		cs-matrix -o weighted.mat 2> said
	grep -qx "cs-matrix: --value sum: events have weights" said
	sed -i '$d' weights.csv
	refused 'events.csv:7: type "junk": no weight in the file of --weight-by' \
		-u user -t item --weight-by type:weights.csv events.csv
	refused "buy has not one weight, but 2" -u user \
		-t item --weight-by type:<(printf 't,w\nbuy,1\nbuy,2\n') events.csv
	refused 'buy: weight "x": expected a number from 0 to below 10^9' -u user \
		-t item --weight-by type:<(printf 't,w\nview,1\nbuy,x\n') events.csv
	refused 'weight "-1"' -u user -t item \
		--weight-by type:<(printf 't,w\nbuy,-1\n') events.csv
	refused '--weight-by "type": expected a column, a colon, and a file' \
		--weight-by type events.csv
	# As --tag-weight: more than nine decimals are rounded, and said.
	printf '%s\n' view,1 cart,2.5000000000000004 buy,5.00000000000001 junk,0 > weights.csv
	run -0 --separate-stderr cs-aggregate -u user -t item -o typed \
		--weight-by type:weights.csv events.csv
	[[ "$stderr" == *"weights.csv: 2 weights of more than 9 decimals rounded to 9"* ]]
	[ "$(tail -n +2 typed)" = $'a\tx\t3\t7\nb\ty\t2\t7.5' ]
	printf '%s\n' x,t,0.30000000000000004 y,t,1 > catalogue.csv
	run -0 --separate-stderr cs-aggregate -o tagged --tags catalogue.csv:1,2 \
		--tag-weight 3 <(printf '%s\n' user,item a,x b,y)
	[[ "$stderr" == *"catalogue.csv: 1 weight of more than 9 decimals rounded to 9"* ]]
}

@test "--half-life: forward decay; files of one landmark add up exactly" {
	events
	decayed=(-q -u user -t item --where 'user!=' --time when --half-life 2 --from 2017-01-01)
	cs-aggregate "${decayed[@]}" events.csv > found
	[ "$(head -n 1 found | cut -f 4)" = weighted_events_from_2017-01-01_half_life_2 ]
	# 1 + 2^((1 + 10/24) / 2) + 2; and of 31 and 32 days.
	awk -F'\t' 'function near(x, y) { return x - y < 1e-6 && y - x < 1e-6 }
		NR == 2 && !near($4, 1 + exp(log(2) * 34 / 48) + 2) { exit 1 }
		NR == 3 && !near($4, exp(log(2) * 15.5) + 65536) { exit 1 }' found
	{ head -n 1 events.csv; sed -n '3p; 6p' events.csv; } > one.csv
	{ head -n 1 events.csv; sed -n '2p; 4,5p; 7p' events.csv; } > two.csv
	for file in one two
	do
		cs-aggregate "${decayed[@]}" $file.csv -o $file.tsv
	done
	cs-aggregate --merge one.tsv two.tsv | cmp - found
	cs-aggregate "${decayed[@]}" -j 3 two.csv one.csv | cmp - found
	# Of values, and with weights of types: the product.
	printf '%s\n' type,weight view,1 cart,1 buy,2 junk,0 > weights.csv
	cs-aggregate "${decayed[@]}" -v price --where type=buy --weight-by \
		type:weights.csv events.csv > valued
	printf '%s\n' 'a x 1 10' 'b y 1 1310720' | tr ' ' '\t' |
		diff - <(sed 1d valued)
	# Other landmarks are other columns: they are not added up.
	cs-aggregate -q -u user -t item --where user!= --time when --half-life 2 \
		--from 2017-01-02 two.csv -o two.tsv
	refused "header" --merge one.tsv two.tsv
	refused "the value times its weight is 10^18 or more: a smaller weight, a later --from" \
		-q -u user -t item --where user!= --time when --half-life 0.5 \
		--from 2016-12-01 events.csv
	refused "--half-life and --from go together" --time when --half-life 2 events.csv
	refused "--half-life and --from go together" --time when --since 2017-01-01 \
		--from 2017-01-01 events.csv
}

@test "pseudonyms are the HMAC of names, and no name or key is in any output" {
	printf '%s\n' user,tag,value ada,x,1 bob,y,2 ada,y,3 '"c	d\e",x,1' \
		'"wide,é",x,4' > log.csv
	printf 'a key of some length\r\n' > key
	cs-aggregate --pseudonym key --report report -o out log.csv 2> said
	for name in ada bob $'c\td\\e' wide,é
	do
		pseudonym=$(printf %s "$name" |
			"$PYTHON" -c 'import hashlib, hmac, sys; print(hmac.new(
				b"a key of some length", sys.stdin.buffer.read(),
				hashlib.sha256).hexdigest()[:32])')
		grep -q "^$pseudonym	" out
	done
	[ "$(cut -f 1 out | sort -u | wc -l)" -eq 5 ]
	cat out report said > all
	run -1 grep -E 'ada|bob|wide|key of' all
	# Sums are those of names; the same for any threads and memory.
	cs-aggregate -q log.csv | cut -f 2- | sort > named
	cut -f 2- out | sort | cmp - named
	cs-aggregate -q --pseudonym key -j 3 -S 1 log.csv | cmp - out
	echo short > short
	run -2 cs-aggregate --pseudonym short log.csv
	[[ $output == *"short: a key of too few bytes, expected 16 to 4096"* ]]
	run -2 cs-aggregate --pseudonym none log.csv
	run -2 cs-aggregate --pseudonym key --rejects aside log.csv
	run -2 cs-aggregate --merge --pseudonym key out
}

@test "forgotten customers occur in no byte of what is made afterwards" {
	cs-aggregate -q -o all "$VIEWS"
	printf '\xef\xbb\xbf1\r\n "77" \r\nnobody\r\n42\n' > forget.txt
	cs-aggregate --forget forget.txt --report report -o kept "$VIEWS" 2> said
	awk -F '\t' '$1 != 1 && $1 != 77 && $1 != 42' all | cmp - kept
	cs-aggregate -q --merge --forgotten forget.txt -o merged all
	cmp merged kept
	run -2 cs-aggregate --forgotten forget.txt --forget forget.txt "$VIEWS"
	lost=$(awk -F , '$1 == 1 || $1 == 77 || $1 == 42' "$VIEWS" | wc -l)
	[ "$lost" -gt 10 ]
	jq -e ".rows_forgotten == $lost" report
	grep -q ", $lost forgotten;" said
	# By pseudonyms, too, from logs and from profiles.
	head -c 32 /dev/zero | tr '\0' k > key
	cs-aggregate -q --pseudonym key -o hashed "$VIEWS"
	cs-aggregate -q --pseudonym key --forget forget.txt -o kept "$VIEWS"
	cs-aggregate -q --merge --pseudonym key --forget forget.txt hashed |
		cmp - kept
	[ "$(cut -f 1 kept | sort -u | wc -l)" -eq 1998 ]
	# Neither the name nor its hash is in a matrix, a model or an index.
	id=$(printf 77 | "$PYTHON" -c 'import hashlib, hmac, sys; print(hmac.new(
		b"k" * 32, sys.stdin.buffer.read(), hashlib.sha256).hexdigest()[:32])')
	grep -q "$id" hashed
	cs-matrix -q -o matrix kept
	cs-svd -q -k 8 -o model matrix
	cs-index -q -o index model
	run -1 grep -l "$id" kept matrix model index
	: > nobody.txt
	run -2 cs-aggregate --forget nobody.txt "$VIEWS"
	[[ $output == *"nobody.txt: it names nobody"* ]]
	# A second column; one line; a list of nobody is told.
	printf '%s\n' user,tag 1,a 2,b 3,a '"Smith, Ann",b' Smith,a > log.csv
	local form
	for form in '1,Ann\n2,Ben\n"Smith, Ann"\n' '1;2;"Smith, Ann"' \
		'1\r2\rSmith, Ann\r'; do
		printf "$form" > gone
		[ "$(cs-aggregate -q --forget gone log.csv | cut -f 1 | tr '\n' ' ')" = \
			"user 3 Smith " ]
	done
	# As spreadsheets write a name that has commas and quotes.
	printf '%s\n' user,tag '"Ann ""Q"", Jr",a' 2,b '"Ann ""Q""",c' > quoted.csv
	printf '2\n "Ann ""Q"", Jr" \r\n' > gone
	[ "$(cs-aggregate -q --forget gone quoted.csv | cut -f 1 | sed 1d)" = \
		'Ann "Q"' ]
	printf '17\n' > gone
	run -0 cs-aggregate -o kept --forget gone log.csv
	[[ "$output" == *'--forget gone: none of its customers has a row; it has "17"'* ]]
}

@test "--tag-weight: an event counts for each tag by the weight that the catalogue gives" {
	printf '%s\n' item,tag,weight a,x,0.5 a,y,0.123456789 b,x,2 b,z,0 \
		a,x,.50 > tags.csv
	printf '%s\n' user,item,value u,a,10.1 u,b,-1 v,a,0.5 v,c,3 > log.csv
	cs-aggregate -q --tags tags.csv --tag-weight weight -u user -t item \
		-v value log.csv > out
	# 0.0617283945 is rounded to the even ninth decimal.
	diff - out <<-'END'
	user	tag	events	weighted_value_by_tag_weight
	u	x	2	3.05
	u	y	1	1.246913569
	u	z	1	0
	v	x	1	0.25
	v	y	1	0.061728394
	END
	# By numbers; an event without a value counts 1; items are tags, too.
	sed 1d tags.csv | cs-aggregate -q --no-header --tags -:1,2 \
		--tag-weight 3 --keep-item --levels i,t -u 1 -t 2 <(sed 1d log.csv) |
		cut -f 1-4 | diff - <(tr ' ' '\t' <<-'END'
		customer tag events weighted_events_by_tag_3
		u i:a 1 1
		u i:b 1 1
		u t:x 2 2.5
		u t:y 1 0.123456789
		u t:z 1 0
		v i:a 1 1
		v i:c 1 1
		v t:x 1 0.5
		v t:y 1 0.123456789
		END
		)
	# Weights of types multiply with these, and profiles of both add up.
	printf '%s\n' -1,3 0.5,1 3,1 10.1,2 > types.csv
	cs-aggregate -q --tags tags.csv --tag-weight weight -u user -t item \
		--weight-by value:types.csv log.csv > typed
	grep -qx "u	x	2	7" typed
	for part in '1d;4,5d' '1d;2,3d'
	do
		{ head -n 1 log.csv; sed "$part" log.csv; } |
			cs-aggregate -q --tags tags.csv --tag-weight weight \
				-u user -t item -v value > "part${#part}$part"
	done
	cs-aggregate -q --merge part* | cmp - out
	cs-matrix -q out | cs-dump | grep 'matrix.value sum' > /dev/null
	# Tags that weigh 1 are those of a catalogue without weights.
	awk -F , -v OFS=, '{ print $0, NR == 1 ? "w" : 1 }' \
		"$ROOT/data/course_tags.csv" > ones.csv
	cs-aggregate -q --tags ones.csv --tag-weight w "$VIEWS" | sed 1d |
		cmp - <(cs-aggregate -q --tags "$ROOT/data/course_tags.csv" "$VIEWS" | sed 1d)
	for threads in 1 3
	do
		cs-aggregate -q --tags tags.csv --tag-weight 3 -j $threads -S 1 \
			-u user -t item -v value log.csv | sed 1d | cmp - <(sed 1d out)
	done
}

@test "--tag-weight: what is wrong" {
	printf '%s\n' user,item,value u,a,10 v,a,5e16 > log.csv
	refused() {
		printf '%s\n' item,tag,weight "${@:2}" > tags.csv
		run -2 --separate-stderr cs-aggregate -q --tags tags.csv \
			--tag-weight weight -u user -t item -v value log.csv
		[ "$output" = "" ]
		[[ "$stderr" == "cs-aggregate: "*"$1"* ]] ||
			{ echo "$stderr"; false; }
	}
	for wrong in -1 1e9 '' heavy nan
	do
		refused "tags.csv: a: weight \"$wrong\": expected a number from 0 to below 10^9" a,x,$wrong
	done
	refused "tags.csv: a has the tag x with two weights" a,x,1 a,x,2
	refused "log.csv:3: the value times its weight is 10^18 or more" a,x,1 b,x,20
	run -2 cs-aggregate --tag-weight weight log.csv
	[[ $output == *"--tag-weight: it is about the catalogue of --tags, and there is none"* ]]
	run -2 cs-aggregate --merge --tag-weight weight log.csv
	run -2 cs-aggregate --tags tags.csv --tag-weight none -u user -t item log.csv
	[[ $output == *'tags.csv: no column none'* ]]
	run -2 cs-aggregate --tags tags.csv --tag-weight tag -u user -t item log.csv
	[[ $output == *"column 2 is named twice"* ]]
}
