# Real logs: what they hold is known from elsewhere.  They are no part of the
# project; without them these tests are skipped.

load helper

setup_file() {
	cd "$BATS_FILE_TMPDIR" || return
	[ -d "$shared/completejourney" ] || return 0
	cs-aggregate -q -o journey.tsv \
		--tags "$shared/completejourney/products.csv:product_id,product_category" \
		"$shared/completejourney/transactions.csv"
	cs-matrix --value sum --damp log --weight idf -o journey.mat journey.tsv
	cs-svd -q -o journey.bin journey.mat
}

setup() {
	cd "$BATS_FILE_TMPDIR" || return
}

@test "completejourney: rows, households, categories" {
	need_shared completejourney
	cs-aggregate --report report \
		--tags "$shared/completejourney/products.csv:product_id,product_category" \
		"$shared/completejourney/transactions.csv" 2> said | cmp - journey.tsv
	printf 'cs-aggregate: %s\n' "took household_id, product_id, sales_value" \
		"75,000 rows: 74,669 used, 331 without a tag; 2,374 customers, 290 tags, 50,022 pairs" |
		diff - said
	[ "$(cat report)" = '{"rows_in": 75000, "rows_used": 74669, "rows_untagged": 331, "values_rounded": 0, "header_lines_repeated": 0, "rows_rejected": {}, "users": 2374, "tags": 290, "pairs": 50022}' ]
	# The same join and sums by another program.
	need numpy
	"$PYTHON" - "$shared/completejourney" <<-'END'
	import csv, sys
	from decimal import Decimal
	folder = sys.argv[1]
	category = {row["product_id"]: row["product_category"] for row in
	            csv.DictReader(open(folder + "/products.csv"))}
	sums = {}
	for row in csv.DictReader(open(folder + "/transactions.csv")):
	    tag = category.get(row["product_id"])
	    if tag:
	        old = sums.get((row["household_id"], tag), (0, Decimal(0)))
	        sums[row["household_id"], tag] = (
	            old[0] + 1, old[1] + Decimal(row["sales_value"]))
	lines = [line.rstrip("\n").split("\t") for line in open("journey.tsv")][1:]
	assert len(lines) == len(sums)
	for user, tag, events, value in lines:
	    count, total = sums[user, tag]
	    assert int(events) == count
	    # 4.440892e-16 stands in the log for zero.
	    assert abs(Decimal(value) - total) < Decimal("1e-12"), (user, tag)
	END
}

@test "households 1955 and 1111, described as recorded; 1878 has a zero vector" {
	need_shared completejourney
	cs-knn --metric embedding -u 1111 -u 1955 journey.bin | cs-summarize > found
	# The case has the tenths of an earlier version: those of customers with
	# equal numbers of tags differ, and by them the expected numbers.
	local mask='s/( of 10) +[0-9.]+ +[0-9.]+ /\1 E T /; s/, [0-9.]+ expected/, E expected/'
	diff <(sed -E "$mask" found) <(sed -E "$mask" \
		"$BATS_TEST_DIRNAME/cases/cs-summarize/grocery.text.expected")
	run -1 cs-knn --metric embedding -u 1878 journey.bin
	[ "$output" = "cs-knn: journey.bin: customer 1878 has no tag with weight, so no one is similar" ]
	cs-knn --metric embedding -u 1955 journey.bin | cs-summarize --format json | "$PYTHON" -c '
import json, sys
one = json.load(sys.stdin)
assert one["customer"] == "1955"
assert one["columns"] == {"customer": "household_id",
    "tag": "product_category", "value": "sales_value"}
model = one["model"]
assert (model["customers"], model["without_signal"], model["tags"],
        model["dimensions"]) == (2374, 1, 290, 64)
assert (round(model["median_pair"], 3), round(model["top_percent_pair"], 3)) \
    == (0.128, 0.538)
assert one["profile"]["tags"] == 32 and one["profile"]["value"] == 201.91
assert [(x["tag"], x["value"], x["customers"]) for x in one["profile"]["top"]] \
    == [("BABY FOODS", 19.59, 182), ("DIAPERS & DISPOSABLES", 9.99, 97),
        ("FACIAL TISS/DNR NAPKIN", 7.17, 179), ("SYRUPS/TOPPINGS", 1.99, 33),
        ("WATER - CARBONATED/FLVRD DRINK", 11.58, 379)]
assert [x["customer"] for x in one["neighbours"]] == ["1299", "574", "788",
    "242", "1778", "888", "1187", "1203", "13", "989"]
first = one["neighbours"][0]
assert abs(first["similarity"] - 0.713343799) < 1e-6
assert [(x["tag"], x["both"]) for x in first["why"]] == [
    ("DIAPERS & DISPOSABLES", True), ("COUPON/MISC ITEMS", True),
    ("WATER - CARBONATED/FLVRD DRINK", True)]
assert abs(first["why"][0]["contribution"] - 0.293221) < 2e-6
group = one["group"]
assert group["members"] == 10 and group["tags_compared"] == 66
assert [(x["tag"], x["members"], round(x["expected"], 2),
         round(x["times"], 2), x["customers"],
         x["has"]) for x in group["over_represented"]] == [
    ("DIAPERS & DISPOSABLES", 10, 0.87, 11.49, 97, True),
    ("BABY HBC", 7, 1.00, 6.98, 114, False),
    ("BABY FOODS", 8, 1.33, 6.03, 182, True),
    ("FROZEN PIZZA", 10, 5.26, 1.90, 687, True)]
assert group["missing"][0]["held_by"] == ["1299", "788", "1778", "888", "1187",
    "1203", "989"]'
}

