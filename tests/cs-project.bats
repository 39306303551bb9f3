# cs-project, with cs-matrix --as and cs-knn --queries: customers folded into a
# model.

load helper

setup_file() {
	cd "$BATS_FILE_TMPDIR" || return
	cs-aggregate -q "$ROOT/data/views.csv" > profiles.tsv
	cs-matrix profiles.tsv > matrix.bin
	cs-svd -k 20 matrix.bin > emb.bin
	{
		head -n 1 profiles.tsv
		awk -F '\t' 'NR > 1 && ($1 == 1 || $1 == 42 || $1 == 77)' \
			profiles.tsv
	} > three.tsv
}

setup() {
	cd "$BATS_FILE_TMPDIR" || return
}

# The header of profiles and the given lines, fields between blanks.
profile() {
	{
		head -n 1 profiles.tsv
		printf '%s\n' "$@" | tr ' ' '\t'
	} > new.tsv
}

@test "a customer of the model gets the same embedding bytes" {
	cs-matrix --as emb.bin three.tsv | cs-project emb.bin > three.bin
	cs-dump --check three.bin > /dev/null
	cs-dump --what embedding --format tsv three.bin > found
	cs-dump --what embedding --format tsv emb.bin |
		grep -E -e '^(1|42|77)	' -e '^customer' > expected
	[ "$(wc -l < expected)" -ge 3 ]
	diff <(grep -E '^(1|42|77)	' expected) <(grep -E '^(1|42|77)	' found)
	# With each recipe, and as many at once as the model has.
	for recipe in "--center row --scale u" "--center column --scale sqrt"; do
		# shellcheck disable=SC2086
		cs-svd -k 20 --tol 1e-6 $recipe -o other.bin matrix.bin
		cs-matrix --as other.bin profiles.tsv |
			cs-project -j 2 -o again.bin other.bin
		for what in embedding components sigma; do
			cmp <(cs-dump --what $what --format npy other.bin) \
				<(cs-dump --what $what --format npy again.bin)
		done
	done
}

@test "a matrix made with --as equals the model's, tenths included" {
	cs-matrix --as emb.bin profiles.tsv > as.bin
	for what in profiles tags; do
		cmp <(cs-dump --what $what --format tsv emb.bin) \
			<(cs-dump --what $what --format tsv as.bin)
	done
	for options in "--value mean --damp none --weight none --norm none" \
		"--value events --weight sqrt-idf --min-users 5"; do
		# shellcheck disable=SC2086
		cs-matrix $options profiles.tsv | cs-svd -k 5 -o other.bin
		cs-matrix -q --as other.bin three.tsv > as.bin
		cmp <(cs-dump --what profiles --format tsv other.bin |
			grep -E '^(1|42|77)	') \
			<(cs-dump --what profiles --format tsv as.bin |
			grep -E '^(1|42|77)	')
	done
	# A model's blocks keep their weights.
	cs-aggregate -q --prefix 'follows ' -u user_handle -t interest_tag \
		"$ROOT/data/user_interests.csv" > interests.tsv
	cs-matrix --weights 1,0.5 profiles.tsv interests.tsv |
		cs-svd -k 5 -o both.bin
	cs-matrix --as both.bin profiles.tsv interests.tsv > as.bin
	cmp <(cs-dump --what profiles --format tsv both.bin) \
		<(cs-dump --what profiles --format tsv as.bin)
}

@test "the examples of --help run" {
	cp three.tsv new.tsv
	echo 626 > gone.txt
	cs-project --help | grep '^  cs-' > pasted
	[ "$(wc -l < pasted)" -eq 3 ]
	sh -e pasted > found
	cs-knn -u 1 -u 42 -u 77 --no-profiles emb.bin | diff - found
}

