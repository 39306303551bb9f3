# Shards by customer: what is made of them one by one is what is made of all.

load helper

setup_file() {
	cd "$BATS_FILE_TMPDIR" || return
	head -n 4000 "$ROOT/data/views.csv" > views.csv
	cs-aggregate -q -o views.tsv views.csv
	cs-aggregate -q --shards 4 -o views views.csv
	cs-aggregate -q --prefix 'follows ' -o follows.tsv \
		"$ROOT/data/user_interests.csv"
	cs-aggregate -q --prefix 'follows ' --shards 4 -o follows \
		"$ROOT/data/user_interests.csv"
	# Shards without customers, one customer, and few tags.
	printf '%s\n' user,tag,value a,t,1 b,t,-2 b,u,3 'c\d,v,0' > few.csv
	cs-aggregate -q -o few.tsv few.csv
	cs-aggregate -q --shards 4 -o few few.csv
}

setup() {
	cd "$BATS_FILE_TMPDIR" || return
}

# Set files to those of shard $1 of the folders that follow.
of_shard() {
	local shard=$1 folder
	shift
	files=()
	for folder
	do
		files+=("$folder/$shard.tsv")
	done
}

# Make the matrices whole.mat of the folders' profiles and 0.mat and so on of
# their shards, with the options up to "--"; rounds is how many it took.
make_matrices() {
	local options=() as shard status
	while [ "$1" != -- ]
	do
		options+=("$1")
		shift
	done
	shift
	rm -f ./*.mat ./*.tally sum.*
	cs-matrix -q "${options[@]}" -o whole.mat "${@/%/.tsv}"
	as=("${options[@]}")
	for rounds in 1 2 3
	do
		for shard in 0 1 2 3
		do
			of_shard $shard "$@"
			cs-matrix -q --tally "${as[@]}" -o $shard.tally "${files[@]}"
		done
		# Sums of sums, in any order.
		cs-matrix --merge -o half.tally 2.tally 0.tally || [ $? -eq 1 ]
		status=0
		cs-matrix --merge -o sum.$rounds 1.tally half.tally 3.tally ||
			status=$?
		as=(--as "sum.$rounds")
		[ $status -eq 1 ] || break
	done
	[ $status -eq 0 ]
	for shard in 0 1 2 3
	do
		of_shard $shard "$@"
		cs-matrix -q --as sum.$rounds -o $shard.mat "${files[@]}"
	done
}

# The matrices of the shards have the bytes of that of all.
compare_matrices() {
	"$PYTHON" - "$BATS_TEST_DIRNAME" <<-'END'
	import sys
	sys.path.insert(0, sys.argv[1])
	import tensors
	metadata, whole = tensors.read("whole.mat")
	row = {user: i for i, user in enumerate(tensors.names(whole, "users"))}
	seen = []
	for shard in range(4):
	    mine, t = tensors.read(f"{shard}.mat")
	    assert len(mine.pop("matrix.tally")) == 16
	    assert mine == metadata, (mine, metadata)
	    for name in ("tags.offsets", "tags.bytes", "tags.weight",
	                 "tags.tenths", "tenths"):
	        assert t[name].tobytes() == whole[name].tobytes(), name
	    for i, user in enumerate(tensors.names(t, "users")):
	        at = row[user]
	        seen.append(user)
	        assert t["users.tenth"][i] == whole["users.tenth"][at], user
	        a = slice(*t["profile.indptr"][i:i + 2])
	        b = slice(*whole["profile.indptr"][at:at + 2])
	        for name in ("indices", "values", "raw"):
	            name = "profile." + name
	            assert t[name][a].tobytes() == whole[name][b].tobytes(), name
	assert sorted(seen) == sorted(row)
	END
}

@test "matrices of shards are those of the whole, for every option" {
	need numpy
	while read -r expected folders options
	do
		# shellcheck disable=SC2086
		make_matrices $options -- ${folders/,/ }
		echo "$folders $options: $rounds rounds"
		[ "$rounds" -eq "$expected" ]
		compare_matrices
	done <<-'END'
	3 views
	2 views --value sum
	2 views --value mean --damp log --weight idf --norm none
	3 views --value events --min-users 30
	2 views --value one --min-tags 4
	3 views --min-users 20 --min-tags 3 --damp none
	3 views,follows
	2 views,follows --value sum --weights 1,0.25
	3 views,follows --min-users 5 --min-tags 2 --attributes follows
	3 views --block a=0.5 --block ja=0.2
	2 views --value sum --block s=1
	3 few
	2 few --value mean --min-tags 2
	END
}

@test "tallies: the same bytes in any order; what is missing or other is named" {
	make_matrices --value sum -- views
	cs-matrix --merge -o again 3.tally 2.tally 1.tally 0.tally
	cmp again sum.2
	for threads in 1 3 7
	do
		cs-matrix --merge -j $threads -o again ./?.tally
		cmp again sum.2
	done
	# The first round again.
	for shard in 0 1 2 3
	do
		cs-matrix -q --tally --value sum -o $shard.one views/$shard.tsv
	done
	cs-matrix --merge ./?.one > again || [ $? -eq 1 ]
	cmp again sum.1
	run -2 cs-matrix --as sum.1 -o out views/0.tsv
	[[ "$output" == *"sum.1: it lacks counts yet: tally the shards --as it"* ]]
	run -2 cs-matrix --tally --as sum.2 -o out views/0.tsv
	[[ "$output" == *"sum.2: it has all counts"* ]]
	cs-matrix --merge -o three 0.tally 1.tally 2.tally
	run -2 cs-matrix --as three -o out views/0.tsv
	[[ "$output" == *"three: its round counted "*" a shard is missing in it, or counted twice"* ]]
	cs-matrix --merge -o five ./?.tally 2.tally
	run -2 cs-matrix --as five -o out views/0.tsv
	[[ "$output" == *"five: its round counted "* ]]
	run -2 cs-matrix --merge -o out 0.tally 1.one
	[[ "$output" == *"1.one: its tally."*" is not that of 0.tally"* ]]
	cs-matrix -q --tally --value mean -o other views/1.tsv
	run -2 cs-matrix --merge -o out 0.one other
	[[ "$output" == *"other: its matrix.value is not that of 0.one"* ]]
	# Profiles that were not counted.
	run -2 cs-matrix --as sum.2 -o out few/0.tsv few/1.tsv
	[[ "$output" == *"sum.2: it is of 1 files side by side, and there are 2"* ]]
	run -2 cs-matrix --as sum.2 -o out few.tsv
	[[ "$output" == *"tag t is not in the tally: the profiles were not counted in it"* ]]
	{ head -n 1 views.tsv; awk -F'\t' -v OFS='\t' 'NR > 1 { print "one", $2, 1, 1 }' views.tsv |
		sort -u; } > active.tsv
	run -2 cs-matrix --as sum.2 -o out active.tsv
	[[ "$output" == *"customer one was not counted in the tally"* ]]
	[ ! -e out ]
	# A tag of two blocks.
	cs-matrix -q --tally --value sum -o a views/0.tsv follows/0.tsv
	cs-matrix -q --tally --value sum -o b follows/1.tsv views/1.tsv
	run -2 cs-matrix --merge -o out a b
	[[ "$output" == *"b: tag "*" stands in file 1 of those side by side, in a in file 2"* ]] ||
		[[ "$output" == *"b: tag "*" stands in file 2 of those side by side, in a in file 1"* ]]
}

@test "tallies: wrong use, and damaged files" {
	make_matrices --value sum -- few
	run -2 cs-matrix --merge
	run -2 cs-matrix --merge --as sum.1 0.tally
	run -2 cs-matrix --merge -S 1M 0.tally
	[[ "$output" == *"--buffer-size: a tally has no rows"* ]]
	run -2 cs-matrix --merge -o out - - < 0.tally
	[[ "$output" == *"named twice"* ]]
	# The first of several errors, whichever thread finds it.
	for _ in 1 2 3 4
	do
		run -2 cs-matrix --merge -j 3 -o out 0.tally 1.tally no-such 2.tally whole.mat
		[[ "$output" == *"no-such: No such file"* ]]
	done
	run -2 cs-matrix --merge --value sum 0.tally
	[[ "$output" == *"--value: with --merge it is that of the tallies"* ]]
	run -2 cs-matrix --as sum.2 --value sum few.tsv
	run -2 cs-matrix --tally --as whole.mat few.tsv
	[[ "$output" == *"whole.mat: a matrix or a model, expected with --tally a sum of tallies"* ]]
	run -2 cs-matrix --merge few.tsv
	run -2 cs-matrix --merge whole.mat
	[[ "$output" == *"whole.mat: no tally: cs-matrix --tally makes them"* ]]
	run -2 cs-svd sum.2
	head -c 700 0.tally > short.tally
	run -2 cs-matrix --merge short.tally
	[[ "$output" == *"short.tally: "* ]]
	while read -r tensor item value
	do
		"$PYTHON" "$BATS_TEST_DIRNAME/forge.py" sum.2 "$tensor" "$item" "$value" > forged
		run -2 cs-matrix --as forged -o out few/0.tsv
		[[ "$output" == "cs-matrix: forged: "* ]]
	done <<-'END'
	tags.offsets 1 9
	tags.bytes 0 255
	tags.file 0 -1
	tags.users 0 9
	totals 0 9223372036854775807
	totals 3 1
	active 1 3
	tags.tenths 0 -1
	tenths 0 9
	END
	# No customer at all, and options that leave none.
	head -n 1 few.tsv > none.tsv
	cs-matrix -q --tally --value sum -o none none.tsv
	cs-matrix --merge -o sum none || [ $? -eq 1 ]
	run -2 cs-matrix --as sum --tally -o out none.tsv
	[[ "$output" == *"sum: no customer is in it"* ]]
	cs-matrix -q --tally --min-users 9 -o t few.tsv
	cs-matrix --merge -o sum t || [ $? -eq 1 ]
	run -2 cs-matrix --as sum --tally -o out few.tsv
	[[ "$output" == *"sum: no tag has the 9 customers of --min-users"* ]]
	cs-matrix -q --tally --value sum --min-tags 9 -o t few.tsv
	cs-matrix --merge -o sum t || [ $? -eq 1 ]
	run -2 cs-matrix --as sum --tally -o out few.tsv
	[[ "$output" == *"sum: no customer has the tags of --min-tags"* ]]
}

# ------------------------------------------------------------------- cs-svd

# Many tags for the Lanczos method, few for the matrix of products.
make_large() {
	[ ! -e large/whole.mat ] || return 0
	mkdir -p large
	"$GENERATE" -q --customers 3000 --events 60000 --courses 4000 \
		--columns user_handle,course_id,view_time_seconds -o large.csv
	local columns=(-u user_handle -t course_id -v view_time_seconds)
	cs-aggregate -q "${columns[@]}" -o large.tsv large.csv
	cs-aggregate -q --shards 4 "${columns[@]}" -o large-shards large.csv
	mv large-shards/*.tsv large/
	make_matrices --value sum -- large
	mv ./*.mat large/
}

# Singular values agree, and nine in ten of the neighbours of some customers.
compare_models() {
	diff <(cs-dump --what sigma whole.bin | awk '{ printf "%.4f\n", $2 }') \
		<(cs-dump --what sigma models/0.bin | awk '{ printf "%.4f\n", $2 }')
	cs-dump --what users whole.bin | sed -n '2,51 s/\t.*//p' > some
	cs-knn -q --no-why --no-profiles -n 10 --users some whole.bin |
		cut -f 1,3 | sort > expected
	cs-knn -q --no-why --no-profiles -n 10 --users some models/?.bin |
		cut -f 1,3 | sort > found
	[ "$(wc -l < expected)" -gt 400 ]
	[ "$(comm -12 expected found | wc -l)" -ge $(($(wc -l < expected) * 99 / 100)) ]
}

