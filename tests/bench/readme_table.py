"""The table of README.md, filled by what has been measured.

It stands between the lines "<!-- bench -->" and "<!-- end -->"; each row begins
with the name of a job, and the page says by its rows which jobs it shows.  What
was measured now replaces what is in these rows; others stay, unless they were
measured on another machine, which the line below the table names.
"""

import datetime
import os
import platform
import re

BEGIN, END = "<!-- bench -->", "<!-- end -->"
HEAD = ("| job | what both do | beside | time, ours / its | "
        "memory, ours / its | measured |",
        "|---|---|---|---|---|---|")
ROW = re.compile(r"\| `([a-z0-9-]+)` \|(.*)")
EMPTY = " | | | | |"


def read_field(path, name):
    with open(path, encoding="utf-8") as lines:
        for line in lines:
            key, _, value = line.partition(":")
            if key.strip() == name:
                return value.strip()
    return ""


def machine():
    """This machine in words."""
    flags = read_field("/proc/cpuinfo", "flags").split()
    words = [read_field("/proc/cpuinfo", "model name") or platform.machine(),
             f"{os.cpu_count()} processors"]
    words += ["AVX-512"] if "avx512f" in flags else []
    words += ["a virtual machine"] if "hypervisor" in flags else []
    gigabytes = int(read_field("/proc/meminfo", "MemTotal").split()[0]) / 2**20
    try:
        system = platform.freedesktop_os_release()["PRETTY_NAME"]
    except OSError:
        system = platform.system()
    return ", ".join(words + [f"{gigabytes:.0f} GB", system])


def row(result):
    """Cells of a job that was measured."""
    today = datetime.date.today()
    return (f" {result.does} | {result.rival} | {result.ratio:.2g} | "
            f"{result.peaks['ours'] / 1e6:.0f} MB / "
            f"{result.peaks['rival'] / 1e6:.0f} MB | "
            f"{today.day} {today:%b %Y}, "
            f"{result.rounds} round{'s' if result.rounds > 1 else ''} |")


def fill(path, results):
    """Put results, by the names of their jobs, into the table of a page."""
    with open(path, encoding="utf-8") as page:
        lines = page.read().split("\n")
    begin = lines.index(BEGIN)
    end = lines.index(END, begin)
    here = f"Measured on: {machine()}."
    same = here in lines[begin:end]
    old = {match[1]: same and match[2] or EMPTY
           for match in map(ROW.match, lines[begin:end]) if match}
    rows = [f"| `{name}` |" + (row(results[name]) if name in results else cells)
            for name, cells in old.items()]
    lines[begin:end] = [BEGIN, "", *HEAD, *rows, "", here, ""]
    with open(path + ".new", "w", encoding="utf-8") as page:
        page.write("\n".join(lines))
    os.replace(path + ".new", path)
