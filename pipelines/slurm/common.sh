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

# End at once where the output is there: the stage was done before.
done_already() {
	[ ! -e "$1" ] || exit 0
}
