"""A cs-serve whose every allocation fails once, and from then on, while it
answers requests and loads a model: each is answered as without a fault, with
503, or not at all; the process lives, and answers as before.

usage: faults.py MODEL
"""

import os
import sys

from service import *

MODEL = sys.argv[1]
MOST = int(os.environ.get("FAULTS", "40"))      # of a request


def requests(users, tag):
    """(method, path, body, header fields); who has an id gets no reply that
    was kept"""
    csv = {"Accept": "text/csv", "X-Request-Id": "1"}
    zipped = {"Accept-Encoding": "gzip", "X-Request-Id": "1"}
    for body in ({"user_handle": users[0]}, {"user_handle": "nobody"},
                 {"users": users[:5] + ["nobody"], "n": 3},
                 {"like": users[:9], "not": users[9:20] + ["nobody"]},
                 {"profile": {tag: 3, "unheard": 1}, "n": 5},
                 {"user_handle": users[0], "why": False,
                  "metric": "embedding"}):
        yield "POST", "/predict", json.dumps(body), {"X-Request-Id": "1"}
    yield "POST", "/predict", json.dumps({"user_handle": users[0]}), {}
    yield "POST", "/predict", json.dumps({"user_handle": users[0]}), zipped
    yield "POST", "/predict", "{", {}
    yield "POST", "/predict", json.dumps({"user_handle": users[1]}), csv
    yield "GET", f"/customers/{users[2]}/similar?n=4&not={users[3]}", None, csv
    yield "GET", f"/customers/{users[2]}", None, {}
    yield "GET", "/customers?limit=30", None, {}
    yield "GET", f"/customers?search={users[0]}&limit=3", None, {}
    yield "GET", f"/tags/{quoted(tag)}", None, {}
    for path in ("/model", "/metrics", "/", "/nothing", "/healthz",
                 "/overview", "/tags?limit=9"):
        yield "GET", path, None, {}


def ask(s, request):
    """The status and the body; 0 for one that was cut off."""
    try:
        reply = s.ask(*request)
    except (http.client.HTTPException, ConnectionError):
        return 0, b""
    return reply.status, b"" if request[1] == "/metrics" else reply.body


def sweep(s, control, request, seen):
    expected = ask(s, request)
    assert expected[0] not in (0, 503), request
    for forever in False, True:
        at, step = 1, 1
        while True:
            control.set(at, forever)
            found = ask(s, request)
            calls = control.calls()
            control.set(0)
            assert s.process.poll() is None, (
                request, at, forever, s.process.returncode, s.said[-3:])
            seen[found[0]] = seen.get(found[0], 0) + 1
            assert found == expected or found[0] in (0, 503), (
                request, at, forever, found)
            if calls < at:
                break
            step = max(step, calls // MOST)
            at += step
        found = ask(s, request)
        assert found == expected, (request, "after faults", found)


def reload(s, control, at, forever):
    """Whether the model was loaded with that fault."""
    s.said.clear()
    control.set(at, forever)
    s.process.send_signal(signal.SIGHUP)
    until(lambda: s.process.poll() is not None or
          any(re.search("takes the place|stays|another try", l)
              for l in s.said))
    assert s.process.poll() is None, (at, forever, s.said[-3:])
    calls = control.calls()
    control.set(0)
    return calls >= at


def main():
    control = Control("control")
    users = run(f"cs-dump --what users {MODEL} | sed 1d | cut -f 1"
                ).decode().split()
    tag = run(f"cs-dump --what tags {MODEL} | sed -n 2p | cut -f 1"
              ).decode().strip()
    seen = {}
    with Service("--log", "-j", "2", MODEL,
                 environment=control.environment("malloc")) as s:
        for request in requests(users, tag):
            ask(s, request)
            sweep(s, control, request, seen)
        known = ask(s, next(requests(users, tag)))
        for forever in False, True:
            at = 1
            while reload(s, control, at, forever):
                assert ask(s, next(requests(users, tag))) == known
                at += max(1, at // 3)
        # Files that loads opened are closed, and copies of models unmapped.
        process = f"/proc/{s.process.pid}"
        with open(f"{process}/maps", encoding="utf-8") as maps:
            mapped = sum("(deleted)" in line for line in maps)
        files = len(os.listdir(f"{process}/fd"))
        assert files < 20 and mapped < 4, (files, mapped)
        assert s.end() == 0, s.said
    print("replies by status:", seen)
    assert seen[503] > 20


main()
