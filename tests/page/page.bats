# The page of cs-serve in a browser: what is typed and clicked, and shown.

load ../helper

setup_file() {
	need chromedriver chromium
	cd "$BATS_FILE_TMPDIR" || return
	cs-aggregate -q "$ROOT/data/views.csv" | cs-matrix -q |
		cs-svd -q -o emb.bin
	{
		printf 'customer\ttag\tevents\tvalue\n'
		for name in '<img src=x onerror=alert(1)>' '"><script>x</script>' \
			"it's & <b>" 'a/b?c=%20#d' .. 'long-'"$(printf '%0200d' 7)"
		do
			printf '%s\t<i>tag</i>\t1\t3\n' "$name"
			printf '%s\tplain\t2\t4\n' "$name"
		done
		printf 'nobody\tplain\t1\t0\n'
	} | LC_ALL=C sort -u > hostile.tsv
	{ grep ^customer hostile.tsv; grep -v ^customer hostile.tsv; } > sorted.tsv
	cs-matrix --value sum --weight none -o hostile.mat sorted.tsv
	cs-svd -q -o hostile.bin hostile.mat
	printf 'secret\n' > token
	printf 'id,name\n1,"Doe, Jane"\n' > who.csv
	printf 'id,name\njavascript,"Charts, <b>drawn</b>"\n' > names.csv
	export PYTHONPATH=$ROOT/tests:$ROOT/tests/page
}

setup() {
	need chromedriver chromium
	cd "$BATS_FILE_TMPDIR" || return
}

# Python with a service of the arguments, s, and a browser, b; afterwards no
# error stands in the console, and nothing was asked of anyone else.
page() {
	local dark=${DARK:-False} width=${WIDTH:-1100} failed=${FAILED:-0}
	{
		cat <<-END
			import sys
			from service import *
			from browser import Browser
			ENTER, TAB, DOWN, ESCAPE = "\ue007", "\ue004", "\ue015", "\ue00c"
			with Service(*sys.argv[1:]) as s:
			    home = f"http://127.0.0.1:{s.port}/"
			    b = Browser($dark, $width)
			    try:
		END
		sed 's/^/        /'
		cat <<-END
			        wrong = [e["message"] for e in b.log("browser")
			                 if e["level"] == "SEVERE"]
			        assert len(wrong) == $failed, wrong
			        for entry in b.log("performance"):
			            said = json.loads(entry["message"])["message"]
			            if said["method"] == "Network.requestWillBeSent":
			                url = said["params"]["request"]["url"]
			                ours = said["params"]["documentURL"].startswith(home)
			                assert not ours or url.startswith(
			                    (home, "data:", "blob:")), url
			    finally:
			        b.close()
		END
	} > script.py
	"$PYTHON" script.py "$@"
}

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
	              ".map(e => e.dataset.customer)")
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
	widths = b.run("return [...document.querySelectorAll("
	               "'.neighbours .fill')].map(e => e.style.width)")
	for width, one in zip(widths, answer["neighbours"], strict=True):
	    assert abs(float(width[:-1]) - 100 * one["similarity"]) < 0.01
	for tag in answer["neighbours"][0]["why"]:
	    assert tag["tag"] in b.text(".neighbours li")
	# A bar's parts are the reasons and what is left; lines show the scale.
	parts = b.run("return [...document.querySelectorAll("
	              "'.neighbours li:first-child .part')].map("
	              "e => Number(e.style.flexGrow))")
	one = answer["neighbours"][0]
	for part, amount in zip(parts, [w["contribution"] for w in one["why"]]
	                        + [one["other"]], strict=True):
	    assert abs(part - amount) < 1e-4, (parts, one)
	model = s.get("/model").json()
	lines = b.run("return [...document.querySelectorAll("
	              "'.neighbours li:first-child .mark')].map("
	              "e => parseFloat(e.style.left))")
	for line, at in zip(lines, [model["median_pair"],
	                            model["top_percent_pair"]], strict=True):
	    assert abs(line - 100 * at) < 1e-3
	# The scale, from the quantiles.
	below = [share for share, at in model["pair_quantiles"]
	         if at <= one["similarity"]][-1]
	above = [share for share, at in model["pair_quantiles"]
	         if at > one["similarity"]][0]
	said = b.text(".neighbours li:first-child .scale")
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
	             "f => parseFloat(f.style.width)))")
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
	                "'.missing li:first-child a')].map(e => e.textContent)")
	assert holders == group["missing"][0]["held_by"]
	b.click(".missing li:first-child a")
	b.wait("document.querySelector('.lead h2').textContent === arguments[0]",
	       holders[0])
	b.open(home + f"?customer={user}")
	b.wait("document.querySelector('.tags')")
	assert f"{user} may be missing" in b.text("#answer")
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
	b.keys(TAB * 4)
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
	               ".dataset.customer", active)
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
	assert b.run("return [...document.querySelectorAll('.track')].every("
	             "e => e.ariaHidden === 'true')")
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

