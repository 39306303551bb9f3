# cs-serve: what it answers, to the byte; what it refuses; models that change
# underneath.

load helper

setup_file() {
	cd "$BATS_FILE_TMPDIR" || return
	head -n 4000 "$ROOT/data/views.csv" > views.csv
	cs-aggregate -q -o profiles.tsv views.csv
	cs-matrix --value sum --damp log --weight idf -o matrix.bin profiles.tsv
	cs-svd -q -k 16 -o emb.bin matrix.bin
	cs-svd -q -k 8 -o other.bin matrix.bin
	cs-index -q -o indexed.bin emb.bin
	# Names that would break out of where they stand; nobody's signal.
	{
		printf 'customer\ttag\tevents\tvalue\n'
		printf '"quoted, name"\tc\t1\t1\n'
		printf '"quoted, name"\ttag, "one"\t1\t3\n'
		printf '<script>alert(1)</script>\tc\t1\t2\n'
		printf '<script>alert(1)</script>\ttag, "one"\t1\t2\n'
		printf 'a/b?c=%%20#d\tc\t1\t5\n'
		printf 'a/b?c=%%20#d\td\t2\t4\n'
		printf 'line\\nbreak\td\t2\t4\n'
		printf 'nobody\td\t1\t0\n'
		printf 'Ünïcode\tc\t2\t2\n'
		printf 'Ünïcode\td\t2\t2\n'
	} > hostile.tsv
	cs-matrix --value sum --weight none -o hostile.mat hostile.tsv
	cs-svd -q -o hostile.bin hostile.mat
	export PYTHONPATH=$ROOT/tests
}

setup() {
	cd "$BATS_FILE_TMPDIR" || return
}

@test "replies equal those of cs-knn and cs-summarize, byte by byte" {
	"$PYTHON" - "$(cases 17 51)" <<-'END'
	import sys
	from service import *
	users = run("cs-dump --what users emb.bin | sed 1d | cut -f 1"
	            ).decode().split()[::int(sys.argv[1])]
	for model in "emb.bin", "indexed.bin":
	    with Service(model) as s:
	        for user in users:
	            for given, options in (({}, ""), ({"n": 3}, "-n 3"),
	                    ({"metric": "dot", "n": 1}, "--metric dot -n 1"),
	                    ({"min_similarity": 0.5}, "--min-similarity 0.5")):
	                expected = run(f"cs-knn -u {user} {options} {model} | "
	                               "cs-summarize --format json")
	                handle = int(user) if len(given) else user
	                reply = s.post({"user_handle": handle, **given})
	                assert reply.status == 200, reply.body
	                if expected:
	                    assert reply.body == expected, (user, options)
	                else:
	                    assert reply.json()["neighbours"] == []
	            # A similarity that is printed is reached by itself.
	            for one in json.loads(expected)["neighbours"][:3] if expected else ():
	                reply = s.post({"user_handle": user, "n": 50,
	                                "min_similarity": one["similarity"]})
	                assert one in reply.json()["neighbours"], (user, one)
	            got = s.get(f"/customers/{user}/similar?n=7")
	            assert got.body == run(f"cs-knn -u {user} -n 7 {model} | "
	                                   "cs-summarize --format json")
	        assert s.end() == 0
	END
}

@test "ties at the end of a list are told as cs-knn tells them" {
	{ echo user,tag
		for i in $(seq 10 39); do echo "u$i,a"; done
		printf '%s\n' u50,a u50,b u51,b u51,c; } |
		cs-aggregate -q | cs-matrix -q | cs-svd -q -k 2 -o ties.bin
	cs-index -q -o ties-index.bin ties.bin
	{ echo user,tag
		for i in $(seq 0 199); do
			printf '%s\n' "u$i,t$((i % 8))" "u$i,s$((i / 8 % 5))"
		done; } |
		cs-aggregate -q | cs-matrix -q | cs-svd -q -k 6 |
		cs-index -q --cells 8 -o cells.bin
	"$PYTHON" - <<-'END'
	from service import *
	for model in "ties.bin", "ties-index.bin":
	    with Service(model) as s:
	        for n in 1, 5, 28, 29, 30:
	            reply = s.post({"user_handle": "u10", "n": n})
	            assert reply.body == run(f"cs-knn -q -u u10 -n {n} {model} | "
	                                     "cs-summarize --format json"), n
	            assert reply.json().get("tied") == (
	                {"listed": n, "of": 29} if n < 29 else None), n
	        # In a list, for an audience, and where several are asked at once.
	        both = s.post({"users": ["u10", "u50"], "n": 3}).json()["answers"]
	        assert both[0]["tied"] == {"listed": 3, "of": 29}
	        alone = json.loads(run(f"cs-knn -q -u u50 -n 3 {model} | "
	                               "cs-summarize --format json"))
	        assert both[1].get("tied") == alone.get("tied")
	        found = s.post({"like": ["u10", "u11"], "n": 4}).json()
	        assert found["tied"] == {"listed": 4, "of": 28}, found
	        s.end()
	# Exactly, of a service that searches by the index unless asked.
	with Service("--recall", "0.01", "cells.bin") as s:
	    for metric in "embedding", "dot":
	        reply = s.post({"user_handle": "u0", "n": 3, "recall": 0,
	                        "metric": metric})
	        assert reply.body == run(
	            f"cs-knn -q -u u0 -n 3 --metric {metric} cells.bin | "
	            "cs-summarize --format json"), metric
	END
}

@test "the same of real households" {
	need_shared completejourney
	cs-aggregate -q -u household_id -t product_id -v sales_value \
		--tags "$shared/completejourney/products.csv:product_id,product_category" \
		"$shared/completejourney/transactions.csv" |
		cs-matrix -q --value sum --weight idf | cs-svd -q -o journey.bin
	"$PYTHON" - <<-'END'
	from service import *
	with Service("journey.bin") as s:
	    for user in 1955, 1111, 1, 2, 3, 99:
	        assert s.post({"user_handle": user}).body == run(
	            f"cs-knn -u {user} journey.bin | cs-summarize --format json")
	    nobody = s.post({"user_handle": 1878})
	    assert nobody.status == 200 and nobody.json()["neighbours"] == []
	    assert "no tag with weight" in nobody.json()["note"]
	END
}

@test "a list, a filter, an audience and a profile are those of cs-knn" {
	"$PYTHON" - <<-'END'
	from service import *
	users = run("cs-dump --what users emb.bin | sed 1d | cut -f 1"
	            ).decode().split()
	query, seeds, others = users[5], users[10:20], users[40:90]
	open("among", "w").write("\n".join(others))
	open("not", "w").write("\n".join(others[:5]))
	open("seeds", "w").write("\n".join(seeds))
	with Service("emb.bin") as s:
	    # JSON has no file's name, and cs-summarize's has none either.
	    same = s.post({"user_handle": query, "among": others,
	                   "not": others[:5]})
	    assert same.body == run(
	        f"cs-knn -u {query} --among among --not not emb.bin | "
	        "cs-summarize --format json"), same.body
	    # Texts that are lists are the same.
	    for text in "; ".join(others), "\n".join(f'"{u}"' for u in others):
	        assert s.post({"user_handle": query, "among": text,
	                       "not": [",".join(others[:5])]}).body == same.body
	    batch = s.post({"users": [*seeds, "nobody"], "n": 4}).json()
	    assert len(batch["answers"]) == 11
	    for user, answer in zip(seeds, batch["answers"]):
	        assert answer == json.loads(run(
	            f"cs-knn -u {user} -n 4 emb.bin | cs-summarize --format json"))
	    assert batch["answers"][10] == {"customer": "nobody",
	                                    "error": "no such customer"}
	    like = s.post({"like": [*seeds, "nobody"], "not": others[:5],
	                   "n": 50}).json()
	    expected = json.loads(run("cs-knn -q --like seeds --not not -n 50 "
	                              "--format json emb.bin"))
	    assert like["customer"] is None
	    assert like["audience"]["seeds"] == 10
	    assert like["audience"]["unknown"] == ["nobody"]
	    assert like["audience"]["found_share"]["members"] == 50
	    assert len(like["neighbours"]) == 50
	    for a, b in zip(like["neighbours"], expected["neighbours"]):
	        assert a == b, (a, b)
	    tags = run("cs-dump --what tags emb.bin | cut -f 1 | sed -n 2,4p"
	               ).decode().split("\n")[:3]
	    profile = {tags[0]: 3600, tags[1]: 1200.5, tags[2]: 7, "unheard": 1}
	    reply = s.post({"profile": profile})
	    open("new.tsv", "wb").write(run("head -n 1 profiles.tsv") + "".join(
	        f"new\t{t}\t1\t{profile[t]}\n" for t in tags).encode())
	    expected = json.loads(run(
	        "cs-matrix -q --as emb.bin new.tsv | cs-project -q emb.bin > "
	        "new.bin; cs-knn --profiles --queries new.bin emb.bin | "
	        "cs-summarize --format json"))
	    got = reply.json()
	    assert got.pop("unknown_tags") == ["unheard"]
	    assert got.pop("customer") is None
	    assert expected.pop("customer") == "new"
	    assert got == expected
	END
}

