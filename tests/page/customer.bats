# The page of cs-serve in a browser: a customer, typed or clicked, and shown.

load page

@test "a customer is typed, completed, shown; a click walks on; back" {
	page emb.bin <<-'END'
	b.open(home)
	b.wait("document.querySelector('#model time')")
	assert "customers, compared by" in b.text("#model")
	date = s.get("/model").json()["date"]
	assert b.run("return document.querySelector('time').dateTime") == date
	b.type("#customer", "62")
	b.wait("document.querySelectorAll('#choices li').length > 1")
	expected = s.get("/customers?prefix=62&limit=8").json()["customers"]
	shown = b.run("return [...document.querySelectorAll('#choices li')]"
	              ".map(e => e.dataset.key)")
	assert shown == [c["customer"] for c in expected], shown
	first = expected[0]["customer"]
	b.click("#choices li")
	b.wait("document.querySelectorAll('.neighbours li').length === 10")
	answer = s.get(f"/customers/{first}/similar").json()
	names = b.run("return [...document.querySelectorAll('.person')]"
	              ".map(e => e.textContent)")
	assert names == [n["customer"] for n in answer["neighbours"]]
	assert b.url() == home + f"?customer={first}"
	lead = b.text(".lead")
	assert f"{first} has " in lead and "The most similar of " in lead
	assert "of pairs" in lead
	numbers = b.run("return [...document.querySelectorAll("
	                "'.neighbours .number')].map(e => e.textContent)")
	assert numbers == [f"{n['similarity']:.3f}"
	                   for n in answer["neighbours"]]
	widths = b.run("return [...document.querySelectorAll('.neighbours svg')]"
	               ".map(e => [...e.querySelectorAll('.part')].reduce("
	               "(sum, f) => sum + Number(f.getAttribute('width')), 0))")
	for width, one in zip(widths, answer["neighbours"], strict=True):
	    assert abs(width - 100 * one["similarity"]) < 0.01
	for tag in answer["neighbours"][0]["why"]:
	    assert tag["tag"] in b.text(".neighbours li")
	# A bar's parts are the reasons and what is left; lines show the scale.
	parts = b.run("return [...document.querySelectorAll("
	              "'.neighbours li:first-child .part')].map("
	              "e => Number(e.getAttribute('width')) / 100)")
	one = answer["neighbours"][0]
	for part, amount in zip(parts, [w["contribution"] for w in one["why"]]
	                        + [one["other"]], strict=True):
	    assert abs(part - amount) < 1e-3, (parts, one)
	model = s.get("/model").json()
	lines = b.run("return [...document.querySelectorAll("
	              "'.neighbours li:first-child .mark')].map("
	              "e => Number(e.getAttribute('x1')))")
	for line, at in zip(lines, [model["median_pair"],
	                            model["top_percent_pair"]], strict=True):
	    assert abs(line - 100 * at) < 1e-3
	# The scale, from the quantiles.
	below = [share for share, at in model["pair_quantiles"]
	         if at <= one["similarity"]][-1]
	above = [share for share, at in model["pair_quantiles"]
	         if at > one["similarity"]][0]
	said = b.text(".neighbours li:first-child .scale").split(" compare")[0]
	share = re.fullmatch(r"closer than ([\d.]+) % of pairs", said)
	assert 100 * below - 1 < float(share[1]) <= 100 * above, said
	assert said in lead
	b.click(".neighbours li:nth-child(3) a")
	third = names[2]
	b.wait("document.querySelector('.lead h2').textContent === arguments[0]",
	       third)
	assert b.url().endswith(f"?customer={third}")
	b.back()
	b.wait("document.querySelector('.lead h2').textContent === arguments[0]",
	       first)
	assert b.run("return document.querySelector('#customer').value") == first
	b.forward()
	b.wait("document.querySelector('.lead h2').textContent === arguments[0]",
	       third)
	# A link holds the number, too, and the walk keeps it.
	b.open(home + f"?customer={first}&n=3")
	b.wait("document.querySelectorAll('.neighbours li').length === 3")
	b.click(".neighbours li a")
	b.wait("document.querySelector('.lead h2').textContent === arguments[0]",
	       names[0])
	b.wait("document.querySelectorAll('.neighbours li').length === 3")
	assert b.url() == home + f"?customer={names[0]}&n=3"
	END
}

