"""The commands that a document shows, run; and what it shows of their output.

usage: readme.py DOCUMENT < /dev/null

In a block of Markdown marked "console" a line after "$ " is a command, and the
lines up to the next are what it prints, on both outputs; "..." stands for any
lines.  A block marked "python" is a program, and the text after "prints" below
it is what it prints.  In a manual page each .Dl under EXAMPLES is a command,
and so is each block there; a page of a program must have one.  All run one
after another, in this folder; a command must end with 0, unless output that is
shown tells of its failure."""
import re, subprocess, sys


def run(command):
    done = subprocess.run(["bash", "-o", "pipefail", "-c", command],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          stdin=subprocess.DEVNULL)
    return done.stdout.decode(), done.returncode


def in_order(lines):
    """Messages of programs, which a pipeline writes in any order, come last."""
    return sorted(lines, key=lambda line: (line[:3] == "cs-",
                                           line if line[:3] == "cs-" else ""))


def matches(shown, found):
    shown = in_order(shown)
    found = "".join(line + "\n" for line in in_order(found.splitlines()))
    pattern = "".join("(?:.*\n)*" if line == "..." else
                      re.escape(line) + "\n" for line in shown)
    return re.fullmatch(pattern, found) is not None


def check(command, shown=None):
    global failed
    found, status = run(command)
    # A reader that left is no failure of the document's.
    wrong = status not in (0, 141) and not shown
    if wrong or (shown is not None and not matches(shown, found)):
        failed = True
        print(f"$ {command}\nstatus {status}\n{found}", end="")
        if shown is not None:
            print("shown:", *shown, sep="\n")


def readme(text):
    for kind, block in re.findall(r"```(console|python)\n(.*?)```", text, re.S):
        if kind == "python":
            expected = re.search(r"prints `(.*?)`", text).group(1)
            found = subprocess.run([sys.executable, "-c", block],
                                   stdout=subprocess.PIPE, check=True)
            if found.stdout.decode().strip() != expected:
                raise SystemExit(f"{found.stdout} is not {expected}")
            continue
        for part in re.split(r"^\$ ", block, flags=re.M)[1:]:
            command, *shown = part.rstrip("\n").split("\n")
            check(command, shown)


def page(text):
    examples = re.search(r"^\.Sh EXAMPLES\n(.*?)^\.Sh ", text, re.S | re.M)
    commands = re.findall(r"^\.Dl (.*)\n|^\.Bd -literal.*\n((?:.*\n)*?)\.Ed",
                          examples.group(1), re.M) if examples else []
    for line, block in commands:
        check((line or block).replace("\\-", "-").replace("\\e", "\\"))
    if not commands and re.search(r"^\.Dt .* 1$", text, re.M):
        raise SystemExit("a page without an example")


failed = False
document = open(sys.argv[1], encoding="utf-8").read()
(readme if sys.argv[1].endswith(".md") else page)(document)
sys.exit(failed)