@test "--queries: neighbours of customers who are not in the model" {
	cs-matrix --as emb.bin three.tsv | cs-project emb.bin > three.bin
	cs-knn --queries three.bin emb.bin > found
	cs-knn -u 1 -u 42 -u 77 --no-profiles emb.bin | diff - found
	# With themselves, and through parts of the model.
	cs-knn --queries three.bin --include-self -n 4 emb.bin > found
	cs-knn -u 1 -u 42 -u 77 --no-profiles --include-self -n 4 emb.bin |
		diff - found
	for half in 0 1; do
		awk -F '\t' -v half="$half" 'NR == 1 || $1 % 2 == half' \
			profiles.tsv | cs-matrix --as emb.bin |
			cs-project -o "half$half.bin" emb.bin
	done
	cs-knn --queries three.bin --include-self -n 4 half0.bin half1.bin |
		diff - found
	# One who has changed is not by 1 like what it was.
	profile "42 python 1 3600"
	cs-matrix --as emb.bin new.tsv | cs-project -o changed.bin emb.bin
	cs-knn --queries changed.bin --include-self -n 2000 --no-why -q emb.bin |
		awk -F '\t' '$3 == 42 { found = $4 } END { exit !(found < 0.99) }'
	# Without their names there, each is its own nearest.
	sed -E '2,$ s/^/new-/' three.tsv | cs-matrix --as emb.bin |
		cs-project emb.bin > renamed.bin
	cs-knn --queries renamed.bin -n 1 --no-why emb.bin | tail -n +2 |
		awk -F '\t' '{ print $1, $3, ($4 > 0.999999) }' > found
	printf 'new-%s %s 1\n' 1 1 42 42 77 77 | diff - found
	cs-knn --queries renamed.bin --profiles -n 3 emb.bin |
		cs-summarize --format json | "$PYTHON" -c '
import json, sys
found = [json.loads(line) for line in sys.stdin]
assert [one["customer"] for one in found] == ["new-1", "new-42", "new-77"]
assert [one["neighbours"][0]["customer"] for one in found] == ["1", "42", "77"]'
}

@test "unknown tags are counted; who has no other is left out and named" {
	profile "a nothing 1 5" "b nonsense 2 7" "b python 1 3600" "c what 1 1"
	run -1 --separate-stderr cs-matrix --as emb.bin -o new.mat new.tsv
	[ "${stderr_lines[0]}" = "cs-matrix: 3 of 4 tags (3 pairs) are not in emb.bin and are left out: the first is nothing" ]
	[ "${stderr_lines[1]}" = "cs-matrix: customer a has no tag that emb.bin knows, and is left out" ]
	[ "${stderr_lines[2]}" = "cs-matrix: customer c has no tag that emb.bin knows, and is left out" ]
	[ "${#stderr_lines[@]}" -eq 3 ]
	cs-project emb.bin new.mat > new.bin
	[ "$(cs-dump --what users --format tsv new.bin | grep -c '^b')" -eq 1 ]
	# Of many the first ten are named.
	for i in {10..30}; do echo "u$i nothing 1 5"; done > many
	mapfile -t lines < many
	profile "b python 1 3600" "${lines[@]}"
	run -1 --separate-stderr cs-matrix -q --as emb.bin -o new.mat new.tsv
	[ "${#stderr_lines[@]}" -eq 11 ]
	[ "${stderr_lines[10]}" = "cs-matrix: 21 of 22 customers have none, and are left out" ]
	profile "a nothing 1 5"
	rm -f none.mat
	run -1 --separate-stderr cs-matrix --as emb.bin -o none.mat new.tsv
	[[ "$stderr" == *"customer a has no tag that emb.bin knows"* ]]
	[ ! -e none.mat ]
}

@test "the model decides: its options are refused, another's matrix too" {
	for option in --value=sum --damp=log --weight=idf --norm=l2 \
		--min-users=2 --min-tags=2; do
		run -2 --separate-stderr cs-matrix --as emb.bin "$option" three.tsv
		[[ "$stderr" == *"${option%=*}: with --as it is the model's"* ]]
	done
	cs-svd -k 20 --seed 2 --center row matrix.bin > other.bin
	cs-matrix --norm none profiles.tsv > plain.mat
	run -2 --separate-stderr cs-project emb.bin plain.mat
	[[ "$stderr" == "cs-project: plain.mat: its matrix.norm is not that of emb.bin"* ]]
	cs-matrix three.tsv > three.mat
	run -2 --separate-stderr cs-project emb.bin three.mat
	[[ "$stderr" == "cs-project: three.mat: its tags"*"not those of emb.bin"* ]]
	run -2 --separate-stderr cs-project emb.bin emb.bin
	[[ "$stderr" == *"emb.bin: a model already, expected a matrix"* ]]
	run -2 --separate-stderr cs-project matrix.bin matrix.bin
	[[ "$stderr" == *"a matrix, expected a model"* ]]
	run -2 --separate-stderr cs-project three.tsv matrix.bin
	cs-matrix --as other.bin three.tsv | cs-project other.bin > three.bin
	run -2 --separate-stderr cs-knn --queries three.bin emb.bin
	[[ "$stderr" == "cs-knn: three.bin: its components are not those of emb.bin"* ]]
	run -2 cs-project
	run -2 cs-project a b c
	run -2 cs-project -
}