@test "what the group shares, and what may be missing" {
	page emb.bin <<-'END'
	users = [c["customer"] for c in s.get("/customers?limit=400").json()[
	    "customers"]]
	for user in users:
	    answer = s.get(f"/customers/{user}/similar").json()
	    if answer["group"]["missing"]:
	        break
	else:
	    raise SystemExit("no one misses anything")
	b.open(home + f"?customer={user}")
	b.wait("document.querySelector('.tags')")
	group = answer["group"]
	rows = b.run("return [...document.querySelectorAll('.tag')].map("
	             "e => [e.querySelector('dt').textContent, "
	             "...[...e.querySelectorAll('.number')].map("
	             "f => f.textContent)])")
	assert [r[0] for r in rows] == [
	    t["tag"] for t in group["over_represented"]]
	for row, tag in zip(rows, group["over_represented"]):
	    assert row[1] == ("has it" if tag["has"] else "has not")
	    assert row[2] == f"{tag['members']} of {group['members']}"
	    assert abs(float(row[3].split()[0]) - tag["expected"]) <= 0.051
	    assert row[3].endswith("expected")
	bars = b.run("return [...document.querySelectorAll('.tag')].map("
	             "e => [...e.querySelectorAll('.fill')].map("
	             "f => Number(f.getAttribute('width'))))")
	for three, tag in zip(bars, group["over_represented"], strict=True):
	    for width, share in zip(three, [tag["has"],
	                                    tag["members"] / group["members"],
	                                    tag["expected"] / group["members"]],
	                            strict=True):
	        assert abs(width - 100 * share) < 0.01, (three, tag)
	labels = b.run("return [...document.querySelectorAll("
	               "'.tag:first-child .name')].map(e => e.textContent)")
	assert labels == ["This customer", "The group", "Customers as active"]
	for tag in group["over_represented"]:
	    assert re.search(r"[\d.]+ times the expected", b.text(".tags"))
	for tag in group["missing"]:
	    assert tag["tag"] in b.text(".missing")
	holders = b.run("return [...document.querySelectorAll("
	                "'.missing li:first-child .holders a')].map(e => e.textContent)")
	assert holders == group["missing"][0]["held_by"]
	b.click(".missing li:first-child .holders a")
	b.wait("document.querySelector('.lead h2').textContent === arguments[0]",
	       holders[0])
	b.open(home + f"?customer={user}")
	b.wait("document.querySelector('.tags')")
	assert f"{user} may be missing" in b.text("#answer")
	END
}

@test "what the group shares of each level stands apart" {
	cs-aggregate -q --tags "$ROOT/data/course_tags.csv:course_id,course_tags" \
		--keep-item --levels course,tag "$ROOT/data/views.csv" |
		cs-matrix -q --block course:=1 --block tag:=.5 |
		cs-svd -q -k 16 -o levels.bin
	page levels.bin <<-'END'
	b.open(home + "?customer=1")
	b.wait("document.querySelector('.tags')")
	tags = s.get("/customers/1/similar").json()["group"]["over_represented"]
	levels = list(dict.fromkeys(t["level"] for t in tags))
	assert sorted(levels) == ["course", "tag"]
	shown = b.run("return [...document.querySelectorAll('h4')].map(e => ["
	              "e.textContent, ...[...e.nextElementSibling.querySelectorAll("
	              "'dt')].map(f => f.textContent)])")
	assert shown == [[level, *(t["tag"] for t in tags if t["level"] == level)]
	                 for level in levels], shown
	END
}

@test "reasons that both have, and those that only go with what they have" {
	page emb.bin <<-'END'
	for user in s.get("/customers?limit=999").json()["customers"]:
	    answer = s.get(f"/customers/{user['customer']}/similar").json()
	    related = [[not w["both"] for w in n["why"]]
	               for n in answer["neighbours"]]
	    if any(map(any, related)) and not all(map(any, related)):
	        break
	else:
	    raise SystemExit("none is related")
	b.open(home + f"?customer={user['customer']}")
	b.wait("document.querySelector('.neighbours')")
	shown = b.run("return [...document.querySelectorAll('.why')].map("
	              "e => [...e.querySelectorAll('.reason')].slice(0, -1).map("
	              "f => f.textContent.includes('(related)')))")
	assert shown == related, (shown, related)
	assert "Related: not both have the tag" in b.text("#answer")
	END
}