@test "--metric and --alpha: what requests that name none have" {
	"$PYTHON" - <<-'END'
	from service import *
	user = run("cs-dump --what users emb.bin | sed -n 5p").decode().split()[0]
	def knn(options):
	    return run(f"cs-knn -u {user} {options} emb.bin | "
	               "cs-summarize --format json")
	tags = set()
	for options in ("", "--metric embedding", "--metric profile",
	                "--alpha 0.5", "--metric combined --alpha 0.25"):
	    with Service(*options.split(), "emb.bin") as s:
	        reply = s.post({"user_handle": user})
	        assert reply.body == knn(options), options
	        tags.add(s.get(f"/customers/{user}/similar").headers["ETag"])
	        assert s.get(f"/customers/{user}/similar").body == reply.body
	        metric = options.split()[1] if "metric" in options else "combined"
	        assert s.get("/model").json()["metric"] == metric
	        assert s.post({"user_handle": user, "metric": "profile"}).body == \
	            knn("--metric profile")
	        assert s.post({"user_handle": user, "metric": "combined",
	                       "alpha": 1}).body == knn("--alpha 1")
	        assert s.end() == 0
	assert len(tags) == 5, tags
	END
	for wrong in "--metric dot" "--metric x" "--alpha 2" "--alpha x" \
		"--metric profile --alpha .5" "--recall .5 --metric combined"
	do
		run -2 cs-serve -p 0 $wrong emb.bin
	done
	[[ "$output" == *"--recall: an index is of embeddings: expected --metric embedding"* ]]
	# A model that has none such.
	cs-aggregate -q "$ROOT/data/views.csv" | cs-matrix -q |
		cs-svd -q -k 3 --center row -o centred.bin
	run -2 timeout 20 cs-serve -p 0 --metric combined centred.bin
	[[ "$output" == *"centred.bin: the metric combined is defined for a model that is not centred"* ]]
}

@test "recall: by the index, as cs-knn --recall, with what was measured" {
	"$PYTHON" - <<-'END'
	from service import *
	users = run("cs-dump --what users emb.bin | sed 1d | cut -f 1"
	            ).decode().split()
	def hits(reply):
	    assert reply.status == 200, reply.body
	    return reply.json()["neighbours"]
	def knn(user, options):
	    return json.loads(run(f"cs-knn -u {user} {options} indexed.bin | "
	                          "cs-summarize --format json"))["neighbours"]
	exact = "--metric embedding"
	with Service("indexed.bin") as s:
	    for user in users[::41]:
	        ask = {"user_handle": user}
	        for recall in 0.3, 0.9, 1:
	            reply = s.post({**ask, "recall": recall})
	            assert hits(reply) == knn(user, f"--recall {recall}"), user
	            index = reply.json()["index"]
	            assert recall <= index["recall"] <= 1 or (
	                index["cells"] == index["of"]), index
	            assert 1 <= index["cells"] <= index["of"]
	            assert float(reply.headers["X-Recall"]) == index["recall"]
	        got = s.get(f"/customers/{user}/similar?recall=0.9")
	        assert got.body == s.post({**ask, "recall": 0.9}).body
	        zero = s.post({**ask, "recall": 0, "metric": "embedding"})
	        assert hits(zero) == knn(user, exact)
	        assert "index" not in zero.json()
	    # Several at once are each as alone.
	    for recall in 0, 0.5:
	        for count in 3, 16, 40:
	            batch = s.post({"users": users[:count], "recall": recall,
	                            "metric": "embedding"}).json()
	            assert ("index" in batch) == (recall > 0)
	            for user, one in zip(users, batch["answers"]):
	                alone = s.post({"user_handle": user, "recall": recall,
	                                "metric": "embedding"}).json()
	                assert one["neighbours"] == alone["neighbours"]
	    for bad, text in (({"recall": 1.5}, "from 0 to 1"),
	                      ({"recall": "x"}, "from 0 to 1"),
	                      ({"recall": 0.9, "metric": "combined"}, "embedding")):
	        reply = s.post({"user_handle": users[0], **bad})
	        assert reply.status == 400 and text in reply.json()["error"], bad
	        assert reply.json()["field"] == "recall"
	with Service("--recall", "0.5", "indexed.bin") as s:
	    user = users[3]
	    assert s.get("/model").json()["metric"] == "embedding"
	    assert hits(s.post({"user_handle": user})) == knn(user, "--recall 0.5")
	    for given, options in (({"metric": "dot"}, "--metric dot"),
	                           ({"metric": "combined"}, "--metric combined"),
	                           ({"recall": 0}, exact),
	                           ({"recall": 0.9}, "--recall 0.9")):
	        reply = s.post({"user_handle": user, **given})
	        assert hits(reply) == knn(user, options), given
	with Service("emb.bin") as s:
	    reply = s.post({"user_handle": 1, "recall": 0.5})
	    assert reply.status == 400 and "cs-index" in reply.json()["error"]
	END
	run -2 --separate-stderr cs-serve -p 0 --recall 0.9 emb.bin
	[[ "$stderr" == *"no index: cs-index"* ]]
}

@test "CSV: neighbours, an audience, a list; names are quoted" {
	"$PYTHON" - <<-'END'
	import csv, io
	from service import *
	def rows(reply):
	    assert reply.status == 200, reply.body
	    assert reply.headers["Content-Type"] == "text/csv; charset=utf-8"
	    return list(csv.reader(io.StringIO(reply.body.decode(), newline="")))
	with Service("hostile.bin") as s:
	    model = s.get("/model").json()
	    assert model["captured"]["tenth"] <= model["captured"]["median"]
	    head, *found = rows(s.post({"user_handle": "Ünïcode"},
	                               Accept="text/csv"))
	    assert head == ["customer", "similarity", "reason", "model", "date"]
	    expected = json.loads(s.post({"user_handle": "Ünïcode"}).body)
	    assert [r[0] for r in found] == [
	        n["customer"] for n in expected["neighbours"]]
	    assert 'a/b?c=%20#d' in [r[0] for r in found]
	    assert "line\nbreak" in [r[0] for r in found]
	    assert all(r[3:] == [model["id"], model["date"]] for r in found)
	    assert all(r[2].endswith(" (other)") for r in found)
	    head, *found = rows(s.post({"like": ["Ünïcode"], "n": 2},
	                               Accept="text/csv"))
	    assert len(found) == 2
	    head, *found = rows(s.post({"users": ["Ünïcode", "nobody"]},
	                               Accept="text/csv"))
	    assert head[0] == "query" and {r[0] for r in found} == {"Ünïcode"}
	    # Without a row, too, it is known which model answered.
	    none = s.post({"user_handle": "nobody"}, Accept="text/csv")
	    assert len(rows(none)) == 1
	    assert none.headers["X-Model"] == model["id"]
	    assert none.headers["X-Model-Date"] == model["date"]
	    for accept, csv_ in (
	            ("text/csv, */*;q=0.1", True), ("TEXT/CSV;charset=x", True),
	            ("application/json;q=0.5, text/csv ; q=0.75", True),
	            ("text/csv, application/json", True),
	            ("application/json, text/csv", False),
	            ("text/csv;q=0.5,application/json", False),
	            ("text/csv;q=0", False), ("text/csvx", False), ("*/*", False),
	            ("text/csv;q=9e99", False), (";;q=,,", False), ("", False)):
	        found = s.post({"user_handle": "Ünïcode"}, Accept=accept)
	        assert found.headers["Vary"] == "Accept, Accept-Encoding"
	        assert found.headers["Content-Type"].startswith(
	            "text/csv" if csv_ else "application/json"), accept
	END
}

