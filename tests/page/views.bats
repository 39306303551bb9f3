# The page of cs-serve in a browser: the overview, tags, two customers, a new
# customer; whom the page keeps out; how fast it is there.

load page

@test "the overview: what the model is, with links into it" {
	page emb.bin <<-'END'
	b.open(home)
	b.wait("document.querySelectorAll('.panels svg[role=img]').length === 3")
	whole = s.get("/overview").json()
	assert b.run("return [...document.querySelectorAll('.facts dd')].map("
	             "e => e.textContent)") == [
	    f"{whole['customers']:,}", f"{whole['tags']:,}", f"{whole['pairs']:,}",
	    str(whole["dimensions"]), whole["similarity"]["metric"]]
	rows = b.run("return [...document.querySelectorAll('.bars-list li')].map("
	             "e => [e.querySelector('a').textContent,"
	             "e.querySelector('.number').textContent])")
	assert rows == [[t["tag"], f"{t['customers']:,}"]
	                for t in whole["top_tags"]]
	# Heights of columns are square roots of shares; areas of the others.
	heights = b.run("return [...document.querySelectorAll('svg[role=img]')]"
	                ".map(e => [...e.querySelectorAll('.column')].map("
	                "c => Number(c.getAttribute('height'))))")
	shown = (([share ** 0.5 for share in whole["similarity"]["shares"]]),
	         [one["customers"] for one in whole["activity"]],
	         whole["spectrum"])
	for bars, values in zip(heights, shown, strict=True):
	    assert len(bars) == len(values)
	    for height, value in zip(bars, values):
	        assert abs(height / max(bars) - value / max(values)) < 1e-3
	tag = whole["top_tags"][2]["tag"]
	b.click(".bars-list li:nth-child(3) a")
	b.wait("document.querySelector('.lead h2').textContent === arguments[0]",
	       tag)
	assert b.url() == home + "?tag=" + quoted(tag)
	said = s.get("/tags/" + quoted(tag)).json()
	people = b.run("return [...document.querySelectorAll('.bars-list a')].map("
	               "e => e.textContent)")
	assert people == [one["customer"] for one in said["top"]]
	assert f"{said['customers']} of 2,000 customers have {tag}" in b.text(
	    ".lead")
	rows = b.run("return [...document.querySelectorAll('.figures tbody tr')]"
	             ".map(e => [...e.querySelectorAll('th, .number')].map("
	             "c => c.textContent))")
	assert rows == [[t["tag"], f"{t['members']} of {said['customers']}",
	                 f"{t['expected']:.1f}", f"{t['times']:.2f}",
	                 f"{t['low']:.2f} – {t['high']:.2f}"]
	                for t in said["with"]["over_represented"]]
	b.click(".figures th a")
	b.wait("document.querySelector('.lead h2').textContent === arguments[0]",
	       rows[0][0])
	b.click(".bars-list a")
	b.wait("document.querySelector('.lead .kind').textContent === 'Customer'")
	END
}