@test "cs-svd of shards: a model of each, as of the whole, for any threads" {
	make_large
	make_matrices -- views
	for from in . large
	do
		rm -rf models more
		cs-svd -q -k 20 --tol 1e-6 -o whole.bin $from/whole.mat
		cs-svd -q -k 20 --tol 1e-6 -j 1 -o models $from/?.mat
		cs-svd -q -k 20 --tol 1e-6 -j 3 -o more $from/?.mat
		diff -r models more
		compare_models
		for shard in 0 1 2 3
		do
			cs-dump --check models/$shard.bin > said
			grep -q "shard.index $shard" said
			grep -q "shard.count 4" said
		done
		cs-dump --check models > said
		grep -q "svd.shards 4" said
		[ "$(for s in 0 1 2 3; do cs-dump models/$s.bin | grep shard.set; done |
			sort -u | wc -l)" -eq 1 ]
		"$PYTHON" -c '
import json
manifest = json.load(open("models/manifest.json"))
assert manifest["format"] == "customer-similarity shards 1"
assert [s["file"] for s in manifest["shards"]] == ["%d.bin" % i for i in range(4)]'
	done
}

@test "cs-svd of shards: what is missing, mixed or wrong is named" {
	make_matrices --value sum -- views
	refuse() {
		rm -rf out
		run -2 timeout 20 cs-svd -q -k 4 -o out "${@:2}"
		[[ "$output" == *"$1"* ]] || { echo "$output"; return 1; }
		[ -z "$(find . -name 'out*')" ]
	}
	refuse "in their tally: shards are missing" 0.mat 1.mat 3.mat
	refuse "2.mat: the same shard as 2.mat" 0.mat 1.mat 2.mat 2.mat 3.mat
	refuse "whole.mat: no shard" 0.mat whole.mat
	refuse "no-such.mat: No such file" 0.mat no-such.mat
	mkfifo pipe.one
	refuse "pipe.one: a pipe, expected a file" 0.mat 1.mat pipe.one 3.mat
	cp 1.mat kept.one
	make_matrices --value mean -- views
	refuse "kept.one: made of another tally than 0.mat" 0.mat kept.one 2.mat 3.mat
	refuse "--center, --align and --learn are for one matrix" --center row ./?.mat
	run -2 cs-svd -q -k 4 0.mat 1.mat 2.mat 3.mat
	[[ "$output" == *"-o DIR names it"* ]]
	head -c 3000 2.mat > cut.one
	refuse "cut.one: " 0.mat 1.mat cut.one 3.mat
	rm -rf models
	cs-svd -q -k 4 -o models ./?.mat
	refuse "models/0.bin: a model already" models/0.bin models/1.bin
	run -2 cs-svd -q -k 4 -o models ./?.mat
	[[ "$output" == *"models: it exists and is not empty"* ]]
}

