"""Mixed load on cs-serve: good, bad, slow, cut off and oversized requests by a
thousand connections, while its model is replaced every two seconds.

usage: load.py SECONDS [FAULTS]

Each answer is held against what cs-knn and cs-summarize say for the model that
it names; none may be wrong or lost but those that a limit refuses, and memory
may not grow (of a build without a sanitizer, which keeps what is freed).

FAULTS: each allocation of the service fails with probability 1/FAULTS, by the
generator of tests/fault/fault.c, which FAULT_SEED starts.  Then a request may
also be refused or cut off for lack of memory; none may be answered wrongly, and
the service lives."""

import asyncio
import json
import os
import random
import re
import resource
import shutil
import sys
import tempfile
import time

from service import Control, Service, run

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
CONNECTIONS = 1000
EXPECTED = {}
FAULTS = int(sys.argv[2]) if len(sys.argv) > 2 else 0
CHECKED = os.environ.get("FLAVOUR", "release") != "release"
COUNTS = {}
WRONG = []
# Seconds after which a client opens another connection instead of one that it
# has not used: cs-serve closes them after 75, perhaps as the client asks.
UNUSED = 20
# Seconds within which a head, or a part of a body, has to come.
LATE = 10


def count(what):
    COUNTS[what] = COUNTS.get(what, 0) + 1


def prepare():
    """Two models of one log, and what is to be said of some customers."""
    run(f"head -n 4000 {ROOT}/data/views.csv > views.csv; "
        "cs-aggregate -q views.csv | cs-matrix > matrix.bin; "
        "cs-svd -q -k 16 matrix.bin > one.bin; "
        "cs-svd -q -k 8 matrix.bin > two.bin; cp one.bin live.bin")
    users = run("cs-dump --what users one.bin | sed 1d | cut -f 1"
                ).decode().split()[::11]
    for model in "one.bin", "two.bin":
        open("users", "w", encoding="ascii").write("\n".join(users) + "\n")
        # Of more than 16 at once cs-knn does not count ties.
        said = run("rm -f some.*; split -l 16 users some.; for some in some.*; "
                   f"do cs-knn -q --users $some --profiles {model} | "
                   "cs-summarize --format json; done")
        for line in said.splitlines(keepends=True):
            answer = json.loads(line)
            EXPECTED[answer["customer"], answer["model"]["id"]] = line
    return sorted({user for user, _ in EXPECTED})


async def read_reply(reader):
    """Status, headers and body; None where the connection ended."""
    head = await reader.readuntil(b"\r\n\r\n")
    status = int(head.split(b" ", 2)[1])
    headers = dict(line.split(": ", 1) for line in
                   head.decode("latin-1").split("\r\n")[1:] if ": " in line)
    body = await reader.readexactly(int(headers.get("Content-Length", 0)))
    return status, headers, body


def post(body, size=None):
    size = len(body) if size is None else size
    return (b"POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n"
            % size) + body


def ask(users):
    """A request by one of its ways, and what is expected for a model's id."""
    way = random.randrange(4)
    if way == 0:
        some = random.choices(users, k=random.randrange(1, 9))
        return post(json.dumps({"users": some}).encode()), lambda model: (
            b'{"answers": [' + b", ".join(
                EXPECTED[user, model].rstrip(b"\n") for user in some) + b"]}\n")
    user = random.choice(users)
    if way == 1:
        request = (f"GET /customers/{user}/similar?n=10 HTTP/1.1\r\n"
                   "Host: localhost\r\n\r\n").encode()
    else:
        request = post(json.dumps({"user_handle": user}).encode())
    return request, lambda model: EXPECTED[user, model]


async def good(reader, writer, users):
    request, expected = ask(users)
    writer.write(request)
    status, headers, body = await read_reply(reader)
    if status == 503:
        assert headers["Retry-After"] == "1"
        count("refused")
        return
    count("good")
    if status != 200 or body != expected(headers["X-Model"]):
        WRONG.append((request, status, body[:200]))


async def bad(reader, writer, _):
    body, allowed = random.choice([
        (b"{", 400), (b"{'user_handle': 1}", 400), (b"\xff" * 100, 400),
        (b'{"user_handle": "nobody"}', 404), (b'{"n": 1}', 400),
        (b'{"user_handle": 1, "n": -1}', 400), (b"[" * 3000, 400)])
    writer.write(post(body))
    status, _, said = await read_reply(reader)
    count("bad")
    if status not in (allowed, 503) or "error" not in json.loads(said):
        WRONG.append((body, status, said[:200]))


async def oversized(reader, writer, _):
    # Of one that says more than it sends, the answer is not waited for.
    if random.random() < 0.3:
        writer.write(post(b"x" * 100, 17 << 20))
        await asyncio.sleep(random.random())
        count("cut off")
        writer.close()
        return
    # More than may be, or no JSON of a size that may.
    size, expected = random.choice([((16 << 20) + 1, 413), (70000, 400),
                                    (1 << 20, 400)])
    writer.write(post(b"x" * size))
    status, _, said = await read_reply(reader)
    count("oversized")
    if status not in (expected, 503):
        WRONG.append(("oversized", status, said[:200]))


