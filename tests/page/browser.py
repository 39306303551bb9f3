"""A headless Chromium, driven over the protocol of W3C WebDriver by what
Python itself has."""

import json
import os
import shutil
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request

ELEMENT = "element-6066-11e4-a52e-4f735466cecf"


class Browser:
    def __init__(self, dark=False, width=1100, height=1000):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.folder = tempfile.mkdtemp()
        self.driver = subprocess.Popen(
            [shutil.which("chromedriver"), f"--port={self.port}"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        options = {
            "args": ["--headless=new", "--no-sandbox", "--disable-gpu",
                     "--disable-dev-shm-usage",
                     f"--window-size={width},{height}",
                     f"--user-data-dir={self.folder}/profile"]
                    + (["--force-dark-mode",
                        "--blink-settings=preferredColorScheme=0"]
                       if dark else []),
            "prefs": {"download.default_directory": self.folder,
                      "download.prompt_for_download": False}}
        capabilities = {"alwaysMatch": {
            "goog:chromeOptions": options,
            "goog:loggingPrefs": {"browser": "ALL", "performance": "ALL"}}}
        for attempt in range(600):
            try:
                made = self.call("POST", "/session",
                                 {"capabilities": capabilities})
                break
            except OSError:
                if attempt == 599:
                    raise
                time.sleep(0.1)
        self.session = f"/session/{made['sessionId']}"

    def close(self):
        try:
            self.call("DELETE", self.session)
        except OSError:
            pass
        self.driver.terminate()
        self.driver.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def call(self, method, path, body=None):
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}{path}", method=method,
            data=None if body is None else json.dumps(body).encode())
        try:
            with urllib.request.urlopen(request, timeout=60) as reply:
                return json.load(reply)["value"]
        except urllib.error.HTTPError as error:
            raise AssertionError(error.read().decode()[:300]) from error

    def do(self, path, **body):
        return self.call("POST", self.session + path, body)

    def open(self, url):
        self.do("/url", url=url)

    def run(self, script, *arguments):
        """What a script of the page returns."""
        return self.do("/execute/sync", script=script, args=list(arguments))

    def find(self, selector):
        return self.do("/element", using="css selector",
                       value=selector)[ELEMENT]

    def click(self, selector):
        self.do(f"/element/{self.find(selector)}/click")

    def type(self, selector, text):
        self.do(f"/element/{self.find(selector)}/value", text=text)

    def keys(self, text):
        """Keys to what has the focus."""
        actions = [{"type": kind, "value": key} for key in text
                   for kind in ("keyDown", "keyUp")]
        self.do("/actions", actions=[{"type": "key", "id": "keys",
                                      "actions": actions}])

    def text(self, selector="body"):
        return self.run("const e = document.querySelector(arguments[0]);"
                        "return e ? e.innerText : ''", selector)

    def url(self):
        return self.call("GET", self.session + "/url")

    def size(self, width, height):
        """As a screen of that size, a phone's too."""
        self.do("/goog/cdp/execute",
                cmd="Emulation.setDeviceMetricsOverride",
                params={"width": width, "height": height,
                        "deviceScaleFactor": 1, "mobile": width < 600})

    def forward(self):
        self.do("/forward")

    def back(self):
        self.do("/back")

    def wait(self, script, *arguments, seconds=60):
        """Until the script returns what is true; that."""
        for _ in range(int(seconds * 20)):
            found = self.run("return " + script, *arguments)
            if found:
                return found
            time.sleep(0.05)
        raise AssertionError(f"not so: {script}; the page says "
                             f"{self.text()[:600]}")

    def log(self, kind):
        return self.do("/se/log", type=kind)

    def screenshot(self, path):
        import base64
        with open(path, "wb") as out:
            out.write(base64.b64decode(
                self.call("GET", self.session + "/screenshot")))

    def downloaded(self, name, seconds=60):
        path = os.path.join(self.folder, name)
        for _ in range(int(seconds * 20)):
            if os.path.exists(path):
                with open(path, encoding="utf-8", newline="") as file:
                    return file.read()
            time.sleep(0.05)
        raise AssertionError(f"{name} is not there")