@test "an audience: found, linked to, and saved as CSV" {
	page emb.bin <<-'END'
	import csv, io
	b.open(home)
	b.click("#to-audience")
	b.wait("!document.querySelector('#audience-form').hidden")
	b.type("#like", "1\n626\nnobody at all\n")
	b.type("#not", "7, 8")
	b.run("document.querySelector('#size').value = '25'")
	b.click("#audience-form button")
	b.wait("document.querySelectorAll('.neighbours li').length === 25")
	answer = s.post({"like": ["1", "626"], "not": [7, 8], "n": 25}).json()
	names = b.run("return [...document.querySelectorAll('.person')]"
	              ".map(e => e.textContent)")
	assert names == [n["customer"] for n in answer["neighbours"]]
	assert "Not in the model: nobody at all" in b.text(".lead")
	b.click("#download")
	rows = list(csv.reader(io.StringIO(b.downloaded("audience.csv"))))
	assert rows[0] == ["customer", "similarity", "reason", "model", "date"]
	assert [r[0] for r in rows[1:]] == names
	link = b.url()
	# The lists stand where no server sees them.
	assert "626" not in link.split("#")[0] and "626" in link.split("#")[1]
	b.open("about:blank")
	b.open(link)
	b.wait("document.querySelectorAll('.neighbours li').length === 25")
	assert b.run("return document.querySelector('#not').value.trim()"
	             ".split(/\\s+/)") == ["7", "8"]
	# On to a customer, and back.
	b.click(".neighbours li a")
	b.wait("document.querySelector('.lead h2').textContent === arguments[0]",
	       names[0])
	b.back()
	b.wait("document.querySelectorAll('.neighbours li').length === 25")
	assert b.url() == link
	b.open(home + "?view=audience&like=1%0A626&n=7")
	b.wait("document.querySelectorAll('.neighbours li').length === 7")
	END
}

@test "an audience: nothing pasted, too much pasted, nobody known" {
	FAILED=1 page emb.bin <<-'END'
	b.open(home + "?view=audience")
	b.wait("document.querySelector('.begin')")
	b.click("#download")
	b.click("#audience-form button")
	assert b.run("return document.querySelector('#like').matches(':invalid')")
	assert b.url() == home + "?view=audience"
	b.run("document.querySelector('#like').value = Array.from({length: 20000},"
	      "(_, i) => i).join('\\n')")
	for button in ("#audience-form button", "#download"):
	    b.click(button)
	    b.wait("document.querySelector('#trouble').textContent")
	    assert "The lists are too long" in b.text("#trouble")
	b.do("/refresh")
	b.wait("document.querySelector('#trouble').textContent")
	assert "The lists are too long" in b.text("#trouble")
	# Of many that are unknown, the first are named.
	b.open(home + "?view=audience#" + "like=1%0A" + "%0A".join(
	    f"x{i}" for i in range(3000)))
	b.do("/refresh")
	b.wait("document.querySelector('.neighbours')")
	assert "x9 and 2,990 others" in b.text(".lead")
	b.open(home + "?view=audience#like=x")
	b.wait("document.querySelector('#trouble').textContent")
	assert "none of its customers" in b.text("#trouble")
	END
}

