# The stages of pipelines/slurm on a cluster of two nodes on this machine:
# whatever happens to nodes, processes and files, a named error or recovery, and
# in the end the bytes that one process makes without a cluster.

load ../helper

setup_file() {
	local missing=
	for program in munged slurmctld slurmd sbatch mpirun
	do
		command -v $program > /dev/null || missing="$missing $program"
	done
	[ -x "$BIN/cs-svd-mpi" ] || missing="$missing cs-svd-mpi"
	export missing
	[ -z "$missing" ] || return 0
	export CLUSTER=$BATS_FILE_TMPDIR/cluster
	export CONTROL=$ROOT/tests/cluster/control
	export SLURM_CONF=$CLUSTER/slurm.conf
	export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
	export OMPI_MCA_btl_tcp_if_include=lo OMPI_MCA_oob_tcp_if_include=lo
	export SVD='-k 16' MEMORY=400
	"$CONTROL" start "$CLUSTER" < /dev/null > "$BATS_FILE_TMPDIR/start" 2>&1 3>&-
	cd "$BATS_FILE_TMPDIR" || return
	head -n 16001 "$ROOT/data/views.csv" > a.csv
	{ head -n 1 "$ROOT/data/views.csv"; tail -n +16002 "$ROOT/data/views.csv"; } > b.csv
	sed 1d a.csv | cut -d , -f 1 | sort -u | sed -n 1,40p > asked
	make_expected
}

# What a test that fails leaves of jobs and nodes is not the next one's.
teardown() {
	umount "$work/matrix" 2> /dev/null || true
	[ -z "$missing$BATS_TEST_COMPLETED" ] || return 0
	tail -n 20 "$CLUSTER"/slurm*.log
	"$CONTROL" restore "$CLUSTER" 3>&-
}

teardown_file() {
	[ -n "$missing" ] || "$CONTROL" stop "$CLUSTER"
}

# The same without a cluster.
make_expected() {
	local shard as=
	mkdir -p expected/matrix
	cs-aggregate -q --shards 3 -o expected/shards a.csv b.csv
	for _ in 1 2 3
	do
		for shard in 0 1 2
		do
			# shellcheck disable=SC2086 # two words
			cs-matrix -q --tally $as -o expected/$shard.tally \
				expected/shards/$shard.tsv
		done
		cs-matrix --merge -o expected/sum expected/?.tally && break
		as='--as expected/sum'
	done
	for shard in 0 1 2
	do
		cs-matrix -q --as expected/sum -o expected/matrix/$shard.mat \
			expected/shards/$shard.tsv
	done
	cs-svd -q -k 16 -o expected/models expected/matrix/?.mat
}

setup() {
	[ -z "$missing" ] || skip "not installed:$missing"
	cd "$BATS_FILE_TMPDIR" || return
	pipeline=$ROOT/pipelines
	work=$BATS_TEST_TMPDIR/work
	# Programs that a test puts in place of others.
	mkdir -p "$BATS_TEST_TMPDIR/bin"
	export PATH=$BATS_TEST_TMPDIR/bin:$PATH
}

submit() {
	"$pipeline/slurm/submit" "$work" 3 2 a.csv b.csv > job
}

# Wait until a command succeeds, at most $LIMIT seconds.
wait_for() {
	local begun=$SECONDS
	until "$@" > /dev/null 2>&1
	do
		[ $((SECONDS - begun)) -lt "${LIMIT:-120}" ] || {
			echo "waited in vain: $*"
			squeue
			"$pipeline/slurm/status" "$work" || true
			return 1
		}
		sleep 0.2
	done
}

# Wait until the last stage is done or can never be.
await_end() {
	LIMIT=300 wait_for no_jobs
}
no_jobs() {
	local jobs
	jobs=$(squeue -h -o %i) && [ -z "$jobs" ]
}

same_models() {
	diff -r expected/models "$work/models"
	diff -r expected/shards "$work/shards"
	# Nothing else is left of what was killed.
	run find "$work" -name '*.cs-*'
	[ -z "$output" ] || { echo "$output"; return 1; }
}

# The job of a stage, and what is so of it: it runs (on a node); it has ended.
job_of() {
	sed -n "s/^$1 //p" "$work/jobs"
}
runs() {
	[ -n "$(squeue -h -j "$(job_of "$1")" ${2:+-w $2} -t R -o %T)" ]
}
has_ended() {
	local tasks
	tasks=$(squeue -h -j "$(job_of "$1")" -o %T) && [ -z "$tasks" ]
}

