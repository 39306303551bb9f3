"""A cs-serve that a test starts, asks and ends; and the schemas that its
answers are held to."""

import http.client
import json
import os
import re
import signal
import socket
import struct
import subprocess
import threading
import time
import urllib.parse


def run(command):
    """Standard output of a command of the shell, as bytes."""
    return subprocess.run(["bash", "-c", command], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, check=False).stdout


def until(condition, seconds=60):
    """Wait until the condition is true; that.  A machine may be busy."""
    end = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < end, f"not so after {seconds} s"
        time.sleep(0.02)
    return found


class Control:
    """What tests/fault/fault.c looks at: which calls of a Service fail."""

    def __init__(self, path):
        with open(path, "wb") as file:
            file.write(bytes(32))
        self.path = os.path.abspath(path)
        self.file = open(path, "r+b", buffering=0)

    def environment(self, function):
        """Of a Service: FAULT_OBJECT is where fault.so is."""
        # What is preloaded comes before the runtime of a sanitizer.
        options = os.environ.get("ASAN_OPTIONS", "")
        return {"LD_PRELOAD": os.environ["FAULT_OBJECT"], "FAULT": function,
                "FAULT_CONTROL": self.path,
                "ASAN_OPTIONS": options + ":verify_asan_link_order=0"}

    def set(self, at, forever=False):
        self.file.seek(0)
        self.file.write(struct.pack("qqqq", 0, forever, 0, 0))
        self.file.seek(0)
        self.file.write(struct.pack("q", at))

    def _read(self, offset):
        self.file.seek(offset)
        return struct.unpack("q", self.file.read(8))[0]

    def calls(self):
        return self._read(16)

    def failed(self):
        return self._read(24)


class Reply:
    def __init__(self, response):
        self.status = response.status
        self.headers = response.headers
        self.body = response.read()

    def json(self):
        return json.loads(self.body)


class Service:
    def __init__(self, *arguments, environment=None):
        self.process = subprocess.Popen(
            ["cs-serve", "-p", "0", *arguments], stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, stdin=subprocess.DEVNULL,
            env={**os.environ, **(environment or {})})
        self.said, self.logged = [], []
        self.port = None
        found = None
        while not found:
            line = self.process.stderr.readline().decode()
            self.said.append(line)
            if not line:
                raise SystemExit("cs-serve: " + "".join(self.said))
            found = re.search(r"on http://[^/]*:(\d+)/$", line)
        self.port = int(found[1])
        for stream, lines in ((self.process.stderr, self.said),
                              (self.process.stdout, self.logged)):
            threading.Thread(target=self.collect, args=(stream, lines),
                             daemon=True).start()

    @staticmethod
    def collect(stream, lines):
        for line in stream:
            lines.append(line.decode())

    def __enter__(self):
        return self

    def __exit__(self, *error):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def end(self, number=signal.SIGTERM):
        """Ask it to end; its status."""
        self.process.send_signal(number)
        return self.process.wait(timeout=30)

    def ask(self, method, path, body=None, headers=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port,
                                                timeout=60)
        try:
            connection.request(method, path, body, headers or {})
            return Reply(connection.getresponse())
        finally:
            connection.close()

    def get(self, path, **headers):
        return self.ask("GET", path, None, headers)

    def post(self, body, **headers):
        if not isinstance(body, (bytes, str)):
            body = json.dumps(body)
        return self.ask("POST", "/predict", body, headers)

    def raw(self, data, wait=5):
        """What it says to bytes as they are."""
        with socket.create_connection(("127.0.0.1", self.port)) as s:
            s.settimeout(wait)
            s.sendall(data)
            said = b""
            try:
                while part := s.recv(65536):
                    said += part
            except (TimeoutError, ConnectionError):
                pass
            return said

    def wait_for(self, text):
        """Until it has said that on standard error."""
        try:
            until(lambda: any(text in line for line in self.said))
        except AssertionError as error:
            raise AssertionError(f"not said: {text}; but {self.said}") from error


def quoted(name):
    return urllib.parse.quote(name, safe="")


# ------------------------------------------------------------------ schemas

KINDS = {"string": str, "integer": int, "number": (int, float),
         "boolean": bool, "object": dict, "array": list,
         "null": type(None)}


def is_kind(value, kind):
    if isinstance(value, bool):
        return kind == "boolean"
    return isinstance(value, KINDS[kind])


def fits_schema(value, schema, document):
    try:
        validate(value, schema, document)
    except AssertionError:
        return False
    return True


def validate(value, schema, document, where="it"):
    """Nothing, or the end: value is not of the schema (of JSON Schema what our
    document uses)."""
    if "$ref" in schema:
        name = schema["$ref"].rsplit("/", 1)[1]
        schema = document["components"]["schemas"][name]
    if "oneOf" in schema:
        fits = [one for one in schema["oneOf"]
                if fits_schema(value, one, document)]
        assert len(fits) == 1, f"{where}: {len(fits)} of {schema['oneOf']}"
    if "required" in schema and isinstance(value, dict):
        missing = set(schema["required"]) - set(value)
        assert not missing, f"{where} lacks {missing}"
    if "type" not in schema:
        return
    kinds = schema["type"]
    kinds = kinds if isinstance(kinds, list) else [kinds]
    assert any(is_kind(value, k) for k in kinds), f"{where}: {value!r}"
    if isinstance(value, dict) and "properties" in schema:
        for key, item in value.items():
            assert key in schema["properties"], f"{where}: {key}"
            validate(item, schema["properties"][key], document,
                     f"{where}.{key}")
    if isinstance(value, list) and "items" in schema:
        for i, item in enumerate(value):
            validate(item, schema["items"], document, f"{where}[{i}]")