@test "by the keyboard alone" {
	page emb.bin <<-'END'
	b.open(home)
	b.wait("document.querySelector('#model time')")
	b.keys(TAB)
	assert b.run("return document.activeElement.className") == "skip"
	# What is skipped to is what is there: nothing is asked anew.
	b.keys(ENTER)
	assert b.run("return document.activeElement.id") == "answer"
	assert b.url() == home
	b.run("document.activeElement.blur(); document.body.tabIndex = -1;"
	      "document.body.focus()")
	b.keys(TAB * 7)
	assert b.run("return document.activeElement.id") == "customer"
	b.keys("1")
	b.wait("document.querySelectorAll('#choices li').length > 2")
	assert b.run("return document.activeElement.ariaExpanded") == "true"
	b.keys(DOWN)
	b.keys(DOWN)
	active = b.run("return document.activeElement.getAttribute("
	               "'aria-activedescendant')")
	assert b.run("return document.getElementById(arguments[0]).ariaSelected",
	             active) == "true"
	wanted = b.run("return document.getElementById(arguments[0])"
	               ".dataset.key", active)
	b.keys(ESCAPE)
	b.wait("document.querySelector('#choices').hidden")
	b.keys(DOWN)
	b.wait("document.querySelectorAll('#choices li').length > 2")
	b.keys(DOWN)
	b.keys(DOWN)
	b.keys(ENTER)
	b.wait("document.querySelectorAll('.neighbours li').length === 10")
	assert b.text(".lead h2") == wanted
	assert b.run("return document.activeElement.id") == "answer"
	b.keys(TAB)
	second = b.run("return document.activeElement.textContent")
	b.keys(ENTER)
	b.wait("document.querySelector('.lead h2').textContent === arguments[0]",
	       second)
	assert "neighbours of " in b.text("#status")
	# What has the focus is named, by the customer; each list and bar has words.
	assert b.run("return document.getElementById(document.querySelector("
	             "'#answer').getAttribute('aria-labelledby')).textContent"
	             ) == second
	assert b.run("return [...document.querySelectorAll('svg')].every(e =>"
	             "e.ariaHidden === 'true' || e.role === 'img'"
	             " && e.ariaLabel.length > 10)")
	assert b.run("return document.querySelector('#status').role + ' ' +"
	             "document.querySelector('#trouble').role") == "status alert"
	levels = b.run("return [...document.querySelectorAll('h1, h2, h3')]"
	               ".map(e => Number(e.tagName[1]))")
	assert levels[0] == 1 and all(n - m <= 1 for m, n in zip(levels, levels[1:]))
	unlabelled = b.run("return [...document.querySelectorAll("
	    "'input, textarea')].filter(e => !e.labels.length).length")
	assert unlabelled == 0
	END
}

@test "names that people know stand beside ids" {
	page --who who.csv --names names.csv emb.bin <<-'END'
	b.open(home)
	b.type("#customer", "doe")
	b.wait("document.querySelectorAll('#choices li').length === 1")
	assert b.text("#choices li span") == "Doe, Jane 1"
	b.keys(DOWN)
	b.keys(ENTER)
	b.wait("document.querySelector('.lead h2')")
	assert b.text(".lead h2") == "Doe, Jane 1"
	assert "Doe, Jane has " in b.text(".lead")
	assert "Charts, <b>drawn</b> 6" in b.text(".lead")
	assert "(javascript)" not in b.text("#answer")
	near = s.get("/customers/1/similar").json()["neighbours"][0]["customer"]
	b.open(home + f"?customer={near}")
	b.wait("document.querySelector('.person')")
	one = b.run("return [...document.querySelectorAll('.who')].find("
	            "e => e.textContent.startsWith('Doe, Jane'))?.querySelector("
	            "'.id').textContent")
	assert one == "1"
	END
}