# A shard becomes shorter while a rank works on it.
cut_while_read() {
	local job ended rank=
	mkdir cut
	cp large/?.mat cut/
	timeout 60 mpirun -n 2 --oversubscribe --bind-to none \
		cs-svd-mpi -q -k 300 --tol 1e-10 -o failed "$PWD"/cut/?.mat \
		> said 2>&1 3>&- &
	job=$!
	until [ -n "$rank" ] || ! kill -0 $job
	do
		rank=$(grep -ls "$PWD/cut/3.mat" /proc/[0-9]*/maps || true)
	done
	truncate -s 5000 cut/3.mat
	ended=0
	wait $job || ended=$?
	[ $ended -ne 0 ]
	grep -qx "cs-svd: $PWD/cut/3.mat: changed while it was read" said ||
		{ cat said; return 1; }
	[ -z "$(find . -name 'failed*')" ]
}

@test "cs-svd-mpi: the bytes of cs-svd for any ranks and threads" {
	need mpirun
	[ -x "$BIN/cs-svd-mpi" ] || skip "cs-svd-mpi is not built here"
	[ "${FLAVOUR:-release}" = release ] || skip "MPI is not built for sanitizers"
	export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
	export OMPI_MCA_btl_tcp_if_include=lo OMPI_MCA_oob_tcp_if_include=lo
	make_large
	make_matrices -- views
	for from in . large
	do
		rm -rf models
		cs-svd -q -k 20 -o models $from/?.mat
		for ranks in 1 2 4
		do
			for threads in 1 2
			do
				rm -rf ranked
				mpirun -n $ranks --oversubscribe --bind-to none \
					cs-svd-mpi -q -k 20 -j $threads -o ranked $from/?.mat
				diff -r models ranked
			done
		done
	done
	# Another kind of processor, as far as BLAS knows, on one rank.
	rm -rf ranked
	mpirun --oversubscribe --bind-to none -n 1 cs-svd-mpi -q -k 20 -o ranked large/?.mat : \
		-n 1 -x OPENBLAS_CORETYPE=Nehalem cs-svd-mpi -q -k 20 -o ranked large/?.mat
	diff -r models ranked
	# A rank that fails ends all, with its message, and leaves nothing.
	cp large/2.mat cut.one
	truncate -s 9000 cut.one
	run ! timeout 60 mpirun -n 2 --oversubscribe --bind-to none \
		cs-svd-mpi -q -k 20 -o failed large/0.mat cut.one
	[[ "$output" == *"cs-svd: cut.one: "* ]]
	[ "$status" -ne 124 ]
	[ -z "$(find . -name 'failed*')" ]
	run ! timeout 60 mpirun --oversubscribe --bind-to none \
		-n 1 cs-svd-mpi -q -o failed large/0.mat large/1.mat : \
		-n 1 cs-svd-mpi -q -o failed large/0.mat large/1.mat large/2.mat
	[[ "$output" == *"cs-svd: process 1 was given 3 shards, and the first 2"* ]]
	cut_while_read
	run -0 mpirun -n 1 --oversubscribe cs-svd-mpi --help
	[[ "$output" == *"usage: cs-svd"* ]]
}