@test "oulad: 173 empty scores" {
	need_shared oulad
	log=$shared/oulad/student_assessment.csv
	run -2 cs-aggregate -u id_student -t id_assessment -v score "$log"
	[[ "$output" == *":217: score is empty; so in 173 of 173,912 rows"* ]]
	cs-aggregate -q -u id_student -v score \
		--tags "$shared/oulad/assessment.csv:id_assessment,code_module" \
		--rejects aside --report report "$log" > oulad.tsv
	[ "$(wc -l < aside)" -eq 174 ]
	[ "$(wc -l < aside.why)" -eq 173 ]
	grep -q '"rows_used": 173739' report
	awk -F, 'FNR == NR { module[$3] = $1; next }
		FNR > 1 && $5 != "" { k = $2 "\t" module[$1]; n[k]++; s[k] += $5 }
		END { for (k in n) print k "\t" n[k] "\t" s[k] }' \
		"$shared/oulad/assessment.csv" "$log" |
		sort -t "$(printf '\t')" -k1,1 -k2,2 |
		diff - <(tail -n +2 oulad.tsv)
}

@test "onlineretail: 135,080 rows without a customer, negative sums" {
	need_shared onlineretail
	log=$shared/onlineretail/onlineretail.csv.gz
	run -2 cs-aggregate "$log"
	[[ "$output" == *"compressed by gzip: zcat $log | cs-aggregate"* ]]
	run -2 bash -o pipefail -c "zcat $log | cs-aggregate -u CustomerID -t StockCode -v Quantity -o out"
	[ "${lines[0]}" = "cs-aggregate: standard input:624: CustomerID is empty; so in 135,080 of 541,909 rows" ]
	[ "${lines[1]}" = "  to set such rows aside and go on: --rejects FILE" ]
	[ "${#lines[@]}" -eq 2 ]
	[ ! -e out ]
	zcat "$log" | cs-aggregate -u CustomerID -t StockCode -v Quantity \
		--rejects aside > retail.tsv 2> said
	tail -n 1 said | has "541,909 rows: 406,829 used, 135,080 rejected; 4,372 customers, 3,684 tags, 267,615 pairs"
	[ "$(wc -l < aside.why)" -eq 135080 ]
	[ "$(awk -F '\t' '$4 < 0' retail.tsv | wc -l)" -gt 100 ]
	cs-matrix retail.tsv | cs-svd -q -k 32 > retail.bin
	cs-dump --check retail.bin > /dev/null
	# Its ten neighbours are those that numpy finds in the embedding.
	need numpy
	cs-knn --metric embedding -u 17850 --profiles -o retail.knn retail.bin
	cs-summarize --format json -o retail.json retail.knn
	PYTHONPATH=$BATS_TEST_DIRNAME "$PYTHON" - <<-'END'
	import json, numpy as np
	from tensors import read
	_, t = read("retail.bin")
	text, at = t["users.bytes"].tobytes(), t["users.offsets"]
	users = [text[a:b].decode() for a, b in zip(at, at[1:])]
	x = t["embedding"].astype(float)
	length = np.linalg.norm(x, axis=1)
	x /= np.where(length == 0, 1, length)[:, None]
	cosine = x @ x[users.index("17850")]
	cosine[users.index("17850")] = -2
	summary = json.load(open("retail.json"))
	assert summary["customer"] == "17850"
	assert summary["model"]["customers"] == 4372
	found = [users.index(n["customer"]) for n in summary["neighbours"]]
	assert len(set(found)) == 10
	assert abs(cosine[found] - np.sort(cosine)[:-11:-1]).max() < 1e-6
	said = [n["similarity"] for n in summary["neighbours"]]
	assert abs(cosine[found] - said).max() < 1e-6
	END
}