@test "where to begin: customers to look at, and those who may be meant" {
	FAILED=2 page --who who.csv emb.bin <<-'END'
	b.open(home)
	b.wait("document.querySelectorAll('.offer a').length === 8")
	assert b.text(".offer a") == "Doe, Jane"
	b.click(".offer a")
	b.wait("document.querySelectorAll('.neighbours li').length === 10")
	assert b.url() == home + "?customer=1"
	b.open(home + "?customer=Doe")
	b.wait("document.querySelectorAll('.offer a').length === 1")
	assert "No customer Doe" in b.text("#trouble")
	b.click(".offer a")
	b.wait("document.querySelector('.lead h2')")
	assert b.text("#trouble") == ""
	b.open(home + "?customer=stranger")
	b.wait("document.querySelectorAll('.offer a').length === 8")
	b.type("#customer", "\ue009a")
	b.type("#customer", "strange")
	b.wait("document.querySelector('#status').textContent === "
	       "'No customer begins so.'")
	# Blanks around an id are no part of it.
	b.run("document.querySelector('#customer').value = ' 626 '")
	b.click("#customer-form button")
	b.wait("document.querySelector('.lead h2')")
	assert b.text(".lead h2") == "626"
	END
}

@test "the model's date is that of the model that answered" {
	cp emb.bin served.bin
	page served.bin <<-'END'
	b.open(home + "?customer=1")
	b.wait("document.querySelector('.lead h2')")
	before = b.run("return document.querySelector('time').dateTime")
	run("cs-svd -q -k 20 -o other.bin <(cs-aggregate -q "
	    "\"$ROOT/data/views.csv\" | cs-matrix -q) && "
	    "touch -d '2001-02-03 04:05:06Z' other.bin && "
	    "mv other.bin served.bin")
	for _ in range(200):
	    if s.get("/model").json()["dimensions"] == 20:
	        break
	    time.sleep(0.05)
	b.click(".neighbours li a")
	b.wait("document.querySelector('.lead h2').textContent !== '1'")
	after = s.get("/model").json()["date"]
	assert b.run("return document.querySelector('time').dateTime") == after
	assert after != before, (before, after)
	END
}

@test "who is unknown, and who has no signal" {
	FAILED=1 page hostile.bin <<-'END'
	b.open(home + "?customer=stranger")
	b.wait("document.querySelector('#trouble').textContent")
	assert "No customer stranger" in b.text("#trouble")
	b.open(home + "?customer=nobody")
	b.wait("document.querySelector('.lead')")
	assert "No tag with weight" in b.text(".lead")
	END
}

@test "hostile names are text" {
	page hostile.bin <<-'END'
	for name in ('<img src=x onerror=alert(1)>', '"><script>x</script>',
	             "it's & <b>", "a/b?c=%20#d", "..", "long-" + "0" * 199 + "7"):
	    b.open(home + "?customer=" + quoted(name))
	    b.wait("document.querySelectorAll('.neighbours li').length === 5")
	    assert b.run("return document.querySelector('.lead h2').textContent"
	                 ) == name
	    assert b.run("return document.querySelectorAll("
	                 "'main img, main script, main i').length") == 0
	    assert b.run("return document.documentElement.scrollWidth <= "
	                 "innerWidth")
	    b.click(".neighbours li a")
	    b.wait("document.querySelector('.lead h2').textContent !== "
	           "arguments[0]", name)
	END
}

@test "a token is asked for, and kept" {
	FAILED=2 page --token-file token emb.bin <<-'END'
	b.open(home + "?customer=1")
	b.wait("document.querySelector('#trouble').textContent.includes('token')")
	assert b.run("return document.activeElement.id") == "token"
	b.keys("wrong" + ENTER)
	b.wait("document.querySelector('#trouble').textContent.includes("
	       "'does not take this token')")
	b.type("#token", "secret")
	b.keys(ENTER)
	b.wait("document.querySelectorAll('.neighbours li').length === 10")
	b.open(home + "?customer=626")
	b.wait("document.querySelectorAll('.neighbours li').length === 10")
	assert "secret" not in b.url()
	assert b.text("#trouble") == ""
	b.open(home + "?view=audience#like=1")
	b.wait("document.querySelector('.neighbours')")
	b.click("#download")
	b.wait("document.querySelector('#status').textContent.includes('Saved')")
	rows = b.downloaded("audience.csv").splitlines()
	assert len(rows) == 101, rows
	END
}

