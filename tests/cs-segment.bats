# cs-segment: kinds of customers that are there are found, none where there are
# none, and numbers stay from one day to the next.

load helper

setup_file() {
	cd "$BATS_FILE_TMPDIR" || return
	cs-aggregate -q -o profiles.tsv "$ROOT/data/views.csv"
	cs-matrix -q profiles.tsv | cs-svd -q -o emb.bin
	"$GENERATE" -q --table personas > personas.csv
	cs-segment -q -k 18 emb.bin > segments.tsv
}

setup() {
	cd "$BATS_FILE_TMPDIR" || return
}

# Models of half A and half B of a log, to a.bin and b.bin.
halves() {
	local half

	for half in A B
	do
		cs-aggregate -q --half $half "$1" | cs-matrix -q |
			cs-svd -q -k "$2" -o "${half,}.bin"
	done
}

# The adjusted Rand index of two tables is at least this.
agrees() {
	need numpy
	"$PYTHON" "$BATS_TEST_DIRNAME/segments.py" "$1" "$2" |
		awk -v least="$3" '{ print } END { exit !($1 >= least) }'
}

@test "a line for each customer; segments numbered by size; similarity and margin" {
	[ "$(sed 1,2d segments.tsv | wc -l)" -eq 2000 ]
	[ "$(head -n 1 segments.tsv)" = "user_handle	segment	similarity	margin" ]
	id=$(cs-dump emb.bin | awk '$1 == "id" { print $2 }')
	[ "$(sed -n 2p segments.tsv)" = "#model	id=$id;customers=2000;segments=18;seed=1" ]
	sed 1,2d segments.tsv | cut -f 1 |
		diff - <(sed 1d profiles.tsv | cut -f 1 | LC_ALL=C sort -u)
	sed 1,2d segments.tsv | cut -f 2 | sort -n | uniq -c > sizes
	[ "$(awk '{ print $2 }' sizes | tr '\n' ' ')" = "$(seq 18 | tr '\n' ' ')" ]
	awk '{ print $1 }' sizes | sort -c -n -r
	sed 1,2d segments.tsv |
		awk -F '\t' '$3 > 1 || $3 < -1 || $4 < 0 || NF != 4 { exit 1 }'
}

@test "the kinds of customers behind the sample are found again" {
	for seed in 1 2 3
	do
		cs-segment -k 18 --seed $seed emb.bin > found.tsv
		agrees found.tsv personas.csv 0.8
	done
}

@test "the halves of the sample bear out 18 segments, give or take one" {
	[ "${FLAVOUR:-release}" = release ] || skip "takes minutes under sanitizers"
	halves "$ROOT/data/views.csv" 64
	cs-segment --half a.bin --half b.bin --curve curve.tsv emb.bin \
		> found.tsv 2> said
	chosen=$(awk '$5 == 1 { print $1 }' curve.tsv)
	[ "$chosen" -ge 17 ]
	[ "$chosen" -le 19 ]
	[ "$(wc -l < curve.tsv)" -eq 40 ]
	grep -q "^cs-segment: $chosen segments: agreement of halves 0\.4" said
	[ "$(sed 1,2d found.tsv | cut -f 2 | sort -u | wc -l)" -eq "$chosen" ]
	agrees found.tsv personas.csv 0.8
}

@test "the most segments that are within an error of the best, none too small" {
	"$GENERATE" -q --seed 4 --customers 220 --events 4000 \
		--columns user_handle,course_tag > log.csv
	halves log.csv 16
	cs-segment -q --half a.bin --half b.bin --curve curve.tsv a.bin > found.tsv
	# A tenth of the 219 customers of both.
	[ "$(sed '$!d' curve.tsv | cut -f 1)" -eq 21 ]
	[ "$(awk 'NR > 1 && ($6 >= 10 || $1 == 2) {
			k[++n] = $1; halves[n] = $2
			if ($2 > best) { best = $2; error = $3; at = $1 } }
		END { for (i in k)
			if (halves[i] >= best - error && k[i] > most) most = k[i]
		print at, most }' curve.tsv)" = "13 14" ]
	[ "$(awk '$5 == 1 { print $1 }' curve.tsv)" -eq 14 ]
}