@test "same bytes for any threads; a cut stream is refused" {
	cs-matrix --as emb.bin profiles.tsv > all.mat
	cs-project -j 1 emb.bin all.mat > expected
	for j in 2 3; do
		cs-project -j "$j" emb.bin < all.mat | cmp - expected
	done
	head -c 5000 all.mat > cut.mat
	run -2 --separate-stderr cs-project -o out.bin emb.bin cut.mat
	[ "$stderr" != "" ]
	[ ! -e out.bin ]
}

@test "--like: who is most like a group, against dense arithmetic" {
	need numpy
	printf '%s\n' 1 42 77 42 > seeds
	for recipe in "--center none" "--center row --scale u" \
		"--center column --scale sqrt"; do
		# shellcheck disable=SC2086
		cs-svd -k 20 --tol 1e-6 $recipe -o other.bin matrix.bin
		cs-knn --like seeds -n 40 --metric embedding other.bin > found
		[ "$(tail -n +2 found | cut -f 1 | uniq)" = seeds ]
		"$PYTHON" "$BATS_TEST_DIRNAME/audience.py" other.bin seeds found
	done
	cs-knn --like seeds -n 40 --metric embedding --format ids other.bin |
		diff - <(tail -n +2 found | cut -f 3)
	cs-svd -k 20 --tol 1e-6 -o other.bin matrix.bin
	cs-knn --like seeds -n 40 other.bin > found
	"$PYTHON" "$BATS_TEST_DIRNAME/combined.py" other.bin found 1 seeds
	# A group of one has its neighbours.
	echo 42 > seeds
	cs-knn --like seeds --no-why emb.bin | tail -n +2 | cut -f 2-3 > found
	cs-knn -u 42 --no-why emb.bin --no-profiles | tail -n +2 | cut -f 2-3 |
		diff - found
}

@test "--like: filters, unknown seeds, none" {
	printf '%s\n' 1 nobody 42 > seeds
	run -1 --separate-stderr cs-knn --like seeds -n 2 --format ids emb.bin
	[ "${#lines[@]}" -eq 2 ]
	[ "${stderr_lines[0]}" = "cs-knn: seeds:2: no customer nobody in emb.bin" ]
	[ "${stderr_lines[1]}" = "cs-knn: 2 of 3 in seeds are known" ]
	cs-knn --like seeds -n 2 --format ids --ignore-unknown emb.bin > two
	cs-knn --like seeds -n 1 --format ids --ignore-unknown --not two emb.bin |
		grep -vxFf two
	[ "$(cs-knn --like seeds --include-self -n 2000 --format ids \
		--ignore-unknown emb.bin | grep -cxFf seeds)" -eq 2 ]
	echo nobody > seeds
	run -1 --separate-stderr cs-knn --like seeds --ignore-unknown emb.bin
	[[ "$stderr" == *"none of its customers is in emb.bin"* ]]
	run -2 cs-knn --like seeds --profiles emb.bin
	run -2 cs-knn --like seeds -u 1 emb.bin
	run -2 cs-knn --like - --not - emb.bin
}

