# Profiles and neighbours, read by programs that know TSV, without a word to
# them but the delimiter and that there is a header.

load ../helper

setup_file() {
	cd "$BATS_FILE_TMPDIR" || return
	# Names that try a reader: quotes, commas, backslashes, a tab, a newline,
	# what looks like a number, a date, nothing, or a comment.
	printf '%s\n' user,tag,value \
		'007,"say ""hi"", you",1.50' '7,"say ""hi"", you",2' \
		'"a\b",c++,3' 'NULL,c++,-4' '#x,c++,5' '2020-01-01,é😀,6' \
		'"tab	here","new' 'line",7' ' blank ,c++,8' "o'neil,c++,9" \
		'1e5,c++,10' '100000,c++,11' 'NaN,é😀,12' > hostile.csv
	cs-aggregate -q -o hostile.tsv hostile.csv
	cs-aggregate -q -o views.tsv "$ROOT/data/views.csv"
	cs-matrix --weight none hostile.tsv | cs-svd -q -o hostile.bin
	cs-matrix views.tsv | cs-svd -q -o views.bin
	cs-knn -q --all -n 3 -o hostile.knn hostile.bin
	cs-knn -q --all -n 3 -o views.knn views.bin
}

setup() {
	cd "$BATS_FILE_TMPDIR" || return
}

# Rows and the sum of a column of a file, by awk.
facts() {
	awk -F '\t' -v c="$2" 'NR > 1 { n++; s += $c }
		END { printf "%d %.3f\n", n, s }' "$1"
}

# The columns of text, as they stand in the file: names, and the reasons.
texts() {
	case $1 in
	*.tsv) cut -f 1,2 "$1" ;;
	*) cut -f 1,3,5 "$1" ;;
	esac | tail -n +2
}

@test "Miller" {
	need mlr
	for file in hostile.tsv views.tsv
	do
		column=$(head -n 1 $file | cut -f 4)
		mlr --itsv --onidx --ofs ' ' stats1 -a count,sum -f "$column" \
			$file | awk '{ printf "%d %.3f\n", $1, $2 }' |
			diff - <(facts $file 4)
		# Every name goes there and back.
		mlr --tsv cat $file | cut -f 1,2 | diff - <(cut -f 1,2 $file)
	done
	for file in hostile.knn views.knn
	do
		mlr --itsv --onidx --ofs ' ' stats1 -a count,sum -f similarity \
			$file | awk '{ printf "%d %.3f\n", $1, $2 }' |
			diff - <(facts $file 4)
		mlr --tsv cut -f query,neighbour,why $file | tail -n +2 |
			diff - <(texts $file)
	done
}

@test "DuckDB" {
	need node
	[ -d "${NODE_MODULES:-}/node_modules/@duckdb" ] ||
		skip "DuckDB is not installed"
	cat > read.mjs <<-'END'
	import { createRequire } from "node:module";
	import { writeFileSync } from "node:fs";
	const require = createRequire(`${process.env.NODE_MODULES}/`);
	const { DuckDBInstance } = require("@duckdb/node-api");
	const db = await (await DuckDBInstance.create(":memory:")).connect();
	for (const [file, column] of [["hostile.tsv", "value"],
			["views.tsv", "view_time_seconds"],
			["hostile.knn", "similarity"], ["views.knn", "similarity"]]) {
		const found = await db.runAndReadAll(
			`SELECT count(*), sum(${column}) FROM
			 read_csv('${file}', delim = '\t', header = true)`);
		const [rows, sum] = found.getRows()[0];
		console.log(file, Number(rows), Number(sum.toString()).toFixed(3));
		const all = await db.runAndReadAll(
			`SELECT * FROM read_csv('${file}', delim = '\t', header = true)`);
		const texts = file.endsWith(".tsv") ? [0, 1] : [0, 2, 4];
		writeFileSync(`${file}.texts`, all.getRows().map(row =>
			texts.map(i => `${row[i]}`).join("\t") + "\n").join(""));
	}
	process.exit(0);
	END
	node read.mjs > found
	for file in hostile.tsv views.tsv hostile.knn views.knn
	do
		echo "$file $(facts $file 4)"
	done | diff found -
	for file in hostile.tsv views.tsv hostile.knn views.knn
	do
		diff $file.texts <(texts $file)
	done
}

