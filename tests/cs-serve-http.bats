# cs-serve as a server: heads that are not HTTP, other hosts, arguments, lists,
# many connections at once, and what an operator sees.  What it answers is in
# cs-serve.bats.

load helper

setup_file() {
	cd "$BATS_FILE_TMPDIR" || return
	head -n 4000 "$ROOT/data/views.csv" > views.csv
	cs-aggregate -q views.csv | cs-matrix -q | cs-svd -q -k 16 -o emb.bin
	export PYTHONPATH=$ROOT/tests
}

setup() {
	cd "$BATS_FILE_TMPDIR" || return
}

@test "a head that a proxy may read in another way is 400, and the connection is closed" {
	"$PYTHON" - <<-'END'
	from service import *
	good = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n"
	line = good.split(b"\r\n")[0]
	with Service("emb.bin") as s:
	    for head in (
	            line + b"\r\n",                                 # no Host
	            good + b"Host: localhost\r\n",                  # two
	            good + b"host: example.org\r\n",
	            line + b"\r\nHost : localhost\r\n",             # white space
	            good + b"X-A : 1\r\n", good + b"X A: 1\r\n",
	            good + b"X-A\t: 1\r\n",
	            good + b"Content-Length: 0\r\nContent-Length: 0\r\n",
	            good + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n",
	            good + b"X-A: 1\0X-B: 2\r\n",                   # zero bytes
	            good + b"X-A: \0a\r\n", good + b"X\0A: 1\r\n",
	            good + b"X-A: \0\r\nX-B: 1\r\n",
	            good + b": a\r\n", good + b":\r\n",             # no name
	            good + b"X-A: 1\r\n: a\r\nX-B: 1\r\n",
	            good + b"X-A: 1\rContent-Length: 5\r\n",       # CR, LF
	            good + b"X-A: 1\nX-B: 1\r\n", good + b"X-A: 1\n",
	            good.replace(b"1.1\r", b"1.1"), good + b"\n",
	            good + b"X-A: 1\r\n 2\r\n",                    # folded
	            *(good + b"Transfer-Encoding: " + coding + b"\r\n"
	              for coding in (b"gzip", b"gzip, chunked", b"identity", b"")),
	            line.replace(b"1.1", b"1.0") +
	            b"\r\nTransfer-Encoding: chunked\r\n",
	            good.replace(b"/healthz", b"/health\0z"),
	            good.replace(b"/healthz", b"/healthz\0"),
	            good.replace(b"GET", b"GE\0T"),
	            good.replace(b"1.1\r", b"1.1\0\r"),
	            good.replace(b" /", b"  /"),                    # the line
	            good.replace(b" HTTP", b"  HTTP"),
	            good.replace(b"/healthz", b"/health z")):
	        said = s.raw(head + b"\r\n" + good + b"\r\n", 2)
	        assert said.startswith(b"HTTP/1.1 400 "), (head, said)
	        assert said.count(b"HTTP/1.1 ") == 1, (head, said)
	        assert b"Connection: close" in said, (head, said)
	    for head in (good, line.replace(b"1.1", b"1.0") + b"\r\n",
	                 good + b"X-A:1\r\nX-B:\t2 \r\nX-C:\r\n",
	                 good.replace(b"Host: ", b"host:"),
	                 good + b"X-A: a,\tb\r\nCookie: a=b\r\n",
	                 good.replace(b"/h", b"http://LOCALHOST:1/h")):
	        said = s.raw(head + b"Connection: close\r\n\r\n", 2)
	        assert said.startswith(b"HTTP/1.1 200 "), (head, said)
	END
}