@test "every number is that of the pipe, for fifty customers" {
	page emb.bin <<-'END'
	def words(text):
	    return re.sub(r"\s+", " ", text.replace("\u00a0", " ")).strip()
	users = [c["customer"] for c in s.get("/customers?limit=1000").json()[
	    "customers"]][::20]
	assert len(users) == 50
	seen = 0
	for user in users:
	    pipe = words(run(f"cs-knn -q -u {user} emb.bin | cs-summarize"
	                     ).decode())
	    b.open(home + f"?customer={user}")
	    b.wait("document.querySelector('.lead h2')?.textContent ==="
	           " arguments[0]", user)
	    page = b.run("""
	        const texts = (e, what) => [...e.querySelectorAll(what)].map(
	            x => x.textContent);
	        return {lead: texts(document, '.lead p').join(' '),
	            all: document.querySelector('#answer').textContent,
	            near: [...document.querySelectorAll('.neighbours li')].map(
	                e => [texts(e, '.rank, .person, .number'),
	                    [...e.querySelectorAll('.reason')].slice(0, -1).map(
	                        r => [r.querySelector('a, .nowhere').textContent,
	                            r.querySelector('.part-share').textContent])]),
	            shared: [...document.querySelectorAll('.tag')].map(
	                e => [texts(e, 'dt')[0], texts(e, '.number'),
	                    texts(e, '.times')[0]]),
	            missing: texts(document, '.missing li')};""")
	    head, rows = pipe.split(" why (share of the similarity) ")
	    for (rank, name, number), why in page["near"]:
	        line = f"{rank} {name} {number}"
	        assert line in rows, (line, rows)
	        shown = re.search(re.escape(line) + r" (.*?)(?: \d+ \d+ 0\.\d{3} |"
	                          " The list ends | Two customers)", rows)[1]
	        said = ", ".join(f"{tag} {words(part)}" for tag, part in why)
	        assert said.startswith(shown), (said, shown)
	        seen += 1
	    assert re.search(r"Two customers .*? or more\.", rows)[0] in words(
	        page["all"])
	    tied = re.search(r"The list ends with .*? equally similar", rows)
	    assert ("The list ends" in page["all"]) == (tied is not None), user
	    assert tied is None or tied[0] in words(page["all"]), tied
	    for tag, (has, share, expected), times in page["shared"]:
	        line = (f"{tag} {share} {expected.split()[0]} {times.split()[0]} "
	                + has)
	        assert line in rows, (line, rows)
	    assert len(page["shared"]) == rows.count(" has it ") + rows.count(
	        " has not "), rows
	    for text in page["missing"]:
	        said = re.match(r"(\S+): (\d+ of the \d+ have it, [\d.]+ expected)",
	                        text)
	        assert f"{said[1]} ({said[2]})" in rows, (text, rows)
	    assert rows.count(" have it, ") == len(page["missing"]), rows
	    tags, apart = re.search(r" has (\d+ tags?)\. What sets it apart: (.*?)"
	                            " customer similarity", head + " why").groups()
	    assert f"has {tags}" in page["lead"], (tags, page["lead"])
	    for item in apart.split(", "):
	        assert item in page["lead"], (item, page["lead"])
	assert seen == 500, seen
	END
}

@test "numbers are rounded once, as printf rounds, and units are said" {
	page emb.bin <<-'END'
	import random
	b.open(home)
	b.do("/timeouts", script=20000)
	def numbers(code, *arguments):
	    return b.do("/execute/async", args=list(arguments), script=
	        "const done = arguments[arguments.length - 1];"
	        "import('/numbers.js').then(n => { const {fixed, amount, percent,"
	        " unitOf, inUnit, spoken} = n; done(" + code + "); })")
	random.seed(7)
	values = [random.uniform(-3, 3) for _ in range(500)] + [
	    random.randrange(-4000, 4000) / 2 ** random.randrange(1, 9)
	    for _ in range(1500)] + [0.045, 0.125, 2.5, 0.5, 1.5, -0.125, 0.0625]
	for digits in range(4):
	    shown = numbers(f"arguments[0].map(x => fixed(x, {digits}))", values)
	    assert shown == [f"{x:.{digits}f}" for x in values]
	assert numbers("[201.9149, 20, 1.5, 0.004, 0.00123, 1234567.891, 0]"
	               ".map(amount)") == ["201.91", "20", "1.5", "0.004",
	                                   "0.00123", "1,234,567.89", "0"]
	for column, kind, value, expected in (
	        ("view_time_seconds", "sum", 12345, "12,345 seconds|3.4 hours|"
	         "view time"),
	        ("view_time_seconds", "sum", 90, "90 seconds||view time"),
	        ("minutes", "sum", 300, "300 minutes|5.0 hours|"),
	        ("duration_ms", "mean", 600000, "600,000 milliseconds|10.0 minutes|"
	         "duration"),
	        ("clicks", "sum", 7, "7||clicks"),
	        ("sales_value", "sum", 7.5, "7.5||sales value"),
	        ("events", "events", 1, "1 event||"),
	        ("hours", "sum", 1, "1 hour||")):
	    unit = numbers("unitOf(arguments[0], arguments[1])", column, kind)
	    said = numbers("inUnit(arguments[0], arguments[1]) + '|' +"
	                   "spoken(arguments[0], arguments[1])", value, unit)
	    assert f"{said}|{unit['of']}" == expected, (said, unit)
	assert numbers("unitOf('value', 'sum')") is None
	assert numbers("unitOf('seconds', 'one')") is None
	END
}

