# cs-index: an index changes no exact answer, states its recall truly, and is
# the same bytes however it was made.

load helper

setup_file() {
	cd "$BATS_FILE_TMPDIR" || return
	cs-aggregate -q "$ROOT/data/views.csv" > profiles.tsv
	cs-matrix --value sum --damp log --weight idf profiles.tsv > matrix.bin
	cs-svd -k 20 matrix.bin > emb.bin
	cs-index --cells 16 emb.bin > fast.bin
	cut -f 1 profiles.tsv | sed 1d | uniq | sed -n '1~50p' > some
	cs-knn --all -q --no-why --metric embedding emb.bin > all.tsv
}

setup() {
	cd "$BATS_FILE_TMPDIR" || return
}

@test "exact results with the index equal those without" {
	for options in "" "--no-why -n 100" "--include-self" "--min-similarity 0.7" \
		"--among some" "--not some -n 3" "--alpha 0.4" "--format json" \
		"--metric embedding" "--metric embedding --include-self -n 100"
	do
		for user in 1 42 77 1000
		do
			# shellcheck disable=SC2086
			cs-knn -q -u "$user" --no-profiles $options emb.bin \
				> expected || [ ! -s expected ]
			for threads in 1 3
			do
				# shellcheck disable=SC2086
				cs-knn -q -u "$user" --no-profiles $options \
					-j "$threads" fast.bin > found ||
					[ ! -s found ]
				cmp found expected
			done
		done
	done
	cs-knn -u 1 -u 2 -u 3 -u 4 --profiles emb.bin | grep -v '^#model' > expected
	cs-knn -u 1 -u 2 -u 3 -u 4 --profiles fast.bin | grep -v '^#model' |
		cmp - expected
	cs-knn -u 1 --metric dot --no-profiles fast.bin |
		cmp - <(cs-knn -u 1 --metric dot --no-profiles emb.bin)
	cs-knn --like some -n 40 fast.bin | cmp - <(cs-knn --like some -n 40 emb.bin)
	cs-knn --all -q --no-why --metric embedding fast.bin | cmp - all.tsv
	cs-knn --like some --metric embedding fast.bin |
		cmp - <(cs-knn --like some --metric embedding emb.bin)
	# Of #model, but for the id.
	diff <(cs-knn -u 1 --among some emb.bin | sed -n '1,2 s/id=[^;]*//p') \
		<(cs-knn -u 1 --among some fast.bin | sed -n '1,2 s/id=[^;]*//p')
}

@test "--hub: the order less half the mean similarity to the ten nearest" {
	head -n 3000 profiles.tsv | cs-matrix -q > few.mat
	cs-svd -q -k 20 few.mat > few.bin
	cs-index -q --hub -o hub.bin few.bin
	cs-index --hub -j 3 few.bin | cmp - hub.bin
	cs-dump --check hub.bin > text
	for options in "" "--metric embedding"
	do
		if [ -n "$options" ]
		then
			cs-svd -q -k 20 --scale sqrt few.mat | cs-index --hub > hub.bin
		fi
		# shellcheck disable=SC2086
		cs-knn --all -q -n 999 --no-why $options hub.bin > whole.tsv
		"$PYTHON" "$BATS_TEST_DIRNAME/hub.py" whole.tsv 10 > expected
		# shellcheck disable=SC2086
		cs-knn --all -q --hub --no-why $options hub.bin | cmp - expected
		# Of so few the first search often lacks some.
		"$PYTHON" "$BATS_TEST_DIRNAME/hub.py" whole.tsv 1 > expected
		# shellcheck disable=SC2086
		cs-knn --all -q -n 1 --hub --no-why $options hub.bin | cmp - expected
		"$PYTHON" "$BATS_TEST_DIRNAME/hub.py" whole.tsv 999 |
			awk '$1 == "query" || $1 == 100' > expected
		cs-knn -u 100 --hub -n 3000 --no-why --no-profiles -q hub.bin |
			cmp - expected
	done
}