@test "a Host that is another's is 421, unless --host names it" {
	"$PYTHON" - <<-'END'
	from service import *
	def status(s, host):
	    return s.get("/healthz", Host=host).status
	with Service("emb.bin") as s:
	    for host in ("localhost", "LocalHost:1", "127.0.0.1", "[::1]:80",
	                 f"127.0.0.1:{s.port}", "localhost "):
	        assert status(s, host) == 200, host
	    for host in ("example.org", "localhost.example.org", "xlocalhost",
	                 "localhost:80x", "127.0.0.1.nip.io", "10.0.0.1", "[::2]",
	                 "similar.example", "[::1", "", "a@localhost"):
	        assert status(s, host) == 421, host
	    for target, said in (("http://localhost", 200), ("HTTP://[::1]/", 200),
	                         ("http://127.0.0.1?view=x", 200),
	                         ("http://example.org/", 421),
	                         ("http://localhost/predict", 405),
	                         ("http:/healthz", 404)):
	        assert s.get(target).status == said, target
	    reply = s.post({"user_handle": 1}, Host="example.org")
	    assert "--host" in reply.json()["error"]
	with Service("--host", "similar.example", "--host", "serve",
	             "emb.bin") as s:
	    for host in "similar.example", "SERVE:5000", "localhost":
	        assert status(s, host) == 200, host
	    assert status(s, "similar.example.org") == 421
	END
}

@test "arguments of GET: each known, given once, decoded, and as POST has it" {
	"$PYTHON" - <<-'END'
	from service import *
	with Service("emb.bin") as s:
	    similar = "/customers/1/similar?"
	    def same(query, **fields):
	        reply = s.get(similar + query)
	        assert reply.status == 200, (query, reply.body)
	        assert reply.body == s.post({"user_handle": 1, **fields}).body, query
	    others = [n["customer"] for n in s.get(similar).json()["neighbours"]]
	    same("n=3", n=3)
	    same("n=%33", n=3)
	    # Nothing stands between two marks, or behind the last.
	    same("&n=3&&", n=3)
	    same("%6e=3&metric=%64ot", n=3, metric="dot")
	    same("min_similarity=0.5", min_similarity=0.5)
	    same("why=0", why=False)
	    same("why=1")
	    same("not=" + ",".join(others[:3]), **{"not": others[:3]})
	    same("among=" + "%20".join(others), among=others)
	    same("among=" + "%0A".join(others) + "&not=" + others[2],
	         among=others, **{"not": others[2]})
	    for query, field, text in (
	            ("k=3", None, "k: no such"), ("=3", None, "no such"),
	            ("n=3&n=3", "n", "twice"),
	            ("n=3&%6E=4", "n", "twice"), ("n=%3", "n", "hexadecimal"),
	            ("n=%zz", "n", "hexadecimal"), ("n", "n", "whole number"),
	            ("n=3%00", "n", "hexadecimal"), ("N=3", None, "no such"),
	            ("why=2", "why", "0 or 1"), ("why=", "why", "0 or 1"),
	            ("min_similarity=nan", "min_similarity", "number"),
	            ("min_similarity=3", "min_similarity", "from -1 to 1"),
	            ("limit=3", None, "no such"), ("prefix=a", None, "no such"),
	            ("among=nobody", "among", "none"), ("not=x", "not", "none")):
	        reply = s.get(similar + query)
	        assert reply.status in (400, 404), query
	        assert reply.json()["field"] == field, (query, reply.body)
	        assert text in reply.json()["error"], (query, reply.body)
	    for path in ("/customers?n=3", "/customers/1?x=1", "/model?x=",
	                 "/customers?limit=2&limit=2"):
	        assert s.get(path).status == 400, path
	    assert s.ask("POST", "/predict?x=1", '{"user_handle": 1}').status == 400
	    # An argument is named as it was meant, and cut between characters.
	    said = s.get("/customers?gr%C3%B6%C3%9Fe=1").json()["error"]
	    assert said == "größe: no such argument here", said
	    long = "a" + "é" * 300
	    for reply in (s.get(f"/customers?{quoted(long)}=1"), s.post({long: 1}),
	                  s.post({"user_handle": long}), s.post({"profile": {long: 1}}),
	                  s.post({"profile": {long: "x"}}), s.get("/tags/" + quoted(long))):
	        said = reply.json()["error"]
	        assert "aéé" in said and "%" not in said and long not in said, said
	    # Probes and links add what they like.
	    for path in "/?customer=1", "/healthz?t=1", "/metrics?x=1":
	        assert s.get(path).status == 200, path
	END
}

