# Events out of PostgreSQL and SQLite, and neighbours and embeddings into them:
# the same as by way of files.

load ../helper

setup_file() {
	export ROWS=${ROWS:-1000000}
	cd "$BATS_FILE_TMPDIR" || return
	"$GENERATE" --customers 20000 --events "$ROWS" --courses 500 > events.csv
	# Names with all that could break out of where they stand.
	{
		echo 'customer,tag,value'
		printf '"a	tab","quote "" and \\",1\n'
		printf '"a	tab",plain,2\n"back\\slash",plain,3\n'
		printf '"line\nbreak",plain,1\n"line\nbreak","quote "" and \\",1\n'
		printf '\\.,plain,2\n\\N,plain,2\n"o'\''brien; drop table t",plain,9\n'
		printf 'Ünï,plain,1\nÜnï,"quote "" and \\",4\n'
		# A tag that sets them apart: who has no signal has no neighbours.
		printf '\\.,rare,1\n\\N,rare,1\n"back\\slash",rare,2\n'
		printf '"o'\''brien; drop table t",rare,2\n'
	} > hostile.csv
	begin_postgres
}

teardown_file() {
	[ -z "${PG_HOME:-}" ] || {
		$PG_AS "$PG_BIN/pg_ctl" -D "$PG_HOME/data" -m immediate stop
		rm -rf "$PG_HOME"
	} > /dev/null 2>&1
}

