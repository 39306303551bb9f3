"""A literal block of a manual page, as text.

usage: recipes.py PAGE TITLE [N]

Prints the Nth block (from 1) below the section or subsection of that title."""
import re, sys

page, title = open(sys.argv[1], encoding="utf-8").read(), sys.argv[2]
wanted = int(sys.argv[3]) if len(sys.argv) > 3 else 1
part = re.search(r"^\.S[sh] " + re.escape(title) + r"\n(.*?)(?=^\.S[sh] |\Z)", page,
                 re.S | re.M)
blocks = re.findall(r"^\.Bd -literal.*\n((?:.*\n)*?)\.Ed", part.group(1), re.M)
print(blocks[wanted - 1].replace("\\-", "-").replace("\\e", "\\"), end="")