@test "a request whose arguments have no room is cut off, and forgotten" {
	"$PYTHON" - <<-'END'
	from service import *
	query = "&".join(f"x{i}=1" for i in range(2000))
	with Service("--log", "emb.bin") as s:
	    for _ in range(20):
	        assert s.raw(f"GET /customers?{query} HTTP/1.1\r\n"
	                     "Host: localhost\r\n\r\n".encode(), 60) == b""
	    until(lambda: len(s.logged) == 20)
	    for line in map(json.loads, s.logged):
	        assert (line["status"], line["query"]) == (0, query), line
	    assert b'{route="other",status="0"} 20\n' in s.get("/metrics").body
	    assert s.end() == 0
	    assert not any("cut off" in line for line in s.said), s.said
	END
}

@test "lists: read as files of them are; what the model lacks is told" {
	"$PYTHON" - <<-'END'
	from service import *
	with Service("emb.bin") as s:
	    users = [c["customer"] for c in
	             s.get("/customers?limit=50").json()["customers"]]
	    seeds, out = users[:5], users[5:25]
	    want = s.post({"like": seeds, "not": out, "n": 9}).body
	    assert b'"not"' not in want
	    for form in (out, [int(u) for u in out], [f" {u}\t" for u in out],
	                 [f'"{u}"' for u in out], [f"{u},2026-01-01" for u in out],
	                 ["\ufeff" + u + "\r\n" for u in out],
	                 ["user_handle", *out], "\r\n".join(out), ", ".join(out),
	                 ";".join(out) + "\n", "\ufeff" + " ".join(out),
	                 [";".join(out)], ["\n".join(out)]):
	        got = s.post({"like": seeds, "not": form, "n": 9})
	        assert got.body == want, (form, got.body)
	    assert s.post({"like": ",".join(seeds), "not": out, "n": 9}).body == want
	    said = s.post({"like": seeds, "not": [*out, "nobody", "x"], "n": 9})
	    assert said.json().pop("not") == {
	        "given": 22, "known": 20, "unknown": ["nobody", "x"]}
	    assert said.headers["X-Note"] == "20 of 22 in not are known"
	    said = s.post({"users": seeds, "among": [*out, "nobody"]}).json()
	    assert said["among"] == {"given": 21, "known": 20,
	                             "unknown": ["nobody"]}
	    assert len(said["answers"]) == 5
	    csv = s.post({"like": seeds, "not": [*out, "nobody"]}, Accept="text/csv")
	    assert csv.headers["X-Note"] == "20 of 21 in not are known"
	    # An opt-out of which nobody is known is the wrong file.
	    wrong = s.post({"like": seeds, "not": ["nobody"]})
	    assert (wrong.status, wrong.json()["field"]) == (404, "not")
	    assert s.post({"like": seeds, "not": ["nobody"],
	                   "ignore_unknown": True}).status == 200
	    assert s.post({"like": seeds, "not": []}).status == 200
	    # A hundred thousand ids at once, 3.7 MB.
	    many = [f"{i:036d}" for i in range(100000)]
	    reply = s.post({"like": seeds, "not": many + out, "n": 9})
	    found = reply.json()
	    assert found["not"]["given"] == 100020 and found["not"]["known"] == 20
	    assert len(found["not"]["unknown"]) == 10
	    assert found["neighbours"] == json.loads(want)["neighbours"]
	END
}

@test "64, 127, 128, 129, 256 and 512 connections readable at once are answered" {
	ulimit -Sn 2048 || skip "only $(ulimit -Hn) files may be open here"
	"$PYTHON" - <<-'END'
	from service import *
	import select
	request = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
	with Service("-j", "1", "emb.bin") as s:
	    for count in 64, 127, 128, 129, 256, 512:
	        sockets = [socket.create_connection(("127.0.0.1", s.port))
	                   for _ in range(count)]
	        for one in sockets:     # accepted, and kept
	            one.sendall(request)
	            assert b"200 OK" in one.recv(4096)
	        for _ in range(3):
	            s.process.send_signal(signal.SIGSTOP)
	            for one in sockets:
	                one.sendall(request)
	            time.sleep(0.02)
	            s.process.send_signal(signal.SIGCONT)
	            began = time.time()
	            poll = select.poll()
	            for one in sockets:
	                poll.register(one, select.POLLIN)
	            waiting = {one.fileno(): one for one in sockets}
	            while waiting:
	                assert time.time() - began < 5, (count, len(waiting))
	                for number, _ in poll.poll(1000):
	                    assert b"200 OK" in waiting.pop(number).recv(4096)
	                    poll.unregister(number)
	        for one in sockets:
	            one.close()
	END
}