@test "names that people know stand beside ids" {
	page --who who.csv --names names.csv emb.bin <<-'END'
	b.open(home)
	b.type("#customer", "doe")
	b.wait("document.querySelectorAll('#choices li').length === 1")
	assert "Doe, Jane (1)" in b.text("#choices")
	b.keys(DOWN)
	b.keys(ENTER)
	b.wait("document.querySelector('.lead h2')")
	assert b.text(".lead h2") == "Doe, Jane (1)"
	assert "Doe, Jane has " in b.text(".lead")
	assert "Charts, <b>drawn</b> (javascript)" in b.text(".lead")
	near = s.get("/customers/1/similar").json()["neighbours"][0]["customer"]
	b.open(home + f"?customer={near}")
	b.wait("document.querySelector('.person')")
	one = b.run("return [...document.querySelectorAll('.who')].find("
	            "e => e.textContent.startsWith('Doe, Jane'))?.querySelector("
	            "'.id').textContent")
	assert one == "1"
	END
}

@test "a later question is not overtaken by an earlier answer" {
	page emb.bin <<-'END'
	b.open(home + "?customer=1")
	b.wait("document.querySelector('.lead h2')")
	names = b.run("return [...document.querySelectorAll('.person')]"
	              ".map(e => e.textContent)")
	# The first answer is held back until the second is shown.
	b.run("""const real = fetch; let first = true;
	    window.fetch = async (...a) => {
	        const reply = await real(...a);
	        if (first) { first = false;
	            await new Promise(done => setTimeout(done, 800)); }
	        return reply; }""")
	b.run("document.querySelectorAll('.person')[0].click();"
	      "document.querySelectorAll('.person')[1].click();")
	b.wait("document.querySelector('.lead h2').textContent === arguments[0]",
	       names[1])
	time.sleep(1.2)
	assert b.text(".lead h2") == names[1]
	END
}

@test "light and dark, wide and narrow: text can be read, nothing overflows" {
	for dark in True False
	do
		DARK=$dark WIDTH=500 page emb.bin <<-'END'
		for path, shown in (("?view=audience", ".begin"), ("", ".begin"),
		                    ("?customer=1", ".lead h2")):
		    b.open(home + path)
		    b.wait("document.querySelector(arguments[0])", shown)
		    for width in (320, 390, 500, 1280):
		        b.size(width, 800)
		        assert b.run("return document.documentElement.scrollWidth"
		                     " <= arguments[0]", width), (path, width)
		# Nor does what is on a bar's line leave its box.
		b.size(390, 800)
		assert b.run("return [...document.querySelectorAll('.number, .why, "
		             ".tag dd, .track')].every(e => e.scrollWidth <= "
		             "e.clientWidth + 1)")
		dark = b.run("return matchMedia('(prefers-color-scheme: dark)')"
		             ".matches")
		least = b.run("""
		    const light = c => { const [r, g, b] = c.match(/[\\d.]+/g)
		            .slice(0, 3).map(x => x / 255).map(x => x <= 0.03928
		                ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4);
		        return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
		    const ground = e => { for (; e; e = e.parentElement) {
		        const c = getComputedStyle(e).backgroundColor;
		        if (c !== 'rgba(0, 0, 0, 0)') return c; }
		        return 'rgb(255, 255, 255)'; };
		    let least = 99;
		    for (const e of document.querySelectorAll('body *')) {
		        if (![...e.childNodes].some(n => n.nodeType === 3
		                && n.data.trim()) || !e.offsetParent) continue;
		        const a = light(getComputedStyle(e).color);
		        const b = light(ground(e));
		        least = Math.min(least, (Math.max(a, b) + 0.05)
		            / (Math.min(a, b) + 0.05));
		    }
		    return least;""")
		assert least >= 4.5, least
		# The edge of a box to type in, against the page.
		edge = b.run("""
		    const light = c => { const [r, g, b] = c.match(/[\\d.]+/g)
		            .slice(0, 3).map(x => x / 255).map(x => x <= 0.03928
		                ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4);
		        return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
		    const a = light(getComputedStyle(document.querySelector(
		        '#customer')).borderTopColor);
		    const b = light(getComputedStyle(document.body).backgroundColor);
		    return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);""")
		assert edge >= 3, edge
		print("dark" if dark else "light")
		END
	done > schemes
	[ "$(cat schemes)" = $'dark\nlight' ]
}
