# The recipes of cs-recipes(7), and one of cs-scale(7), each run as the page shows
# it, where the other program that it needs is installed.

load ../helper

setup_file() {
	cd "$BATS_FILE_TMPDIR" || return
	awk -F , 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i }
		NR <= 20000 { print $at["user_handle"] "," $at["course_id"] \
			"," $at["view_time_seconds"] }' \
		"$ROOT/data/views.csv" > all.csv
	cs-aggregate -q -o expected.tsv all.csv
}

setup() {
	cd "$BATS_TEST_TMPDIR" || return
	duckdb_command
	cp "$BATS_FILE_TMPDIR/all.csv" views.csv
	expected=$BATS_FILE_TMPDIR/expected.tsv
}

# DuckDB's command line, or what runs its two options by DuckDB for Node.js.
duckdb_command() {
	! command -v duckdb > /dev/null || return 0
	[ -d "${NODE_MODULES:-}/node_modules/@duckdb" ] || return 0
	mkdir -p stand-in
	cat > stand-in/query.mjs <<-'END'
	import { createRequire } from "node:module";
	const require = createRequire(`${process.env.NODE_MODULES}/`);
	const { DuckDBInstance } = require("@duckdb/node-api");
	const db = await (await DuckDBInstance.create(":memory:")).connect();
	const found = await db.runAndReadAll(process.argv.at(-1));
	if (process.argv.includes("-csv"))
		for (const row of [found.columnNames(), ...found.getRows()])
			console.log(row.join(","));
	END
	printf '#!/bin/sh\nexec node %s "$@"\n' "$PWD/stand-in/query.mjs" \
		> stand-in/duckdb
	chmod +x stand-in/duckdb
	PATH=$PWD/stand-in:$PATH
}

# The Nth block [1] below a title.
block() {
	"$PYTHON" "$BATS_TEST_DIRNAME/recipes.py" \
		"$ROOT/src/man/cs-recipes.7" "$@"
}

# Run it.
recipe() {
	bash -eo pipefail -c "$(block "$@")"
}

# The rows of profiles but for their header, whose names differ by recipe.
same_profiles() {
	cmp <(sed 1d "$expected") <(sed 1d "$1")
}

# The log as JSON lines.
as_json() {
	awk -F , 'NR > 1 {
		printf "{\"user\": %s, \"course\": \"%s\", \"seconds\": %s}\n",
			$1, $2, $3 }' views.csv
}

@test "CSV of a spreadsheet" {
	printf 'Sales\r\n\r\ncustomer;product;amount\r\nJos\xe9 ;caf\xe9;1.234,50\r\nAnn;tea; 2\r\n' \
		> sales.csv
	recipe "CSV of a spreadsheet"
	printf 'customer\tproduct\tevents\tamount\nAnn\ttea\t1\t2\nJosé\tcafé\t1\t1234.5\n' |
		cmp - profiles.tsv
}

@test "compressed logs" {
	need zstd
	gzip -k views.csv
	zstd -q views.csv
	recipe "Compressed logs"
	cmp profiles.tsv "$expected"
	cmp profiles-zst.tsv "$expected"
}

@test "several compressed logs at once" {
	need zstd
	head -n 9000 views.csv | gzip > views.csv.gz
	{ head -n 1 views.csv; tail -n +9001 views.csv; } |
		zstd -q > more.csv.zst
	recipe "Compressed logs" 2
	cmp profiles.tsv "$expected"
}

@test "Parquet by DuckDB" {
	need duckdb
	duckdb -c "COPY (FROM 'views.csv') TO 'views.parquet'"
	recipe "Parquet"
	cmp profiles.tsv "$expected"
}

@test "JSON lines by jq" {
	need jq
	as_json > views.ndjson
	recipe "JSON and JSON lines"
	same_profiles profiles.tsv
}

@test "JSON lines by Miller" {
	need mlr
	as_json > views.ndjson
	recipe "JSON and JSON lines" 2
	same_profiles profiles.tsv
}

@test "a dump of pg_dump" {
	{
		printf '%s\n' '-- PostgreSQL database dump' '' \
			'COPY public.users (id) FROM stdin;' 1 '\.' '' \
			'COPY public.views (user_handle, course_id, view_time_seconds) FROM stdin;'
		sed 1d views.csv | tr , '\t'
		printf '\\N\tx\t1\n%s\n' '\.'
	} > shop.sql
	block "SQL dump" | sed 's/--quote/--rejects aside --quote/' | bash -eo pipefail
	cmp profiles.tsv "$expected"
	[ "$(wc -l < aside.why)" -eq 1 ]
}