@test "events shuffled among customers: no stable segments, whatever is asked" {
	[ "${FLAVOUR:-release}" = release ] || skip "takes minutes under sanitizers"
	for seed in 1 2
	do
		"$GENERATE" -q --seed $seed --customers 300 --events 6000 \
			--columns user_handle,course_tag > log.csv
		{
			echo customer,tag
			paste -d , <(sed 1d log.csv | cut -d , -f 1) \
				<(sed 1d log.csv | cut -d , -f 2 |
				shuf --random-source=<(yes $seed))
		} > shuffled.csv
		halves shuffled.csv 16
		cs-aggregate -q shuffled.csv | cs-matrix -q | cs-svd -q -k 16 > all.bin
		cs-segment --half a.bin --half b.bin all.bin > found.tsv 2> said
		grep -q '^cs-segment: no stable segments: from one half to the other none of 2 to ' said
		[ "$(sed 1,2d found.tsv | cut -f 2 | sort -u)" = 1 ]
	done
}

@test "the same bytes for any threads; the seed decides" {
	for threads in 1 3
	do
		cs-segment -q -k 18 -j $threads emb.bin | cmp - segments.tsv
	done
	run ! cmp -s segments.tsv <(cs-segment -q -k 18 --seed 7 --runs 1 emb.bin)
}

@test "--like keeps numbers, and gives new ones to new segments" {
	# Another seed, numbers turned round and two segments lost.
	awk -F '\t' -v OFS='\t' 'NR > 2 { $2 = $2 < 3 ? "" : 118 - $2 } 1' \
		segments.tsv | sed 2d > old.tsv
	cs-segment -q -k 18 --like old.tsv emb.bin > kept.tsv
	sed 1,2d segments.tsv | cut -f 2 > size
	sed 1,2d kept.tsv | cut -f 2 | paste size - | sort -u > pairs
	[ "$(wc -l < pairs)" -eq 18 ]
	awk '$1 >= 3 && $2 != 118 - $1 || $1 < 3 && $2 < 116 { exit 1 }' pairs
	cut -f 1,3,4 kept.tsv | sed 2d | diff - <(cut -f 1,3,4 segments.tsv | sed 2d)
	# Numbers of any size; what new segments get is read the next time.
	sed 's/\t\([0-9]\)/\t21474836\1/' old.tsv > large.tsv
	cs-segment -q -k 18 --like large.tsv emb.bin > kept.tsv
	cs-segment -q -k 18 --like kept.tsv emb.bin | cmp - kept.tsv
	sed 's/\t118*/\tgold/' old.tsv > names.tsv
	run -2 cs-segment -q -k 18 --like names.tsv emb.bin
	[[ "$output" == "cs-segment: names.tsv: segment gold"*": expected whole numbers from 1" ]]
	run -2 cs-segment -q -k 18 --like emb.bin emb.bin
	[[ "$output" == "cs-segment: emb.bin:1: "* ]]
}