# ------------------------------------------------------------------- cs-knn

@test "cs-knn of a directory: all its shards; what is missing is named" {
	make_matrices --value sum -- views
	rm -rf models
	cs-svd -q -k 10 -o models ./?.mat
	cs-knn -q -u 626 -n 5 models/?.bin > expected
	cs-knn -q -u 626 -n 5 models | cmp - expected
	cs-knn -q -u 626 -n 5 models/3.bin models/1.bin models/2.bin models/0.bin |
		cmp - expected
	refuse() {
		run -2 cs-knn -u 626 -o out "${@:2}"
		[[ "$output" == "cs-knn: "*"$1"* ]] || { echo "$output"; return 1; }
		[ ! -e out ]
	}
	refuse "models/0.bin: one of 4 shards, of which shard 2 is missing: give the directory, or --part" \
		models/0.bin models/1.bin models/3.bin
	refuse "shard 1 is missing" models/0.bin
	refuse "models/0.bin: shard 0, which is given twice" models models/0.bin
	cs-svd -q -k 10 -o whole.bin whole.mat
	refuse "its components are not those of" models whole.bin
	refuse "views: a directory, expected one of models that cs-svd made" views
	# What tasks of an array find, each in a shard, is what all find.
	cs-knn -q -u 626 -n 5 --no-why --no-profiles models > expected
	cs-knn -q --ignore-unknown -u 626 -n 5 --part models/0.bin models/1.bin \
		models/2.bin models/3.bin --no-why --no-profiles | cmp - expected
	cs-matrix -q --as models/0.bin -o query.mat <(
		head -n 1 views.tsv; grep -P '^626\t' views.tsv)
	cs-project -q -o query.bin models/0.bin query.mat
	for shard in 0 1 2 3
	do
		cs-knn -q --queries query.bin -n 5 --no-why --no-profiles --part \
			-o near.$shard models/$shard.bin
	done
	cs-knn --merge -n 5 near.? | diff expected -
	# A damaged manifest.
	cp -r models broken
	local format='{"format": "customer-similarity shards 1", "shards":'
	for text in '{}' "$format []}" "$format [{\"file\": \"../models/0.bin\"}]}" \
		"$format [7]}" '[' ''
	do
		printf '%s' "$text" > broken/manifest.json
		refuse "broken" broken
	done
	printf '%s' "$format"' [{"file": "0.bin"}, {"file": "9.bin"}]}' \
		> broken/manifest.json
	refuse "broken/9.bin: No such file" broken
}