@test "a request's id, pages of another origin, bodies that are encoded" {
	"$PYTHON" - <<-'END'
	from service import *
	body = {"user_handle": 1}
	with Service("emb.bin") as s:
	    assert s.post(body, **{"X-Request-Id": "a-1"}).headers[
	        "X-Request-Id"] == "a-1"
	    for bad in "x" * 129, "a b", "é":
	        assert s.post(body, **{"X-Request-Id": bad.encode().decode("latin-1")
	                              }).headers["X-Request-Id"] is None
	    reply = s.post(body, Origin="https://shop.example")
	    assert reply.headers["Access-Control-Allow-Origin"] is None
	    assert s.ask("OPTIONS", "/predict").status == 405
	    reply = s.ask("OPTIONS", "*")
	    assert reply.status == 204 and reply.body == b""
	    assert reply.headers["Allow"] == "GET, HEAD, POST, OPTIONS"
	    assert reply.headers["Access-Control-Allow-Methods"] is None
	    assert s.ask("OPTIONS", "/*").status == 404
	    assert s.ask("GET", "*").status == 404
	    for coding, status in (("gzip", 415), ("br", 415), ("identity", 200),
	                           ("x", 415)):
	        reply = s.post(body, **{"Content-Encoding": coding})
	        assert reply.status == status, coding
	    open("token", "w").write("secret")
	with Service("--allow-origin", "https://shop.example", "--token-file",
	             "token", "emb.bin") as s:
	    asked = {"Origin": "https://shop.example",
	             "Access-Control-Request-Method": "POST",
	             "Access-Control-Request-Headers": "authorization"}
	    reply = s.ask("OPTIONS", "/predict", None, asked)
	    assert reply.status == 204 and reply.body == b""
	    assert reply.headers["Access-Control-Allow-Origin"] == (
	        "https://shop.example")
	    assert "POST" in reply.headers["Access-Control-Allow-Methods"]
	    assert "Authorization" in reply.headers["Access-Control-Allow-Headers"]
	    for token, status in ("secret", 200), ("x", 401):
	        reply = s.post(body, Authorization=f"Bearer {token}", **asked)
	        assert reply.status == status
	        assert reply.headers["Access-Control-Allow-Origin"] == (
	            "https://shop.example")
	    assert "X-Note" in reply.headers["Access-Control-Expose-Headers"]
	END
	for origin in '' shop.example https:// https://shop.example/ ://x; do
		run -2 --separate-stderr cs-serve --allow-origin "$origin" emb.bin
		[[ "$stderr" == *"expected an origin"* ]]
	done
	for name in '' shop.example:80 https://shop.example 'a b'; do
		run -2 --separate-stderr cs-serve --host "$name" emb.bin
		[[ "$stderr" == *"without a port"* ]]
	done
}

@test "the log has a line of JSON for each request" {
	"$PYTHON" - <<-'END'
	from service import *
	with Service("--log", "emb.bin") as s:
	    reply = s.get("/customers/1/similar?n=%33", **{
	        "User-Agent": "te\"st/1", "X-Request-Id": "a-1"})
	    s.get("/nothing")
	    until(lambda: len(s.logged) == 2)
	    one, two = map(json.loads, s.logged)
	    for key, value in (("method", "GET"), ("path", "/customers/1/similar"),
	                       ("query", "n=%33"), ("status", 200),
	                       ("bytes", len(reply.body)), ("peer", "127.0.0.1"),
	                       ("user_agent", 'te"st/1'), ("request_id", "a-1"),
	                       ("model", reply.headers["X-Model"])):
	        assert one[key] == value, (key, one)
	    assert two["status"] == 404 and "request_id" not in two or (
	        two["request_id"] is None)
	# Lines that cannot be written are told of, once.
	with open("/dev/full", "wb") as full, subprocess.Popen(
	        ["cs-serve", "-p", "0", "--log", "emb.bin"], stdout=full,
	        stderr=subprocess.PIPE, text=True) as process:
	    port = re.search(r":(\d+)/", process.stderr.readline())[1]
	    for _ in range(3):
	        with socket.create_connection(("127.0.0.1", int(port))) as one:
	            one.sendall(b"GET /healthz HTTP/1.0\r\n\r\n")
	            assert b"ok\n" in one.makefile("rb").read()
	    process.terminate()
	    said = process.stderr.read()
	    assert re.fullmatch(".*--log: .*No space left on device; .*1\n", said), (
	        said)
	    assert process.wait() == 0
	END
}