async def cut_off(_, writer, users):
    whole = post(json.dumps({"user_handle": users[0]}).encode())
    writer.write(whole[:random.randrange(1, len(whole))])
    await asyncio.sleep(random.random())
    count("cut off")
    writer.close()


async def slow(reader, writer, users):
    user = random.choice(users)
    whole = post(json.dumps({"user_handle": user}).encode())
    for i in range(0, len(whole), 20):
        writer.write(whole[i:i + 20])
        await asyncio.sleep(0.3)
    status, headers, body = await read_reply(reader)
    count("slow")
    if status != 503 and (status != 200 or
                          body != EXPECTED[user, headers["X-Model"]]):
        WRONG.append((user, status, body[:200]))


async def idle(*_):
    count("idle")
    await asyncio.sleep(2 * random.random())


ACTS = [good] * 12 + [bad] * 3 + [slow, cut_off, oversized] + [idle] * 6


async def client(port, users, until):
    reader = writer = None
    used = 0
    while time.time() < until:
        act = random.choice(ACTS)
        asked = time.time()
        unused = asked - used
        try:
            if writer is not None and unused > UNUSED:
                writer.close()
            if writer is None or writer.is_closing():
                reader, writer = await asyncio.open_connection("127.0.0.1",
                                                               port)
                used = time.time()
            await act(reader, writer, users)
        except (asyncio.IncompleteReadError, ConnectionError) as error:
            # An answer that was cut off: only where we cut the question off,
            # were slower than we meant, or where there was no memory.
            if FAULTS > 0:
                count("closed")
            elif act is slow and time.time() - asked > LATE:
                count("late")
            elif act is not cut_off:
                WRONG.append((act.__name__, repr(error), f"{unused:.1f} s"))
            if writer is not None:
                writer.close()
        if act is not idle:
            used = time.time()
        await asyncio.sleep(random.random())
    if writer is not None:
        writer.close()


def resident(process):
    for line in open(f"/proc/{process.pid}/status", encoding="ascii"):
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    return 0


async def replace(service, until, sizes):
    turn = 0
    while time.time() < until:
        turn += 1
        shutil.copy(("one.bin", "two.bin")[turn % 2], "next.bin")
        if turn % 7 == 0:
            os.truncate("next.bin", 5000)  # refused
        os.rename("next.bin", "live.bin")
        await asyncio.sleep(2)
        sizes.append(resident(service.process))


async def run_clients(service, users, seconds):
    until, sizes = time.time() + seconds, []
    await asyncio.gather(replace(service, until, sizes),
                         *(client(service.port, users, until)
                           for _ in range(CONNECTIONS)))
    return sizes


def main(seconds):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < 2 * CONNECTIONS:
        print(f"1..0 # skip only {hard} files may be open here")
        return
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    seed = os.environ.get("FAULT_SEED", str(random.randrange(1 << 30)))
    with tempfile.TemporaryDirectory() as place:
        os.chdir(place)
        users = prepare()
        control = Control("control")
        faulty = {**control.environment("malloc"), "FAULT_RATE": str(FAULTS),
                  "FAULT_SEED": seed} if FAULTS > 0 else None
        with Service("live.bin", environment=faulty) as service:
            control.set(1)
            sizes = asyncio.run(run_clients(service, users, seconds))
            failed = control.failed()
            control.set(0)
            status = service.end()
        os.chdir(ROOT)
    middle = len(sizes) // 3
    early, late = max(sizes[:middle + 1]), max(sizes[middle:])
    print(f"# {COUNTS}; resident {early} kB, then {late} kB")
    if FAULTS > 0:
        print(f"# {failed} allocations failed, 1 in {FAULTS}; "
              f"FAULT_SEED={seed}")
    checks = [(not WRONG and COUNTS["good"] > 100,
               "no answer is wrong or lost"),
              (CHECKED or late <= 1.1 * early + 2000, "memory does not grow"),
              (status == 0, "it ends well")]
    if FAULTS > 0:
        checks.append((failed > 0, "allocations failed"))
    print(f"1..{len(checks)}")
    for good_, what in checks:
        print("ok -" if good_ else "not ok -", what)
    print(*WRONG[:5], sep="\n", end="")
    # From a sanitizer's report on, or the last lines.
    reports = [i for i, line in enumerate(service.said)
               if re.search("ERROR: |WARNING: Thread|runtime error", line)]
    if status != 0:
        begin = reports[0] if reports else max(0, len(service.said) - 20)
        print(*service.said[begin:begin + 60], sep="", end="")
    sys.exit(not all(good_ for good_, _ in checks))


os.environ["PATH"] = os.environ["BIN"] + ":" + os.environ["PATH"]
main(float(sys.argv[1]))