# ---------------------------------------------------------- all other readers

# One set of models, and another of other options, for the tests that follow.
make_sets() {
	[ ! -e set ] || return 0
	make_matrices --value sum -- views
	cs-svd -q -k 10 -o set ./?.mat
	cs-svd -q -k 9 -o second ./?.mat
}

@test "a directory is one model to every reader" {
	need numpy
	make_sets
	# The parts are those of the shards, by name.
	for part in users embedding profiles
	do
		for shard in 0 1 2 3
		do
			cs-dump --what $part set/$shard.bin | sed 1d
		done | LC_ALL=C sort -s -t $'\t' -k 1,1 > expected
		cs-dump --what $part set | sed 1d > said
		if [ $part = embedding ]
		then
			# Rows without names: as many, and the same ones.
			cmp <(sort expected) <(sort said)
		else
			cmp expected said
		fi
	done
	cmp <(cs-dump --what components set) <(cs-dump --what components set/2.bin)
	cs-dump --check set > said
	grep "^customers  1,559 " said
	[ "$(cs-dump set | sed -n 's/^id  *//p')" = \
		"$(cs-dump set/1.bin | sed -n 's/^ *shard.set //p')" ]
	# What one file says that has the same customers.
	cs-index -q -o one.bin set
	cs-dump --check one.bin > said
	run ! grep 'shard\.' said
	cs-dump --what users one.bin | sed -n '2,51 s/\t.*//p' > some
	for asked in "cs-knn -q -u 626 -n 5 --no-profiles" "cs-knn -q --like some" \
		"cs-segment -q -k 3" "cs-contrast -q --where cisco --format tsv"
	do
		$asked one.bin | sed 's/id=[0-9a-f]*//' > expected
		[ -s expected ]
		$asked set | sed 's/id=[0-9a-f]*//' | cmp - expected
	done
	cs-knn -q -u 626 -n 5 one.bin | cs-summarize > expected
	cs-knn -q -u 626 -n 5 set | cs-summarize | cmp - expected
	cs-knn -q --users some --profiles set | cs-summarize | grep -c "^Customer " > said
	[ "$(cat said)" -ge 40 ]
	{ head -n 1 views.tsv; grep -P '^626\t' views.tsv; } > one.tsv
	# Without joining the shards in TMPDIR.
	TMPDIR=/no-such cs-matrix -q --as set -o query.mat one.tsv
	TMPDIR=/no-such cs-project -q -o query.bin set query.mat
	run -2 env TMPDIR=/no-such cs-dump --check set
	[[ "$output" == "cs-dump: set: the shards joined in "* ]]
	cs-matrix -q --as set -o by-set views.tsv
	cs-matrix -q --as one.bin -o by-one views.tsv
	"$PYTHON" - "$BATS_TEST_DIRNAME" <<-'END'
	import sys
	sys.path.insert(0, sys.argv[1])
	import tensors
	a, b = tensors.read("by-set")[1], tensors.read("by-one")[1]
	assert a["users.tenth"].tobytes() == b["users.tenth"].tobytes()
	assert len(set(a["users.tenth"])) > 3
	END
	cs-knn -q -u 626 -n 3 --no-profiles set > expected
	cs-knn -q --queries query.bin -n 3 set | cmp - expected
	[ "$(cs-eval -q --format tsv set set | wc -l)" -gt 3 ]
	# Without a customer it is another model, and says of which.
	echo 626 > gone
	cs-project -q --forget gone -o left.bin set
	cs-dump --check left.bin > said
	run ! grep 'shard\.' said
	set_id=$(cs-dump set | sed -n 's/^id  *//p')
	[ "$(sed -n 's/^ *project.model  *//p' said)" = "$set_id" ]
	[ "$(sed -n 's/^id  *//p' said)" != "$set_id" ]
}