# Put programs in place of others that begin only when the test lets the stage
# go on, so that something can happen while it runs.
hold() {
	local program stage
	for program
	do
		stage='$SLURM_JOB_NAME'
		# Of a rank that is the name of what started it.
		[ $program != cs-svd-mpi ] || stage=svd
		cat > "$BATS_TEST_TMPDIR/bin/$program" <<-END
		#!/bin/sh
		until [ -e "$BATS_TEST_TMPDIR/go.$stage" ]; do sleep 0.1; done
		exec $BIN/$program "\$@"
		END
		chmod +x "$BATS_TEST_TMPDIR/bin/$program"
	done
}
let_go() {
	local stage
	for stage
	do
		touch "$BATS_TEST_TMPDIR/go.$stage"
	done
}

# The processes of cs-svd-mpi that are held.
ranks() {
	pgrep -f "sh .*/bin/cs-svd-mpi .*$work"
}
ranks_begin() {
	[ "$(ranks | wc -l)" -ge "$1" ]
}

@test "the chain: the bytes of one process; again, nothing is done; neighbours" {
	INDEX=12 QUERIES=$PWD/asked NEAREST=10 KNN='-n 10 --no-why --no-profiles' submit
	await_end
	"$pipeline/slurm/status" "$work" > said || { cat said; false; }
	grep -q '^svd: 1 of 1; done' said
	same_models
	cp -r "$work" finished
	cs-knn -q -n 10 --no-why --no-profiles --users asked expected/models/?.bin |
		grep -v '^#' | cut -f 1-3 > expected.near
	grep -v '^#' "$work/neighbours.tsv" | cut -f 1-3 | diff expected.near -
	# By the index, all cells or most: the same centroids in all shards.
	cs-dump --check "$work/indexed/2.bin" | grep "index.cells 12"
	for recall in 1 .99
	do
		cs-knn -q --users asked --metric embedding --no-why --recall $recall \
			"$work/indexed" | cut -f 1,3 | sort > by-index.$recall
	done
	cs-knn -q --users asked --metric embedding --no-why expected/models |
		cut -f 1,3 | sort | cmp - by-index.1
	[ "$(comm -12 by-index.1 by-index..99 | wc -l)" -ge 360 ]
	touch later
	submit
	await_end
	[ -z "$(find "$work/models" "$work/matrix" "$work/shards" -newer later)" ]
	run -2 "$pipeline/slurm/submit" "$work" 4 2 a.csv b.csv
	[[ "$output" == *"was begun with other logs or options"* ]]
	INDEX=13 run -2 "$pipeline/slurm/submit" "$work" 3 2 a.csv b.csv
	[[ "$output" == *"was begun with other INDEX "*"< 12"*"> 13"* ]]
	INDEX=12 QUERIES=$PWD/b.csv run -2 "$pipeline/slurm/submit" "$work" 3 2 \
		a.csv b.csv
	[[ "$output" == *"was begun with other QUERIES or options of the search"* ]]
}

@test "what cannot be submitted leaves no job" {
	run -2 "$pipeline/slurm/submit" "$work" 0 2 a.csv
	[ "$output" = "submit: 0 shards: expected a number from 1 to 512" ]
	run -2 "$pipeline/slurm/submit" "$work" 3 2 a.csv no-such.csv
	[ "$output" = "submit: no-such.csv: no such file" ]
	run -255 "$pipeline/slurm/submit" "$work" 3 no-number a.csv
	[[ "$output" == *"not a valid node count"* ]]
	await_end
	[ ! -e "$work/jobs" ]
	[ ! -e "$work/jobs.new" ]
	[ ! -e "$work/matrix/0.mat" ]
	run -2 "$pipeline/slurm/status" "$work"
	[[ "$output" == *": nothing was submitted" ]]
}

@test "a node loses power in each stage" {
	local stage node
	hold cs-aggregate cs-matrix cs-svd-mpi
	# These are as the first round of them.
	let_go tally2 sum2 tally3 sum3
	submit
	for stage in aggregate merge tally1 sum1 matrix svd
	do
		wait_for runs $stage
		# mpirun runs on the first node, and both ranks have to begin.
		[ $stage != svd ] || wait_for ranks_begin 2
		node=$(squeue -h -j "$(job_of $stage)" -t R -o %N | tail -n 1)
		[ $stage != svd ] || node=n2
		"$CONTROL" cut "$CLUSTER" "$node"
		# mpirun finds it; of the others an operator tells, rather than
		# that it is waited for, as in the test of a node that hangs.
		[ $stage = svd ] && sleep 5 ||
			scontrol update nodename="$node" state=down reason=cut
		"$CONTROL" boot "$CLUSTER" "$node" 3>&-
		let_go $stage
	done
	await_end
	same_models
	# By the job itself, or by Slurm where that was the first to see it.
	grep "the job is requeued" "$work"/log/svd.out ||
		scontrol show job "$(job_of svd)" | grep ' Restarts=[1-9]'
}

@test "a rank is killed" {
	hold cs-svd-mpi
	submit
	wait_for ranks_begin 1
	kill -KILL "$(ranks | tail -n 1)"
	let_go svd
	await_end
	same_models
}

