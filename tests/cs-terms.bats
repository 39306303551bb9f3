# cs-terms: words of texts as weighted tags, and what cs-aggregate makes of them.

load helper

setup() {
	cd "$BATS_TEST_TMPDIR" || return
	cat > courses.csv <<-'END'
	course,title,about
	a,Introduction to Linear Algebra,"Vectors, matrices"
	b,Linear algebra for machine-learning,vectors
	c,"Machine Learning, in practice",
	a,"Again: linear algebra",
	END
}

@test "words and pairs by tf-idf, items as they come, by descending weight" {
	cs-terms -q --text title --text about courses.csv > tags.csv
	diff - tags.csv <<-'END'
	course,term,weight
	a,algebra,0.546454
	a,linear,0.546454
	a,linear algebra,0.546454
	a,vectors,0.322745
	b,algebra,0.377964
	b,learning,0.377964
	b,linear,0.377964
	b,linear algebra,0.377964
	b,machine,0.377964
	b,machine learning,0.377964
	b,vectors,0.377964
	c,learning,0.577350
	c,machine,0.577350
	c,machine learning,0.577350
	END
	# The default is the first two columns.
	cs-terms courses.csv 2> said | cmp - <(cs-terms -q --text title courses.csv)
	grep -qx "cs-terms: courses.csv: item course, text title (first two columns)" said
	# A text that was there before counts once; so a log is a catalogue.
	{ cat courses.csv; sed 1d courses.csv; } |
		cs-terms -q --text title --text about | cmp - tags.csv
}

@test "tf-idf as numpy has it, on the courses of the sample" {
	need numpy
	cs-terms -q -i course_id --text course_id --text level -n 1000 \
		--most 1 --least 1 "$ROOT/data/views.csv" > tags.csv
	"$PYTHON" - "$ROOT/data/views.csv" <<-'END'
	import collections, csv, math, sys
	import numpy as np
	texts = collections.defaultdict(list)
	for row in csv.DictReader(open(sys.argv[1])):
	    for field in "course_id", "level":
	        if row[field] not in texts[row["course_id"]]:
	            texts[row["course_id"]].append(row[field])
	counts = {}
	for item, fields in texts.items():
	    counts[item] = collections.Counter()
	    for field in fields:
	        words = field.lower().split("-")
	        counts[item].update(words)
	        counts[item].update(map(" ".join, zip(words, words[1:])))
	df = collections.Counter(t for c in counts.values() for t in c)
	found = collections.defaultdict(dict)
	for item, term, weight in list(csv.reader(open("tags.csv")))[1:]:
	    found[item][term] = float(weight)
	assert list(found) == list(texts)
	for item, count in counts.items():
	    terms = [t for t in count if df[t] < len(texts)]
	    x = np.array([(1 + math.log(count[t])) * math.log(len(texts) / df[t])
	                  for t in terms])
	    x /= np.linalg.norm(x)
	    assert set(found[item]) == set(terms), item
	    assert max(abs(x - [found[item][t] for t in terms])) < 6e-7, item
	assert len(df) > 500
	END
}

@test "stop words, rare terms, pairs, the number of terms, stems" {
	terms() {
		cs-terms -q "$@" courses.csv | sed 1d | cut -d , -f 2 | sort -u | paste -s -d ' '
	}
	[ "$(terms --least 3)" = "" ]
	[ "$(terms --no-pairs)" = "algebra learning linear machine" ]
	[ "$(terms --no-pairs --least 1)" = "again algebra for in introduction learning linear machine practice to" ]
	# Two of three items are more than a half.
	[ "$(terms --most .5 --least 1 --no-pairs)" = "again for in introduction practice to" ]
	# Stop words are in no pair.
	[ "$(terms --most .5 --least 1)" = "again for in in practice introduction introduction to practice to" ]
	[ "$(terms -n 1)" = "algebra learning" ]
	[ "$(terms --stem english)" = "algebra learn linear linear algebra machin machin learn" ]
	[ "$(terms --stem english)" = "$(terms --stem en)" ]
	run -2 cs-terms --stem klingon courses.csv
	[[ "$output" == *"--stem klingon: expected one of "*english*german* ]]
	# In a larger catalogue a tenth of the items is the limit.
	{ echo id,text; seq 200 | awk '{ print $1 ",all" ($1 <= 20 ? " tenth" : "") ($1 <= 21 ? " more" : "") }'; } |
		cs-terms -q | sed 1d | cut -d , -f 2 | sort | uniq -c |
		awk '{ print $1, $2 }' | diff <(echo 20 tenth) -
}