@test "pluralsight: scores, 112 empty tags, features without a header" {
	need_shared pluralsight
	cs-aggregate "$shared/pluralsight/user_assessment_scores.csv" \
		2> said | cut -f 2 | sort -u | wc -l | has -x 55
	grep -q "customers, 54 tags" said
	# Each course viewed once by one customer.
	{ echo user,course_id; sed 1d "$shared/pluralsight/course_tags.csv" |
		cut -d, -f1 | sort -u | sed 's/^/1,/'; } > courses.csv
	cs-aggregate --tags "$shared/pluralsight/course_tags.csv" courses.csv \
		> tags.tsv 2> said
	[ "$(sed 1d tags.tsv | wc -l)" -ge 997 ]
	zcat "$shared/pluralsight/user_features.tsv.gz" |
		cs-aggregate --no-header -d '\t' -u 1 -t 2 > features.tsv
	cs-matrix --weight none features.tsv | cs-svd -q -k 16 > features.bin
	cs-dump features.bin | has -E '^tags +6,667'
	# Equal customers are equally near, and go by name.
	cs-knn --all --no-why -n 5 features.bin > features.knn
	awk -F '\t' 'NR > 1 && $1 == q && $4 == s && $3 "" < n "" { exit 1 }
		{ q = $1; s = $4; n = $3 }' features.knn
}

@test "the first recipe: 15 neighbours as in dense arithmetic" {
	need_shared completejourney
	need numpy
	cs-matrix --value mean --damp none --weight none --norm none \
		journey.tsv |
		cs-svd -q -k 50 --center row --scale u --tol 1e-6 > classic.bin
	cs-knn --all -q -n 15 classic.bin > classic.knn
	"$PYTHON" "$BATS_TEST_DIRNAME/dense.py" classic.bin classic.knn cosine 2e-5
}

@test "singular values equal ARPACK's, residuals numpy's" {
	need_shared pluralsight
	need numpy scipy
	zcat "$shared/pluralsight/user_features.tsv.gz" |
		cs-aggregate --no-header -d '\t' -u 1 -t 2 |
		cs-matrix --weight none --norm none > features.mat
	cs-svd -q -k 20 --tol 1e-6 -o tight.bin features.mat
	PYTHONPATH=$BATS_TEST_DIRNAME "$PYTHON" - <<-'END'
	import numpy as np, scipy.sparse as sp, scipy.sparse.linalg as la
	from tensors import read
	_, t = read("tight.bin")
	a = sp.csr_matrix((t["profile.values"].astype(float),
	    t["profile.indices"], t["profile.indptr"]))
	s = la.svds(a, 20, tol=0, solver="arpack",
	    return_singular_vectors=False)[::-1]
	assert abs(np.sort(s)[::-1] - t["sigma"]).max() < 1e-6 * s.max()
	u = a @ t["components"] / t["sigma"]
	r = np.linalg.norm(a.T @ u - t["components"] * t["sigma"], axis=0)
	r /= t["sigma"][0]
	assert abs(r - t["residual"]).max() < 1e-9, abs(r - t["residual"]).max()
	assert r.max() < 1e-6
	END
}