@test "an object store" {
	need curl
	gzip -k views.csv
	SIGNED_URL=file://$PWD/views.csv.gz recipe "Object store"
	cmp profiles.tsv "$expected"
	# A refusal is a failure, and leaves no file.
	rm profiles.tsv
	export SIGNED_URL=file://$PWD/absent
	run ! recipe "Object store"
	[ ! -e profiles.tsv ]
}

@test "PostgreSQL" {
	[ "$(id -u)" -eq 0 ] || skip "starting a server as its user takes root"
	bin=$(ls -d /usr/lib/postgresql/*/bin 2> /dev/null | tail -n 1)
	[ -n "$bin" ] || skip "PostgreSQL is not installed"
	home=$(mktemp -d /tmp/postgres.XXXXXX)
	chown postgres "$home"
	as="setpriv --reuid postgres --regid postgres --init-groups env LC_ALL=C HOME=$home"
	$as "$bin/initdb" -A trust -D "$home/data" > init.log 2>&1
	$as "$bin/pg_ctl" -w -D "$home/data" -l "$home/log" \
		-o "-k $home -c listen_addresses=" start > start.log
	export DATABASE_URL="postgresql:///postgres?host=$home&user=postgres"
	status=0
	{
		psql -qX "$DATABASE_URL" -c "CREATE TABLE views (user_handle bigint,
			course_id text, view_time_seconds numeric)" \
			-c "\\copy views FROM views.csv WITH (FORMAT csv, HEADER)" &&
			recipe "PostgreSQL"
	} || status=$?
	$as "$bin/pg_ctl" -D "$home/data" -m immediate stop > stop.log
	rm -r "$home"
	[ "$status" -eq 0 ]
	cmp profiles.tsv "$expected"
}

@test "a script that adds a day, and leaves the model where a day is wrong" {
	block "A script that adds a day" > nightly
	chmod +x nightly
	head -n 9000 views.csv > one.csv
	{ head -n 1 views.csv; tail -n +9001 views.csv; } > two.csv
	./nightly one.csv
	./nightly two.csv
	cmp profiles.tsv "$expected"
	cs-matrix -q "$expected" | cs-svd -q > whole.bin
	cmp emb.bin whole.bin
	cp profiles.tsv before.tsv
	sed '5s/[^,]*$/many/' one.csv > wrong.csv
	run ! ./nightly wrong.csv
	cmp profiles.tsv before.tsv
	cmp emb.bin whole.bin
	# One at a time.
	exec 8> .lock
	flock -n 8
	run -1 ./nightly one.csv
	[[ "$output" == *"another run is under way"* ]]
}

@test "cron and the timer" {
	line=$(block "cron")
	[[ "$line" =~ ^17\ 3\ \*\ \*\ \*\ cd\ /srv/similar ]]
	need systemd-analyze
	block "A timer of systemd" | sed "s|/srv/similar|/|" > similar.service
	block "A timer of systemd" 2 > similar.timer
	run systemd-analyze verify --man=no ./similar.service ./similar.timer
	run ! grep -E 'similar\.(service|timer)' <<< "$output"
}

@test "dimensions: fewer are a prefix of more" {
	cs-matrix -q "$expected" > matrix.bin
	recipe "How many dimensions" > sigma.tsv
	cs-svd -q -k 64 matrix.bin | cs-dump --what sigma > few.tsv
	# To the tolerance of the factorization.
	paste <(sed '1d; 66,$d' sigma.tsv | cut -f 2) <(sed 1d few.tsv | cut -f 2) |
		awk '{ d = $1 - $2; if (d < 0) d = -d
			if (NR == 1) largest = $1
			if (d > 0.001 * largest) bad++ } END { exit bad > 0 || NR != 64 }'
}

@test "how large a model gets" {
	need jq
	cs-matrix -q "$expected" | cs-svd -q > emb.bin
	recipe "How large a model gets" > said
	tail -n 1 said | has -x "$(stat -c %s emb.bin)"
	sed '$d' said | jq -e '.customers > 0 and .tags > 0 and .pairs > 0' > /dev/null
	# The formula, within a tenth.
	read -r n m p k < <(sed '$d' said |
		jq -r '"\(.customers) \(.tags) \(.pairs) \(.dimensions)"')
	names=$(cut -f 1 "$expected" | sed 1d | uniq | tr -d '\n' | wc -c)
	awk -v n="$n" -v m="$m" -v p="$p" -v k="$k" -v names="$names" \
		-v size="$(stat -c %s emb.bin)" 'BEGIN {
		about = 4 * k * n + 12 * p + 17 * n + names + 8 * k * m
		exit !(about > 0.9 * size && about < 1.1 * size) }'
}

@test "who is in a segment: attributes that differ are found, others not" {
	# The age goes with the first course, the income with nothing; half of
	# the customers told.
	awk -F , 'NR == 1 { print "user_handle,age,income"; next }
		!($1 in seen) { seen[$1]; n++
			if (n % 2) print $1 "," ($2 < "h" ? "young" : "old") \
				"," (n % 3 ? "low" : "high") }' views.csv > attributes.csv
	recipe "WHO IS IN A SEGMENT" > found
	cut -f 2 found | sort -u | diff - <(printf 'age:old\nage:young\n')
	# Members, as join counts them.
	sed 1d attributes.csv | cut -d , -f 1,2 | tr , '\t' | sort > ages
	sed 1,2d segments.tsv | cut -f 1,2 | sort | join -t '	' - ages |
		awk -F '\t' '{ print $2 "\tage:" $3 }' | sort | uniq -c |
		awk '{ print $2, $3, $1 }' > counts
	awk -F '\t' '{ print $1, $2, $4 }' found | sort > said
	[ -z "$(comm -23 said <(sort counts))" ]
	# They have no part in the similarity.
	cs-matrix -q profiles.tsv | cs-svd -q | cs-dump --what embedding |
		grep -Fwf known.txt > without
	cs-dump --what embedding emb.bin | grep -Fwf known.txt | cmp - without
}

@test "taking a customer out: no byte of the id is left" {
	sed 's/^1155,/customer-to-forget,/' views.csv |
		cs-aggregate -q -o profiles.tsv
	cs-matrix -q -o matrix.bin profiles.tsv
	cs-svd -q -o emb.bin matrix.bin
	cs-index -q -o indexed.bin emb.bin
	for file in profiles.tsv matrix.bin emb.bin indexed.bin
	do
		grep -q customer-to-forget "$file"
	done
	CUSTOMER=customer-to-forget recipe "TAKING A CUSTOMER OUT"
	for file in profiles.tsv matrix.bin emb.bin indexed.bin
	do
		[ -s "$file" ]
		run ! grep -q customer-to-forget "$file"
	done
}

@test "nginx accepts its lines" {
	need nginx openssl
	openssl req -x509 -newkey rsa:2048 -nodes -days 1 -subj /CN=x \
		-keyout key.pem -out cert.pem 2> /dev/null
	{
		echo "events {} http { access_log off;"
		block "BEHIND A PROXY" | sed "s|/etc/ssl/certs/similar.pem|$PWD/cert.pem|
			s|/etc/ssl/private/similar.key|$PWD/key.pem|"
		echo "}"
	} > nginx.conf
	nginx -t -q -e "$PWD/error.log" -g "pid $PWD/nginx.pid;" \
		-c "$PWD/nginx.conf"
}

@test "cs-scale: services of shards, and who asks merges what they answer" {
	need curl
	head -n 8000 "$ROOT/data/views.csv" > log.csv
	cs-aggregate -q --shards 2 -o parts log.csv
	as='--value sum'
	for _ in 1 2 3
	do
		for shard in 0 1
		do
			# shellcheck disable=SC2086 # two words
			cs-matrix -q --tally $as -o $shard.tally parts/$shard.tsv
		done
		cs-matrix -q --merge -o sum ?.tally && break
		as='--as sum'
	done
	for shard in 0 1
	do
		cs-matrix -q --as sum -o $shard.mat parts/$shard.tsv
	done
	cs-svd -q -k 16 -o models ?.mat
	{
		head -n 1 parts/0.tsv
		printf 'new\t%s\t1\t%s\n' cisco 50501 css 876
	} | cs-matrix -q --as models | cs-project -q -o new.bin models
	cs-knn -q --queries new.bin -n 11 --no-why --no-profiles models |
		awk -F '\t' 'NR > 1 && $3 != 626 && ++n <= 10 { print $3 "," $4 }' \
			> expected
	[ "$(wc -l < expected)" -eq 10 ]
	printf secret > t
	"$PYTHON" "$BATS_TEST_DIRNAME/recipes.py" "$ROOT/src/man/cs-scale.7" \
		"Answers from shards" > shown
	PYTHONPATH=$ROOT/tests "$PYTHON" - > found <<-'END'
	from service import *
	import shlex
	starts = re.findall(r"^(node-.)\$ cs-serve (.*)$", open("shown").read(), re.M)
	assert len(starts) == 2, starts
	nodes = {name: Service(*shlex.split(words)) for name, words in starts}
	at = " ".join(f"--connect-to {name}:5000:127.0.0.1:{node.port}"
	              for name, node in nodes.items())
	found = run(f'curl() {{ command curl {at} "$@"; }}; token=secret\n' +
	            re.sub("^node-.*\n", "", open("shown").read(), flags=re.M))
	for node in nodes.values():
	    assert node.end() == 0
	print(found.decode(), end="")
	END
	cut -d , -f 1,2 found | diff expected -
}