@test "hostile names in paths, bodies and answers; nobody without signal" {
	"$PYTHON" - <<-'END'
	from service import *
	with Service("--log", "--suggest", "hostile.bin") as s:
	    for name in ('"quoted, name"', "<script>alert(1)</script>",
	                 "a/b?c=%20#d", "line\nbreak", "Ünïcode"):
	        reply = s.get(f"/customers/{quoted(name)}/similar")
	        assert reply.status == 200, (name, reply.body)
	        assert reply.json()["customer"] == name
	        assert s.post({"user_handle": name}).json() == reply.json()
	        assert s.get(f"/customers/{quoted(name)}").json()[
	            "customer"] == name
	        listed = s.get(f"/customers?prefix={quoted(name[:3])}").json()
	        assert name in [c["customer"] for c in listed["customers"]]
	    nobody = s.get("/customers/nobody/similar").json()
	    assert nobody["neighbours"] == [] and "note" in nobody
	    assert "near: nobody" in s.get("/customers/nobodi").json()["error"]
	    for path in ("/customers/%00", "/customers/%zz", "/customers/",
	                 "/customers/a/b", "/customers//similar", "//", "/x",
	                 "/customers/%", "/customers/Ünïcode/similar/"):
	        path = quoted(path).replace("%2F", "/").replace("%25", "%")
	        assert s.get(path).status == 404, path
	    s.raw(b'GET /"\x1b[31m<%0a> HTTP/1.1\r\nHost: localhost\r\n\r\n', 1)
	    until(lambda: any("[31m" in line for line in s.logged))
	    for line in s.logged:
	        entry = json.loads(line)
	        assert "\x1b" not in line and entry["peer"] == "127.0.0.1"
	    assert {e["status"] for e in map(json.loads, s.logged)} >= {200, 404}
	END
}

@test "an invalid request is refused with a text and the field" {
	"$PYTHON" - <<-'END'
	from service import *
	with Service("emb.bin") as s:
	    big = b" " * ((16 << 20) + 1)
	    for body, status, field, text in (
	        ("", 400, None, "empty"),
	        ("{'user_handle': 1}", 400, None, "double quotes"),
	        ("{'user_handle': \"1\"}", 400, None, "double quotes"),
	        ('{"user_handle": \'1\'}', 400, None, "double quotes"),
	        ('{"user_handle": "it\'s}', 400, None, "no JSON: line 1"),
	        ("{", 400, None, "no JSON: line 1"),
	        ('{"user_handle": 1}\0', 400, None, "no JSON: line 1"),
	        ("[1]", 400, None, "no object"),
	        ("null", 400, None, "no object"),
	        ("{}", 400, "user_handle", "missing"),
	        ('{"user_handle": 1, "user_handle": 2}', 400, None, "duplicate"),
	        ('{"user_handle": null}', 400, "user_handle", "whole number"),
	        ('{"user_handle": 1.5}', 400, "user_handle", "whole number"),
	        ('{"user_handle": true}', 400, "user_handle", "whole number"),
	        ('{"user_handle": ["1"]}', 400, "user_handle", "users is the field"),
	        ('{"user_handle": "\\u0000"}', 400, None, "in no id"),
	        ('{"user_handle": 99999999999999999999}', 400, "user_handle",
	         "as a string"),
	        ('{"users": [1, -99999999999999999999]}', 400, "users",
	         "as a string"),
	        ('{"user_handle": 1e400}', 400, None, "JSON"),
	        ('{"user_handle": "\\ud800"}', 400, None, "JSON"),
	        ('{"user_handle": -1}', 404, "user_handle", "customer -1"),
	        ('{"user_handle": 1, "n": 0}', 400, "n", "1 to 1000"),
	        ('{"user_handle": 1, "n": 1001}', 400, "n", "1 to 1000"),
	        ('{"user_handle": 1, "n": "3"}', 400, "n", "whole number"),
	        ('{"user_handle": 1, "metric": "l2"}', 400, "metric", "combined"),
	        ('{"user_handle": 1, "metric": 7}', 400, "metric", "combined"),
	        ('{"user_handle": 1, "min_similarity": "x"}', 400,
	         "min_similarity", "number"),
	        ('{"user_handle": 1, "min_similarity": 2}', 400,
	         "min_similarity", "from -1 to 1"),
	        ('{"user_handle": 1, "among": 5}', 400, "among", "list"),
	        ('{"user_handle": 1, "among": ["nobody"]}', 404, "among", "none"),
	        ('{"user_handle": 1, "not": [{}]}', 400, "not", "id"),
	        ('{"user_handle": 1, "n": 3.5}', 400, "n", "whole number"),
	        ('{"user_handle": 1, "n": 99999999999999999999}', 400, "n",
	         "whole number"),
	        ('{"user_handle": 1, "k": 3}', 400, "k", "k: no such field"),
	        ('{"user_handle": 1, "like": [2]}', 400, "user_handle", "one of"),
	        ('{"like": [2], "users": [1]}', 400, "users", "one of"),
	        ('{"profile": {"a": 1, "a": 2}}', 400, None, "duplicate"),
	        ('{"users": []}', 400, "users", "1 to 1000"),
	        ('{"users": [' + "1," * 1000 + '1]}', 400, "users", "1 to 1000"),
	        (json.dumps({"users": [1] * 101, "n": 1000}), 400, "n", "in all"),
	        ('{"like": ["nobody"]}', 404, "like", "none"),
	        ('{"like": [], "n": 5}', 404, "like", "none"),
	        ('{"profile": {}}', 400, "profile", "tags"),
	        (r'{"user_handle": "a\u0000"}', 400, None, "in no id"),
	        (r'{"a\u0000": 1}', 400, None, "in no id"),
	        ('{"profile": {"a": "b"}}', 400, "profile", "number"),
	        ('{"profile": {"unheard": 1}}', 404, "profile", "unheard"),
	        ('{"user_handle": "nobody"}', 404, "user_handle", "nobody"),
	        ('{"user_handle": "nobody", "why": 1}', 400, "why", "true or"),
	        ('{"user_handle": 1, "ignore_unknown": 0}', 400,
	         "ignore_unknown", "true or"),
	        ('{"user_handle": 1, "not": ["nobody"]}', 404, "not", "none"),
	        ('{"user_handle": 1, "among": "x y"}', 404, "among", "none"),
	        (big, 413, None, "16,777,216"),
	        ("[" * 60000, 400, None, "JSON"),
	        (b'\xff\xfe', 400, None, "JSON"),
	    ):
	        reply = s.post(body)
	        found = reply.json()
	        assert (reply.status, found["field"]) == (status, field), (
	            body[:60], reply.body)
	        assert text in found["error"], (body[:60], found)
	    # To JSON 1, 1.0 and 1e0 are one number; an order mark may stand first.
	    one = s.post({"user_handle": "1", "n": 3}).body
	    for body in ('{"user_handle": 1.0, "n": 3.0}',
	                 '{"user_handle": 1e0, "n": 3e0}',
	                 b'\xef\xbb\xbf{"user_handle": 1, "n": 3}',
	                 ' {"n": 3,\r\n\t"user_handle": "1"} '):
	        assert s.post(body).body == one, body
	    # Any type of content, as curl -d sends it.
	    reply = s.post('{"user_handle": 1}', **{
	        "Content-Type": "application/x-www-form-urlencoded"})
	    assert reply.status == 200
	    for path, status in (("/customers/1/similar?n=x", 400),
	                         ("/customers/1/similar?metric=x", 400),
	                         ("/customers?limit=0", 400),
	                         ("/customers?prefix=%zz", 400)):
	        assert s.get(path).status == status, path
	    # No near names of other customers, unless that is asked for.
	    assert "near" not in s.get("/customers/nobodi").json()["error"]
	END
}

