# The make targets, in a copy of the project that uses the programs as they are
# built.

load helper

setup() {
	cd "$BATS_TEST_TMPDIR" || return
	cp -r "$ROOT/Makefile" "$ROOT/pipelines" "$ROOT/data" .
	mkdir -p tests/bench src
	# Programs are there, and nothing is built.
	sed -n '/^TOOLS/p; /^VERSION/p' Makefile > Makefile.new
	echo "BIN = $BIN" >> Makefile.new
	echo "include pipelines/pipeline.mk" >> Makefile.new
	mv Makefile.new Makefile
}

# What make says but for the summary.
said() {
	make --no-print-directory "$@" > out 2> err
}

@test "pipeline ends with the summary of customer 1 and the model's path" {
	said pipeline
	grep -q '^Customer 1 and the 10 most similar of 1,999 others' out
	[ "$(tail -n 1 out)" = "The model: trained_model/emb.bin; what it is: trained_model/metadata.json" ]
	"$PYTHON" -c 'import json; json.load(open("trained_model/metadata.json"))'
	cs-dump --check trained_model/emb.bin > /dev/null
}

@test "the same ten as by hand, and the same model" {
	said pipeline
	cd data
	cat views.csv | cs-aggregate 2> ../err | cs-matrix | cs-svd > ../emb.bin
	cd ..
	cmp emb.bin trained_model/emb.bin
	cs-knn -u 1 < emb.bin | cs-summarize > by-hand
	for line in 1 2 3 4 5 6 7 8 9 10
	do
		grep -qxF "$(grep -E "^ +$line " by-hand)" out
	done
}