@test "--hub: reasons add up, the summary says the order, and what is refused" {
	cs-index -q --hub -o hub.bin emb.bin
	cs-knn -u 7 --hub hub.bin > seven
	grep -q '^#model.*;hub=1;' seven
	cs-summarize seven | tr '\n' ' ' |
		has 'In the order of similarity less half the mean'
	# The lines of those that both list are the same but for the rank.
	cs-knn -u 7 -n 400 --no-profiles hub.bin | cut -f 1,3- | sort > whole
	grep -v '^#' seven | cut -f 1,3- | sort | comm -23 - whole > others
	[ ! -s others ]
	refused() {
		local text=$1
		shift
		run -2 --separate-stderr cs-knn -u 7 --hub "$@"
		[[ "$stderr" == *"$text"* ]] || { echo "$stderr"; false; }
	}
	refused "cs-index --hub adds them" fast.bin
	refused "takes for --metric combined --alpha 1 alone" \
		--alpha 0.5 hub.bin
	refused "takes for --metric combined" --metric dot hub.bin
	refused "--hub: not with --recall" --recall 0.9 hub.bin
	refused "--hub: not with --min-similarity" --min-similarity 0.1 hub.bin
	refused "--hub: cs-index measured the customers of one MODEL" hub.bin hub.bin
	# Made anew without it, the index lacks it.
	cs-index -q -o fewer.bin hub.bin
	refused "cs-index --hub adds them" fewer.bin
	run ! grep -q 'index.hub' <(cs-dump fewer.bin)
	for damage in "index.hub 3 nan" "index.hub 4 1.5"
	do
		# shellcheck disable=SC2086
		"$PYTHON" "$BATS_TEST_DIRNAME/forge.py" hub.bin $damage > forged.bin
		refused "tensor index.hub is damaged: item" forged.bin
	done
	"$PYTHON" "$BATS_TEST_DIRNAME/forge.py" hub.bin header \
		'"index.hub.metric":"combined"' '"index.hub.metric":"unheard_"' > forged.bin
	refused "its metadata do not say what index.hub is of" forged.bin
}