@test "a customer's charts: the profile, the neighbours on the scale, who has what" {
	page emb.bin <<-'END'
	b.open(home + "?customer=1")
	b.wait("document.querySelector('.heat-map')")
	own = s.get("/customers/1").json()
	near = s.get("/customers/1/similar").json()["neighbours"]
	means = {t["tag"]: t for t in own["as_active"]["tags"]}
	rows = b.run("return [...document.querySelectorAll('.panels tbody tr')]"
	             ".map(e => [...e.querySelectorAll('th, .number')].map("
	             "c => c.textContent))")
	def amount(x):
	    return f"{x:.2f}".rstrip("0").rstrip(".")
	expected = [[t["tag"], amount(t["value"]), amount(means[t["tag"]]["mean"]),
	             f"{means[t['tag']]['customers']} of "
	             f"{own['as_active']['customers']}"] for t in own["tags"]]
	assert rows == expected[:15], (rows, expected)
	b.click(".panels button")
	assert len(b.run("return [...document.querySelectorAll("
	                 "'.panels tbody tr')].map(e => 1)")) == len(own["tags"])
	dots = b.run("return [...document.querySelectorAll('.point')].map(e =>"
	             "[Number(e.getAttribute('cx')), e.textContent])")
	assert [d[1] for d in dots] == [
	    f"{n['customer']}: {n['similarity']:.3f}" for n in near]
	scale = [(d[0] - dots[-1][0]) / (n["similarity"] - near[-1]["similarity"])
	         for d, n in zip(dots, near[:5])]
	assert max(scale) - min(scale) < 0.01 * max(scale), scale
	cells = b.run("return [...document.querySelectorAll('.heat-map tr')].map("
	              "e => [...e.children].map(c => c.textContent))")
	columns = cells[0][1:]
	assert [row[0] for row in cells[1:]] == ["1"] + [n["customer"] for n in near]
	for row in cells[1:]:
	    tags = {t["tag"]: t["value"]
	            for t in s.get(f"/customers/{row[0]}").json()["tags"]}
	    for tag, shown in zip(columns, row[1:]):
	        assert shown == (amount(tags[tag]) if tag in tags else "–")
	# The neighbours as CSV.
	b.click(".save")
	saved = b.downloaded("neighbours.csv").splitlines()
	assert [line.split(",")[0] for line in saved[1:]] == [
	    n["customer"] for n in near]
	# Beside one of them.
	b.click(".neighbours li:nth-child(2) .scale a")
	b.wait("document.querySelector('.pairs')")
	other = near[1]["customer"]
	assert b.url() == home + f"?view=compare&a=1&b={other}"
	assert f"{near[1]['similarity']:.3f}" in b.text(".lead")
	two = [{t["tag"]: t["value"]
	        for t in s.get(f"/customers/{c}").json()["tags"]}
	       for c in ("1", other)]
	rows = b.run("return [...document.querySelectorAll('.pairs tbody tr')].map("
	             "e => [...e.querySelectorAll('th, .number')].map("
	             "c => c.textContent))")
	assert {row[1] for row in rows} == set(two[0]) | set(two[1])
	for left, tag, right in rows:
	    assert [left, right] == [amount(t[tag]) if tag in t else "–"
	                             for t in two]
	END
}

@test "two customers are chosen, a new one is made of tags" {
	FAILED=1 page emb.bin <<-'END'
	b.open(home + "?view=compare")
	b.wait("document.querySelector('.begin')")
	for box, typed in (("first", "626"), ("second", "1387")):
	    b.type("#" + box, typed)
	    b.wait(f"document.querySelectorAll('#{box}-choices li').length > 0")
	    b.keys(DOWN + ENTER)
	b.click("#compare-form button")
	b.wait("document.querySelector('.pairs')")
	assert b.text(".lead h2") == "626 and 1387"
	b.open(home + "?view=new")
	b.wait("document.querySelector('.begin')")
	b.type("#tag", "javascr")
	b.wait("document.querySelectorAll('#tag-choices li').length > 0")
	b.keys(DOWN + ENTER)
	b.type("#profile", "\nnodejs, 3\ncss 2\ncss 1\nno such; 4\n__proto__ 2")
	b.click("#new-form button")
	b.wait("document.querySelectorAll('.neighbours li').length === 10")
	asked = {"profile": {"javascript": 1, "nodejs": 3, "css": 3, "no such": 4}}
	near = s.post(asked).json()["neighbours"]
	assert b.run("return [...document.querySelectorAll('.person')].map("
	             "e => e.textContent)") == [n["customer"] for n in near]
	assert "Tags that the model lacks: no such and __proto__." in b.text(
	    ".lead")
	assert b.text(".lead h2") == "The new customer"
	assert "css" not in b.url().split("#")[0]
	b.wait("document.querySelector('.heat-map')")
	b.click(".save")
	saved = b.downloaded("neighbours.csv").splitlines()
	assert [line.split(",")[0] for line in saved[1:]] == [
	    n["customer"] for n in near]
	b.open(home + "?view=compare&a=1&b=stranger")
	b.wait("document.querySelector('#trouble').textContent")
	assert "No customer stranger" in b.text("#trouble")
	END
}

@test "two who share nothing, one without signal, one twice, one no address names" {
	{
		printf 'customer\ttag\tevents\tvalue\n'
		printf 'a\tx\t1\t1\na\ty\t1\t1\nb\tx\t1\t2\nc\tw\t1\t1\n'
		printf 'c\tz\t1\t1\nd\tz\t1\t3\nnobody\tx\t1\t0\n'
	} | cs-matrix -q --value sum --weight none | cs-svd -q -o apart.bin
	page apart.bin <<-'END'
	for other, said in (("d", "Their similarity is 0.000"),
	                    ("nobody", "One of them has no tag with weight"),
	                    ("b", "Both are the same customer"),
	                    ("..", "No address can name ...")):
	    b.open(f"{home}?view=compare&a=b&b={other}")
	    b.wait("document.body.textContent.includes(arguments[0])", said)
	END
}