@test "nothing is made twice; what depends on a change is made again" {
	said pipeline
	said pipeline
	run ! grep -E 'cs-aggregate|cs-matrix|cs-svd' out
	said pipeline SVD="-k 5"
	run ! grep -E 'cs-aggregate|cs-matrix' out
	grep -q cs-svd out
	[ "$(cs-dump --format json trained_model/emb.bin | "$PYTHON" -c '
import json, sys
print(json.load(sys.stdin)["dimensions"])')" = 5 ]
	said pipeline SVD="-k 5" MATRIX="--min-users 3"
	run ! grep -E 'cs-aggregate' out
	grep -q cs-matrix out
	touch data/views.csv
	said pipeline SVD="-k 5" MATRIX="--min-users 3"
	grep -q cs-aggregate out
	said pipeline
	grep -q cs-svd out
}

@test "another customer, another recipe, fewer neighbours" {
	said pipeline
	said similar U=42
	grep -q '^Customer 42 and the 10 most similar' out
	run ! grep cs-svd out
	said similar U=42 KNN="-n 3"
	grep -q '^Customer 42 and the 3 most similar' out
	said pipeline RECIPE=first
	cs-dump trained_model/emb.bin | has 'matrix.weight idf'
	make --no-print-directory -n serve RECIPE=first KNN="-n 5" |
		has -E "cs-serve -p 5000 +--metric embedding "
	grep -q ';metric=embedding;' trained_model/neighbours.tsv
	said pipeline RECIPE=classic
	grep -q 'Customer 1 and the 15 most similar' out
	cs-dump trained_model/emb.bin | has 'svd.center row'
	run -2 make similar U=nobody
	[[ "$output" == *"no customer nobody"* ]]
	run -2 make pipeline RECIPE=none
	[[ "$output" == *"RECIPE=none: expected default, first, classic or tuned"* ]]
	for model in 'my model' -m '' 'a:b' 'a$b' "a'b"
	do
		run -2 make pipeline MODEL="$model"
		[[ "$output" == *"MODEL=$model: expected a path of letters, "* ]]
	done
}

@test "a log of one's own, with blanks in its name, and its tags" {
	head -n 5000 data/views.csv > "my own \$log's.csv"
	said pipeline VIEWS="my own \$log's.csv" U=626
	grep -q '^Customer 626' out
	said pipeline TAGS=data/course_tags.csv
	grep -q 'compared by 261 tags' out
	cs-dump trained_model/emb.bin | has 'columns.tag course_tags'
	said pipeline TAGS=data/course_tags.csv:course_id,course_tags
	cs-dump trained_model/emb.bin | has 'columns.tag course_tags'
	said pipeline
	cs-dump trained_model/emb.bin | has 'columns.tag course_tag$'
}

@test "LEVELS: items and their tags, each with its share" {
	said pipeline TAGS=data/course_tags.csv:course_id,course_tags \
		LEVELS="course=1 tag=.5"
	cs-dump trained_model/emb.bin > dump
	grep -q 'matrix.block.1 *course:' dump
	grep -q 'matrix.share.2 *0.5' dump
	cs-aggregate -q --tags data/course_tags.csv:course_id,course_tags \
		--keep-item --levels course,tag data/views.csv |
		cmp - trained_model/profiles.tsv
	cs-matrix -q --block course:=1 --block tag:=.5 trained_model/profiles.tsv |
		cmp - trained_model/matrix.bin
	# The summary has a part for each level, here as in JSON and TSV.
	grep -q '^What the 10 share, course  ' out
	grep -q '^What the 10 share, tag  ' out
	cs-knn -u 1 --profiles trained_model/emb.bin | cs-summarize --format tsv |
		awk -F'\t' 'NR > 1 && index($2, $9 ":") != 1 { bad = 1 }
			NR > 1 { seen[$9]++ }
			END { exit bad || !seen["course"] || !seen["tag"] }'
	run -2 make pipeline LEVELS="course=1"
	[[ "$output" == *"LEVELS needs TAGS=FILE:ITEM,TAG"* ]]
	for wrong in 'course' 'course=x' 'a=1;b=2' '$(shell touch bad)=1'
	do
		run -2 make pipeline TAGS=data/course_tags.csv LEVELS="$wrong"
		[[ "$output" == *"expected a NAME=SHARE for each level"* ]]
	done
	[ ! -e bad ]
}

@test "a failed step leaves no partial file, and is run again" {
	{ cat data/views.csv; echo 1,2,3; } > broken.csv
	run -2 make pipeline VIEWS=broken.csv
	[[ "$output" == *"broken.csv:32002: 3 fields, expected 7"* ]]
	[ ! -e trained_model/profiles.tsv ]
	[ ! -e trained_model/emb.bin ]
	sed -i '$d' broken.csv
	said pipeline VIEWS=broken.csv
	[ -s trained_model/emb.bin ]
	run -2 make pipeline VIEWS=broken.csv SVD="--tol 7"
	said pipeline VIEWS=broken.csv
	[ -s trained_model/emb.bin ]
}

@test "the environment changes nothing" {
	said pipeline
	cp out expected
	USER=me COLUMNS=20 VIEWS=no TAGS=no U=no MODEL=no RECIPE=no SVD=-x \
		KNN=-x MATRIX=-x AGGREGATE=-x make --no-print-directory pipeline \
		> out
	diff <(sed -n '/^Customer/,$p' expected) <(sed -n '/^Customer/,$p' out)
}

@test "the singular values drawn" {
	need gnuplot
	echo "include pipelines/spectrum.mk" >> Makefile
	said spectrum
	grep -q 'Singular values' out
	[ "$(sed 1d trained_model/sigma.tsv | wc -l)" -eq 64 ]
	said spectrum SPECTRUM=drawn.png || skip "gnuplot has no pngcairo here"
	[ "$(head -c 4 drawn.png | tail -c 3)" = PNG ]
}

@test "one customer who is not in the model" {
	said similar PROFILE='python=3600; aws = 1200'
	grep -q '^Customer new and the 10 most similar of 2,000 others' out
	grep -q '^new has 2 tags' out
	grep -q '^python 3600, aws 1200' out
	run -2 make similar PROFILE='python'
	[[ "$output" == *'PROFILE: "python": expected TAG=VALUE'* ]]
	run -2 make similar PROFILE='no such tag=3'
	[[ "$output" == *"has no tag that trained_model/emb.bin knows"* ]]
}

@test "two at a time" {
	said -j2 pipeline
	grep -q '^Customer 1 and' out
}

# make serve, which listens where it pleases, until it is asked once.
serve_once() {
	# Empty before it starts: that of an earlier service has its address.
	: > err
	setsid make --no-print-directory PORT=0 "$@" serve > out 2> err &
	local server=$! address
	for _ in $(seq 600)
	do
		! grep -q 'on http' err || break
		sleep 0.1
	done
	address=$(sed -n 's|.* on \(http://127.0.0.1:[0-9]*/\)$|\1|p' err)
	"$PYTHON" - "$address" <<-'END' || cat err
		import json, sys, urllib.request as web
		said = json.load(web.urlopen(sys.argv[1] + "predict",
		                             b'{"user_handle": 1}'))
		print(said["neighbours"][0]["customer"])
		assert b"<main" in web.urlopen(sys.argv[1]).read()
	END
	kill -- "-$server"
	wait "$server" || true
}

@test "a model of one's own log is asked as it is, and not replaced by one of the sample" {
	sed -n '1p; 5000,9000p' data/views.csv > "my views.csv"
	said pipeline VIEWS="my views.csv" SVD="-k 8" U=300
	cp trained_model/emb.bin before
	cut -f 1 trained_model/profiles.tsv | uniq | sed -n 2,21p > vip.txt
	said similar U=301 KNN="-n 3"
	grep -q '^Customer 301 and the 3 most similar' out
	said contrast GROUP=vip.txt
	[ "$(serve_once)" -gt 0 ]
	cmp before trained_model/emb.bin
	# Who says how to train, or asks for the whole job, gets it.
	said similar U=301 SVD="-k 8"
	grep -q 'cs-aggregate.*data/views.csv' out
}

@test "a setting that is misspelt is refused" {
	for wrong in VIEW=my.csv TAG=tags.csv views=my.csv USER=5
	do
		run -2 make pipeline "$wrong"
		[[ "$output" == *"${wrong%%=*}: no setting has that name: make help lists them"* ]]
	done
	[ ! -e trained_model ]
	TMPDIR=$PWD said pipeline AGGREGATE="-q --where level!=x=Y" TMPDIR="$PWD"
}

@test "make serve trains if needed, and answers on this machine alone" {
	[ "$(serve_once)" = 1155 ]
	grep -q cs-svd out
	cp trained_model/emb.bin before
	[ "$(serve_once)" = 1155 ]
	run ! grep cs-svd out
	cmp trained_model/emb.bin before
	# Other data, another model, and dates for the overview.
	head -n 30000 data/views.csv > part.csv
	serve_once VIEWS=part.csv AGGREGATE="--time view_date"
	grep -q cs-svd out
	run ! cmp -s trained_model/emb.bin before
	grep -q -e "--report 'trained_model/report.json' trained_model/emb.bin" out
	grep -q '"first_event": *"2017-01-01' trained_model/report.json
}

@test "what is installed works by itself, and is all taken away again" {
	cp -r "$ROOT/src" "$ROOT/tests" .
	cp "$ROOT/Makefile" .
	mkdir -p bin .build
	make --no-print-directory -o all install DESTDIR="$PWD/dest" \
		PREFIX=/opt/cs BIN="$BIN" BUILD="$BUILD" > install.log
	[ -x dest/opt/cs/bin/cs-knn ]
	[ ! -x "$BIN/cs-svd-mpi" ] || [ -x dest/opt/cs/bin/cs-svd-mpi ]
	for script in begin.sh common.sh svd.sbatch
	do
		cmp "$ROOT/pipelines/slurm/$script" \
			dest/opt/cs/share/customer-similarity/slurm/$script
	done
	run -2 dest/opt/cs/share/customer-similarity/slurm/submit
	[[ "$output" == "usage: submit "* ]]
	[ -s dest/opt/cs/share/man/man1/cs-knn.1 ]
	[ -s dest/opt/cs/share/bash-completion/completions/cs-knn ]
	[ -s dest/opt/cs/share/fish/vendor_completions.d/cs-knn.fish ]
	[ -s dest/opt/cs/share/zsh/site-functions/_customer-similarity ]
	unit=dest/opt/cs/lib/systemd/system/cs-serve.service
	grep -q '^ExecStart=/opt/cs/bin/cs-serve ' "$unit"
	run ! grep @PREFIX@ "$unit"
	if command -v systemd-analyze > /dev/null
	then
		# It wants to see the program where the unit says.
		sed "s|=/opt/cs|=$PWD/dest/opt/cs|" "$unit" > cs-serve.service
		run systemd-analyze verify --man=no ./cs-serve.service
		run ! grep cs-serve.service <<< "$output"
	fi
	mkdir elsewhere
	cd elsewhere
	PATH=$OLDPWD/dest/opt/cs/bin:/usr/bin:/bin make --no-print-directory \
		-f "$OLDPWD/dest/opt/cs/share/customer-similarity/pipeline.mk" \
		pipeline VIEWS="$ROOT/data/views.csv" > out
	grep -q '^Customer 1 and' out
	cd ..
	make --no-print-directory uninstall DESTDIR="$PWD/dest" PREFIX=/opt/cs \
		BIN="$BIN" BUILD="$BUILD" > /dev/null
	[ -z "$(find dest -type f)" ]
}

@test "clean takes all programs, the model, and what killed programs left beside it" {
	cp "$ROOT/Makefile" .
	cp "$ROOT"/tests/*.mk tests
	cp "$ROOT/tests/bench/bench.mk" tests/bench
	cp "$ROOT"/src/cs-*.c src
	mkdir -p .build bin trained_model/shards.cs-AbCdEf
	for program in src/cs-*.c
	do
		touch "bin/$(basename "$program" .c)"
	done
	touch bin/cs-svd-mpi trained_model/{emb.bin,emb.bin.cs-AbCdEf} \
		trained_model/shards.cs-AbCdEf/0.tsv trained_model/own.txt
	said clean
	[ "$(find bin trained_model .build 2> err)" = \
		$'bin\ntrained_model\ntrained_model/own.txt' ]
}

@test "set-up: silent where all is there, refuses what it does not know" {
	run -0 sh "$ROOT/pipelines/setup" build
	[ -z "$output" ]
	run -2 sh "$ROOT/pipelines/setup" everything
	[[ "$output" == *"expected build, test, "*", portability, node, bench" ]]
}

@test "set-up: without the right to install, the command is printed" {
	[ "$(id -u)" -eq 0 ] || skip "to be someone else takes root"
	command -v setpriv > /dev/null || skip "no setpriv"
	mkdir place
	cp "$ROOT/pipelines/setup" place/
	# A package that is nowhere installed.
	sed -i 's/^	test bats bats/	test zsh-antigen no-such-command/' place/setup
	chmod -R a+rX "$BATS_TEST_TMPDIR" place
	run -2 setpriv --reuid 65534 --regid 65534 --clear-groups \
		sh -s test < place/setup
	[[ "$output" == *"sudo sh -c 'apt-get update && apt-get install -y --no-install-recommends zsh-antigen'"* ]]
}

@test "set-up: a header without its library is not enough" {
	mkdir stubs
	# As where cblas.h came with a BLAS that is not OpenBLAS.
	printf '#!/bin/sh\nexit 1\n' > stubs/dpkg-query
	printf '#!/bin/sh\ncase "$*" in *-lopenblas*) exit 1 ;; esac\n' > stubs/cc
	printf '#!/bin/sh\nexit 0\n' > stubs/apt-get
	chmod +x stubs/*
	PATH=$PWD/stubs:$PATH run -2 sh "$ROOT/pipelines/setup" build
	[[ "$output" == *"--no-install-recommends libopenblas-dev"* ]]
	[[ "$output" != *libcsv-dev* ]]
}

@test "make names what a plain user cannot write after a run as root, and the remedy" {
	[ "$(id -u)" -eq 0 ] || skip "takes root"
	place=$(mktemp -d)
	mkdir "$place/with blank"
	cp -r "$ROOT/src" "$ROOT/tests" "$ROOT/pipelines" "$ROOT/Makefile" "$place/with blank"
	make -n -C "$place/with blank" .build/release/base/utf8.o |
		grep -F -- "-ffile-prefix-map='$place/with blank'=." > /dev/null
	mv "$place/with blank"/* "$place"
	mkdir -p "$place/bin" "$place/.build/release"
	chmod -R go+rX "$place"
	run setpriv --reuid=65534 --regid=65534 --clear-groups \
		make --no-print-directory -C "$place" all
	rm -r "$place"
	[ "$status" -eq 2 ]
	[[ "$output" == *"cannot be written by this user"*"sudo chown -R"* ]]
}

@test "eval measures the recipe on halves, beside the classic one" {
	said eval EVAL=--queries=200
	grep -q '^value events, damp sqrt, weight smooth, norm l2, ' out
	grep -q '^combined, alpha 1 against classic.bin (embedding)' out
	"$PYTHON" -c '
import json
report = json.load(open("trained_model/halves/report.json"))
assert report["queries"] == 200 and not report["ranks_void"]'
	# The summary of that model says what was measured, and of no other.
	said pipeline
	tr '\n' ' ' < out | has -E 'tags listed like these, [0-9.]+ times the expected number were seen in events held back \['
	said pipeline SVD="-k 8"
	grep -q 'of events held back they would share less' <(tr '\n' ' ' < out)
	said eval RECIPE=first HALF_BY=course_id EVAL=--queries=200
	grep -q '^value sum, damp log, weight idf, ' out
	# The similarity is that of the recipe, or of KNN.
	grep -q '^embedding against rows (profile)' out
	said eval KNN="-n 5 --metric combined --alpha=.5" EVAL=--queries=200
	grep -q '^combined, alpha 0.5 against rows (profile)' out
	said pipeline KNN="-n 5 --metric combined --alpha=.5"
	grep -q 'tags listed like these' <(tr '\n' ' ' < out)
	said pipeline
	grep -q 'of events held back they would share less' <(tr '\n' ' ' < out)
	# Halves of the tags have columns of their own.
	said eval HALF_BY=course_tag EVAL=--queries=200
	grep -q '^warning: the halves have columns of their own' out
	run ! grep -q MRR out
	run -2 make eval HALF_BY=no
	[[ "$output" == *"no column no"* ]]
	make forget
	[ ! -e trained_model ]
}

@test "LEARN: dimensions weighed by the halves of the log" {
	said pipeline LEARN=1 HALF_BY=course_id
	for half in A B
	do
		cs-aggregate -q --half $half --half-by course_id data/views.csv |
			cs-matrix -q --as trained_model/matrix.bin > $half.mat
	done
	cs-svd -q --learn A.mat --learn B.mat trained_model/matrix.bin |
		cmp - trained_model/emb.bin
	said pipeline
	run ! grep -q svd.learn <(cs-dump trained_model/emb.bin)
	said eval LEARN=1 EVAL=--queries=200
	grep -qF 'combined, alpha 1 against plain.bin (combined, alpha 1)' out
	cs-dump trained_model/halves/this.bin | grep svd.learn > /dev/null
	# A log that fails leaves no model.
	make forget
	run -2 make pipeline LEARN=1 HALF_BY=no
	[[ "$output" == *"no column no"* ]]
	[ ! -e trained_model/emb.bin ]
	make forget
	[ ! -e trained_model ]
}

@test "segments of customers, described and drawn; a group contrasted" {
	head -n 6000 data/views.csv > few.csv
	said segments VIEWS=few.csv K=5 CONTRAST="-n 2"
	[ "$(sed 1,2d trained_model/segments.tsv | cut -f 2 | sort -u | grep -c .)" -eq 5 ]
	[ "$(grep -cE '^segment [1-5]: ' out)" -eq 5 ]
	grep -qE '^Of [0-9]+ tags listed for segments of half A, [0-9]+ % lie on the same side' out
	[ "$(tail -n 1 out)" = "The segments: trained_model/segments.tsv; their tags: trained_model/segments-tags.tsv" ]
	if command -v gnuplot > /dev/null
	then
		grep -qx 'Drawn: trained_model/segments.svg' out
		"$PYTHON" -c '
import sys, xml.dom.minidom
print(xml.dom.minidom.parse("trained_model/segments.svg").toxml())' |
			grep -c '>segment<' > /dev/null
	else
		grep -q '^segments: not drawn: gnuplot is not installed' err
	fi
	# Numbers stay from one day to the next.
	cp trained_model/segments.tsv old.tsv
	said segments VIEWS=few.csv K=5 LIKE=old.tsv SEGMENT="--seed 9"
	[ "$(paste old.tsv trained_model/segments.tsv | sed 1,2d |
		awk -F '\t' '$2 == $6' | wc -l)" -gt 500 ]
	printf '%s\n' $(seq 20) > "my group.txt"
	said contrast VIEWS=few.csv GROUP="my group.txt"
	grep -qE '^my group.txt' out
	run -2 make contrast VIEWS=few.csv
	[[ "$output" == *"say GROUP=FILE"* ]]
	make forget
	[ ! -e trained_model ]
}

@test "as many segments as halves bear out, and how far they agree" {
	[ "${FLAVOUR:-release}" = release ] || skip "takes minutes under sanitizers"
	awk -F, 'NR == 1 || $1 <= 250' data/views.csv > few.csv
	said segments VIEWS=few.csv SVD="-k 12"
	grep -qx 'segments  halves agree  (standard error)  seeds agree' out
	[ "$(grep -c ' chosen$' out)" -eq 1 ]
	[ "$(sed 1d trained_model/segments-curve.tsv | wc -l)" -ge 20 ]
	! command -v gnuplot > /dev/null || [ -s trained_model/segments-curve.svg ]
}

@test "tune writes RECIPE=tuned, which is taken" {
	head -n 4000 data/views.csv > few.csv
	run -2 make pipeline VIEWS=few.csv RECIPE=tuned
	[[ "$output" == *"run make tune before"* ]]
	said tune VIEWS=few.csv EVAL=--queries=200
	grep -Eq '^tune: 11 recipes beside the default: about [0-9]+ s$' err
	grep -qE '^use ' out
	said trained_model/emb.bin VIEWS=few.csv RECIPE=tuned
	weight=$(sed -nE 's/^matrix-tuned.*--weight ([a-z-]+).*/\1/p' trained_model/tuned.mk)
	cs-dump trained_model/emb.bin | has "matrix.weight $weight"
	make forget
	[ ! -e trained_model ]
}

@test "eval of a log without events says so once" {
	echo customer,tag > none.csv
	run -2 make --no-print-directory -s eval VIEWS=none.csv
	[[ "$output" == "cs-matrix: standard input: a header alone"* ]]
	run ! grep -E "cs-dump|rm:" <<< "$output"
}

@test "eval where the classic recipe leaves nothing measures the others" {
	awk 'BEGIN { print "customer,tag,row"
		for (c = 0; c < 50; c++) for (e = 0; e < 8; e++)
			print "c" c ",t," e }' > one.csv
	said eval VIEWS=one.csv
	grep -q '^combined, alpha 1 against rows (profile)' out
	run ! grep classic out
	grep -q 'eval: RECIPE=classic has no model of this log' err
}