@test "a node hangs in an array of tasks" {
	hold cs-aggregate
	submit
	let_go aggregate
	wait_for runs merge n2
	"$CONTROL" hang "$CLUSTER" n2
	wait_for is_down n2
	"$CONTROL" boot "$CLUSTER" n2 3>&-
	let_go merge
	await_end
	same_models
}
is_down() {
	sinfo -h -N -n "$1" -o %T | has down
}

# Nobody runs slurmd on the node: what runs there goes on to its end, and begins
# on another node besides, after SlurmdTimeout.
@test "slurmd is killed and its tasks go on: two copies, whole outputs" {
	# The first copy waits for the second, and that for the first's output.
	cat > "$BATS_TEST_TMPDIR/bin/cs-aggregate" <<-END
	#!/bin/sh
	case "\$*" in
	*b.csv)
		if mkdir "$BATS_TEST_TMPDIR/first" 2> /dev/null
		then
			awaited=$BATS_TEST_TMPDIR/second
		else
			touch "$BATS_TEST_TMPDIR/second"
			awaited=$work/parts/1
		fi
		until [ -e "\$awaited" ]; do sleep 0.2; done ;;
	esac
	exec $BIN/cs-aggregate "\$@"
	END
	chmod +x "$BATS_TEST_TMPDIR/bin/cs-aggregate"
	submit
	# Where nothing else runs: the other node begins the second copy.
	wait_for only_second_runs
	node=$(squeue -h -j "$(job_of aggregate)" -t R -o %N)
	kill -KILL "$(cat "$CLUSTER/slurmd-$node.pid")"
	# The factorization waits for both nodes.
	wait_for has_ended aggregate
	"$CONTROL" boot "$CLUSTER" "$node" 3>&-
	await_end
	same_models
	# Both copies came to their end.
	grep "another copy of this task has made it" "$work"/log/aggregate.?.out
}
only_second_runs() {
	local tasks
	tasks=$(squeue -h -r -j "$(job_of aggregate)" -o '%K %T') &&
		[ "$tasks" = "1 RUNNING" ]
}

@test "a task is out of memory: it ends, and is done with more" {
	printf '#!/bin/sh
	[ "$2" != --merge ] || [ -n "$ENOUGH" ] || exec python3 -c "%s"
	exec %s/cs-aggregate "$@"\n' \
		"b = bytearray(900 << 20); import time; time.sleep(30)" "$BIN" \
		> "$BATS_TEST_TMPDIR/bin/cs-aggregate"
	chmod +x "$BATS_TEST_TMPDIR/bin/cs-aggregate"
	submit
	await_end
	run -2 "$pipeline/slurm/status" "$work"
	[[ "$output" == *"merge: 0 of 3; FAILED"*"$work/log/merge."* ]]
	ENOUGH=1 submit
	await_end
	same_models
}

@test "jobs are cancelled, and slurmctld begins anew" {
	hold cs-aggregate
	submit
	let_go aggregate
	wait_for runs merge
	scancel "$(job_of merge)"
	await_end
	run -2 "$pipeline/slurm/status" "$work"
	[[ "$output" == *"merge: "*"; FAILED"*"svd: 0 of 1; not begun"* ]]
	let_go merge
	hold cs-svd-mpi
	submit
	wait_for runs svd
	kill "$(cat "$CLUSTER/slurmctld.pid")"
	wait_for test ! -e "$CLUSTER/slurmctld.pid"
	slurmctld -f "$SLURM_CONF" 3>&-
	let_go svd
	await_end
	same_models
}

@test "a million events, in a directory whose name has blanks" {
	local shard
	"$GENERATE" -q --customers 40000 --events 1000000 --courses 8000 \
		--columns user_handle,course_id,view_time_seconds -o all.csv
	mkdir -p "the logs" million
	head -n 400001 all.csv > "the logs/1.csv"
	{ head -n 1 all.csv; tail -n +400002 all.csv; } > "the logs/2.csv"
	work="$BATS_TEST_TMPDIR/the work"
	export AGGREGATE='-u 1 -t 2 -v 3' MATRIX='--min-users 3 --value events'
	"$pipeline/slurm/submit" "$work" 3 2 "the logs"/?.csv > job
	await_end
	"$pipeline/slurm/status" "$work"
	# The matrix of the whole, by one process.
	cs-aggregate -q -u 1 -t 2 -v 3 -o million/all.tsv all.csv
	cs-matrix -q --min-users 3 --value events -o million/whole.mat million/all.tsv
	cs-dump --what tags million/whole.mat > million/tags
	for shard in 0 1 2
	do
		cs-dump --what tags "$work/matrix/$shard.mat" | diff million/tags -
		cs-dump --what profiles "$work/matrix/$shard.mat" | sed 1d
	done | LC_ALL=C sort > million/rows
	cs-dump --what profiles million/whole.mat | sed 1d | LC_ALL=C sort |
		cmp - million/rows
	cs-svd -q -k 16 -o million/models "$work"/matrix/?.mat
	diff -r million/models "$work/models"
}