@test "segments: their sizes, what sets each apart, members page by page" {
	cs-segment -q -k 6 emb.bin > segments.tsv
	page --segments segments.tsv emb.bin <<-'END'
	b.open(home)
	b.wait("document.querySelectorAll('.segments li').length === 6")
	said = s.get("/segments").json()
	rows = b.run("return [...document.querySelectorAll('.segments li')].map("
	             "e => [e.querySelector('a').textContent,"
	             "e.querySelector('.number').textContent,"
	             "e.querySelector('.soft').textContent])")
	for row, one in zip(rows, said["segments"], strict=True):
	    assert row[:2] == [str(one["segment"]), f"{one['customers']:,}"]
	    for tag in one["over_represented"][:5]:
	        assert tag["tag"] in row[2], (row, one)
	b.click(".segments li:nth-child(2) a")
	b.wait("document.querySelector('.lead .kind')?.textContent.startsWith("
	       "'Segment')")
	second = said["segments"][1]
	assert b.url() == home + f"?segment={second['segment']}"
	one = s.get(f"/segments/{second['segment']}?limit=1000").json()
	assert f"{one['customers']} customers." in b.text(".lead")
	rows = b.run("return [...document.querySelectorAll('.figures tbody tr')]"
	             ".map(e => [...e.querySelectorAll('th, .number')].map("
	             "c => c.textContent))")
	assert rows == [[t["tag"], f"{t['members']} of {one['customers']}",
	                 f"{t['expected']:.1f}", f"{t['times']:.2f}",
	                 f"{t['low']:.2f} – {t['high']:.2f}"]
	                for t in one["over_represented"][:20]]
	b.run("window.asked = fetch; window.fetch = () => Promise.reject()")
	b.click("button.save")
	b.wait("document.querySelector('#status').textContent.includes('answer')")
	b.run("window.fetch = asked")
	while b.run("return document.querySelector('button.save') !== null"):
	    shown = b.run("return document.querySelectorAll('.offer a').length")
	    b.click("button.save")
	    b.wait("document.querySelectorAll('.offer a').length > arguments[0]",
	           shown)
	    assert b.run("return document.activeElement === document."
	                 "querySelectorAll('.offer a')[arguments[0]]", shown)
	assert b.run("return [...document.querySelectorAll('.offer a')].map("
	             "e => e.textContent)") == [m["customer"]
	                                        for m in one["members"]]
	b.click(".lead a")
	b.wait("document.querySelector('.lead .kind').textContent === 'Customer'")
	assert f"In segment {second['segment']}." in b.text(".lead")
	END
}

@test "the first view takes less than 100 KB" {
	page emb.bin <<-'END'
	b.open(home)
	b.wait("document.querySelectorAll('.panels svg[role=img]').length === 3")
	taken = b.run("return performance.getEntriesByType('resource').concat("
	              "performance.getEntriesByType('navigation')).reduce("
	              "(sum, e) => sum + e.transferSize, 0)")
	assert 10000 < taken < 100000, taken
	END
}

@test "axe-core finds no barrier, light and dark, narrow and wide" {
	[ -s "${AXE:-}" ] || skip "no axe-core: make test-page installs it"
	printf 'id,name\n1,"Doe, Jane"\n1776,Same\n1155,Same\n' > who.csv
	for dark in True False
	do
		AXE=$AXE DARK=$dark page --who who.csv emb.bin <<-'END'
		source = open(os.environ["AXE"], encoding="utf-8").read()
		b.do("/timeouts", script=60000)
		for path, shown in (
		        ("", ".panels svg"), ("?customer=1", ".heat-map"),
		        ("?tag=css", ".figures"), ("?view=audience", ".begin"),
		        ("?view=audience&n=20#like=1%0A626", ".neighbours"),
		        ("?view=compare&a=1&b=1776", ".pairs"),
		        ("?view=new#profile=css%092", ".heat-map")):
		    for width in (390, 1400):
		        b.size(width, 900)
		        b.open("about:blank")
		        b.open(home + path)
		        b.wait("document.querySelector(arguments[0])", shown)
		        b.run(source)
		        wrong = b.do("/execute/async", args=[], script=
		            "const done = arguments[0]; axe.run().then(r => done("
		            "r.violations.map(v => [v.id, v.nodes[0].html,"
		            "v.nodes[0].failureSummary])))")
		        assert wrong == [], (path, width, wrong)
		        assert b.run("return document.documentElement.scrollWidth <="
		                     " arguments[0]", width), (path, width)
		END
	done
}
