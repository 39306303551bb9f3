#compdef cs-aggregate cs-matrix cs-svd cs-project cs-index cs-knn cs-summarize cs-dump cs-serve cs-eval cs-contrast cs-segment cs-terms
# Completion for all programs: options with their descriptions as --help lists
# them, words where the help names them, else files.

# "OPTION:DESCRIPTION", a line each; a colon within either is escaped.
_customer_similarity_options() {
	"$1" --help 2> /dev/null | sed -nE \
		's/^ *((-[A-Za-z]), )?(--[a-z-]+)( [A-Z][A-Z|=:,.-]*)? +(.*)/\2 \3 \5/p' |
		sed -E 's/:/\\:/g; s/^(-[A-Za-z]) (--[^ ]*) (.*)/\1:\3\n\2:\3/; s/^ (--[^ ]*) /\1:/'
}

# The words that the option $2 of program $1 chooses from, a line each.
_customer_similarity_words() {
	"$1" --help 2> /dev/null | sed -nE -e "s/.*$2 [A-Z] +//p" |
		grep -oE '^[a-z0-9-]+((, | or |; )[a-z0-9-]+)+' |
		sed -E 's/, | or |; /\n/g'
}

_customer_similarity() {
	local before=${words[CURRENT - 1]}
	local -a choices
	if [[ $before == --?* ]]; then
		choices=(${(f)"$(_customer_similarity_words $words[1] $before)"})
		if (( $#choices )); then
			compadd -a choices
			return
		fi
	fi
	if [[ $words[CURRENT] == -* ]]; then
		choices=(${(f)"$(_customer_similarity_options $words[1])"})
		_describe -o option choices
	else
		_files
	fi
}

# Sourced by itself, as a test does, it only defines the functions.
[[ $funcstack[1] != _* ]] || _customer_similarity "$@"