@test "in the grace time /readyz says 503, and requests are answered" {
	"$PYTHON" - <<-'END'
	from service import *
	with Service("--grace", "1", "emb.bin") as s:
	    assert s.get("/readyz").status == 200
	    began = time.time()
	    s.process.send_signal(signal.SIGTERM)
	    until(lambda: s.get("/readyz").status == 503)
	    assert s.get("/readyz").body == b"draining\n"
	    assert s.get("/healthz").status == 200
	    assert s.post({"user_handle": 1}).status == 200
	    assert s.process.wait(timeout=30) == 0
	    assert 0.9 < time.time() - began < 6
	# Another signal ends it.
	with Service("--grace", "600", "emb.bin") as s:
	    s.process.send_signal(signal.SIGTERM)
	    until(lambda: s.get("/readyz").status == 503)
	    s.process.send_signal(signal.SIGINT)
	    assert s.process.wait(timeout=30) == 0
	END
}

@test "a FIFO or a folder in the model's place is refused, and a model loads again" {
	cp emb.bin live.bin
	"$PYTHON" - <<-'END'
	from service import *
	import shutil
	with Service("live.bin") as s:
	    one = s.post({"user_handle": 1}).body
	    for make in os.mkfifo, os.mkdir:
	        s.said.clear()
	        os.unlink("live.bin")
	        make("live.bin")
	        s.wait_for("the model before stays")
	        assert s.post({"user_handle": 1}).body == one
	        s.said.clear()
	        (os.rmdir if make is os.mkdir else os.unlink)("live.bin")
	        shutil.copy("emb.bin", "next.bin")
	        os.rename("next.bin", "live.bin")
	        s.wait_for("takes the place")
	END
	mkfifo fifo
	run -2 --separate-stderr timeout 10 cs-serve -p 0 fifo
	[[ "$stderr" == *"expected a regular file"* ]]
}

@test "customers in pages: the cursor leads to each once" {
	"$PYTHON" - <<-'END'
	from service import *
	users = run("cs-dump --what users emb.bin | sed 1d | cut -f 1"
	            ).decode().split()
	with Service("emb.bin") as s:
	    for prefix in "", "1", "nobody":
	        found, cursor = [], ""
	        while cursor is not None:
	            page = s.get(f"/customers?prefix={prefix}&limit=97"
	                         + (cursor and f"&cursor={cursor}")).json()
	            assert page["more"] == (page["next"] is not None)
	            found += [c["customer"] for c in page["customers"]]
	            cursor = page["next"]
	        assert found == [u for u in users if u.startswith(prefix)]
	    for cursor in "x", "-1", "", "9" * 30:
	        reply = s.get(f"/customers?cursor={cursor}")
	        assert reply.status == 400 and reply.json()["field"] == "cursor"
	END
}

@test "CSV that a spreadsheet takes for text; without contributions; ?safe=0" {
	{
		printf 'customer\ttag\tevents\tvalue\n'
		for id in '=1+1' '+1' '-1' '@a' "'q" plain
		do
			printf '%s\t=tag\t1\t3\n%s\tb\t1\t2\n' "$id" "$id"
		done
	} > formulas.tsv
	{ head -n 1 formulas.tsv; sed 1d formulas.tsv | sort -t $'\t' -k1,1 -k2,2; } |
		cs-matrix -q --value sum --weight none | cs-svd -q -o formulas.bin
	"$PYTHON" - <<-'END'
	import csv, io
	from service import *
	def cells(s, path, body):
	    reply = s.ask("POST", path, json.dumps(body), {"Accept": "text/csv"})
	    assert reply.status == 200, reply.body
	    return list(csv.reader(io.StringIO(reply.body.decode(), newline="")))[1:]
	ask = {"user_handle": "plain"}
	with Service("formulas.bin") as s:
	    plain = cells(s, "/predict?safe=0", ask)
	    safe = cells(s, "/predict", ask)
	    assert {r[0] for r in plain} == {"=1+1", "+1", "-1", "@a", "'q"}
	    assert {r[0] for r in safe} == {"'=1+1", "'+1", "'-1", "'@a", "'q"}
	    assert not any(c[0] in "=+-@" for r in safe for c in r if c), safe
	    assert s.get("/customers/plain/similar?safe=2").json() == {
	        "error": "safe: expected 0 or 1", "field": "safe"}
	    got = s.get("/customers/plain/similar?safe=0", Accept="text/csv")
	    assert "\n=1+1," in got.body.decode()
	    bare = cells(s, "/predict", {**ask, "why": False})
	    assert [r[:2] for r in bare] == [r[:2] for r in safe]
	    assert all(r[2] == "" for r in bare)
	    assert s.ask("POST", "/predict?safe=2", "{}").status == 400
	END
}