@test "columns, delimiters, encodings, several files, no header" {
	cs-terms -q --text title courses.csv > expected
	tr , '\t' < <(sed 's/"Ma.*"/Machine Learning; in practice/; s/"//g; s/Vectors, /Vectors /' courses.csv) > tabs.tsv
	cs-terms -q --text title tabs.tsv | cmp - expected
	cs-terms -q -d '\t' --text 2 < tabs.tsv | cmp - expected
	sed 1d courses.csv | cs-terms -q --no-header --text 2 |
		cmp - <(sed 's/^course/item/' expected)
	head -n 3 courses.csv > one.csv
	sed 2,3d courses.csv > two.csv
	cs-terms -q --text title one.csv two.csv | cmp - expected
	printf 'id,t\n1,caf\351 M\334LLER\n2,Caf\351\n' > latin.csv
	cs-terms -q --encoding LATIN1 --least 1 latin.csv | grep '^1,müller,' > /dev/null
	cs-terms --least 1 latin.csv 2> said > out
	grep -q "cs-terms: latin.csv:2: not UTF-8 (byte e9)" said
	grep -q ^1,ller, out
	# The delimiters of cs-aggregate.
	for separator in '::' '\x1f' '\037' ' +'
	do
		printf "%b${separator/ +/  }%b\n" a t 1 b 2 c |
			cs-terms -q --least 1 -d "$separator" |
			has -x 1,b,1.000000
	done
	iconv -t UTF-16 courses.csv > wide.csv
	run -2 cs-terms wide.csv
	[ "$output" = "cs-terms: wide.csv: UTF-16, expected CSV: iconv -f UTF-16 -t UTF-8 wide.csv" ]
	for wrong in "-i nobody" "--text nobody" "--text 9" "-i title" "-d 0123456789abcdef"
	do
		run -2 --separate-stderr cs-terms $wrong courses.csv
		[ "$output" = "" ]
		[[ "$stderr" == "cs-terms: "* ]]
	done
	mapfile -t many < <(printf -- '--text=title\n%.0s' {1..32})
	run -2 cs-terms "${many[@]}" courses.csv
	[[ "$output" == *"--text: expected at most 31"* ]]
}

@test "an item with any bytes is what cs-aggregate finds again" {
	printf 'id,t\n"a, ""b""\nc\t\\",red ball\n" x ",red bell\ny,other\n' > odd.csv
	cs-terms -q -o tags.csv odd.csv
	[ "$(cs-terms -q --least 1 odd.csv | cs-terms -q -i id --text term --least 1 | wc -l)" -gt 4 ]
	printf 'user,id,n\nu,"a, ""b""\nc\t\\",2\nu," x ",3\nu,y,1\n' > log.csv
	cs-aggregate -u user -t id -v n --tags tags.csv --tag-weight weight log.csv > out 2> said
	diff - out <<-'END'
	user	term	events	weighted_n_by_tag_weight
	u	red	2	5
	END
	grep -q "3 rows: 2 used, 1 without a tag" said
}

@test "no item, one item, empty texts, a wrong row, 1 MB of text" {
	echo id,t > none.csv
	[ "$(cs-terms none.csv 2> /dev/null)" = id,term,weight ]
	printf 'id,t\na,some words\n' > one.csv
	cs-terms one.csv > out 2> said
	[ "$(cat out)" = id,term,weight ]
	grep -q "1 items, 1 without a term" said
	printf 'id,t\na,\nb,"  "\nc,...\n' > blank.csv
	[ "$(cs-terms -q --least 1 blank.csv)" = id,term,weight ]
	run -2 --separate-stderr cs-terms -q - <<< $'id,t\na,b\n,c'
	[ "$stderr" = "cs-terms: standard input:3: the item is empty" ]
	run -2 --separate-stderr cs-terms -q - <<< $'id,t\na,b\nc'
	[ "$stderr" = "cs-terms: standard input:3: 1 fields, expected 2" ]
	run -2 --separate-stderr cs-terms -q - <<< $'id\na'
	[[ "$stderr" == *"1 column, expected at least 2: the item and a text" ]]
	{
		echo id,t
		printf 'a,'; head -c 90000 /dev/zero | sed 's/\x00/word wörd /g'; echo
		printf 'b,'; head -c 1000000 /dev/zero | tr '\0' a; echo
		# A letter with 300,000 accents.
		printf 'c,word e'; head -c 300000 /dev/zero | sed 's/\x00/\xcc\x81/g'; echo
		echo 'd,other'
	} > long.csv
	timeout 60 cs-terms -q long.csv | cut -d , -f 1,2 | diff - <(printf 'id,term\na,word\nc,word\n')
}