@test "customers whom the dimensions hold little of, and who have no signal" {
	{
		echo customer,tag,value
		for i in $(seq 30)
		do
			for tag in 1 2 3 4
			do
				echo "left$i,l$(((i + tag) % 5)),1"
				echo "right$i,r$(((i + tag) % 5)),1"
			done
		done
		echo apart,only,1
		echo odd,rare,1
		echo left1,rare,1
		echo zero,l1,0
		echo between,rare,9
		echo between,l1,1
		echo between,r1,1
		echo right1,scarce,1
		printf 'other,%s\n' scarce,9 l1,1 r1,1
	} > log.csv
	cs-aggregate -q -v value log.csv | cs-matrix -q --value sum |
		cs-svd -q -k 2 > two.bin
	cs-segment -k 2 two.bin > found.tsv 2> said
	grep -q 'customers, of whom the dimensions hold less than a tenth, are put by their rows' said
	grep -q '2 customers are in no segment' said
	grep -qx 'apart			' found.tsv
	grep -qx 'zero			' found.tsv
	[ "$(awk '$1 == "odd" { print $2 }' found.tsv)" = \
		"$(awk '$1 == "left1" { print $2 }' found.tsv)" ]
	[ "$(awk -F '\t' '/^left/ { print $2 }' found.tsv | sort -u | wc -l)" -eq 1 ]
	cs-contrast --segments found.tsv --format json two.bin |
		has '"unassigned": 2'
	# Similarity and margin of those are cosines with mean rows.
	need numpy
	PYTHONPATH=$BATS_TEST_DIRNAME "$PYTHON" - <<-'END'
	import numpy as np
	from tensors import read, names, dense
	model = read("two.bin")[1]
	rows, users = dense(model, "profile.values"), names(model, "users")
	lines = [l.split("\t") for l in open("found.tsv").read().split("\n")[2:-1]]
	unit = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9)
	held = (model["embedding"] ** 2).sum(1)
	weak = (rows.any(1)) & (held < 0.1 * (rows ** 2).sum(1))
	segment = np.array([int(l[1] or 0) for l in lines])
	means = [unit[(segment == s) & ~weak].sum(0) for s in (1, 2)]
	for at in (users.index(b"odd"), users.index(b"between"),
	           users.index(b"other")):
	    assert weak[at], users[at]
	    near, far = sorted((unit[at] @ (m / np.linalg.norm(m)) for m in means),
	                       reverse=True)
	    assert abs(float(lines[at][2]) - near) < 1e-6, (lines[at], near)
	    assert abs(float(lines[at][3]) - (near - far)) < 1e-6, (lines[at], far)
	assert far > 0
	END
}

@test "more segments than customers, one segment, and halves that share nobody" {
	printf '%s\n' customer,tag a,x a,y b,x c,y c,z d,z > few.csv
	cs-aggregate -q few.csv | cs-matrix -q | cs-svd -q -k 2 > few.bin
	run -0 --separate-stderr cs-segment -k 9 few.bin
	[[ "$stderr" == *" segments, not 9: there are no more different customers" ]]
	# Centres of which there is no segment have no part in the margin.
	printf '%s\n' customer,tag a,x b,x c,z d,z | cs-aggregate -q | cs-matrix -q |
		cs-svd -q > pairs.bin
	cmp <(cs-segment -q -k 4 pairs.bin) <(cs-segment -q -k 2 pairs.bin)
	printf '%s\n' customer,tag a,x b,x | cs-aggregate -q | cs-matrix -q |
		cs-svd -q > alike.bin
	run -0 cs-segment -q -k 2 alike.bin
	[ "${lines[2]}" = "a	1	1	" ]
	cs-segment -k 1 few.bin > one.tsv
	[ "$(sed 1,2d one.tsv | cut -f 2,4 | sort -u)" = "1	" ]
	run -2 cs-segment --half few.bin --half emb.bin emb.bin
	[ "$output" = "cs-segment: few.bin, emb.bin: 0 customers have tags with weight in both halves: at least 20 are needed" ]
	run -2 cs-segment emb.bin
	[[ "$output" == *"expected -k N, or --half A --half B"* ]]
	run -2 cs-segment -k 3 --half few.bin emb.bin
	run -2 cs-segment --half few.bin emb.bin
	[[ "$output" == *"--half: expected two, half A and half B"* ]]
	run -2 cs-segment -k 3 --curve curve.tsv emb.bin
	run -2 cs-segment -k 0 emb.bin
	run -2 cs-segment -k 1025 emb.bin
	run -2 cs-segment -k 3 emb.bin few.bin
}