@test "gzip for clients that ask for it" {
	"$PYTHON" - <<-'END'
	from service import *
	import gzip
	with Service("emb.bin") as s:
	    for method, path, body in (
	            ("POST", "/predict", '{"user_handle": 1}'),
	            ("GET", "/customers/1/similar", None),
	            ("GET", "/customers?limit=500", None), ("GET", "/", None),
	            ("GET", "/openapi.json", None)):
	        plain = s.ask(method, path, body)
	        assert plain.headers["Content-Encoding"] is None
	        assert "Accept-Encoding" in (plain.headers["Vary"] or "") or (
	            path.startswith("/customers?")), path
	        for accept, zipped in (("gzip", True), ("br, gzip;q=0.5", True),
	                               ("GZIP", True), ("gzip;q=0", False),
	                               ("br", False), ("xgzip", False)):
	            reply = s.ask(method, path, body, {"Accept-Encoding": accept})
	            assert reply.status == 200, (path, accept)
	            assert (reply.headers["Content-Encoding"] == "gzip") == zipped, (
	                path, accept)
	            got = gzip.decompress(reply.body) if zipped else reply.body
	            assert got == plain.body, (path, accept)
	            assert not zipped or len(reply.body) < len(got) / 2
	    # Another representation, another tag; and it holds, too.
	    similar = "/customers/1/similar"
	    tags = [s.get(similar, **{"Accept-Encoding": a}).headers["ETag"]
	            for a in ("identity", "gzip")]
	    assert tags[0] != tags[1]
	    assert s.get(similar, **{"Accept-Encoding": "gzip",
	                             "If-None-Match": tags[1]}).status == 304
	    # What is short is sent as it is; errors and 304 have no coding.
	    for path in "/healthz", "/customers/nobody":
	        reply = s.get(path, **{"Accept-Encoding": "gzip"})
	        assert reply.headers["Content-Encoding"] is None, path
	END
}

@test "a client has so many connections and no more" {
	"$PYTHON" - <<-'END'
	from service import *
	def closes(s):
	    one = socket.create_connection(("127.0.0.1", s.port))
	    one.settimeout(5)
	    try:
	        one.sendall(b"GET /healthz HTTP/1.0\r\n\r\n")
	        return one.recv(100) == b""
	    except ConnectionError:
	        return True
	with Service("--per-client", "3", "emb.bin") as s:
	    held = [socket.create_connection(("127.0.0.1", s.port))
	            for _ in range(3)]
	    for one in held:
	        one.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
	        assert b" 200 " in one.recv(100)
	    assert closes(s)
	    held.pop().close()
	    until(lambda: not closes(s))
	    found = s.get("/metrics").body.decode()
	    assert not re.search("^cs_connections_refused_total 0$", found, re.M)
	with Service("emb.bin") as s:
	    many = [socket.create_connection(("127.0.0.1", s.port))
	            for _ in range(300)]
	    assert s.get("/healthz").status == 200
	END
}

