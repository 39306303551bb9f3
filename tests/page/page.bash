# What the tests of the page share.

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
