# The page of cs-serve in a browser: audiences.

load page

@test "an audience: found, linked to, and saved as CSV" {
	page emb.bin <<-'END'
	import csv, io
	b.open(home)
	b.click("[data-view=audience]")
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
	assert "Recognised 2 of 3 customers to start from; not in the model: "\
	    "nobody at all." in b.text(".lead")
	assert "Recognised 2 of 2 customers to leave out." in b.text(".lead")
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
	assert b.run("return document.querySelector('#not').value") == "7, 8"
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
	# Too long for an address, and then for the service.
	b.run("document.querySelector('#like').value = Array.from({length: 20000},"
	      "(_, i) => 'id-' + i).join('\\n') + '\\n1'")
	b.click("#audience-form button")
	b.wait("document.querySelector('.neighbours')")
	assert "Recognised 1 of 20,001 customers" in b.text(".lead")
	assert len(b.url()) < 100
	b.do("/refresh")
	b.wait("document.querySelector('#trouble').textContent")
	assert "paste it again" in b.text("#trouble")
	b.do("/timeouts", script=20000)
	assert "The lists are too long" in b.do("/execute/async", args=[], script=
	    "const done = arguments[0]; import('/service.js').then(s => {"
	    "try { s.post({like: ['x'.repeat(17000000)]}) }"
	    "catch (error) { done(error.message) } })")
	# Of many that are unknown, the first are named.
	b.open(home + "?view=audience#" + "like=1%0A" + "%0A".join(
	    f"x{i}" for i in range(3000)))
	b.do("/refresh")
	b.wait("document.querySelector('.neighbours')")
	assert "x9 and 2,990 others" in b.text(".lead")
	b.open(home + "?view=audience#like=x")
	b.wait("document.querySelector('#trouble').textContent")
	assert "None of the 1 customer to start from is in" in b.text("#trouble")
	END
}

@test "an audience: pasted in any form, from a file, with what its groups share" {
	{
		printf 'id,name\n1,"Doe, Jane"\n626,Zoë Müller\n'
		printf '7,Same Name\n8,Same Name\n'
	} > who.csv
	FAILED=3 page --who who.csv emb.bin <<-'END'
	expected = [n["customer"] for n in s.post(
	    {"like": ["1", "626", "10"], "n": 9}).json()["neighbours"]]
	for said, pasted in (
	    ("3 of 3", "1\r\n626\r\n10\r\n"),
	    ("3 of 3", "1;626;10"),
	    ("3 of 3", "1, 626\n10"),
	    ("3 of 3", "\ufeffuser_handle\n1\n626\n10\n"),
	    ("3 of 3", "name\tuser_handle\tspent\nJane\t1\t30\nZoe\t626\t4\n"
	     "Ann\t10\t9\n"),
	    ("3 of 3", 'name,id\n"Doe, Jane","1"\n"Zoe",626\n"Ann ""A""",10\n'),
	    ("3 of 3", "1.0\n626.0\n'10"),
	    ("3 of 3", "\u00a01 \n\n 626\n10\t"),
	    ("3 of 3", "Doe, Jane;zoë müller;10"),
	    ("3 of 5", "1\n626\n10\nSame Name\nnobody")):
	    b.open("about:blank")
	    b.open(home + "?view=audience&n=9#like=" + quoted(pasted))
	    b.wait("document.querySelectorAll('.neighbours li').length === 9")
	    names = b.run("return [...document.querySelectorAll('.neighbours li')]"
	                  ".map(e => (e.querySelector('.who .id') ??"
	                  " e.querySelector('.person')).textContent)")
	    assert names == expected, pasted
	    assert f"Recognised {said} customers to start" in b.text(".lead"), (
	        pasted, b.text(".lead"))
	b.open(home + "?view=audience")
	b.wait("document.querySelector('.begin')")
	for encoding in ("utf-8", "utf-16", "latin-1"):
	    with open("list.csv", "w", encoding=encoding) as file:
	        file.write("Zoë Müller\n1\n")
	    b.type("#like-file", os.path.abspath("list.csv"))
	    b.wait("document.querySelector('#like').value")
	    assert b.run("return document.querySelector('#like').value.trim()"
	                 ) == "Zoë Müller\n1", encoding
	    b.run("document.querySelector('#like').value = ''")
	END
}