# A PostgreSQL of our own, reached by a socket alone.
begin_postgres() {
	PG_BIN=$(ls -d /usr/lib/postgresql/*/bin 2> /dev/null | tail -n 1)
	[ -n "$PG_BIN" ] && [ "$(id -u)" -eq 0 ] || return 0
	PG_HOME=$(mktemp -d /tmp/postgres.XXXXXX)
	chown postgres "$PG_HOME"
	PG_AS="setpriv --reuid postgres --regid postgres --init-groups env LC_ALL=C HOME=$PG_HOME"
	$PG_AS "$PG_BIN/initdb" -E UTF8 -A trust -D "$PG_HOME/data" \
		> init.log 2>&1
	$PG_AS "$PG_BIN/pg_ctl" -w -D "$PG_HOME/data" -l "$PG_HOME/log" \
		-o "-k $PG_HOME -c listen_addresses=''" start > /dev/null 2>&1
	PG_URL="postgresql:///postgres?host=$PG_HOME&user=postgres"
	export PG_BIN PG_HOME PG_AS PG_URL
	sql -c 'CREATE TABLE events (user_handle int, view_time_seconds int,
		course_id int, level text, course_tag text)' > /dev/null 2>&1 || true
}

sql() {
	"$PG_BIN/psql" -X -qAt -v ON_ERROR_STOP=1 -d "$PG_URL" "$@"
}

need_postgres() {
	[ -n "${PG_HOME:-}" ] || skip "PostgreSQL is not installed, or this is not root"
	PATH=$PG_BIN:$PATH
}

setup() {
	cd "$BATS_FILE_TMPDIR" || return
}

# make in the checkout, of a model here.
database() {
	make --no-print-directory -s -C "$ROOT" MODEL="$PWD/model" BIN="$BIN" \
		BUILD="$BUILD" -o all -o "$BIN/cs-aggregate" -o "$BIN/cs-matrix" \
		-o "$BIN/cs-svd" -o "$BIN/cs-knn" -o "$BIN/cs-dump" "$@"
}

# The way by files: expected.bin, expected.tsv without its header, and
# expected.emb.
by_files() {
	cs-aggregate -q -o expected.profiles "$@"
	cs-matrix expected.profiles | cs-svd -q -o expected.bin
	cs-knn -q --all -n 10 --no-why expected.bin | sed 1d > expected.tsv
	cs-dump --what embedding expected.bin | sed 1d > expected.emb
}

@test "PostgreSQL: a million events, the result of files" {
	need_postgres
	by_files -u user_handle -t course_id -v view_time_seconds events.csv
	sql -c 'DROP TABLE events' -c "CREATE TABLE events (
		$(head -n 1 events.csv | sed 's/,/ text, /g') text)"
	sql -c '\copy events FROM events.csv CSV HEADER'
	[ "$(sql -c 'SELECT count(*) FROM events')" -eq "$ROWS" ]
	database database DATABASE_URL="$PG_URL" \
		AGGREGATE='-q -u user_handle -t course_id -v view_time_seconds' \
		2> said || { cat said; false; }
	cmp model/emb.bin expected.bin
	sql -c 'COPY (SELECT query, rank, neighbour FROM similar_customers
		ORDER BY query COLLATE "C", rank) TO STDOUT' |
		cmp - <(cut -f 1-3 expected.tsv)
	# Numbers read back as the same floats.
	sql -c 'COPY (SELECT similarity FROM similar_customers
		ORDER BY query COLLATE "C", rank) TO STDOUT' > similarities
	sql -c 'COPY (SELECT customer, array_to_string(embedding, chr(9))
		FROM customer_embeddings ORDER BY customer COLLATE "C")
		TO STDOUT' | sed 's/\\t/\t/g' > embeddings
	"$PYTHON" - <<-'END'
	import numpy
	a = numpy.array([float(x) for x in open("similarities")], "f4")
	b = numpy.array([float(x.split("\t")[3]) for x in open("expected.tsv")],
	                "f4")
	assert len(a) == len(b) and (a == b).all()
	read = lambda p: numpy.array([[float(x) for x in l.split("\t")[1:]]
	                              for l in open(p)], "f4")
	a, b = read("embeddings"), read("expected.emb")
	assert a.shape == b.shape and (a == b).all()
	END
}

@test "PostgreSQL: names of any kind, twice, in a schema, or nothing" {
	need_postgres
	by_files -u customer -t tag -v value hostile.csv
	sql -c 'DROP TABLE IF EXISTS "Log; x"' -c 'CREATE TABLE "Log; x"
		(customer text, tag text, value numeric)' \
		-c '\copy "Log; x" FROM hostile.csv CSV HEADER' \
		-c 'CREATE SCHEMA IF NOT EXISTS "Out"'
	for _ in 1 2
	do
		database database DATABASE_URL="$PG_URL" \
			QUERY='SELECT * FROM "Log; x" -- all of it
				;' NEIGHBOURS='Out.similar "ones"; --' \
			EMBEDDINGS=Out.vectors 2> said || { cat said; false; }
		sql -c 'COPY (SELECT query, rank, neighbour
			FROM "Out"."similar ""ones""; --"
			ORDER BY query COLLATE "C", rank) TO STDOUT' |
			cmp - <(cut -f 1-3 expected.tsv)
		sql -c 'COPY (SELECT customer FROM "Out".vectors
			ORDER BY customer COLLATE "C") TO STDOUT' |
			LC_ALL=C sort | cmp - <(cut -f 1 expected.emb | LC_ALL=C sort)
	done
	# A failure leaves both tables as they were.
	sql -c 'ALTER TABLE "Out".vectors ADD CHECK (false) NOT VALID'
	run ! database to-database DATABASE_URL="$PG_URL" \
		NEIGHBOURS='Out.similar "ones"; --' EMBEDDINGS=Out.vectors N=1
	[ "$(sql -c 'SELECT count(*) FROM "Out"."similar ""ones""; --"')" -eq \
		"$(wc -l < expected.tsv)" ]
	cmp model/emb.bin expected.bin
	run ! database from-database DATABASE_URL="$PG_URL" QUERY='SELECT nonsense'
	[[ "$output" == *nonsense* ]]
	cmp model/emb.bin expected.bin
}

@test "PostgreSQL: vectors where there is their type, arrays where they were before" {
	need_postgres
	sql -c 'CREATE DATABASE vectors' -c 'CREATE DATABASE arrays'
	by_files -u customer -t tag -v value hostile.csv
	in=${PG_URL/\/postgres\?//vectors?} of=${PG_URL/\/postgres\?//arrays?}
	local found=()
	# Where the extension cannot be had, what is written as it is.
	PG_URL=$in sql -c 'CREATE EXTENSION vector' 2> said ||
		PG_URL=$in sql -c "CREATE DOMAIN vector AS text
			CHECK (VALUE ~ '^\[[^]]*\]\$')"
	for url in "$in" "$of"
	do
		found+=("found.$((${#found[@]} + 1))")
		PG_URL=$url sql -c 'CREATE TABLE events
			(customer text, tag text, value numeric)' \
			-c '\copy events FROM hostile.csv CSV HEADER'
		database database DATABASE_URL="$url"
		# The type arrives later: the table is what it was.
		[ "$url" = "$in" ] || PG_URL=$url sql -c 'CREATE DOMAIN vector AS text'
		database to-database DATABASE_URL="$url"
		PG_URL=$url sql -c 'COPY (SELECT customer,
			translate(embedding::text, $$[]{}$$, $$$$)
			FROM customer_embeddings ORDER BY customer COLLATE "C")
			TO STDOUT' |
			awk -F '\t' '{ n = split($2, x, ","); printf "%s", $1
				for (i = 1; i <= n; i++) printf "\t%.6g", x[i]
				print "" }' > "${found[-1]}"
	done
	[ "$(PG_URL=$in sql -c 'SELECT pg_typeof(embedding)
		FROM customer_embeddings LIMIT 1')" = vector ]
	diff "${found[@]}"
	[ "$(wc -l < found.1)" -eq "$(wc -l < expected.emb)" ]
}

@test "PostgreSQL: what is NULL is told of, or set aside" {
	need_postgres
	sql -c 'DROP TABLE IF EXISTS nulls' -c 'CREATE TABLE nulls
		(customer text, tag text, value numeric)' \
		-c "INSERT INTO nulls SELECT c, t, 1 + c % 3 FROM
			generate_series(1, 9) c, generate_series(1, 4) t
			WHERE (c + t) % 3 > 0" \
		-c "INSERT INTO nulls VALUES (NULL, 'a', 1), ('x', NULL, 1),
			('x', 'a', NULL)"
	rm -rf model
	run ! database from-database DATABASE_URL="$PG_URL" \
		QUERY='SELECT * FROM nulls'
	[[ "$output" == *"customer is empty"* ]]
	[ ! -e model/emb.bin ]
	database from-database DATABASE_URL="$PG_URL" \
		QUERY='SELECT * FROM nulls' AGGREGATE="--rejects $PWD/rejected" \
		2> said || { cat said; false; }
	[ -s model/emb.bin ]
	[ -s rejected.why ]
}

@test "a client that is missing, or fails on the way; a password" {
	mkdir -p stub model
	cp "$BATS_TEST_FILENAME" model/profiles.tsv
	cp model/profiles.tsv before
	cat > stub/psql <<-'END'
		#!/bin/bash
		printf '%s\n' "$@" "$PGPASSWORD" > "$SAID"
		printf 'customer,tag,value\n1,a,1\n2,a,1\n'
		exit 1
	END
	chmod +x stub/psql
	export SAID=$PWD/psql.said
	# By the environment, too, as such a URL is often there.
	DATABASE_URL='postgresql://me:p%40ss%5C@nowhere.invalid/shop' \
		PATH=$PWD/stub:$PATH run ! database from-database
	grep -qx 'postgresql://me@nowhere.invalid/shop' psql.said
	[ "$(tail -n 1 psql.said)" = 'p@ss\' ]
	cmp model/profiles.tsv before
	mkdir -p bare
	for tool in bash awk sed cat make mkdir mv rm stat grep cut
	do
		ln -sf "$(command -v "$tool")" bare/
	done
	for url in postgresql://nowhere.invalid/x "sqlite:$PWD/any.db"
	do
		touch any.db
		PATH=$PWD/bare run ! database from-database DATABASE_URL="$url"
		[[ "$output" == *" is not installed"* ]]
		cmp model/profiles.tsv before
	done
}

@test "make serve serves what came from a database" {
	need sqlite3
	rm -rf model served.db
	printf 'customer,tag,value\n' > served.csv
	for i in 1 2 3 4 5 6 7
	do
		printf 'c%d,t%d,1\nc%d,t%d,2\n' $i $((i % 3)) $i $((i % 2 + 5))
	done >> served.csv
	sqlite3 served.db '.import --csv served.csv events'
	database from-database DATABASE_URL="sqlite:$PWD/served.db" 2> said ||
		{ cat said; false; }
	cp model/emb.bin before
	# The program itself is served with in pipelines.bats.
	mkdir -p programs
	ln -sf "$BIN"/* programs/
	rm programs/cs-serve
	printf '#!/bin/sh\necho "$@"\n' > programs/cs-serve
	chmod +x programs/cs-serve
	BIN=$PWD/programs
	served=$(database serve -o "$BIN/cs-serve" PORT=5099 SERVE=--log)
	[ "$served" = "-p 5099 --log --report $PWD/model/report.json $PWD/model/emb.bin" ]
	cmp model/emb.bin before
	# A log that is named is trained on.
	database serve -o "$BIN/cs-serve" VIEWS="$PWD/served.csv" AGGREGATE=-q
	[ -s model/.matrix ]
}

@test "SQLite: the same" {
	need sqlite3
	by_files -u user_handle -t course_id -v view_time_seconds events.csv
	rm -f log.db
	sqlite3 log.db '.import --csv events.csv events'
	database database DATABASE_URL="sqlite:$PWD/log.db" \
		AGGREGATE='-q -u user_handle -t course_id -v view_time_seconds' \
		2> said || { cat said; false; }
	cmp model/emb.bin expected.bin
	sqlite3 -separator $'\t' log.db 'SELECT query, rank, neighbour
		FROM similar_customers ORDER BY query, rank' |
		cmp - <(cut -f 1-3 expected.tsv)
	[ "$(sqlite3 log.db 'SELECT count(*) FROM customer_embeddings')" -eq \
		"$(wc -l < expected.emb)" ]
	"$PYTHON" - <<-'END'
	import json, sqlite3, numpy
	found = dict(sqlite3.connect("log.db").execute(
	    "SELECT customer, embedding FROM customer_embeddings"))
	for line in open("expected.emb"):
	    name, *numbers = line.rstrip("\n").split("\t")
	    assert json.loads(found[name]) == [float(x) for x in numbers], name
	END
}

@test "SQLite: names of any kind, twice, or nothing" {
	need sqlite3
	by_files -u customer -t tag -v value hostile.csv
	rm -f names.db
	sqlite3 names.db '.import --csv hostile.csv "Log; x"'
	# A person's own settings change nothing.
	export HOME=$PWD
	printf '.mode box\n.headers off\n' > .sqliterc
	for _ in 1 2
	do
		database database DATABASE_URL="sqlite:$PWD/names.db" \
			QUERY='SELECT * FROM "Log; x";' NEIGHBOURS='similar "ones"; --' \
			2> said || { cat said; false; }
	done
	"$PYTHON" - <<-'END'
	import re, sqlite3
	back = {"t": "\t", "n": "\n", "r": "\r", "\\": "\\"}
	plain = lambda s: re.sub(r"\\(.)", lambda m: back[m[1]], s)
	rows = [(plain(q), int(r), plain(n)) for q, r, n, s in
	        (l.rstrip("\n").split("\t") for l in open("expected.tsv"))]
	found = sqlite3.connect("names.db").execute(
	    'SELECT query, rank, neighbour FROM "similar ""ones""; --"').fetchall()
	assert sorted(found) == sorted(rows), (found, rows)
	assert {q for q, _, _ in rows} >= {"line\nbreak", "back\\slash", "a\ttab"}
	END
	run ! database from-database DATABASE_URL="sqlite:$PWD/names.db" \
		QUERY='SELECT nonsense'
	run ! database from-database DATABASE_URL="sqlite:$PWD/absent.db"
	[[ "$output" == *"no such database"* ]]
	[ ! -e absent.db ]
	# A database that another writes to is waited for.
	sqlite3 -init /dev/null names.db <<-'END' &
		BEGIN IMMEDIATE;
		.shell sleep 1
		COMMIT;
	END
	sleep 0.3
	database to-database DATABASE_URL="sqlite:$PWD/names.db" \
		NEIGHBOURS='similar "ones"; --' 2> said || { cat said; false; }
	wait
	run ! database to-database DATABASE_URL="sqlite:$PWD/names.db" \
		NEIGHBOURS='customer_embeddings'
	[ "$(sqlite3 names.db 'SELECT count(*) FROM "similar ""ones""; --"')" \
		-eq "$(wc -l < expected.tsv)" ]
	run ! database to-database DATABASE_URL=mysql://x
	[[ "$output" == *"expected postgresql://"* ]]
}
