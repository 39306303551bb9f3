"""What cs-eval says of the tags that summaries list, by the definition.

usage: listed.py MODEL HALF NEIGHBOURS LISTED REPORT

NEIGHBOURS and LISTED are the TSV of cs-knn --all and of cs-summarize for the
customers of MODEL, who are all in HALF, and REPORT that of cs-eval; ends with 1
and says where its figures differ."""
import sys
from tensors import names, read

A, B = (read(path)[1] for path in sys.argv[1:3])
users, tags = (names(B, what) for what in ("users", "tags"))
assert users == names(A, "users")
at = B["profile.indptr"]
has = {u: {tags[j] for j, raw in zip(B["profile.indices"][at[i]:at[i + 1]],
                                     B["profile.raw"][at[i]:at[i + 1]])
           if raw > 0} for i, u in enumerate(users)}
tenth = dict(zip(users, A["users.tenth"]))
near = {}
for line in open(sys.argv[3], "rb").read().splitlines()[1:]:
    if not line.startswith(b"#"):
        query, _, neighbour = line.split(b"\t")[:3]
        near.setdefault(query, []).append(neighbour)
found = expected = hold = listed = 0
for line in open(sys.argv[4], "rb").read().splitlines()[1:]:
    query, tag = line.split(b"\t")[:2]
    seen = sum(tag in has[v] for v in near[query])
    among = ([u for u in users if tenth[u] == tenth[v] and u != query]
             for v in near[query])
    due = sum(sum(tag in has[u] for u in some) / len(some) for some in among)
    found, expected, listed = found + seen, expected + due, listed + 1
    hold += seen > due
said = {figure: float(value) for _, _, figure, value, _, _ in
        (line.split("\t") for line in open(sys.argv[5]).read().splitlines()[1:])}
assert listed > 50, listed
for figure, value in (("listed_tags", found / expected),
                      ("listed_tags_that_hold", hold / listed)):
    if abs(said[figure] - value) > 1e-6:
        sys.exit(f"{figure}: {said[figure]}, by the definition {value}")