@test "a tag has one colour; names are isolated; equal names have their ids" {
	printf 'id,name\n1,שלום\n1776,Same\n1155,Same\n827,827\n' > who.csv
	printf 'id,name\njavascript,JavaScript\nnodejs,nodejs\n' > names.csv
	page --who who.csv --names names.csv emb.bin <<-'END'
	b.open(home + "?customer=1")
	b.wait("document.querySelectorAll('.neighbours li').length === 10")
	pairs = b.run("return [...document.querySelectorAll('.reason')].map(e =>"
	              "[e.querySelector('bdi')?.textContent ?? 'rest',"
	              "e.querySelector('.swatch').className])")
	colours = {}
	for tag, colour in pairs:
	    assert colours.setdefault(tag, colour) == colour, (tag, colour)
	assert len(set(colours.values())) > 5, colours
	# The parts of a bar have the colours of its reasons.
	for li in b.run("return [...document.querySelectorAll('.neighbours li')]"
	                ".map(e => [[...e.querySelectorAll('.part')].map(p =>"
	                "p.getAttribute('class').split(' ')[1]),"
	                "[...e.querySelectorAll('.swatch')].map(p =>"
	                "p.className.split(' ')[1])])"):
	    assert li[0] == li[1], li
	# No id, name or tag stands outside of a bdi.
	assert b.run("""
	    const walk = document.createTreeWalker(
	        document.querySelector('#answer'), NodeFilter.SHOW_TEXT);
	    const wrong = [];
	    while (walk.nextNode())
	        if (/שלום|1776|Same|JavaScript|nodejs|827/.test(
	                walk.currentNode.data)
	            && !walk.currentNode.parentElement.closest('bdi, title'))
	            wrong.push(walk.currentNode.data);
	    return wrong;""") == []
	who = b.run("return [...document.querySelectorAll('.who')].map(e =>"
	            "[...e.querySelectorAll('.person bdi, :scope > .id')].map("
	            "x => x.textContent))")
	assert ["Same", "1776", "1776"] in who, who
	assert ["Same", "1155", "1155"] in who, who
	assert ["827"] in who, who
	assert "Same 1155" in b.text(".lead") or "Same 1776" in b.text(".lead")
	assert "nodejs nodejs" not in b.text("#answer")
	assert b.run("return document.title").startswith("\u2068שלום\u2069")
	END
}

@test "a search finds a part of a name without accents; Enter takes the only one" {
	printf 'id,name\n1,Zoë Ångström\n2,Łukasz Ôther\n3,Иван Петров\n' > who.csv
	FAILED=3 page --who who.csv emb.bin <<-'END'
	for typed, expected in (("angs", "1"), ("ZOE", "1"), ("lukasz", "2"),
	                        ("OTHER", "2"), ("петров", "3")):
	    assert [c["customer"] for c in s.get(
	        f"/customers?search={quoted(typed)}").json()["customers"]
	            ] == [expected], typed
	b.open(home)
	b.type("#customer", "angstr")
	b.wait("document.querySelectorAll('#choices li').length === 1")
	assert b.text("#choices li span") == "Zoë Ångström 1"
	for typed in ("angstr", "Łukasz Ôther", "иван"):
	    b.open(home)
	    b.wait("document.querySelector('.panels')")
	    b.type("#customer", typed + ENTER)
	    b.wait("document.querySelector('.lead .kind')?.textContent ==="
	           " 'Customer'")
	    assert "?customer=" + {"a": "1", "Ł": "2", "и": "3"}[typed[0]] in b.url()
	END
}