@test "completejourney by product: neighbours do not hang on seed and tolerance" {
	need_shared completejourney
	cs-aggregate -q -u household_id -t product_id -v sales_value \
		"$shared/completejourney/transactions.csv" |
		cs-matrix -q > product.mat
	for seed in 1 2 3; do
		for tol in 1e-3 1e-6; do
			cs-svd -q --seed $seed --tol $tol product.mat > product.bin
			cs-knn --all -q --no-why product.bin > "near.$seed.$tol"
		done
	done
	"$PYTHON" - near.* <<-'END'
	import sys
	sets = []
	for name in sys.argv[1:]:
	    found = {}
	    for line in open(name).read().splitlines()[1:]:
	        query, _, other = line.split("\t")[:3]
	        found.setdefault(query, set()).add(other)
	    sets.append(found)
	# Places that nobody has, for want of shared products, are the same, too.
	common = []
	for q in sets[0]:
	    lists = [s.get(q, set()) for s in sets]
	    common.append(10 - max(map(len, lists)) +
	                  len(set.intersection(*lists)))
	mean, least = sum(common) / len(common), min(common)
	print("of ten neighbours %.3f are the same in all, at least %d" % (mean, least))
	assert mean >= 9.5 and least >= 8
	END
	# Nobody else bought what household 63 bought: no one is made similar.
	run -1 cs-knn -u 63 --no-profiles --no-why -o out product.bin
	[[ "$output" == *"customer 63 shares nothing with anyone: --min-similarity 0 lists others all the same" ]]
	cs-knn -u 63 --min-similarity 0 --no-profiles --no-why product.bin |
		awk -F '\t' 'NR > 1 && $4 != 0 { exit 1 } END { exit NR != 11 }'
}

# All neighbours of a set, each by rows and embeddings, against brute force.
# $1: a model; $2: how many queries are worked out.
exact_of() {
	local metric

	for metric in 0.75 profile embedding; do
		case $metric in
		0*) set -- "$1" "$2" --alpha "$metric" ;;
		*) set -- "$1" "$2" --metric "$metric" ;;
		esac
		cs-knn -q --all -n 10 --no-why "${@:3}" "$1" > exact.tsv
		"$PYTHON" "$BATS_TEST_DIRNAME/exact.py" "$1" exact.tsv \
			"$metric" "$2"
	done
}

@test "the ten nearest of all customers of each set, against brute force in float64" {
	need numpy
	need_shared
	cs-matrix -q journey.tsv | cs-svd -q > exact.bin
	exact_of exact.bin 2374
	cs-aggregate -q -t product_id \
		"$shared/completejourney/transactions.csv" |
		cs-matrix -q | cs-svd -q > exact.bin
	exact_of exact.bin 100
	cs-aggregate -q -u id_student -v score \
		--tags "$shared/oulad/assessment.csv:id_assessment,code_module" \
		--rejects aside "$shared/oulad/student_assessment.csv" |
		cs-matrix -q | cs-svd -q -k 5 > exact.bin
	exact_of exact.bin 100
	zcat "$shared/onlineretail/onlineretail.csv.gz" |
		cs-aggregate -q -u CustomerID -t StockCode -v Quantity \
			--rejects aside | cs-matrix -q | cs-svd -q > exact.bin
	exact_of exact.bin 100
	zcat "$shared/pluralsight/user_features.tsv.gz" |
		cs-aggregate -q -d '\t' --no-header -u 1 -t 2 -v 3 |
		cs-matrix -q | cs-svd -q > exact.bin
	exact_of exact.bin 100
}

@test "completejourney: products and their categories find households again, better than either" {
	need_shared completejourney
	export MAKEFILES=
	# Halves of baskets; households with 12 products and categories or more.
	found() {
		make -s -f "$ROOT/pipelines/pipeline.mk" BIN="$BIN" eval \
			VIEWS="$shared/completejourney/transactions.csv" \
			TAGS="$shared/completejourney/products.csv:product_id,product_category" \
			LEVELS="$1" HALF_BY=basket_id AGGREGATE="-u household_id" \
			MATRIX="--value events --min-tags 12" \
			EVAL="-q --format tsv --queries 1000" > levels.tsv
		awk -F'\t' '$3 == "mrr" && $2 == "" && /^(combined|rows)/ { printf "%.3f ", $4 }' levels.tsv
	}
	read -r combined rows <<< "$(found "product=1 category=.5")"
	read -r combined_product rows_product <<< "$(found "product=1 category=.000001")"
	read -r combined_category rows_category <<< "$(found "product=.000001 category=1")"
	echo "combined $combined $combined_product $combined_category"
	echo "rows $rows $rows_product $rows_category"
	awk "BEGIN { exit !($combined >= .25 && $rows >= .25 &&
		$combined > $combined_product && $combined > $combined_category &&
		$rows > $rows_product && $rows > $rows_category) }"
	# Every event under its product and its category, in one pass.
	head -n 1 trained_model/halves/A.tsv | has "^household_id.tag.events"
	awk -F'\t' 'NR > 1 && $2 ~ /^product:/ { product += $3 }
		NR > 1 && $2 ~ /^category:/ { category += $3 }
		END { exit !(product == 75000 && category == 74669) }' \
		trained_model/halves/A.tsv trained_model/halves/B.tsv
}

