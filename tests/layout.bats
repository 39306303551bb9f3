# The layout, who may include whom, and that help, pages and completion say the
# same.

load helper

setup() {
	cd "$ROOT" || return
	tools=$(basename -s .c src/cs-*.c | tr '\n' ' ')
}

# Folders of src/, in the order in which they may include each other: a module
# includes modules of its own folder and of folders before it.
folders="base text events model linalg search explain evaluate serve"

# "FILE INCLUDED" for each include line of the tree at $1, both from src/ on.
includes() {
	(cd "$1" && grep -HoE '^#include "[^"]+"' cs-*.c ./*/*.[ch]) |
		sed -E 's|^(\./)?([^:]*):#include "(.*)"|\2 \3|'
}

# What is wrong with the includes of the tree at $1, a line each.
wrong_includes() {
	includes "$1" | awk -v folders="$folders" '
		BEGIN { n = split(folders, f, " "); for (i = 1; i <= n; i++) at[f[i]] = i }
		function folder(path) { return path ~ /\// ? substr(path, 1, index(path, "/") - 1) : "" }
		{ from = folder($1); to = folder($2) }
		!(to in at) { print $1 " includes " $2 ", which is in no folder of src/"; next }
		from != "" && !(from in at) { print $1 " is in no known folder"; next }
		from != "" && at[to] > at[from] { print $1 " includes " $2 " of a later folder" }'
	# A module is a pair of files: an edge from each to those it includes.
	includes "$1" | sed 's/\.[ch]\b//g' |
		awk '$1 ~ /\// && $1 != $2 && $2 != $1 "_loops"' |
		tsort 2>&1 > /dev/null | sed 's/^tsort: */cycle of includes: /'
}

@test "the top level has what it should, and nothing else" {
	[ -e .git ] && command -v git > /dev/null || skip "not a checkout"
	git -c safe.directory='*' ls-files | sed 's|/.*||' | sort -u > "$BATS_TEST_TMPDIR/top"
	printf '%s\n' .ci .clang-format .dockerignore .gitignore Dockerfile \
		CONTRIBUTING.md CHANGELOG.md LICENSE SECURITY.md Makefile README.md \
		bin data debian docker-compose.yml \
		pipelines src tests | sort > "$BATS_TEST_TMPDIR/may"
	[ -z "$(comm -23 "$BATS_TEST_TMPDIR/top" "$BATS_TEST_TMPDIR/may")" ]
	for must in LICENSE Makefile README.md bin data pipelines src tests
	do
		grep -qx "$must" "$BATS_TEST_TMPDIR/top"
	done
}

@test "every file of src/ is a program, a module of a known folder, a page or the web page" {
	for file in src/*.c
	do
		[[ $file == src/cs-*.c ]] || { echo "no program: $file"; false; }
	done
	for folder in src/*/
	do
		name=$(basename "$folder")
		[[ " $folders man web completion " == *" $name "* ]] ||
			{ echo "unknown folder: $folder"; false; }
	done
	# A name alone says which module is meant.
	[ -z "$(basename -a src/*/*.c | sort | uniq -d)" ]
	for tool in $tools
	do
		[ -s "src/man/$tool.1" ] || { echo "no page: $tool"; false; }
		[ -s "tests/$tool.bats" ] || { echo "no tests: $tool"; false; }
	done
}

@test "a module includes modules of its own folder, without a cycle, and of earlier ones; nothing includes a program" {
	run wrong_includes src
	echo "$output"
	[ -z "$output" ]
	run ! grep -rlE '#include "(.*/)?cs-' src
}

@test "the test of includes notices a later folder and a cycle" {
	tree=$BATS_TEST_TMPDIR/src
	cp -r src "$tree"
	sed -i '1i #include "serve/metrics.h"' "$tree/search/topk.c"
	run wrong_includes "$tree"
	[[ "$output" == *"search/topk.c includes serve/metrics.h of a later folder"* ]]
	rm -r "$tree"
	cp -r src "$tree"
	sed -i '1i #include "base/io.h"' "$tree/base/alloc.h"
	run wrong_includes "$tree"
	[[ "$output" == *"cycle of includes: base/"* ]]
}

@test "src/README.md has a line for each module, in its folder, and for nothing else" {
	diff <(ls src/*/*.h | sed 's|^src/||; s|\.h$||' | sort) <(sed -nE '
		/^## Where/q
		/^### ([a-z]+)\/.*/ { s//\1/; h }
		/^- `([a-z0-9_]+)`: .*/ { s//\1/; G; s|(.*)\n(.*)|\2/\1|p }' \
		src/README.md | sort) || {
		echo "< has no line in src/README.md, > is no module"
		false
	}
	diff <(printf '%s\n' $folders) \
		<(sed -nE 's|^### ([a-z]+)/:.*|\1|p' src/README.md)
	for page in src/README.md CONTRIBUTING.md
	do
		grep -q "($page)" README.md
	done
	# Modules that documents name are there.
	for module in $(grep -hoE "\\b(${folders// /|})/[a-z0-9_]+\\b" \
		src/README.md src/man/cs-design.7 | sort -u)
	do
		[ -e "src/$module.h" ] || { echo "no $module"; false; }
	done
}

@test "tests/bench/jobs has no name twice, and names scripts that are there" {
	sed '/^#/d; /^$/d' tests/bench/jobs > "$BATS_TEST_TMPDIR/jobs"
	[ -s "$BATS_TEST_TMPDIR/jobs" ]
	[ -z "$(cut -d '|' -f 1 "$BATS_TEST_TMPDIR/jobs" | sort | uniq -d)" ]
	for script in $(cut -d '|' -f 3 "$BATS_TEST_TMPDIR/jobs" |
		sed 's/ *$//; s/.* //' | sort -u)
	do
		[ -x "tests/bench/$script" ] || { echo "no $script"; false; }
	done
	# Jobs that documents name are there.
	for job in $(grep -hoE 'BENCH_ROWS=(\\\(dq|")?[a-z0-9 -]+' src/man/* \
		README.md CONTRIBUTING.md tests/bench/README.md |
		sed -E 's/.*=(\\\(dq|")?//')
	do
		grep -q "^$job |" "$BATS_TEST_TMPDIR/jobs" ||
			{ echo "no job $job"; false; }
	done
	# So are those of README's table, each with what was measured.
	sed -n '/^<!-- bench -->$/,/^<!-- end -->$/s/^| `//p' README.md \
		> "$BATS_TEST_TMPDIR/rows"
	[ -s "$BATS_TEST_TMPDIR/rows" ]
	while IFS='|' read -r job _ _ ratio memory measured _
	do
		grep -q "^${job%\` } |" "$BATS_TEST_TMPDIR/jobs" ||
			{ echo "no job $job"; false; }
		[[ "$ratio" =~ [0-9] && "$memory" == *MB*MB* &&
			"$measured" == *20??,*round* ]] ||
			{ echo "$job is not measured"; false; }
	done < "$BATS_TEST_TMPDIR/rows"
}

@test "what make bench measured goes into the table of README, the rest stays" {
	page=$BATS_TEST_TMPDIR/page
	printf '%s\n' before '<!-- bench -->' '| `serve` |' '| `index` |' \
		'<!-- end -->' after > "$page"
	fill() {
		/usr/bin/python3 - "$page" "$1" <<-'END'
		import sys
		sys.path.insert(0, "tests/bench")
		import readme_table
		class Result:
		    does, rival, ratio, rounds = "a job", "a rival", 0.12345, 3
		    peaks = {"ours": 1e6, "rival": 2e6}
		if sys.argv[2] == "elsewhere":
		    readme_table.machine = lambda: "another"
		readme_table.fill(sys.argv[1], {"serve": Result, "absent": Result})
		END
	}
	fill here
	grep -q '^| `serve` | a job | a rival | 0.12 | 1 MB . 2 MB | .* 3 rounds |$' \
		"$page"
	grep -q '^| `index` | | | | | |$' "$page"
	run ! grep absent "$page"
	sed -i 's/^| `index` .*/| `index` | kept |/' "$page"
	fill here
	grep -q '^| `index` | kept |$' "$page"
	# What another machine took says nothing here.
	fill elsewhere
	grep -q '^| `index` | | | | | |$' "$page"
	grep -q '^Measured on: another\.$' "$page"
	[ "$(sed '/^<!-- bench -->$/,/^<!-- end -->$/d' "$page" |
		tr '\n' ' ')" = "before after " ]
}

@test "only linalg/dense knows BLAS and LAPACK, only model/safetensors and its writer an offset's name" {
	[ "$(grep -rlE 'include <(cblas|lapacke)\.h>' src | sort -u |
		tr '\n' ' ')" = "src/linalg/dense.c " ]
	[ "$(grep -rl 'data_offsets' --include=*.c src | sort | tr '\n' ' ')" = \
		"src/model/safetensors.c src/model/safetensors_writer.c " ]
}

@test "no program but cs-svd is linked with BLAS" {
	# Its threads start with a program, and block no signals: one that
	# cs-serve waits for would end it.
	for path in "$BIN"/cs-*
	do
		case $path in *cs-svd*) continue ;; esac
		run ! has -E 'blas|lapack' < <(ldd "$path")
	done
}

@test "no module but those of base, text and events ends the process" {
	run -1 grep -nwE '([a-z_]+_)?die(_[a-z]+)?|_?exit|abort' \
		"$ROOT"/src/{model,linalg,search,explain,evaluate,serve}/*.c
	[ -z "$output" ]
}

@test "every result of the JSON library that may be a failure is looked at" {
	run ! grep -rnE '^[[:space:]]*json_(object_(set|update)|array_(set|append|insert|extend))' src
	run ! grep -rnE '= *json_(object\(\)|array\(\)|deep_copy|dumps)' src
}

@test "no test ends a pipe before its end" {
	# One write, of a few bytes, is over before its reader leaves.
	run -1 grep -nE '\| *(head -n|head -[0-9]|grep -[a-zA-Z]*q)' "$ROOT"/tests/*.bats
	[ -z "$output" ]
}

@test "only programs read the command line" {
	[ "$(grep -l '"base/options.h"' src/*/*.[ch])" = src/base/options.c ]
}

@test "help, synopsis and list of the page, and completion agree" {
	for tool in $tools
	do
		"$tool" --help > "$BATS_TEST_TMPDIR/help"
		[ "$(wc -L < "$BATS_TEST_TMPDIR/help")" -le 80 ]
		sed -nE 's/^ *(-[A-Za-z], )?(--[a-z-]+).*/\2/p' \
			"$BATS_TEST_TMPDIR/help" | sort -u \
			> "$BATS_TEST_TMPDIR/of-help"
		# In the list of the page; mdoc writes Fl \-all.
		sed -n 's/^\.It Fl //p' "src/man/$tool.1" |
			grep -oE '(^| )\\-[a-z][a-z-]+' |
			sed 's/^ *\\-/--/' | sort -u > "$BATS_TEST_TMPDIR/of-list"
		diff "$BATS_TEST_TMPDIR/of-help" "$BATS_TEST_TMPDIR/of-list" ||
			{ echo "page of $tool"; false; }
		# In the synopsis, by its long name or by its letter.
		sed -n '/^\.Sh SYNOPSIS/,/^\.Sh DESCRIPTION/p' "src/man/$tool.1" \
			> "$BATS_TEST_TMPDIR/synopsis"
		while read -r option
		do
			letter=$(sed -nE "s/.*-([A-Za-z]), $option( .*|$)/\1/p" \
				"$BATS_TEST_TMPDIR/help")
			grep -qE -- " \\\\-${option#--}( |\$)" \
				"$BATS_TEST_TMPDIR/synopsis" ||
				{ [ -n "$letter" ] && grep -qE -- \
				"Fl ([A-Za-z] \| )*$letter( |\$)" \
				"$BATS_TEST_TMPDIR/synopsis"; } ||
				{ echo "synopsis of $tool lacks $option"; false; }
		done < "$BATS_TEST_TMPDIR/of-help"
		# shellcheck disable=SC1091,SC2034
		(
			. src/completion/customer-similarity.bash
			COMP_WORDS=("$tool" --) COMP_CWORD=1
			_customer_similarity "$tool"
			printf '%s\n' "${COMPREPLY[@]}" | sort -u
		) > "$BATS_TEST_TMPDIR/of-completion"
		[ -z "$(comm -23 "$BATS_TEST_TMPDIR/of-help" \
			"$BATS_TEST_TMPDIR/of-completion")" ]
		for shell in bash zsh fish
		do
			grep -qw "$tool" "src/completion/customer-similarity.$shell"
		done
	done
}

@test "no heading of a page begins with a word that mdoc takes for a macro" {
	# ".Ss No rule" is printed as "rule".
	run ! grep -nE '^\.S[hs] (A[nprt]|B[ox]|D[oq]|E[mv]|F[al]|I[nct]|L[ik]|M[et]|N[dmos]|O[nopx]|P[af]|S[oxy]|T[an]|U[x]|V[at]) ' \
		src/man/*
}

@test "completion knows the words of an option" {
	# shellcheck disable=SC1091,SC2034
	found=$(
		. src/completion/customer-similarity.bash
		COMP_WORDS=(cs-knn --metric '') COMP_CWORD=2
		_customer_similarity cs-knn
		echo "${COMPREPLY[*]}"
	)
	[ "$found" = "combined embedding profile dot" ]
}

# Every option of the help, by its long name, is offered by the other shells.
options_of_help() {
	"$1" --help | sed -nE 's/^ *(-[A-Za-z], )?(--[a-z-]+).*/\2/p' |
		sort -u
}

@test "zsh completes every option of the help, and the words of one" {
	need zsh
	for tool in $tools
	do
		zsh -f -c '. src/completion/customer-similarity.zsh
			_customer_similarity_options "$1"' zsh "$tool" |
			sed -nE 's/^(--[a-z-]+):.+/\1/p' | sort -u |
			diff <(options_of_help "$tool") -
	done
	[ "$(zsh -f -c '. src/completion/customer-similarity.zsh
		_customer_similarity_words cs-svd --center' | tr '\n' ' ')" = \
		"none row column " ]
}

@test "fish completes every option of the help, and the words of one" {
	need fish
	export HOME=$BATS_TEST_TMPDIR
	for tool in $tools
	do
		fish --no-config -c "source src/completion/customer-similarity.fish
			complete -C '$tool --'" | cut -f 1 | sort -u |
			diff <(options_of_help "$tool") -
	done
	[ "$(fish --no-config -c "source src/completion/customer-similarity.fish
		complete -C 'cs-svd --center '" | sort | tr '\n' ' ')" = \
		"column none row " ]
}

@test "the project speaks of itself alone" {
	[ -e .git ] && command -v git > /dev/null || skip "not a checkout"
	run ! git -c safe.directory='*' grep -nE '(^|[^a-z])/(work|home|root)/|registry\.npmjs|deb\.debian\.org|pypi\.org' \
		-- . ':!tests/layout.bats' ':!tests/fresh'
	run ! git -c safe.directory='*' grep -niE 'issue [0-9]|\bhelper-[0-9]' -- src pipelines data README.md Makefile
}

@test "what is built is not built again, unless flags change" {
	run ! grep -e ' -c -o ' <(make -n -C "$ROOT" FLAVOUR="${FLAVOUR:-release}" all)
	grep -q -e ' -c -o ' <(make -n -C "$ROOT" FLAVOUR="${FLAVOUR:-release}" \
		CFLAGS=-DOTHER all)
}
