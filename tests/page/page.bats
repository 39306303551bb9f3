# The page of cs-serve in a browser: what all its views share.

load page

@test "where to begin: customers to look at, and those who may be meant" {
	FAILED=3 page --who who.csv emb.bin <<-'END'
	b.open(home)
	b.wait("document.querySelectorAll('.offer a').length === 8")
	assert b.text(".offer a") == "Doe, Jane"
	b.click(".offer a")
	b.wait("document.querySelectorAll('.neighbours li').length === 10")
	assert b.url() == home + "?customer=1"
	# A part of the one name that has it is enough.
	b.open(home + "?customer=Doe")
	b.wait("document.querySelector('.lead h2')")
	assert b.text(".lead h2") == "Doe, Jane 1"
	assert b.url() == home + "?customer=1" and b.text("#trouble") == ""
	b.open(home + "?customer=x62")
	b.wait("document.querySelectorAll('.offer a').length === 8")
	assert "No customer x62" in b.text("#trouble")
	b.open(home + "?customer=stranger")
	b.wait("document.querySelectorAll('.offer a').length === 8")
	b.type("#customer", "\ue009a")
	b.type("#customer", "strange")
	b.wait("document.querySelector('#status').textContent === "
	       "'No customer has that in the id or the name.'")
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
	until(lambda: s.get("/model").json()["dimensions"] == 20)
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
	b.open(home + "?tag=..")	# which addresses take for the folder above
	b.wait("document.querySelector('#trouble').textContent.startsWith('No ad')")
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
	b.type("#token", "se\u2060cret")
	b.keys(ENTER)
	b.wait("document.querySelector('#trouble').textContent.includes("
	       "'This is no token')")
	assert b.run("return document.activeElement.id") == "token"
	b.keys(" secret " + ENTER)
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
		for path, shown in (("?view=audience", ".begin"), ("", ".panels"),
		                    ("?tag=css", ".panels"),
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