@test "--forget: no byte of who left, the same bytes of who stays, from matrix, model and index" {
	head -c 32 /dev/zero | tr '\0' k > key
	sed '2500q; s/^\([0-9]*\),/<customer \1>,/' \
		"$ROOT/data/views.csv" > log.csv
	printf '<customer %s>\n' 1387 nobody 626 1 > gone.txt
	for key in "" "--pseudonym key"
	do
		[ -z "$key" ] && center=none metrics="combined embedding profile" ||
			center=column metrics="embedding profile"
		# shellcheck disable=SC2086
		cs-aggregate -q $key log.csv > all.tsv
		cs-matrix -q -o all.mat all.tsv
		cs-svd -q -k 12 --center $center -o all.bin all.mat
		cs-index -q --hub --cells 8 -o all.ivf all.bin
		# shellcheck disable=SC2086
		cs-aggregate -q --merge --forget gone.txt $key -o kept.tsv all.tsv
		# shellcheck disable=SC2086
		for file in mat bin ivf
		do
			cs-project --forget gone.txt $key -o kept.$file all.$file 2> said
			cs-dump --check kept.$file > /dev/null
			grep -q "^cs-project: 3 customers left, of 4 names in gone.txt; [0-9,]* stay" said
		done
		grep -q "the index is left out: cs-index --as all.ivf makes it again" said
		cs-index -q --as all.ivf -o kept.ivf kept.ivf
		cs-dump --check kept.ivf > /dev/null
		comm -23 <(sed 1d all.tsv | cut -f 1 | LC_ALL=C sort -u) \
			<(sed 1d kept.tsv | cut -f 1 | LC_ALL=C sort -u) > ids
		[ "$(wc -l < ids)" -eq 3 ]
		grep -qFf ids all.mat
		grep -qFf ids all.ivf
		run -1 grep -aFf ids kept.tsv kept.mat kept.bin kept.ivf
		# Rows and embeddings are those that they were.
		for what in profiles embedding
		do
			cs-dump --what $what --format tsv all.bin |
				grep -vFf ids | cmp - <(cs-dump --what $what --format tsv kept.bin)
		done
		cs-dump --what profiles kept.mat |
			cmp - <(cs-dump --what profiles kept.bin)
		cs-dump --what sigma all.bin | cmp - <(cs-dump --what sigma kept.ivf)
		# So are neighbours, but for those who left.
		for metric in $metrics
		do
			cs-knn --all -n 13 --metric $metric --no-why all.ivf | grep -vFf ids |
				awk -F '\t' '!/^[#]/ && ++n[$1] <= 10 { print $1, $3, $4 }' > before
			cs-knn --all -n 10 --metric $metric --no-why kept.ivf |
				awk -F '\t' '!/^[#]/ { print $1, $3, $4 }' | diff before -
		done
	done
	# It is what folding in those who stay makes.
	cs-matrix -q --as all.bin kept.tsv | cs-project -q all.bin |
		cs-dump --what embedding --format tsv |
		cmp - <(cs-dump --what embedding --format tsv kept.bin)
	# Forgetting once more changes nothing but the model that it came from.
	cs-project -q --forget gone.txt --pseudonym key < kept.bin |
		cs-dump --what profiles | cmp - <(cs-dump --what profiles kept.bin)
}

@test "--forget: counts of tags, nobody left, wrong use" {
	printf '1\n42\n77\n' > gone.txt
	# Nobody else has the tag "alone".
	{
		head -n 1 profiles.tsv
		{ sed 1d profiles.tsv; printf '77\talone\t1\t1\n'; } |
			sort -t $'\t' -k 1,1 -k 2,2
	} > more.tsv
	cs-matrix -q -o more.mat more.tsv
	cs-project -q --forget gone.txt -o kept.mat more.mat
	grep -vE '^(1|42|77)	' more.tsv | cs-matrix -q > fresh.mat
	# A tag that nobody has stays, with a count of 0.
	{ cs-dump --what tags fresh.mat | cut -f 1,2; printf 'alone\t0\n'; } |
		sort > expected
	cs-dump --what tags kept.mat | cut -f 1,2 | sort | diff expected -
	cut -f 1 profiles.tsv | sed 1d | sort -u > everybody
	run -2 --separate-stderr cs-project --forget everybody -o out emb.bin
	[ "$stderr" = "cs-project: emb.bin: nobody is left: all of its customers are in everybody" ]
	[ ! -e out ]
	run -2 cs-project --forget gone.txt emb.bin matrix.bin
	[[ "$output" == *"matrix.bin: with --forget there is one MODEL, or matrix"* ]]
	run -2 cs-project --pseudonym gone.txt emb.bin matrix.bin
	[[ "$output" == *"--pseudonym: it is for the names of --forget FILE"* ]]
	run -2 cs-project --forget nothing emb.bin
	printf 'u001,u002\n' > two
	run -2 --separate-stderr cs-project --forget two -o out emb.bin
	[ "${stderr_lines[0]}" = "cs-project: two: its one line may be a name and another field, or two names" ]
	[ ! -e out ]
	run -2 cs-project --forget gone.txt profiles.tsv
	head -c -1 emb.bin > cut.bin
	run -2 cs-project --forget gone.txt -o out cut.bin
	[ ! -e out ]
}

@test "--forget: a service drops who left when the file is replaced" {
	printf '1\n42\n77\n' > gone.txt
	cp emb.bin live.bin
	PYTHONPATH=$BATS_TEST_DIRNAME "$PYTHON" - <<-'END'
	from service import *
	with Service("live.bin") as s:
	    assert s.post({"user_handle": 42}).status == 200
	    run("cs-project -q --forget gone.txt -o live.bin live.bin")
	    s.wait_for("takes the place")
	    for user in 1, 42, 77:
	        assert s.post({"user_handle": user}).status == 404
	        assert s.get(f"/customers/{user}/similar").status == 404
	    assert s.post({"user_handle": 63}).status == 200
	    assert s.get("/overview").json()["customers"] == 1997
	END
}