@test "bodies hold so much memory in all and no more: 503 beyond" {
	"$PYTHON" - <<-'END'
	from service import *
	size = 16 << 20
	head = (b"POST /predict HTTP/1.1\r\nHost: localhost\r\n"
	        b"Content-Length: %d\r\n\r\n" % size)
	part = b" " * (1 << 20)
	def resident(s):
	    with open(f"/proc/{s.process.pid}/status", encoding="utf-8") as file:
	        return int(re.search(r"VmRSS:\s*(\d+)", file.read())[1]) // 1024
	with Service("emb.bin") as s:
	    before = resident(s)
	    held, refused = [], 0
	    for _ in range(24):
	        one = socket.create_connection(("127.0.0.1", s.port))
	        one.sendall(head)
	        for _ in range(15):
	            one.sendall(part)
	        held.append(one)
	    # Until it has read what the others sent.
	    until(lambda: s.post({"user_handle": 1}).status == 503)
	    assert s.post({"user_handle": 1}).headers["Retry-After"] == "1"
	    assert s.get("/healthz").status == 200
	    # Sanitizers keep what was freed for a while.
	    if os.environ.get("FLAVOUR", "release") == "release":
	        assert resident(s) - before < 400, resident(s)
	    # Those that came too late are told, once they have been read.
	    held[-1].sendall(part)
	    assert b" 503 " in held[-1].recv(100)
	    for one in held:
	        one.close()
	    until(lambda: s.post({"user_handle": 1}).status == 200)
	END
}

@test "replies that clients do not read count, and what was read for them does not" {
	"$PYTHON" - <<-'END'
	from service import *
	def begin(body, size=None):
	    one = socket.socket()
	    one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
	    one.connect(("127.0.0.1", s.port))
	    one.sendall(b"POST /predict HTTP/1.1\r\nHost: localhost\r\n"
	                b"Content-Length: %d\r\n\r\n" % (size or len(body)) + body)
	    return one
	def resident():
	    with open(f"/proc/{s.process.pid}/status", encoding="utf-8") as file:
	        return int(re.search(r"VmRSS:\s*(\d+)", file.read())[1]) // 1024
	with Service("-j", "2", "emb.bin") as s:
	    users = run("cs-dump --what users emb.bin | sed 1d | cut -f 1"
	                ).decode().split()
	    large = {"users": (users * 1000)[:1000], "n": 100, "why": False}
	    assert s.post(large).status == 200
	    before = resident()
	    # Bodies of 15 of 16 MB, never whole.
	    held = [begin(b" " * (15 << 20), 16 << 20) for _ in range(15)]
	    asked = [begin(json.dumps({**large, "n": 100 - i}).encode())
	             for i in range(24)]
	    statuses = [one.recv(12) for one in asked]
	    good = statuses.count(b"HTTP/1.1 200")
	    assert 1 <= good < 24, good
	    assert statuses.count(b"HTTP/1.1 503") == 24 - good, statuses
	    if os.environ.get("FLAVOUR", "release") == "release":
	        assert resident() - before < 320, (before, resident())
	    for one in held + asked:
	        one.close()
	    until(lambda: s.post({"user_handle": users[0]}).status == 200)
	    # A value for every two bytes.
	    reply = s.post(b'{"not": [' + b"0," * 1000000 + b"0]}")
	    assert reply.status == 400, reply.status
	    assert "more than 1000000 values" in reply.json()["error"]
	END
}

@test "a reply is kept for who asks the same, until another model answers" {
	cs-svd -q -k 8 -o other.bin <(cs-aggregate -q views.csv | cs-matrix -q)
	cp emb.bin kept.bin
	"$PYTHON" - <<-'END'
	from service import *
	import gzip, shutil
	def cached(s):
	    found = s.get("/metrics").body.decode()
	    return int(re.search(r"^cs_replies_cached_total (\d+)$", found,
	                         re.M)[1])
	anew = {"X-Request-Id": "1"}
	def ways(n):
	    """Requests with different replies."""
	    body = json.dumps({"user_handle": n})
	    path = f"/customers/{n}/similar"
	    for headers in {}, {"Accept": "text/csv"}, {"Accept-Encoding": "gzip"}:
	        yield "POST", "/predict", body, headers
	        yield "GET", path, None, headers
	    yield "POST", "/predict?safe=0", body, {"Accept": "text/csv"}
	    yield "GET", path + "?n=3", None, {}
	    yield "GET", path + "?n=4", None, {}
	    yield "POST", "/predict", body.replace("}", ', "n": 3}'), {}
	with Service("kept.bin") as s:
	    for model in "other.bin", "emb.bin":
	        before = cached(s)
	        for n in 1, 626:
	            for method, path, body, headers in ways(n):
	                first = s.ask(method, path, body, {**headers, **anew})
	                for _ in range(3):
	                    again = s.ask(method, path, body, headers)
	                    assert again.status == 200
	                    assert again.body == first.body, (path, headers)
	                    for name in ("Content-Type", "X-Model", "ETag", "Vary",
	                                 "X-Model-Date", "Content-Encoding"):
	                        assert again.headers[name] == first.headers[name], (
	                            name, path, headers)
	        assert cached(s) == before + 2 * 10 * 2
	        # What is wrong, and who has another's tag, is answered anew.
	        for _ in range(2):
	            assert s.post({"user_handle": "nobody"}).status == 404
	            tag = s.get("/customers/1/similar").headers["ETag"]
	            assert s.get("/customers/1/similar",
	                         **{"If-None-Match": tag}).status == 304
	        s.said.clear()
	        shutil.copy(model, "next.bin")
	        os.rename("next.bin", "kept.bin")
	        s.wait_for("takes the place")
	END
}