@test "all cells give the exact result; the stated recall is right" {
	cs-knn --all -q --no-why --probes 16 fast.bin | cmp - all.tsv
	cs-knn --all -q --no-why --probes 1000 -j 3 fast.bin | cmp - all.tsv
	for wanted in 0.95 0.99
	do
		probes=$(cs-dump --format json fast.bin | "$PYTHON" -c "
import json, sys
recall = json.load(sys.stdin)['index']['recall']
print(*(r['probes'] for r in recall if r['wanted'] == $wanted))")
		cs-knn --all -q --no-why --recall "$wanted" fast.bin > found
		cs-knn --all -q --no-why --probes "$probes" fast.bin | cmp - found
		awk -F '\t' -v wanted="$wanted" '
			NR == FNR { known[$1, $3] = $4; next }
			FNR > 1 && ($1, $3) in known {
				if (known[$1, $3] != $4) exit 1
				n++
			}
			FNR > 1 { all++ }
			END { exit n / all < wanted - 0.01 || n == all }
		' found all.tsv
	done
	# One by one as all together.
	for user in 1 42 77
	do
		cs-knn -u "$user" --no-why --no-profiles --probes 2 fast.bin |
			sed 1d
	done > few
	cs-knn --all -q --no-why --probes 2 fast.bin |
		grep -E '^(1|42|77)	' | sort | cmp - <(sort few)
}

@test "with a filter there are still n neighbours" {
	for user in 1 42 77
	do
		[ "$(cs-knn -u "$user" --among some -n 20 --probes 1 \
			--format ids fast.bin | grep -cxFf some)" -eq 20 ]
	done
	cs-knn --users some --among some -n 200 --probes 1 --no-why -q fast.bin |
		cmp - <(cs-knn --users some --among some -n 200 --no-why -q \
			--metric embedding emb.bin)
}

@test "--min-similarity with an index counts the customers that were scored" {
	run -0 --separate-stderr cs-knn -u 1 -n 1999 --probes 16 --format ids \
		--min-similarity 0.5 fast.bin
	[ "$stderr" = "cs-knn: fast.bin: customer 1: ${#lines[@]} of the customers looked at have a similarity of 0.5 or more" ]
	# So does the summary, which is told no number of all.
	cs-knn -q -u 1 -n 1999 --probes 16 --min-similarity 0.5 fast.bin |
		cs-summarize > summary
	grep -qx "${#lines[@]} of the customers looked at have a similarity of 0.5 or more" summary
	run -1 --separate-stderr cs-knn -u 1 --recall 0.9 --min-similarity 1 fast.bin
	[ "$stderr" = "cs-knn: fast.bin: customer 1: none of the customers looked at has a similarity of 1 or more" ]
}

@test "the same bytes for any threads, from a file and from a pipe" {
	for threads in 1 2 3
	do
		cs-index --cells 16 -j "$threads" < emb.bin | cmp - fast.bin
	done
	# shellcheck disable=SC2002
	cat emb.bin | cs-index --cells 16 -o piped.bin
	cmp piped.bin fast.bin
	# In a pass for each block, in some, and in none.
	for size in 1 50K 150K 100M
	do
		cs-index --cells 16 -S "$size" -j 2 emb.bin | cmp - fast.bin
	done
	# An index is replaced by another.
	cs-index --cells 16 fast.bin | cmp - fast.bin
	cs-index --seed 2 --cells 16 emb.bin > other.bin
	run ! cmp -s other.bin fast.bin
	cs-index --cells 16 other.bin | cmp - fast.bin
	cs-dump --check fast.bin | has '^index  *16 cells'
	# What a part takes over of it is not there.
	cs-matrix --as fast.bin profiles.tsv | cs-project fast.bin > again.bin
	run ! grep -q '^index' <(cs-dump again.bin)
}

@test "parts of a model with one set of cells" {
	for half in 0 1
	do
		awk -F '\t' -v half="$half" 'NR == 1 || $1 % 2 == half' \
			profiles.tsv | cs-matrix --as emb.bin |
			cs-project emb.bin | cs-index --as fast.bin \
			> "half$half.bin"
	done
	cs-knn --users some -q -n 5 --probes 2 fast.bin > expected
	cs-knn --users some -q -n 5 --probes 2 half0.bin half1.bin | cmp - expected
	cs-knn -u 42 --no-profiles half1.bin half0.bin |
		cmp - <(cs-knn -u 42 --no-profiles emb.bin)
	# More cells are looked into until all parts together have enough: by
	# tiles and one by one, of the model's own customers and of others'.
	head -n 3 some > three
	for options in "--users some -n 300" "--users three -n 300" \
		"--users some -n 20 --among some" "--like three -n 250" \
		"--users three -n 7 --not some --include-self" \
		"--queries half1.bin --among some -n 12"
	do
		# shellcheck disable=SC2086
		cs-knn $options -q --no-profiles --probes 1 fast.bin > expected
		# shellcheck disable=SC2086
		cs-knn $options -q --probes 1 half0.bin half1.bin |
			cmp - expected
	done
	# As many cells in each part as the most that one of them needs.
	probes=$(for half in 0 1
	do
		cs-dump --format json "half$half.bin" | "$PYTHON" -c "
import json, sys
recall = json.load(sys.stdin)['index']['recall']
print(*(r['probes'] for r in recall if r['wanted'] == 0.95))"
	done | sort -n | tail -n 1)
	cs-knn --users some -q --recall 0.95 half0.bin half1.bin |
		cmp - <(cs-knn --users some -q --probes "$probes" fast.bin)
}

@test "few customers, copies, some without signal" {
	{
		head -n 1 profiles.tsv
		printf '%s\tpython\t1\t7\n' a b c
		printf 'd\taws\t1\t0\n'
		printf 'e\taws\t1\t3\n'
	} | cs-matrix --weight none | cs-svd -q -k 2 > small.bin
	cs-index small.bin > small-fast.bin
	cs-dump --check small-fast.bin > /dev/null
	cs-index --cells 5 small.bin > five.bin
	for model in small-fast.bin five.bin
	do
		for options in "" "--probes 1" "--recall 0.99"
		do
			# shellcheck disable=SC2086
			cs-knn -u a -n 2 $options --format ids "$model" |
				cmp - <(printf 'b\nc\n')
		done
		run -1 --separate-stderr cs-knn -u d "$model"
		[[ "$stderr" == *"no tag with weight"* ]]
	done
	run -2 cs-index --cells 6 small.bin
}

@test "wrong use and wrong input" {
	run -2 --separate-stderr cs-knn -u 1 --recall 0.9 emb.bin
	[ "$stderr" = "cs-knn: emb.bin: it has no index: cs-index adds one" ]
	run -2 cs-knn -u 1 --recall 0.9 --probes 3 fast.bin
	run -2 cs-knn -u 1 --recall 1.1 fast.bin
	run -2 cs-knn -u 1 --recall 0 fast.bin
	run -2 cs-knn -u 1 --probes 0 fast.bin
	run -2 cs-knn -u 1 --probes 3 --metric dot fast.bin
	run -2 --separate-stderr cs-knn -u 1 --probes 3 --metric combined fast.bin
	[[ "$stderr" == *"an index is of embeddings"* ]]
	run -2 cs-index --cells 0 emb.bin
	run -2 cs-index a b
	run -2 --separate-stderr cs-index matrix.bin
	[[ "$stderr" == *"a matrix, expected a model"* ]]
	run -2 --separate-stderr cs-index --as emb.bin emb.bin
	[[ "$stderr" == *"it has no index"* ]]
	run -2 cs-index --as fast.bin --cells 3 emb.bin
	# Cells of other components, as many dimensions as they may have.
	cs-svd -k 20 --center row matrix.bin | cs-index > centred.bin
	run -2 --separate-stderr cs-index --as centred.bin emb.bin
	[[ "$stderr" == "cs-index: centred.bin: its components are not those of emb.bin"* ]]
	# Cells of no one.
	awk -F '\t' -v OFS='\t' 'NR > 1 { $4 = 0 } 1' profiles.tsv |
		cs-matrix --as emb.bin | cs-project emb.bin |
		cs-index > silent.bin
	cs-dump --check silent.bin > /dev/null
	run -1 cs-knn -u 1 --probes 3 silent.bin
	run -2 --separate-stderr cs-index --as silent.bin emb.bin
	[ "$stderr" = "cs-index: silent.bin: its cells are of customers without signal, and have no room for those of emb.bin" ]
	head -c 100000 fast.bin > cut.bin
	run -2 cs-knn -u 1 cut.bin
}

@test "an index of another embedding, or damaged, is refused" {
	forge() {
		"$PYTHON" "$BATS_TEST_DIRNAME/forge.py" fast.bin "$@" > forged.bin ||
			skip "no libxxhash for python"
	}
	forge embedding 5 0.25
	for way in "" "--probes 2"
	do
		# shellcheck disable=SC2086
		run -2 --separate-stderr cs-knn -u 1 $way forged.bin
		[ "$stderr" = "cs-knn: forged.bin: its index is of another embedding: make it anew by cs-index" ]
	done
	run -2 cs-dump forged.bin
	# Made anew it is of that embedding, if not the embedding of the rows.
	cs-index --cells 16 forged.bin > anew.bin
	cs-knn -u 1 --probes 2 --no-why anew.bin > /dev/null
	run -2 cs-dump --check anew.bin
	[[ "$output" == *"tensor captured is damaged"* ]]
	for damage in "index.starts 3 -1" "index.starts 3 1000000" \
		"index.starts 16 4" "index.starts 0 1"
	do
		# shellcheck disable=SC2086
		forge $damage
		run -2 --separate-stderr cs-knn -u 1 --probes 16 forged.bin
		[[ "$stderr" == "cs-knn: forged.bin: tensor index.starts is damaged" ]]
	done
	for row in 2000 2000000000 -7
	do
		seq -f "index.rows %g $row" 0 "$(cases 400 2000)" 4000
	done | "$PYTHON" "$BATS_TEST_DIRNAME/forge.py" fast.bin
	for number in $(seq "$(cases 33 9)")
	do
		for way in "" "--probes 16" "--recall 0.5"
		do
			# shellcheck disable=SC2086
			run --separate-stderr cs-knn -u 1 -n 1000 $way \
				forged.$number
			[ "$status" -eq 0 ] ||
				[[ "$status $stderr" == "2 "*"tensor index.rows is damaged" ]]
		done
	done
	printf '%s\n' "index.scales 3 nan" "index.scales 3 1e38" \
		"index.residuals 70 inf" "index.units 1000 nan" \
		"index.centroids 7 0" "index.recall 4 nan" |
		"$PYTHON" "$BATS_TEST_DIRNAME/forge.py" fast.bin
	for number in $(seq 6)
	do
		for way in "-u 1" "-u 1 --recall 0.9" "--all -q --recall 0.9"
		do
			# shellcheck disable=SC2086
			run cs-knn $way forged.$number
			[ "$status" -eq 0 ] || [ "$status" -eq 2 ]
			[[ "$output" != *nan* ]]
		done
	done
}

@test "--check refuses an index, a model and a matrix with a forged value" {
	"$PYTHON" -c 'import ctypes; ctypes.CDLL("libxxhash.so.0")' ||
		skip "no libxxhash for Python"
	head -n 2000 profiles.tsv | cs-matrix -q > small.mat
	cs-svd -q -k 8 --center column small.mat > small.bin
	cs-index -q --hub --cells 5 small.bin > hub.bin
	for model in small.mat small.bin hub.bin
	do
		cs-dump --check $model > text
		"$PYTHON" "$BATS_TEST_DIRNAME/forged_values.py" $model 1
	done
	# The service loads none with a forged index.
	for value in "index.rows 1 0" "index.codes 70 9" "index.scales 3 0.5" \
		"index.residuals 2 0" "index.units 9 2" "index.recall 0 2" \
		"index.centroids 1 3" "index.hub 4 2"
	do
		# shellcheck disable=SC2086
		"$PYTHON" "$BATS_TEST_DIRNAME/forge.py" hub.bin $value > forged.bin
		run -2 --separate-stderr cs-serve -p 0 forged.bin
		[[ "$stderr" == "cs-serve: forged.bin: tensor ${value%% *} is damaged"* ]]
	done
	# Nor one whose values are possible, but not those of its rows.
	"$PYTHON" - "$BATS_TEST_DIRNAME" <<-'END'
	import sys
	sys.path.insert(0, sys.argv[1])
	from forge import Model
	for tensor, change in (("components", lambda value: value * 1.01),
	                       ("pairs", lambda value: value * .9),
	                       ("index.centroids", lambda value: -value),
	                       ("index.recall", lambda value: min(1, value + .02))):
	    model = Model("hub.bin")
	    for item in range(model.count(tensor)):
	        model.set(tensor, item, change(model.get(tensor, item)))
	    with open(f"forged.{tensor}", "wb") as file:
	        file.write(model.forged())
	END
	while read -r forged found
	do
		run -2 --separate-stderr cs-serve -p 0 "forged.$forged"
		[[ "$stderr" == "cs-serve: forged.$forged: tensor $found is damaged"* ]]
	done <<-'END'
	components embedding
	pairs pairs
	index.centroids index.rows
	index.recall index.recall
	END
	# Options that contradict the values.
	while read -r option is other
	do
		"$PYTHON" "$BATS_TEST_DIRNAME/forge.py" small.bin header \
			"\"$option\":\"$is\"" "\"$option\":\"$other\"" \
			> forged.bin
		run -2 --separate-stderr cs-dump --check forged.bin
		[[ "$stderr" == "cs-dump: forged.bin: "*"$option"* ]]
	done <<-'END'
	matrix.weight smooth idf
	matrix.weight smooth smoother
	matrix.min-users 1 none
	matrix.files 1 0
	svd.k 8 7
	svd.tol 0.001 nan
	END
	for weight in none idf sqrt-idf
	do
		head -n 2000 profiles.tsv | cs-matrix -q --weight $weight \
			--attributes a > weighted.mat
		cs-dump --check weighted.mat > text
	done
	# What is projected, rotated, scaled or of a shard is none.
	head -n 300 profiles.tsv | cs-matrix -q --as small.bin |
		cs-project small.bin | cs-index -q --as hub.bin > new.bin
	cs-dump --check new.bin > text
	cs-svd -q -k 8 --scale sqrt small.mat | cs-index -q > sqrt.bin
	cs-dump --check sqrt.bin > text
	cs-svd -q -k 8 small.mat > plain.bin
	cs-svd -q -k 8 --align plain.bin small.mat | cs-index -q > aligned.bin
	cs-dump --check aligned.bin > text
}
