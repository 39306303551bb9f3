# Read by submit and by pipelines/hostfile/run: what begins a directory DIR of
# SHARDS, or goes on with it.
# shellcheck shell=bash

# need PROGRAM COMMAND: where the program is not here, say what brings it.
need() {
	command -v "$1" > /dev/null || {
		echo "${0##*/}: $1 is not here: $2" >&2
		exit 2
	}
}

# keep NAME WHAT: standard input says of what outputs are made.  What DIR/NAME
# has of an earlier command must be the same: what is there is not made again.
keep() {
	cat > "$DIR/$1.new"
	if [ -e "$DIR/$1" ] && ! cmp -s "$DIR/$1" "$DIR/$1.new"
	then
		echo "${0##*/}: $DIR was begun with other $2:" >&2
		diff "$DIR/$1" "$DIR/$1.new" >&2 || true
		rm "$DIR/$1.new"
		exit 2
	fi
	mv "$DIR/$1.new" "$DIR/$1"
}

# begin LOG...: make DIR, with a list of the logs in DIR/logs; QUERIES becomes a
# path that all tasks reach.
begin() {
	local log
	[[ "$SHARDS" =~ ^[1-9][0-9]{0,2}$ ]] && [ "$SHARDS" -le 512 ] || {
		echo "${0##*/}: $SHARDS shards: expected a number from 1 to 512" >&2
		exit 2
	}
	for log
	do
		[ -f "$log" ] || {
			echo "${0##*/}: $log: no such file" >&2
			exit 2
		}
	done
	if [ "$SHARDS" -gt 1 ]
	then
		need cs-svd-mpi "sudo apt-get install libopenmpi-dev openmpi-bin; make"
	fi
	mkdir -p "$DIR/parts" "$DIR/shards" "$DIR/tally" "$DIR/matrix" \
		"$DIR/neighbours" "$DIR/log"
	for log
	do
		realpath -e -- "$log"
	done > "$DIR/logs.new"
	{
		cat "$DIR/logs.new"
		echo "$SHARDS" "${AGGREGATE:-}" / "${MATRIX:-}" / "${SVD:-}"
	} | keep settings "logs or options"
	mv "$DIR/logs.new" "$DIR/logs"
	[ -z "${INDEX:-}" ] || echo "$INDEX" |
		keep settings.index "INDEX (remove indexed and settings.index there)"
	[ -n "${QUERIES:-}" ] || return 0
	QUERIES=$(realpath -e -- "$QUERIES")
	export QUERIES
	{
		echo "${KNN:-} / ${NEAREST:-} / ${INDEX:-}"
		cat -- "$QUERIES"
	} | keep settings.search "QUERIES or options of the search (remove \
queries.bin, neighbours, neighbours.tsv and settings.search there)"
}