@test "--forget --shards: a set without some customers, as the model joined" {
	make_sets
	cs-dump --what users set/1.bin | cut -f 1 | sed -n '2,3p' > gone
	cs-dump --what users set/3.bin | cut -f 1 | sed -n 2p >> gone
	run -0 cs-project --forget gone --shards -o less set
	[ "$output" = "cs-project: 3 customers left, of 3 names in gone; 1,556 stay" ]
	cs-project -q --forget gone -o left.bin set
	cs-dump --check less > said
	grep "^customers  1,556 " said
	for part in users tags profiles embedding
	do
		diff <(cs-dump --what $part left.bin) <(cs-dump --what $part less)
	done
	cs-dump --what users less | cut -f 1 > there
	run -1 grep -Fxf gone there
	cs-knn -q --all -n 3 left.bin | grep -v '^#' > expected
	cs-knn -q --all -n 3 less | grep -v '^#' | LC_ALL=C sort > found
	LC_ALL=C sort expected | cmp - found
	# Another set: none of its shards is taken for one of the old.
	rm -rf bad
	cp -r less bad
	cp set/0.bin bad/
	run -2 cs-knn -q -u 626 bad
	[[ "$output" == *"no shard of the set "* ]] || { echo "$output"; return 1; }
	# An empty shard.
	cs-dump --what users set/2.bin | sed 1d | cut -f 1 > gone
	cs-project -q --forget gone --shards -o emptied set
	cs-dump --check emptied > said
	[ "$(cs-dump --what users emptied | sed 1d | wc -l)" -eq \
		$((1559 - $(wc -l < gone))) ]
	cs-dump --what users set | sed 1d | cut -f 1 > gone
	refuse() {
		run -2 cs-project --forget gone "${@:2}"
		[[ "$output" == *"$1"* ]] || { echo "$output"; return 1; }
		[ -z "$(find . -name 'no-less*')" ]
	}
	refuse "set: nobody is left" --shards -o no-less set
	refuse "left.bin: no directory" --shards -o no-less left.bin
	refuse "--shards: with --forget FILE, -o DIR" --shards set
	echo 626 > gone
	refuse "less: it exists and is not empty" --shards -o less set
	rm -rf bad
	cp -r set bad
	truncate -s -1 bad/2.bin
	refuse "bad: 2.bin: " --shards -o no-less bad
	rm bad/2.bin
	refuse "2.bin: No such file" --shards -o no-less bad
	rm -r bad
}