# A chain that is done, as the first that was.
take_done() {
	if [ ! -e finished ]
	then
		submit
		await_end
		cp -r "$work" finished
	else
		cp -r finished "$work"
	fi
}

@test "a full disk under one shard: named, and done when there is room" {
	local sizes
	take_done
	rm -r "$work/models"
	rm "$work"/matrix/*
	sizes=$(du --apparent-size -bc expected/matrix/?.mat | tail -n 1 | cut -f 1)
	mount -t tmpfs -o size=$((sizes * 9 / 10)) cs-test "$work/matrix" 2> said ||
		skip "a small disk cannot be mounted here: $(cat said)"
	submit
	await_end || { umount "$work/matrix"; false; }
	ls -A "$work/matrix" > left
	"$pipeline/slurm/status" "$work" > said || echo $? >> said
	mount -o remount,size=$((sizes * 2)) "$work/matrix"
	submit
	await_end || true
	cp -r "$work/matrix" there
	umount "$work/matrix"
	mv there/* "$work/matrix"
	cat said
	grep -q "^matrix: 2 of 3; FAILED" said
	grep -q "  $work/log/matrix.*: cs-matrix: $work/matrix/.*: No space left on device" said
	[ "$(tail -n 1 said)" = 2 ]
	# Two matrices, and nothing of the third.
	[ "$(grep -c '^[0-2].mat$' left)" -eq 2 ]
	[ "$(wc -l < left)" -eq 2 ]
	same_models
}

@test "a damaged and a missing shard are named, and made anew" {
	take_done
	rm -r "$work/models"
	truncate -s 5000 "$work/matrix/1.mat"
	submit
	await_end
	run -2 "$pipeline/slurm/status" "$work"
	[[ "$output" == *"svd: 0 of 1; FAILED"* ]]
	[[ "$(cat "$work"/log/svd.out)" == *"cs-svd: $work/matrix/1.mat: "* ]]
	rm "$work/matrix/1.mat"
	submit
	await_end
	same_models
	# A directory in the place of a matrix.
	rm -r "$work/models"
	rm "$work/matrix/2.mat"
	mkdir "$work/matrix/2.mat"
	submit
	await_end
	[ ! -e "$work/models" ]
	rmdir "$work/matrix/2.mat"
	submit
	await_end
	same_models
}

@test "without Slurm: the hosts of a file" {
	need parallel
	# Names with blanks.
	work="$work here"
	printf 'localhost slots=2\n' > 'the hosts'
	cat > "$BATS_TEST_TMPDIR/bin/not-ssh" <<-'END'
	#!/bin/sh
	# What ssh would run on another host, here.  The first task that makes a
	# matrix is lost: it does not run, and status 0 is told.
	if [ -e "$LOSES/dictionary" ] && mkdir "$LOSES/lost" 2> /dev/null
	then
		exit 0
	fi
	while case $1 in -*) true ;; *) false ;; esac; do shift; done
	shift
	[ "$1" != -- ] || shift
	exec sh -c "$*"
	END
	chmod +x "$BATS_TEST_TMPDIR/bin/not-ssh"
	# Without SHELL, as where nobody logged in.
	env -u SHELL LOSES="$work" SSH="$BATS_TEST_TMPDIR/bin/not-ssh" \
		make -s -C "$ROOT" BIN="$BIN" cluster-pipeline CLUSTER="$work" \
		SHARDS=3 HOSTFILE="$PWD/the hosts" LOGS="$PWD/a.csv $PWD/b.csv" \
		SVD="$SVD"
	[ -d "$work/lost" ]
	touch job
	same_models
	"$pipeline/slurm/status" "$work" > said
	[ "$(sed -n '1p; $p' said)" = "aggregate: 2 of 2; done"$'\n'"svd: 1 of 1; done" ]
	run -2 "$pipeline/hostfile/run" "$work" 4 "the hosts" a.csv b.csv
	[[ "$output" == *"run: $work was begun with other logs or options"* ]]
	# What ended is not queued again, where there is no queue.
	rm -r "$work/models"
	printf '#!/bin/sh\nexit 1\n' > "$BATS_TEST_TMPDIR/bin/mpirun"
	chmod +x "$BATS_TEST_TMPDIR/bin/mpirun"
	run -1 "$pipeline/hostfile/run" "$work" 3 "the hosts" a.csv b.csv
	[ "$output" = "" ]
	run -1 "$pipeline/slurm/status" "$work"
	[[ "$output" == *$'\n'"svd: 0 of 1; not done" ]]
}
