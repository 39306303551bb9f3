# Completion for all programs: options as their --help lists them, words where
# the help names them, else files.

_customer_similarity() {
	local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]}
	local help words
	help=$("$1" --help 2> /dev/null) || return

	COMPREPLY=()
	# What an option chooses from stands in its line: "cosine, dot [cosine]".
	if [[ $before == --?* ]]
	then
		words=$(sed -nE "s/.*$before [A-Z] +//p" <<< "$help" |
			grep -oE '^[a-z0-9-]+((, | or |; )[a-z0-9-]+)+' |
			sed -E 's/, | or |; /\n/g')
		if [ -n "$words" ]
		then
			mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
			return
		fi
	fi
	if [[ $word == -* ]]
	then
		words=$(grep -oE -e '(^|[ ,])-{1,2}[A-Za-z][a-z-]*' <<< "$help" |
			tr -d ' ,' | sort -u)
		mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
	fi
}

complete -o bashdefault -o default -F _customer_similarity \
	cs-aggregate cs-matrix cs-svd cs-project cs-index cs-knn cs-summarize \
	cs-dump cs-serve cs-eval cs-contrast cs-segment cs-terms