@test "every reader refuses a set that is incomplete, mixed or damaged, by name" {
	make_sets
	refuse() {
		for reader in "cs-dump bad" "cs-index bad" "cs-segment -k 2 bad" \
			"cs-serve -p 0 bad" "cs-knn -u 626 bad" "cs-eval bad bad" \
			"cs-project bad 0.mat" "cs-matrix --as bad views.tsv" \
			"cs-contrast --segments segments bad"
		do
			# shellcheck disable=SC2086 # words
			run -2 --separate-stderr timeout 20 $reader
			[[ "$stderr" == "${reader%% *}: bad"[:/]*"$1"* ]] || {
				echo "$reader: $stderr"
				return 1
			}
		done
		rm -r bad
	}
	cs-segment -q -k 3 set > segments
	cp -r set bad; rm bad/2.bin
	refuse "2.bin: No such file"
	cp -r set bad; cp second/2.bin bad/
	refuse "2.bin: "
	cp -r set bad; cp set/1.bin bad/2.bin
	refuse "2.bin: shard 1, which is given twice"
	cp -r set bad; truncate -s -64 bad/3.bin
	refuse "3.bin: "
	cp -r set bad; sed -i '/"2.bin"/{N;N;N;d;}' bad/manifest.json
	refuse "0.bin: one of 4 shards, of which shard 2 is missing"
	cp -r set bad; sed -i '0,/"customers": /s//&1/' bad/manifest.json
	refuse " by manifest.json"
	cp -r set bad; sed -i 's/similarity shards 1/similarity shards 2/' bad/manifest.json
	refuse "manifest.json: its format is not \"customer-similarity shards 1\""
	cp -r set bad; cp second/manifest.json bad/
	refuse "0.bin: no shard of the set of manifest.json"
	# A pipe that no one writes to is refused, and not waited for.
	cp -r set bad; rm bad/1.bin; mkfifo bad/1.bin
	refuse "1.bin: a pipe, expected a file"
	cp -r set bad; rm bad/manifest.json; mkfifo bad/manifest.json
	refuse "manifest.json: a pipe, expected a file"
	mkdir bad
	refuse "a directory, expected one of models that cs-svd made, or a file: manifest.json: "
}

@test "cs-serve of a directory: as cs-knn; a set takes over whole" {
	make_sets
	rm -rf live next old
	cp -r set live
	export PYTHONPATH=$ROOT/tests
	"$PYTHON" - <<-'END'
	from service import *
	import shutil
	users = run("cs-dump --what users set | sed 1d | cut -f 1").decode().split()
	def expected(model, user):
	    return run(f"cs-knn -u {user} {model} | cs-summarize --format json")
	def place(path):
	    """Put a set in place of the one before."""
	    s.said.clear()
	    os.rename("live", "old")
	    os.rename(path, "live")
	    shutil.rmtree("old")
	def same(model, users):
	    for user in users:
	        reply, found = s.get(f"/customers/{user}/similar"), expected(model, user)
	        assert reply.status == 200
	        assert reply.body == found if found else \
	            reply.json()["neighbours"] == [], user
	with Service("live") as s:
	    same("set", users[::97])
	    shutil.copytree("second", "next")
	    place("next")
	    s.wait_for("takes the place")
	    same("second", users[:3])
	    # Incomplete, mixed, damaged: refused by name, and the old set stays.
	    for harm, named in (
	            (lambda: os.unlink("next/1.bin"), "live: 1.bin: No such file"),
	            (lambda: shutil.copy("second/1.bin", "next/1.bin"), "live: 1.bin: "),
	            (lambda: os.truncate("next/3.bin", 5000), "live: 3.bin: ")):
	        shutil.copytree("set", "next")
	        harm()
	        place("next")
	        s.wait_for("the model before stays")
	        assert named in s.said[-1], s.said
	        same("second", users[:1])
	    shutil.copytree("set", "next")
	    place("next")
	    s.wait_for("takes the place")
	    same("set", users[:3])
	    assert s.end() == 0
	END
}

@test "a service on each node, and their answers merged: as cs-knn of all" {
	make_sets
	export PYTHONPATH=$ROOT/tests
	"$PYTHON" - <<-'END'
	from service import *
	import csv
	nodes = [Service(f"set/{shard}.bin") for shard in range(4)]
	def similar(user, n):
	    asked = [node.get(f"/customers/{user}") for node in nodes]
	    own, = [reply.json() for reply in asked if reply.status == 200]
	    query = json.dumps({"profile": {tag["tag"]: tag["value"]
	                                    for tag in own["tags"]},
	                        "n": n, "not": [user], "ignore_unknown": True})
	    rows = [row for node in nodes for row in csv.DictReader(
	        node.ask("POST", "/predict", query, {"Accept": "text/csv"})
	        .body.decode().splitlines())]
	    # All are of one set.
	    assert len({row["model"] for row in rows}) <= 1, rows
	    rows.sort(key=lambda row: (-float(row["similarity"]),
	                               row["customer"].encode()))
	    return [(row["customer"], row["similarity"]) for row in rows[:n]]
	users = run("cs-dump --what users set | sed 1d | cut -f 1").decode().split()
	total = 0
	for user in users[7::150]:
	    lines = run(f"cs-knn -q -u {user} -n 7 --no-why --no-profiles set")
	    found = [tuple(line.split("\t")[2:])
	             for line in lines.decode().splitlines()[1:]]
	    assert similar(user, 7) == found, (user, similar(user, 7), found)
	    total += len(found)
	assert total > 30, total
	for node in nodes:
	    assert node.end() == 0
	END
}