@test "tune tries no recipe twice, and takes MATRIX and SVD" {
	local tune=(--no-print-directory tune EVAL="--queries=100 --format tsv")

	head -n 4000 data/views.csv > few.csv
	make "${tune[@]}" VIEWS=few.csv SVD="-k 20" MATRIX="--damp log" > out 2> err
	grep -q '^tune: 11 recipes beside the default' err
	# A row for the default, then every recipe's at 16 and 20 dimensions.
	awk -F '\t' '$1 != "chance" && $2 == "" && $3 == "agreement_by_both" {
		print $1 }' out > names
	[ "$(wc -l < names)" -eq $((12 * 11)) ]
	[ -z "$(sort names | uniq -d)" ]
	[ "$(head -n 1 names)" = "events log smooth, combined 1, 20" ]
	# Without values sums are numbers of events; where no pair repeats besides,
	# damping changes nothing.
	cut -d , -f 1,5 few.csv > level.csv
	make "${tune[@]}" VIEWS=level.csv AGGREGATE="-t level" > out 2> err
	grep -q '^tune: 5 recipes beside the default' err
	cut -d , -f 1,3 few.csv | awk '!seen[$0]++' > once.csv
	make "${tune[@]}" VIEWS=once.csv HALF_BY=course_id > out 2> err
	grep -q '^tune: 2 recipes beside the default' err
}