@test "methods, HEAD, ETag, chunks, headers, a page of one origin" {
	"$PYTHON" - <<-'END'
	from service import *
	with Service("emb.bin") as s:
	    reply = s.ask("GET", "/predict")
	    assert reply.status == 405 and reply.headers["Allow"] == "POST"
	    for path in "/", "/customers/1", "/metrics":
	        reply = s.ask("POST", path, "{}")
	        assert reply.status == 405, path
	        assert reply.headers["Allow"] == "GET, HEAD"
	    head = s.ask("HEAD", "/customers/1/similar")
	    got = s.get("/customers/1/similar")
	    assert head.status == 200 and head.body == b""
	    assert head.headers["Content-Length"] == str(len(got.body))
	    tag = got.headers["ETag"]
	    again = s.get("/customers/1/similar", **{"If-None-Match": tag})
	    assert again.status == 304 and again.body == b""
	    for name in "ETag", "Cache-Control", "Vary":
	        assert again.headers[name] == got.headers[name] is not None, name
	    for known in "*", "W/" + tag, '"x", ' + tag:
	        assert s.get("/customers/1/similar",
	                     **{"If-None-Match": known}).status == 304, known
	    for known in '"x"', tag[:-2] + '"', tag.strip('"'):
	        assert s.get("/customers/1/similar",
	                     **{"If-None-Match": known}).status == 200, known
	    # What would be wrong is wrong whatever the client has.
	    assert s.get("/customers/1/similar?n=x",
	                 **{"If-None-Match": tag}).status == 400
	    other = s.get("/customers/1/similar", Accept="text/csv",
	                  **{"If-None-Match": tag})
	    assert other.status == 200 and other.headers["ETag"] != tag
	    assert s.get("/customers/nobody/similar",
	                 **{"If-None-Match": tag}).status == 404
	    chunked = s.raw(b"POST /predict HTTP/1.1\r\nHost: localhost\r\n"
	                    b"Transfer-Encoding: chunked\r\nConnection: close\r\n"
	                    b"\r\n8\r\n{\"user_h\r\nA\r\nandle\": 1}\r\n0\r\n\r\n")
	    assert chunked.startswith(b"HTTP/1.1 200"), chunked
	    # What is refused is heard by who is still sending, and the next
	    # request of the connection is answered.
	    for path, status in (("/predict", 413), ("/metrics", 405), ("/x", 404)):
	        for size in (17 << 20, 30 << 20) if status == 413 else (
	                70000, 1 << 20, 10 << 20):
	            for _ in range(2):
	                reply = s.ask("POST", path, b" " * size)
	                assert (reply.status, "error" in reply.json()) == (
	                    status, True), (path, size)
	    kept = http.client.HTTPConnection("127.0.0.1", s.port)
	    for path, status in (("/x", 404), ("/metrics", 405), ("/predict", 413),
	                         ("/predict", 400)):
	        kept.request("POST", path,
	                     b" " * (17 << 20 if status == 413 else 9))
	        first = kept.sock
	        assert Reply(kept.getresponse()).status == status
	        assert kept.sock is first
	    waits = s.raw(b"POST /predict HTTP/1.1\r\nHost: localhost\r\n"
	                  b"Expect: 100-continue\r\nContent-Length: 17000000\r\n\r\n")
	    assert waits.startswith(b"HTTP/1.1 413"), waits
	    waits = s.raw(b"POST /predict HTTP/1.1\r\nHost: localhost\r\n"
	                  b"Content-Length: 99999999\r\n\r\n")
	    assert waits.startswith(b"HTTP/1.1 413"), waits
	    body = b'{"user_handle": 1}'
	    head = b"Content-Length: %d\r\n\r\n" % len(body) + body
	    went = s.raw(b"POST /predict HTTP/1.1\r\nHost: localhost\r\n"
	                 b"Connection: close\r\nExpect: 100-continue\r\n" + head)
	    assert went.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200"), went
	    old = s.raw(b"POST /predict HTTP/1.0\r\n" + head)
	    assert old.startswith(b"HTTP/1.1 200"), old
	    # Two lengths: what stands behind one of them is no request of its own.
	    for lengths in (b"Content-Length: 0\r\n", b"Content-Length: 18\r\n",
	                    b"Transfer-Encoding: chunked\r\n"):
	        two = s.raw(b"POST /predict HTTP/1.1\r\nHost: localhost\r\n" + lengths +
	                    head + b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
	        assert two.startswith(b"HTTP/1.1 400"), two
	        assert two.count(b"HTTP/1.1 ") == 1, two
	    several = s.raw((b"POST /predict HTTP/1.1\r\nHost: localhost\r\n" + head) * 50 +
	                    b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
	    assert several.count(b"HTTP/1.1 200") == 51
	    assert several.count(got.body) == 50
	    large = s.raw(b"POST /predict HTTP/1.1\r\nHost: localhost\r\n"
	                  b"Transfer-Encoding: chunked\r\nConnection: close\r\n"
	                  b"\r\n" + (b"8000\r\n" + b" " * 0x8000 + b"\r\n") * 520 +
	                  b"0\r\n\r\n")
	    assert large.startswith(b"HTTP/1.1 413"), large[:80]
	    for junk in (b"\0" * 100, b"GET\r\n\r\n", b"\x16\x03\x01" + b"x" * 99,
	                 b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"y" * 99999 +
	                 b"\r\n\r\n"):
	        s.raw(junk, 1)
	    assert s.get("/healthz").body == b"ok\n"
	    assert s.get("/readyz").body == b"ready\n"
	    page = s.get("/")
	    assert "default-src 'self'" in page.headers["Content-Security-Policy"]
	    assert b"<script src=" in page.body
	    assert page.headers["X-Content-Type-Options"] == "nosniff"
	END
}

@test "a token is required, except by the open routes" {
	printf '\357\273\277secret \r\n' > token
	"$PYTHON" - <<-'END'
	from service import *
	with Service("--token-file", "token", "emb.bin") as s:
	    for path in "/customers/1", "/metrics", "/model", "/customers":
	        reply = s.get(path)
	        assert reply.status == 401, path
	        assert reply.headers["WWW-Authenticate"] == "Bearer"
	        for wrong in ("Bearer secre", "Bearer secrets", "Basic secret",
	                      "Bearer", "secret", "Bearer tercес".encode().decode(
	                          "latin-1")):
	            assert s.get(path, Authorization=wrong).status == 401
	        assert s.get(path, Authorization="Bearer secret").status == 200
	    assert s.post({"user_handle": 1}).status == 401
	    assert s.post({"user_handle": 1},
	                  Authorization="bearer  secret ").status == 200
	    for path in "/", "/healthz", "/readyz", "/openapi.json", "/page.js":
	        assert s.get(path).status == 200, path
	END
	: > empty
	run -2 --separate-stderr cs-serve -p 0 --token-file empty emb.bin
	[[ "$stderr" == *"expected a token"* ]]
}

@test "display names are shown beside ids" {
	printf 'id,name\n1,"Doe, Jane"\n626,Ünal\n' > who.csv
	{ echo tag,label; cs-dump --what tags emb.bin | sed 1d | cut -f 1 |
		awk '{ print $0 ",The " $0 }'; } > names.csv
	"$PYTHON" - <<-'END'
	from service import *
	with Service("--who", "who.csv", "--names", "names.csv:tag,label",
	             "emb.bin") as s:
	    answer = s.post({"user_handle": 1})
	    assert answer.body == run(
	        "cs-knn -u 1 emb.bin | cs-summarize --format json --who who.csv "
	        "--names names.csv:tag,label")
	    found = answer.json()
	    assert found["name"] == "Doe, Jane"
	    assert found["profile"]["top"][0]["name"].startswith("The ")
	    assert found["neighbours"][0]["name"] is None
	    for prefix in "doe", "DOE, J", "1":
	        listed = s.get(f"/customers?prefix={quoted(prefix)}").json()
	        assert listed["customers"][0] == {
	            "customer": "1", "name": "Doe, Jane",
	            "tags": listed["customers"][0]["tags"]}, listed
	    tag = s.get("/customers/1/similar").headers["ETag"]
	# Other names are another representation of the same model.
	open("who.csv", "a").write("7,Ann\n")
	with Service("--who", "who.csv", "--names", "names.csv:tag,label",
	             "emb.bin") as s:
	    again = s.get("/customers/1/similar", **{"If-None-Match": tag})
	    assert again.status == 200 and again.headers["ETag"] != tag
	END
	cs-knn -u 1 emb.bin | cs-summarize --who who.csv |
		has 'Customer Doe, Jane (1) and the 10'
	# Several files add up; the first name of an id counts.
	{ echo id,name; seq 2 3000 | sed 's/.*/&,No &/'; } > many.csv
	printf 'id,name\n1,Other\n2,\n' > more.csv
	for files in "who.csv many.csv more.csv" "more.csv many.csv who.csv"
	do
		read -r -a list <<< "$files"
		cs-knn -u 1 emb.bin | cs-summarize "${list[@]/#/--who=}" > said
		first=$(grep -m 1 -v '^id' ${files%% *} | cut -d , -f 2-)
		grep -q "Customer ${first//\"/} (1) and the 10" said
	done
}

@test "a replaced model is loaded; an invalid file is refused" {
	cp emb.bin live.bin
	"$PYTHON" - <<-'END'
	from service import *
	import shutil
	def expected(model):
	    return run(f"cs-knn -u 1 {model} | cs-summarize --format json")
	one, two = expected("emb.bin"), expected("other.bin")
	with Service("live.bin") as s:
	    assert s.post({"user_handle": 1}).body == one
	    shutil.copy("other.bin", "next.bin")
	    os.rename("next.bin", "live.bin")
	    s.wait_for("takes the place")
	    assert s.post({"user_handle": 1}).body == two
	    # Cut short, and a text: refused, and the model before stays.
	    open("next.bin", "wb").write(open("emb.bin", "rb").read()[:-9])
	    os.rename("next.bin", "live.bin")
	    s.wait_for("the model before stays")
	    assert s.post({"user_handle": 1}).body == two
	    # Written in its place, which changes nothing under way.
	    s.said.clear()
	    shutil.copyfile("profiles.tsv", "live.bin")
	    s.wait_for("the model before stays")
	    assert s.post({"user_handle": 1}).body == two
	    os.unlink("live.bin")
	    assert s.post({"user_handle": 1}).body == two
	    s.said.clear()
	    shutil.copyfile("emb.bin", "live.bin")
	    s.wait_for("takes the place")
	    assert s.post({"user_handle": 1}).body == one
	    s.said.clear()
	    s.process.send_signal(signal.SIGHUP)
	    s.wait_for("takes the place")
	    assert s.post({"user_handle": 1}).body == one
	    found = s.get("/metrics").body.decode()
	    assert "cs_model_loads_total 4\n" in found, found
	    assert "cs_model_load_failures_total" in found
	END
}

@test "an invalid model with right checksums is refused, too" {
	"$PYTHON" -c 'import ctypes; ctypes.CDLL("libxxhash.so.0")' ||
		skip "no libxxhash for Python"
	cp emb.bin forged.bin
	"$PYTHON" - <<-'END'
	from service import *
	def answer(s):
	    reply = s.post({"user_handle": 1})
	    assert reply.status == 200
	    return reply.body
	with Service("forged.bin") as s:
	    one = answer(s)
	    for forged in ("profile.indices 0 -1", "users.tenth 0 10",
	                   "tags.tenths 0 7", "tenths 3 0", "users.bytes 0 255",
	                   "embedding 5 nan", "tags.weight 0 -1", "sigma 1 1e9",
	                   "users.offsets 2 0"):
	        s.said.clear()
	        done = run(f"/usr/bin/python3 {os.environ['ROOT']}/tests/forge.py "
	                   f"emb.bin {forged} > next.bin && mv next.bin forged.bin "
	                   "&& echo made")
	        assert done == b"made\n", forged
	        s.wait_for("the model before stays")
	        assert "damaged" in s.said[-1], (forged, s.said)
	        assert answer(s) == one
	END
	run -2 --separate-stderr cs-serve -p 0 forged.bin
	[[ "$stderr" == "cs-serve: forged.bin: "*damaged* ]]
}

@test "no answer is wrong, mixed or lost while models change" {
	cp emb.bin changing.bin
	"$PYTHON" - <<-'END'
	from service import *
	import random, shutil
	users = run("cs-dump --what users emb.bin | sed 1d | cut -f 1"
	            ).decode().split()[::29]
	expected = {}
	for model in "emb.bin", "other.bin":
	    for user in users:
	        said = run(f"cs-knn -u {user} {model} | cs-summarize --format json")
	        expected[user, json.loads(said)["model"]["id"]] = said
	until, wrong, models, count = time.time() + 6, [], set(), [0]
	def ask(s, seed):
	    choose = random.Random(seed)
	    connection = http.client.HTTPConnection("127.0.0.1", s.port)
	    while time.time() < until:
	        user = choose.choice(users)
	        connection.request("POST", "/predict",
	                           json.dumps({"user_handle": user}))
	        reply = Reply(connection.getresponse())
	        model = reply.headers["X-Model"]
	        models.add(model)
	        count[0] += 1
	        if reply.status != 200 or reply.body != expected[user, model]:
	            wrong.append((user, reply.status, reply.body[:99]))
	with Service("changing.bin") as s:
	    threads = [threading.Thread(target=ask, args=(s, i)) for i in range(4)]
	    for t in threads:
	        t.start()
	    turn = 0
	    while time.time() < until:
	        shutil.copy(("other.bin", "emb.bin")[turn % 2], "next.bin")
	        os.rename("next.bin", "changing.bin")
	        s.raw(b"POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Length: 50"
	              b"\r\n\r\n{", 0.01)
	        turn += 1
	        time.sleep(0.9)
	    for t in threads:
	        t.join()
	    assert not wrong, wrong[:3]
	    assert len(models) == 2 and count[0] > 100, (models, count)
	    assert s.end() == 0
	END
}

@test "SIGTERM: requests under way are answered, status 0, within 5 s" {
	"$PYTHON" - <<-'END'
	from service import *
	users = run("cs-dump --what users emb.bin | sed 1d | cut -f 1"
	            ).decode().split()
	with Service("emb.bin") as s:
	    # One that takes a while, an idle one, one cut off in the middle.
	    idle = http.client.HTTPConnection("127.0.0.1", s.port)
	    idle.request("GET", "/healthz")
	    Reply(idle.getresponse())
	    busy = http.client.HTTPConnection("127.0.0.1", s.port)
	    busy.request("POST", "/predict", json.dumps(
	        {"users": users[:300], "n": 50}))
	    time.sleep(0.05)
	    began = time.time()
	    s.process.send_signal(signal.SIGTERM)
	    reply = Reply(busy.getresponse())
	    assert reply.status == 200
	    assert len(reply.json()["answers"]) == len(users[:300])
	    busy.close()
	    assert s.process.wait(timeout=30) == 0
	    assert time.time() - began < 5
	for number in signal.SIGINT, signal.SIGTERM:
	    with Service("emb.bin") as s:
	        assert s.end(number) == 0
	# So it does while a model is being loaded.
	for wait in 0, 0.002, 0.005, 0.01, 0.02:
	    with Service("--who", "views.csv:user_handle,course_tag",
	                 "emb.bin") as s:
	        s.process.send_signal(signal.SIGHUP)
	        time.sleep(wait)
	        assert s.end() == 0
	# A request that never ends holds nothing up.
	with Service("emb.bin") as s:
	    held = socket.create_connection(("127.0.0.1", s.port))
	    held.sendall(b"POST /predict HTTP/1.1\r\nHost: localhost\r\n"
	                 b"Content-Length: 100\r\n\r\n{")
	    time.sleep(0.2)
	    began = time.time()
	    assert s.end() == 0
	    assert time.time() - began < 5
	END
}

@test "slow clients are disconnected; a thousand may be idle" {
	ulimit -Sn 4096 || skip "only $(ulimit -Hn) files may be open here"
	"$PYTHON" - <<-'END'
	from service import *
	with Service("emb.bin") as s:
	    idle = [socket.create_connection(("127.0.0.1", s.port))
	            for _ in range(900)]
	    slow = socket.create_connection(("127.0.0.1", s.port))
	    slow.sendall(b"POST /predict HTTP/1.1\r\nHost: localhost\r\n"
	                 b"Content-Length: 1000\r\n\r\n")
	    slow.settimeout(1)
	    began = time.time()
	    while time.time() - began < 20:
	        try:
	            slow.sendall(b" ")
	            if slow.recv(100) == b"":
	                break
	        except TimeoutError:
	            assert s.post({"user_handle": 1}).status == 200
	        except ConnectionError:
	            break
	    assert 5 < time.time() - began < 19
	    assert "cs_connections" in s.get("/metrics").body.decode()
	    # One that will ask no more is answered, and closed at once.
	    with socket.create_connection(("127.0.0.1", s.port), 5) as done:
	        done.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
	        done.shutdown(socket.SHUT_WR)
	        said = b""
	        while part := done.recv(1000):
	            said += part
	        assert said.endswith(b"ok\n"), said
	END
}

@test "under overload: 503 with Retry-After, and no request lost" {
	ulimit -Sn 4096 || skip "only $(ulimit -Hn) files may be open here"
	"$PYTHON" - <<-'END'
	from service import *
	users = run("cs-dump --what users emb.bin | sed 1d | cut -f 1"
	            ).decode().split()[:600]
	body = json.dumps({"users": users, "n": 100}).encode()
	request = (b"POST /predict HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
	           b"Content-Length: %d\r\n\r\n" % len(body)) + body
	with Service("-j", "1", "emb.bin") as s:
	    sockets = [socket.create_connection(("127.0.0.1", s.port))
	               for _ in range(1400)]
	    for one in sockets:
	        one.sendall(request)
	    time.sleep(1)
	    refused = 0
	    for one in sockets[::-1]:
	        one.settimeout(0.05)
	        try:
	            said = one.recv(4096)
	        except TimeoutError:
	            continue
	        if said.startswith(b"HTTP/1.1 503"):
	            assert b"Retry-After: 1" in said
	            refused += 1
	        if refused > 20:
	            break
	    assert refused > 20, refused
	END
}

@test "the overview, tags and groups: figures of our own" {
	cs-aggregate -q -o whole.tsv "$ROOT/data/views.csv"
	cs-matrix -q --value sum whole.tsv | cs-svd -q -k 8 -o whole.bin
	"$PYTHON" - <<-'END'
	from collections import defaultdict
	from service import *
	held, value = defaultdict(set), defaultdict(float)
	with open("whole.tsv", encoding="utf-8") as file:
	    next(file)
	    for line in file:
	        row = line.rstrip("\n").split("\t")
	        held[row[0]].add(row[1])
	        value[row[0], row[1]] += float(row[3])
	tenth = {}
	for line in run("cs-dump --what users whole.bin | sed 1d").decode(
	        ).splitlines():
	    name, _, number = line.split("\t")
	    tenth[name] = int(number)
	of_tenth = [[c for c in held if tenth[c] == t] for t in range(10)]
	def holders(tag, customers):
	    return sum(tag in held[c] for c in customers)
	with Service("whole.bin") as s:
	    tags = {tag for c in held for tag in held[c]}
	    whole = s.get("/overview").json()
	    assert whole["customers"] == len(held) and whole["tags"] == len(tags)
	    assert whole["pairs"] == sum(map(len, held.values()))
	    assert abs(sum(whole["similarity"]["shares"]) - 1) < 1e-3
	    for one in whole["activity"]:
	        assert one["customers"] == sum(
	            one["from"] <= len(held[c]) <= one["to"] for c in held)
	    assert sum(one["customers"] for one in whole["activity"]) == len(held)
	    top = sorted((-holders(tag, held), tag) for tag in tags)
	    assert [(-t["customers"], t["tag"]) for t in whole["top_tags"]
	            ] == top[:15]
	    listed = s.get("/tags?limit=1000").json()
	    assert [t["tag"] for t in listed["tags"]] == [tag for _, tag in top]
	    assert listed["more"] is False
	    found = s.get("/tags?search=SCRIPT&limit=1").json()
	    assert all("script" in t["tag"] for t in found["tags"]) and found["more"]
	    css = s.get("/tags/css").json()
	    have = [c for c in held if "css" in held[c]]
	    assert css["customers"] == len(have) and css["of"] == len(held)
	    assert abs(css["value"] / sum(value[c, "css"] for c in have)
	               - 1) < 1e-6
	    assert css["tenths"] == [holders("css", cs) for cs in of_tenth]
	    most = sorted((-value[c, "css"], c.encode()) for c in have)[:20]
	    assert [(-t["value"], t["customer"].encode()) for t in css["top"]
	            ] == most
	    def compare(said, members, options, limit):
	        other = json.loads(run("cs-contrast -q -n 1000 --min-group 3 "
	                               f"--format json {options} whole.bin"))
	        assert said["members"] == len(members)
	        rows = other["groups"][0]["over_represented"][:limit]
	        assert len(said["over_represented"]) == len(rows)
	        for a, b in zip(said["over_represented"], rows):
	            assert (a["tag"], a["members"]) == (b["tag"], b["members"])
	            for key in ("expected", "times", "low", "high"):
	                assert a[key] == b[key] or float(f"{a[key]:.6g}") == b[key]
	    assert css["with"]["over_represented"], css
	    compare(css["with"], have, "--where css", 20)
	    seeds = have[:len(have) // 2]
	    said = s.post({"like": seeds + ["nobody"], "n": 60}).json()
	    found = [n["customer"] for n in said["neighbours"]]
	    for key, ids in (("seeds_share", seeds), ("found_share", found)):
	        open("group", "w").write("\n".join(ids))
	        compare(said["audience"][key], ids, "--group group", 12)
	    one = s.get(f"/customers/{seeds[0]}").json()
	    mine = of_tenth[tenth[seeds[0]]]
	    assert one["as_active"]["customers"] == len(mine)
	    assert {t["tag"] for t in one["as_active"]["tags"]} == held[seeds[0]]
	    for t in one["as_active"]["tags"]:
	        assert t["customers"] == holders(t["tag"], mine)
	        assert abs(t["mean"] - sum(value[c, t["tag"]] for c in mine)
	                   / len(mine)) < 1e-6 * (1 + t["mean"])
	    for path in ("/tags?prefix=a", "/customers?search=1&prefix=2",
	                 "/customers?search=1&cursor=1", "/overview?n=1",
	                 "/tags?limit=0", "/tags/css?n=1"):
	        assert s.get(path).status == 400, path
	    assert s.get("/tags/no%20such").status == 404
	    assert s.get("/tags/css/x").status == 404
	    ids = [c["customer"] for c in s.get(
	        "/customers?search=62&limit=1000").json()["customers"]]
	    assert ids[0] == "62" and set(ids) == {c for c in held if "62" in c}
	    first = [c for c in ids if c.startswith("62")]
	    assert ids[:len(first)] == first
	END
}

@test "--report: how many events, and when, on the overview" {
	printf '%s\n' user,tag,at 1,a,2024-01-05 1,b,2024-02-01 2,a,2024-03-09T23:59:59 > dated.csv
	cs-aggregate -q --time at --report dated.json dated.csv |
		cs-matrix -q | cs-svd -q -k 1 -o dated.bin
	echo '{"rows_used": "3"}' > wrong.json
	"$PYTHON" - <<-'END'
	from service import *
	with Service("dated.bin", "--report", "dated.json") as s:
	    assert s.get("/overview").json()["events"] == {
	        "rows": 3, "first": "2024-01-05T00:00:00Z",
	        "last": "2024-03-09T23:59:59Z"}
	    assert s.end() == 0
	with Service("dated.bin") as s:
	    assert "events" not in s.get("/overview").json()
	    s.end()
	END
	for file in wrong.json nothing.json dated.csv
	do
		run -2 cs-serve -p 0 --report $file dated.bin
		[[ "$output" == *"$file: expected what cs-aggregate --report writes" ]]
	done
}

@test "segments: all, one with its members, and that of a customer" {
	cs-segment -q -k 4 emb.bin > segments.tsv
	cs-contrast -q --segments segments.tsv --format json emb.bin > contrast.json
	"$PYTHON" - <<-'END'
	from service import *
	rows = [line.split("\t") for line in open("segments.tsv")][2:]
	segment = {row[0]: row[1] for row in rows}
	near = {row[0]: float(row[2]) for row in rows if row[2]}
	contrast = json.load(open("contrast.json"))["segments"]
	with Service("--segments", "segments.tsv", "emb.bin") as s:
	    document = s.get("/openapi.json").json()
	    def check(path, schema):
	        reply = s.get(path)
	        assert reply.status == 200, (path, reply.body)
	        validate(reply.json(), document["components"]["schemas"][schema],
	                 document, path)
	        return reply.json()
	    every = check("/segments", "Segments")
	    assert every["descriptive"] is True
	    assert every["unassigned"] == sum(not x for x in segment.values())
	    assert [x["segment"] for x in every["segments"]] == [1, 2, 3, 4]
	    for found, known in zip(every["segments"], contrast):
	        name = str(found["segment"])
	        members = [c for c in segment if segment[c] == name]
	        assert found["customers"] == len(members)
	        assert found["name"] == known["name"]
	        assert len(found["over_represented"]) <= 5
	        for tag, other in zip(found["over_represented"],
	                              known["over_represented"]):
	            assert all(tag[key] == other[key] for key in tag)
	        nearest = sorted(members, key=lambda c: -near[c])[:5]
	        assert [near[c] for c in found["typical"]] == [
	            near[c] for c in nearest]
	        listed, path = [], f"/segments/{name}?limit=50"
	        page = check(path, "SegmentPage")
	        assert [t["tag"] for t in page["under_represented"]] == [
	            t["tag"] for t in known["under_represented"]][:50]
	        listed += [m["customer"] for m in page["members"]]
	        while page["more"]:
	            page = check(f"{path}&cursor={page['next']}", "SegmentPage")
	            listed += [m["customer"] for m in page["members"]]
	        assert listed == members
	    user = rows[7][0]
	    answer = s.post({"user_handle": user}).json()
	    assert answer["segment"] == int(segment[user])
	    validate(answer, document["components"]["schemas"]["Answer"], document,
	             "answer")
	    batch = s.post({"users": [user, rows[0][0]]}).json()["answers"]
	    assert [a["segment"] for a in batch] == [
	        int(segment[user]), int(segment[rows[0][0]])]
	    assert "segment" not in s.post({"like": [user]}).json()
	    for path, status in (("/segments/5", 404), ("/segments/", 404),
	                         ("/segments/1/2", 404), ("/segments/1?limit=0", 400),
	                         ("/segments/1?cursor=x", 400),
	                         ("/segments?limit=3", 400)):
	        assert s.get(path).status == status, path
	    # Another file, once the model is loaded again.
	    tag = s.get(f"/customers/{user}/similar").headers["ETag"]
	    with open("segments.tsv", "w") as file:
	        file.write("customer\tsegment\n" + "".join(
	            f"{row[0]}\t{'gold' if i % 2 else ''}\n"
	            for i, row in enumerate(rows)))
	    s.process.send_signal(signal.SIGHUP)
	    until(lambda: s.get("/segments").json()["segments"][0]["segment"]
	          == "gold")
	    every = s.get("/segments").json()
	    assert every["descriptive"] is False and every["unassigned"] > 0
	    assert s.post({"user_handle": rows[0][0]}).json()["segment"] is None
	    assert s.post({"user_handle": rows[1][0]}).json()["segment"] == "gold"
	    assert s.get(f"/customers/{user}/similar").headers["ETag"] != tag
	    # The same groups by another name.
	    tag = s.get(f"/customers/{rows[1][0]}/similar").headers["ETag"]
	    said = open("segments.tsv").read().replace("gold", "silver")
	    open("segments.tsv", "w").write(said)
	    s.process.send_signal(signal.SIGHUP)
	    until(lambda: s.get("/segments").json()["segments"][0]["segment"]
	          == "silver")
	    assert s.post({"user_handle": rows[1][0]}).json()["segment"] == "silver"
	    assert s.get(f"/customers/{rows[1][0]}/similar",
	                 **{"If-None-Match": tag}).status == 200
	    every = s.get("/segments").json()
	    # One that is none: the model and segments before stay.
	    open("segments.tsv", "w").write("nothing\n")
	    s.process.send_signal(signal.SIGHUP)
	    s.wait_for("the model before stays")
	    assert s.get("/segments").json() == every
	    assert s.end() == 0
	with Service("emb.bin") as s:
	    assert s.get("/segments").status == 404
	    assert s.get("/segments/1").status == 404
	END
	run -2 cs-serve -p 0 --segments no-such-file emb.bin
	[ "$output" = "cs-serve: no-such-file: No such file or directory" ]
	printf 'customer\tsegment\nelsewhere\t1\n' > other.tsv
	run -2 cs-serve -p 0 --segments other.tsv emb.bin
	[ "$output" = "cs-serve: other.tsv: none of its customers is in the model" ]
}

@test "the OpenAPI document says what the service does" {
	"$PYTHON" - <<-'END'
	from service import *
	with Service("emb.bin") as s:
	    document = s.get("/openapi.json").json()
	    schemas = document["components"]["schemas"]
	    def check(reply, path, method):
	        said = document["paths"][path][method]["responses"]
	        assert str(reply.status) in said, (path, reply.status)
	        said = said[str(reply.status)]
	        if "$ref" in said:
	            said = document["components"]["responses"][
	                said["$ref"].rsplit("/", 1)[1]]
	        for name, header in said.get("headers", {}).items():
	            assert reply.headers[name] or header.get("required") is False, (
	                path, name)
	        kinds = said.get("content")
	        if kinds is None:
	            assert reply.body == b""
	            return
	        kind = reply.headers["Content-Type"].split(";")[0]
	        assert kind in kinds, (path, kind)
	        if kind == "application/json":
	            validate(reply.json(), kinds[kind]["schema"], document, path)
	    # Each path that is described is there, and each answer as described.
	    for path, methods in document["paths"].items():
	        for method in methods:
	            if method == "get":
	                check(s.get(path.replace("{id}", "1")), path, method)
	                if "{id}" in path:
	                    check(s.get(path.replace("{id}", "nobody")), path,
	                          method)
	        one, *none = methods
	        assert not none, path
	        large = s.ask(one.upper(), path.replace("{id}", "1"), None,
	                      {"Content-Length": str(17 << 20),
	                       "Expect": "100-continue"})
	        assert large.status == 413
	        check(large, path, one)
	        assert "503" in methods[one]["responses"], path
	        other = s.ask("PUT", path.replace("{id}", "1"), "{}")
	        assert other.status == 405, path
	        assert one.upper() in other.headers["Allow"].split(", ")
	        check(other, path, one)
	    similar = "/customers/{id}/similar"
	    known = s.get("/customers/1/similar").headers["ETag"]
	    check(s.get("/customers/1/similar", **{"If-None-Match": known}),
	          similar, "get")
	    check(s.get("/customers/1/similar?n=0"), similar, "get")
	    check(s.get("/customers/1/similar", Accept="text/csv"), similar, "get")
	    check(s.get("/customers?limit=0"), "/customers", "get")
	    tag = run("cs-dump --what tags emb.bin | sed -n 2p | cut -f 1")
	    known = set(schemas["Request"]["properties"])
	    asked = set()
	    for body, schema in (
	            ({"user_handle": 1, "n": 3, "metric": "dot"}, "Answer"),
	            ({"user_handle": "1", "min_similarity": 0.1}, "Answer"),
	            ({"user_handle": 1, "alpha": 0.5}, "Answer"),
	            ({"user_handle": 1, "recall": 0}, "Answer"),
	            ({"user_handle": "1", "among": [1, 2, 3], "not": [2]},
	             "Answer"),
	            ({"users": [1, "2", "nobody"]}, "Batch"),
	            ({"like": [1, "nobody"]}, "Audience"),
	            ({"like": [1], "min_similarity": 1}, "Audience"),
	            ({"like": "1 2", "not": ["nobody"], "ignore_unknown": True},
	             "Audience"),
	            ({"user_handle": 1, "why": False}, "Answer"),
	            ({"users": [1, 2], "not": ["3", "nobody"]}, "Batch"),
	            ({"user_handle": 1, "min_similarity": 1}, "Answer"),
	            ({"profile": {tag.decode().strip(): 3, "x": 1}}, "Answer")):
	        asked |= set(body)
	        validate(body, schemas["Request"], document)
	        reply = s.post(body)
	        check(reply, "/predict", "post")
	        validate(reply.json(), schemas[schema], document, schema)
	    assert asked == known, asked ^ known
	    check(s.post("{"), "/predict", "post")
	    check(s.post({"user_handle": "nobody"}), "/predict", "post")
	    check(s.post(b" " * (17 << 20)), "/predict", "post")
	    check(s.post({"user_handle": 1}, Host="example.org"), "/predict",
	          "post")
	    check(s.post("{}", **{"Content-Encoding": "gzip"}), "/predict", "post")
	    check(s.get(similar.replace("{id}", "1") + "?why=0"), similar, "get")
	    check(s.post({"user_handle": 1}, Accept="text/csv"), "/predict", "post")
	    for bad in ({"n": 1}, {"user_handle": 1, "like": [1]}, {"n": "x"}, {"user_handle": 1.5}, {"user": 1}):
	        try:
	            validate(bad, schemas["Request"], document)
	        except AssertionError:
	            continue
	        raise SystemExit(f"valid: {bad}")
	# With names beside ids, with a token, and of who has no signal.
	open("some.csv", "w").write("id,name\nnobody,No One\nc,See\nx,Ex\n")
	open("token", "w").write("secret")
	with Service("--who", "some.csv", "--names", "some.csv", "--token-file",
	             "token", "hostile.bin") as s:
	    for path, methods in document["paths"].items():
	        for method in methods:
	            reply = s.ask(method.upper(), path.replace("{id}", "1"))
	            check(reply, path, method)
	            is_open = document["paths"][path][method].get("security") == []
	            assert (reply.status == 401) != is_open, path
	    for body, schema in (({"user_handle": "nobody"}, "Answer"),
	                         ({"user_handle": "line\nbreak"}, "Answer"),
	                         ({"users": ["nobody", "nobodi"]}, "Batch"),
	                         ({"like": ["Ünïcode"]}, "Audience"),
	                         ({"profile": {"c": 1, "e": 1}}, "Answer")):
	        reply = s.post(body, Authorization="Bearer secret")
	        assert reply.status == 200, reply.body
	        validate(reply.json(), schemas[schema], document, schema)
	    for path in "/customers/nobody", "/customers?prefix=no":
	        reply = s.get(path, Authorization="Bearer secret")
	        assert b'"No One"' in reply.body
	        check(reply, path.split("?")[0].replace("nobody", "{id}"), "get")
	END
}

@test "it binds to this machine alone unless told; a port that is taken" {
	"$PYTHON" - <<-'END'
	from service import *
	with Service("emb.bin") as s:
	    assert "http://127.0.0.1:" in s.said[0]
	    taken = subprocess.run(["cs-serve", "-p", str(s.port), "emb.bin"],
	                           stderr=subprocess.PIPE, check=False)
	    assert taken.returncode == 2 and b"in use" in taken.stderr
	with Service("-b", "0.0.0.0", "emb.bin") as s:
	    assert "--token-file" in s.said[0]
	    assert "http://0.0.0.0:" in s.said[1]
	    for host, status in (("10.1.2.3", 200), ("10.1.2.3:99", 200),
	                         ("[fe80::1]:99", 200), ("example.org", 421)):
	        assert s.get("/healthz", Host=host).status == status, host
	open("token", "w").write("secret")
	with Service("-b", "0.0.0.0", "--token-file", "token", "emb.bin") as s:
	    assert "http://0.0.0.0:" in s.said[0]
	END
	run -2 --separate-stderr cs-serve -p 0 matrix.bin
	[[ "$stderr" == "cs-serve: matrix.bin: a matrix, expected a model"* ]]
	run -2 --separate-stderr cs-serve -p 0 absent.bin
	[[ "$stderr" == *"No such file"* ]]
	run -2 --separate-stderr cs-serve -p 0 -
	run -2 --separate-stderr cs-serve
	run -2 --separate-stderr cs-serve -p 70000 emb.bin
	# No address of this machine, or no IPv6 at all: but an address.
	run -2 cs-serve -b "[2001:db8::1]" -p 0 emb.bin
	[[ "$output" == *"[2001:db8::1], port 0: "* ]]
	run -2 cs-serve -b "" -p 0 emb.bin
	[[ "$output" == *"the address is empty" ]]
	run -2 --separate-stderr cs-serve -b nowhere.invalid -p 0 emb.bin
}

@test "metrics are in the text format of Prometheus" {
	"$PYTHON" - <<-'END'
	from service import *
	with Service("emb.bin") as s:
	    found = s.get("/metrics").body.decode()
	    lines = [l for l in found.splitlines() if not l.startswith("#")]
	    for line in lines:
	        assert re.fullmatch(
	            r'[a-z_]+(\{[a-z]+="[^"]*"(,[a-z]+="[^"]*")*\})? [-+.e\d]+',
	            line), line
	    for name in ("cs_model_age_seconds", "process_resident_memory_bytes",
	                 "cs_model_customers", "cs_requests_waiting"):
	        assert any(l.startswith(name + " ") for l in lines), name
	    s.post({"user_handle": 1})
	    found = s.get("/metrics").body.decode()
	    assert 'cs_requests_total{route="/predict",status="200"} 1\n' in found
	    buckets = [int(l.split()[-1]) for l in found.splitlines()
	               if l.startswith('cs_request_seconds_bucket{route="/predict"')]
	    assert buckets == sorted(buckets) and buckets[-1] == 1
	END
}

@test "promtool finds nothing to improve in the metrics" {
	command -v promtool > /dev/null ||
		skip "promtool is not here: sudo apt-get install prometheus"
	"$PYTHON" - <<-'END'
	from service import *
	with Service("emb.bin") as s:
	    s.post({"user_handle": 1})
	    s.get("/nothing")
	    found = s.get("/metrics").body
	done = subprocess.run(["promtool", "check", "metrics"], input=found,
	                      capture_output=True)
	assert done.returncode == 0, done.stderr
	assert done.stdout + done.stderr == b"", done
	END
}

@test "a model whose date cannot be written is refused" {
	cp emb.bin far.bin
	touch -d @67768036191676800 far.bin
	[ "$(stat -c %Y far.bin)" = 67768036191676800 ] ||
		skip "this file system keeps no such time"
	run -2 timeout 20 cs-serve -p 0 far.bin
	[ "$output" = "cs-serve: far.bin: Value too large for defined data type" ]
}