@test "pandas" {
	need pandas
	for file in hostile.tsv views.tsv hostile.knn views.knn
	do
		"$PYTHON" -c '
import sys, pandas
table = pandas.read_csv(sys.argv[1], delimiter="\t")
print(len(table), f"{table.iloc[:, 3].sum():.3f}")
texts = [0, 1] if sys.argv[1].endswith(".tsv") else [0, 2, 4]
with open("texts", "w") as out:
    # NULL and NaN are no names to pandas, unless it is told.
    for row in table.iloc[:, texts].itertuples(index=False):
        out.write("\t".join("?" if pandas.isna(x) else str(x)
                            for x in row) + "\n")' $file |
			diff - <(facts $file 4)
		texts $file | awk -F '\t' -v OFS='\t' '{
			for (i = 1; i <= NF; i++)
				if ($i == "NULL" || $i == "NaN") $i = "?"
			print }' | diff texts -
	done
}

@test "SQLite" {
	need sqlite3
	for file in hostile.tsv views.tsv hostile.knn views.knn
	do
		column=$(head -n 1 $file | cut -f 4)
		sqlite3 :memory: '.mode tabs' ".import $file t" \
			"SELECT count(*), printf('%.3f', sum(\"$column\")) FROM t" |
			tr '\t' ' ' | diff - <(facts $file 4)
		sqlite3 :memory: '.mode tabs' ".import $file t" \
			'SELECT * FROM t' > all
		{ head -n 1 $file; cat all; } > "copy.$file"
		texts "copy.$file" | diff - <(texts $file)
	done
}

@test "names that begin with a quote, by readers told that quotes mean nothing" {
	need mlr pandas sqlite3
	printf '%s\n' user,tag,value '"""q",a,1' 'z,"""t",2' \
		'z2,"""u"" v",3' | cs-aggregate -q > quotes.tsv
	texts quotes.tsv > expected
	[ "$(wc -l < expected)" -eq 3 ]
	mlr --tsv cat quotes.tsv | cut -f 1,2 | tail -n +2 | diff - expected
	"$PYTHON" -c '
import pandas
table = pandas.read_csv("quotes.tsv", delimiter="\t", quoting=3)
for row in table.itertuples():
    print(row[1], row[2], sep="\t")' | diff - expected
	sqlite3 :memory: '.mode ascii' '.separator "\t" "\n"' \
		'.import quotes.tsv t' '.mode list' '.separator "\t"' \
		'SELECT user, tag FROM t' | diff - expected
}

@test "PostgreSQL, and its own text for every name" {
	local bin
	bin=$(ls -d /usr/lib/postgresql/*/bin 2> /dev/null | tail -n 1)
	[ -n "$bin" ] || skip "PostgreSQL is not installed"
	[ "$(id -u)" -eq 0 ] || skip "starting PostgreSQL as its user takes root"
	chmod a+rx "$BATS_RUN_TMPDIR" "$BATS_FILE_TMPDIR" "$BATS_FILE_TMPDIR/.." \
		2> /dev/null || true
	home=$(mktemp -d /tmp/postgres.XXXXXX)
	cp ./*.tsv ./*.knn "$home"
	chown -R postgres "$home"
	as="setpriv --reuid postgres --regid postgres --init-groups env LC_ALL=C HOME=$home"
	$as "$bin/initdb" -D "$home/data" > init.log 2>&1
	$as "$bin/pg_ctl" -w -D "$home/data" -l "$home/log" \
		-o "-k $home -c listen_addresses=''" start > /dev/null 2>&1
	sql() {
		$as "$bin/psql" -qAt -F ' ' -v ON_ERROR_STOP=1 -h "$home" postgres "$@"
	}
	status=0
	{
		for file in hostile.tsv views.tsv
		do
			sql -c 'DROP TABLE IF EXISTS t' -c 'CREATE TABLE t
				(u text, t text, events bigint, value numeric)' \
				-c "\\copy t FROM '$home/$file' (FORMAT text, HEADER true)" \
				-c 'SELECT count(*), round(sum(value), 3) FROM t' |
				diff - <(facts $file 4)
			# It writes the same bytes of each name.
			sql -c '\copy (SELECT u, t FROM t ORDER BY u COLLATE "C", t COLLATE "C") TO STDOUT' |
				sort | diff - <(tail -n +2 $file | cut -f 1,2 | sort)
		done
		for file in hostile.knn views.knn
		do
			sql -c 'DROP TABLE IF EXISTS t' -c 'CREATE TABLE t
				(query text, rank int, neighbour text,
				 similarity float8, why text)' \
				-c "\\copy t FROM '$home/$file' (FORMAT text, HEADER true)" \
				-c 'SELECT count(*), round(sum(similarity)::numeric, 3) FROM t' |
				diff - <(facts $file 4)
		done
	} || status=$?
	$as "$bin/pg_ctl" -D "$home/data" -m immediate stop > /dev/null 2>&1
	rm -rf "$home"
	[ "$status" -eq 0 ]
}
