# Read by every stage.  DIR is where all is kept, SHARDS how many there are,
# and TASK which of an array this is: a log, or a shard, from 0.
# shellcheck shell=bash disable=SC2034
set -euo pipefail
TASK=${TASK:-${SLURM_ARRAY_TASK_ID:-0}}

# The name of shard $1: as many digits as the last one has.
shard_name() {
	local last=$((SHARDS - 1))
	printf '%0*d' ${#last} "$1"
}
shard=$(shard_name "$TASK")

# What the job may use: threads, and half of its memory for tables.
threads=${SLURM_CPUS_PER_TASK:-${SLURM_CPUS_ON_NODE:-$(nproc)}}
memory=${SLURM_MEM_PER_NODE:+$((SLURM_MEM_PER_NODE / 2))M}

# End at once where one of the outputs is there: the task was done before.
# Where CHECK is set nothing is run: status 1 says that the task is not done.
done_already() {
	local output
	for output
	do
		[ ! -e "$output" ] || exit 0
	done
	[ -z "${CHECK:-}" ] || exit 1
}

# Where a task of a node that was given up goes on, and another copy of it was
# first: a directory that is there is whole, and a program refuses to write it
# again.
or_there() {
	local status=$?
	[ -e "$1" ] || exit "$status"
	echo "$1: another copy of this task has made it" >&2
}