@test "ids that are not UTF-8 stay apart in replies, and can be asked for" {
	{
		printf 'customer\ttag\tevents\tvalue\n'
		printf '100%%\tcake\t1\t1\n100%%\tmat\351\t1\t1\n'
		printf 'Ann\tcake\t1\t1\nAnn\ttea\t1\t2\n'
		printf 'Jos%%E9\tcake\t1\t5\nJos%%E9\ttea\t1\t1\n'
		printf 'Jos\350\tcake\t1\t2\nJos\350\tmat\351\t1\t1\n'
		printf 'Jos\350\ttea\t1\t1\n'
		printf 'Jos\351\tcake\t1\t1\nJos\351\ttea\t1\t2\n'
	} | cs-matrix -q --value sum --weight none | cs-svd -q -o latin1.bin
	"$PYTHON" - <<-'END'
	from service import *
	with Service("latin1.bin") as s:
	    found = [n["customer"] for n in
	             s.post({"user_handle": "Ann"}).json()["neighbours"]]
	    assert sorted(found) == ["100%", "Jos%25E9", "Jos%E8",
	                             "Jos%E9"], found
	    # A name that looks so is another's, and has a form of its own.
	    reply = s.post({"user_handle": "Jos%25E9"}).json()
	    assert reply["customer"] == "Jos%25E9"
	    assert reply["profile"]["value"] == 6
	    for name, bytes_ in (("Jos%E8", b"Jos\xe8"), ("Jos%E9", b"Jos\xe9")):
	        reply = s.post({"user_handle": name})
	        assert reply.status == 200 and reply.json()["customer"] == name
	        for path in quoted(name), quoted(bytes_):
	            assert s.get(f"/customers/{path}/similar").json() == reply.json()
	        assert s.post({"user_handle": "Ann", "not": [name]}).status == 200
	    rows = s.post({"user_handle": "Ann"},
	                  Accept="text/csv").body.decode().splitlines()
	    assert sorted(row.split(",")[0] for row in rows[1:]) == sorted(found)
	    csv = s.post({"user_handle": "100%"}, Accept="text/csv")
	    assert " mat%E9 + " in csv.body.decode()
	    assert s.post({"user_handle": "100%"}).json()["customer"] == "100%"
	    tags = s.get("/tags?search=mat").json()["tags"]
	    assert [t["tag"] for t in tags] == ["mat%E9"]
	    assert s.get("/tags/" + quoted("mat%E9")).json()["tag"] == "mat%E9"
	    reply = s.post({"profile": {"mat%E9": 2, "cake": 1, "mate": 1}}).json()
	    assert reply["unknown_tags"] == ["mate"]
	    assert reply["profile"]["tags"] == 2, reply["profile"]
	    reply = s.post({"profile": {"mat%E9": 2, "mat%e9": 1}})
	    assert reply.status == 400 and "twice" in reply.json()["error"]
	    # A search finds what it shows.
	    for name in found:
	        known = s.get("/customers?search=" + quoted(name)).json()
	        assert known["customers"][0]["customer"] == name
	    tags = s.get("/tags?search=" + quoted("mat%E9")).json()["tags"]
	    assert [t["tag"] for t in tags] == ["mat%E9"]
	    # Names in UTF-8 have no second form.
	    assert s.post({"user_handle": "A%6En"}).status == 404
	END
}
