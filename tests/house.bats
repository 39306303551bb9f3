# The layout, who may include whom, and that help, pages and completion say the
# same.

load helper

setup() {
	cd "$ROOT" || return
	tools=$(sed -n 's/^TOOLS = //p' Makefile)
	modules=$(sed -n '/^MODULES = /,/[^\\]$/p' Makefile |
		sed 's/MODULES = //; s/\\$//' | tr -s '\n\t ' ' ')
}

@test "the top level has what it should, and nothing else" {
	[ -d .git ] || skip "not a checkout"
	git ls-files | sed 's|/.*||' | sort -u > "$BATS_TEST_TMPDIR/top"
	printf '%s\n' .ci .clang-format .dockerignore .gitignore Dockerfile \
		LICENSE Makefile README.md bin data docker-compose.yml \
		pipelines src tests | sort > "$BATS_TEST_TMPDIR/may"
	[ -z "$(comm -23 "$BATS_TEST_TMPDIR/top" "$BATS_TEST_TMPDIR/may")" ]
	for must in LICENSE Makefile README.md bin data pipelines src tests
	do
		grep -qx "$must" "$BATS_TEST_TMPDIR/top"
	done
}

@test "every module is listed, and every program has a page and tests" {
	for file in src/*.c
	do
		name=$(basename "$file" .c)
		case $name in
		cs-*) [[ " $tools " == *" $name "* ]] ;;
		*) [[ " $modules " == *" $name "* ]] ;;
		esac || { echo "not listed: $name"; false; }
	done
	for tool in $tools
	do
		[ -s "src/$tool.1" ] || { echo "no page: $tool"; false; }
		[ -s "tests/$tool.bats" ] || { echo "no tests: $tool"; false; }
	done
}

@test "a module includes those before it, and no program" {
	seen=" "
	for module in $modules
	do
		for file in "src/$module.h" "src/$module.c"
		do
			for name in $(sed -n 's/^#include "\(.*\)\.h"/\1/p' "$file")
			do
				[ "$name" = "$module" ] ||
					[[ "$seen" == *" $name "* ]] ||
					[ "$name" = "${module}_loops" ] ||
					{ echo "$file includes $name"; false; }
			done
		done
		seen="$seen$module "
	done
	run ! grep -l '#include "cs-' src/*.c src/*.h
}

@test "only algebra knows BLAS and LAPACK, only format an offset's name" {
	[ "$(grep -lE 'include <(cblas|lapacke)\.h>' src/*.[ch] | sort -u |
		tr '\n' ' ')" = "src/algebra.c " ]
	[ "$(grep -l 'data_offsets' src/*.c)" = src/format.c ]
}

@test "help, synopsis and list of the page, and completion agree" {
	for tool in $tools
	do
		"$tool" --help > "$BATS_TEST_TMPDIR/help"
		[ "$(wc -L < "$BATS_TEST_TMPDIR/help")" -le 80 ]
		sed -nE 's/^([a-z ]+:)? *(-[A-Za-z], )?(--[a-z-]+).*/\3/p' \
			"$BATS_TEST_TMPDIR/help" | sort -u \
			> "$BATS_TEST_TMPDIR/of-help"
		# In the list of the page; mdoc writes Fl \-all.
		sed -n 's/^\.It Fl //p' "src/$tool.1" |
			grep -oE '(^| )\\-[a-z][a-z-]+' |
			sed 's/^ *\\-/--/' | sort -u > "$BATS_TEST_TMPDIR/of-list"
		diff "$BATS_TEST_TMPDIR/of-help" "$BATS_TEST_TMPDIR/of-list" ||
			{ echo "page of $tool"; false; }
		# In the synopsis, by its long name or by its letter.
		sed -n '/^\.Sh SYNOPSIS/,/^\.Sh DESCRIPTION/p' "src/$tool.1" \
			> "$BATS_TEST_TMPDIR/synopsis"
		while read -r option
		do
			letter=$(grep -oE -- "-[A-Za-z], $option( |$)" \
				"$BATS_TEST_TMPDIR/help" | cut -c2 | head -n 1)
			grep -qE -- " \\\\-${option#--}( |\$)" \
				"$BATS_TEST_TMPDIR/synopsis" ||
				{ [ -n "$letter" ] && grep -qE -- \
				"Fl ([A-Za-z] \| )*$letter( |\$)" \
				"$BATS_TEST_TMPDIR/synopsis"; } ||
				{ echo "synopsis of $tool lacks $option"; false; }
		done < "$BATS_TEST_TMPDIR/of-help"
		# shellcheck disable=SC1091,SC2034
		(
			. src/completion.bash
			COMP_WORDS=("$tool" --) COMP_CWORD=1
			_customer_similarity "$tool"
			printf '%s\n' "${COMPREPLY[@]}" | sort -u
		) > "$BATS_TEST_TMPDIR/of-completion"
		[ -z "$(comm -23 "$BATS_TEST_TMPDIR/of-help" \
			"$BATS_TEST_TMPDIR/of-completion")" ]
		grep -q "$tool" src/completion.bash
	done
}

@test "completion knows the words of an option" {
	# shellcheck disable=SC1091,SC2034
	found=$(
		. src/completion.bash
		COMP_WORDS=(cs-knn --metric '') COMP_CWORD=2
		_customer_similarity cs-knn
		echo "${COMPREPLY[*]}"
	)
	[ "$found" = "cosine dot" ]
}

@test "the project speaks of itself alone" {
	[ -d .git ] || skip "not a checkout"
	run ! git grep -nE '(^|[^a-z])/(work|home|root)/|registry\.npmjs|deb\.debian\.org|pypi\.org' \
		-- . ':!tests/house.bats' ':!tests/fresh'
	run ! git grep -niE 'issue [0-9]|\bhelper-[0-9]' -- src pipelines data README.md Makefile
}

@test "what is built is not built again, unless flags change" {
	run ! grep -e ' -c -o ' <(make -n -C "$ROOT" FLAVOUR="${FLAVOUR:-release}" all)
	grep -q -e ' -c -o ' <(make -n -C "$ROOT" FLAVOUR="${FLAVOUR:-release}" \
		CFLAGS=-DOTHER all)
}