@test "completejourney and oulad: attributes tell who is in a segment" {
	need_shared completejourney
	need_shared oulad
	# PREFIX ID FILE: profiles of a column as attributes.
	column() {
		cs-aggregate -q -u "$2" -t "$1" --prefix "$1:" -o "$1.tsv" "$3"
	}
	# Members of each segment who have an attribute, as join counts them, are
	# those that the contrast in "contrast" says.
	counts() {
		sed 1,2d segments.tsv | cut -f 1,2 | sort > a
		sed 1d "$1.tsv" | cut -f 1,2 | sort | join -t '	' a - |
			cut -f 2,3 | sort | uniq -c |
			sed -E 's/^ *([0-9]+) (.*)/\2	\1/' | sort > joined
		grep "	$1:" contrast | cut -f 1,2,4 | sort > said
		[ -s said ]
		[ -z "$(comm -23 said joined)" ]
	}
	cd "$BATS_TEST_TMPDIR"
	households=$shared/completejourney/demographics.csv
	cs-aggregate -q -u household_id -t product_id -o p.tsv \
		--tags "$shared/completejourney/products.csv:product_id,product_category" \
		"$shared/completejourney/transactions.csv"
	for name in age income kids_count
	do
		column $name household_id "$households"
	done
	cs-matrix -q --attributes age: --attributes income: \
		--attributes kids_count: p.tsv age.tsv income.tsv kids_count.tsv |
		cs-svd -q -k 16 -o emb.bin
	cs-segment -q -k 6 -o segments.tsv emb.bin
	cut -d , -f 1 "$households" > told
	awk -F '\t' 'NR == FNR { told[$1]; next } FNR < 3 || $1 in told' \
		told segments.tsv > told.tsv
	cs-contrast --segments told.tsv --against <(sed 1d told) --rate 1 \
		--format tsv emb.bin > contrast
	counts age
	counts kids_count
	# An attribute that was said to be of more than expected is so.
	awk -F '\t' '$2 ~ /^(age|income|kids_count):/ && $3 == "more" &&
		!($4 > $6 && $7 > 1) { exit 1 }' contrast
	rm ./*.tsv
	students=$shared/oulad/student.csv
	cs-aggregate -q -u id_student -t id_assessment --rejects aside \
		-o p.tsv "$shared/oulad/student_assessment.csv"
	for name in region final_result gender
	do
		column $name id_student "$students"
	done
	cs-matrix -q --attributes region: --attributes final_result: \
		--attributes gender: p.tsv region.tsv final_result.tsv gender.tsv |
		cs-svd -q -k 16 -o emb.bin
	cs-segment -q -k 6 -o segments.tsv emb.bin
	cs-contrast --segments segments.tsv --format tsv emb.bin > contrast
	counts final_result
	counts gender
	# Women are more than expected in a segment, and men in another.
	[ "$(awk -F '\t' '$2 ~ /^gender:/ && $3 == "more" { print $2 }' contrast |
		sort -u | wc -l)" -eq 2 ]
}

@test "onlineretail: terms of descriptions find customers again by other items" {
	need_shared onlineretail
	cd "$BATS_TEST_TMPDIR"
	zcat "$shared/onlineretail/onlineretail.csv.gz" |
		sed -n 1,150000p > log.csv
	cs-terms -q -i StockCode --text Description -o terms.csv log.csv
	# Halves have no item in common: without terms there is nothing to compare.
	for half in A B
	do
		cs-aggregate -q -u CustomerID -t StockCode --tags terms.csv \
			--tag-weight weight --half $half --half-by StockCode \
			--rejects aside -o $half.tsv log.csv
	done
	cs-matrix -q A.tsv | cs-svd -q -k 16 -o a.bin
	# Status 1: some customer has no term of half A.
	run -1 cs-matrix -q --as a.bin -o b.mat B.tsv
	cs-eval -q --queries 300 --rounds 40 --format tsv a.bin b.mat > found
	awk -F '\t' '$3 == "mrr" && $2 == "" && $1 ~ /^combined/ { mrr = $4 }
		END { exit !(mrr > .4 && mrr < .8) }' found
}
