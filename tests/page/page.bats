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
			"it's & <b>" 'a/b?c=%20#d' 'long-'"$(printf '%0200d' 7)"
		do
			printf '%s\t<i>tag</i>\t1\t3\n' "$name"
			printf '%s\tplain\t2\t4\n' "$name"
		done
		printf 'nobody\tplain\t1\t0\n'
	} | LC_ALL=C sort -u > hostile.tsv
	{ grep ^customer hostile.tsv; grep -v ^customer hostile.tsv; } > sorted.tsv
	cs-matrix --weight none -o hostile.mat sorted.tsv
	cs-svd -q -o hostile.bin hostile.mat
	printf 'secret\n' > token
	printf 'id,name\n1,"Doe, Jane"\n' > who.csv
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
	b.click(".neighbours li:nth-child(3) a")
	third = names[2]
	b.wait("document.querySelector('.lead h2').textContent === arguments[0]",
	       third)
	assert b.url().endswith(f"?customer={third}")
	b.back()
	b.wait("document.querySelector('.lead h2').textContent === arguments[0]",
	       first)
	assert b.run("return document.querySelector('#customer').value") == first
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
	for tag in group["missing"]:
	    assert tag["tag"] in b.text(".missing")
	assert f"{user} may be missing" in b.text("#answer")
	END
}

@test "by the keyboard alone" {
	page emb.bin <<-'END'
	b.open(home)
	b.wait("document.querySelector('#model time')")
	b.keys(TAB)
	assert b.run("return document.activeElement.className") == "skip"
	b.keys(TAB * 3)
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
	b.open("about:blank")
	b.open(link)
	b.wait("document.querySelectorAll('.neighbours li').length === 25")
	assert b.run("return document.querySelector('#not').value.trim()"
	             ".split(/\\s+/)") == ["7", "8"]
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
	             "it's & <b>", "a/b?c=%20#d", "long-" + "0" * 199 + "7"):
	    b.open(home + "?customer=" + quoted(name))
	    b.wait("document.querySelectorAll('.neighbours li').length === 4")
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
	FAILED=1 page --token-file token emb.bin <<-'END'
	b.open(home + "?customer=1")
	b.wait("document.querySelector('#trouble').textContent.includes('token')")
	b.type("#token", "secret")
	b.keys(ENTER)
	b.wait("document.querySelectorAll('.neighbours li').length === 10")
	b.open(home + "?customer=626")
	b.wait("document.querySelectorAll('.neighbours li').length === 10")
	assert "secret" not in b.url()
	END
}

@test "names that people know stand beside ids" {
	page --who who.csv emb.bin <<-'END'
	b.open(home)
	b.type("#customer", "doe")
	b.wait("document.querySelectorAll('#choices li').length === 1")
	assert "Doe, Jane (1)" in b.text("#choices")
	b.keys(DOWN)
	b.keys(ENTER)
	b.wait("document.querySelector('.lead h2')")
	assert b.text(".lead h2") == "Doe, Jane (1)"
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
		b.open(home + "?customer=1")
		b.wait("document.querySelector('.lead h2')")
		assert b.run("return document.documentElement.scrollWidth <= "
		             "innerWidth")
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
		print("dark" if dark else "light")
		END
	done > schemes
	[ "$(cat schemes)" = $'dark\nlight' ]
}