@test "the manifest for Kubernetes: its command does a task of a stage" {
	local task stage indices index
	export DIR=$PWD/work SHARDS=4 PIPELINE=$ROOT/pipelines/slurm
	command -v cs-svd-mpi > /dev/null || skip "cs-svd-mpi is not built here"
	# The lines of the page that begin the directory, and the manifest.
	sed -n '/^\.Ss Kubernetes/,/^\.Ss Answers/p' "$ROOT/src/man/cs-scale.7" |
		sed -n '/^apiVersion/,/^\.Ed/p' | sed '$d' > job.yaml
	sed -n "s,/data/logs/\*.csv,$ROOT/data/views.csv,; /^bash -c/p" \
		"$ROOT/src/man/cs-scale.7" > begin
	[ "$(wc -l < begin)" -eq 1 ]
	rm -rf work
	sh begin
	[ -s work/logs ]
	grep -qx '  completionMode: Indexed' job.yaml
	task=$(sed -n '/^ *- -c$/{n;s/^ *- //p;}' job.yaml)
	while read -r stage indices
	do
		for index in $indices
		do
			ROUND=1 JOB_COMPLETION_INDEX=$index \
				bash -c "${task/matrix/$stage}"
		done
	done <<-'END'
	aggregate 0
	merge 0 1 2 3
	tally 0 1 2 3
	sum 0
	END
	[ "$(find work/shards -name '*.tsv' | wc -l)" -eq 4 ]
	# As cs-matrix --tally and --merge make it.
	cs-aggregate -q --shards 4 -o direct "$ROOT/data/views.csv"
	diff -r direct work/shards
	for shard in 0 1 2 3
	do
		cs-matrix -q --tally -o direct.$shard direct/$shard.tsv
	done
	cs-matrix --merge -o direct.sum direct.? || [ $? -eq 1 ]
	cmp direct.sum work/tally/sum.1
	rm -r work direct direct.*
}

@test "of customers to search for, those without a tag of the model are left out" {
	make_sets
	rm -rf search
	mkdir search
	cp -r views search/shards
	cp -r set search/models
	printf 'zz\tno-such-tag\t1\t1\n' >> search/shards/3.tsv
	printf '%s\n' 626 zz > asked
	PIPELINE=$ROOT/pipelines/slurm DIR=$PWD/search SHARDS=4 QUERIES=$PWD/asked \
		bash "$ROOT/pipelines/slurm/queries.sbatch"
	[ "$(cs-dump --what users search/queries.bin | sed 1d | cut -f 1)" = 626 ]
	[[ "$(cat search/queries.known)" == *"asked:2: no customer zz in "*"/models"* ]]
}

@test "customers to search for are read as in all lists; the unknown are named" {
	make_sets
	rm -rf search
	mkdir search
	cp -r views search/shards
	cp -r set search/models
	queries() {
		PIPELINE=$ROOT/pipelines/slurm DIR=$PWD/search SHARDS=4 \
			QUERIES=$PWD/asked bash "$ROOT/pipelines/slurm/queries.sbatch"
	}
	cs-dump --what users set | cut -f 1 | sed -n '2,21p' > some
	{ cat some; echo nobody; echo 'no one'; } | sed 's/$/\r/' > asked
	queries 2> said
	cs-dump --what users search/queries.bin | cut -f 1 | sed 1d | LC_ALL=C sort |
		diff <(LC_ALL=C sort some) -
	grep -x "cs-knn: $PWD/asked:21: no customer nobody in $PWD/search/models" said
	grep -x "cs-knn: 20 of 22 in $PWD/asked are known" said
	diff said search/queries.known
	# The rows, too.
	cs-knn -q -n 3 --no-why --users some set | grep -v '^#' |
		cut -f 1,3,4 > expected
	cs-knn -q -n 3 --no-why --queries search/queries.bin set | grep -v '^#' |
		cut -f 1,3,4 | LC_ALL=C sort | diff <(LC_ALL=C sort expected) -
	rm search/queries.*
	echo nobody > asked
	run -2 queries
	[ "$output" = "queries: none of the customers in $PWD/asked is in the logs" ]
	[ ! -e search/queries.bin ]
}
