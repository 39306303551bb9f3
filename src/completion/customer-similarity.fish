# Completion for all programs: options with their descriptions as --help lists
# them, words where the help names them, else files.

# "OPTION<tab>DESCRIPTION", a line each.
function __customer_similarity_options --argument-names tool
    set -l row '^ *(?:(-[A-Za-z]), )?(--[a-z-]+)(?: [A-Z][A-Z|=:,.-]*)? +(.*)$'
    set -l help ($tool --help 2>/dev/null)
    string replace -rf $row '$2\t$3' -- $help
    string replace -rf '^ *(-[A-Za-z]), --[a-z-]+(?: [A-Z][A-Z|=:,.-]*)? +(.*)$' '$1\t$2' -- $help
end

# The words that an option chooses from, a line each.
function __customer_similarity_words --argument-names tool option
    $tool --help 2>/dev/null | string replace -rf -- ".*$option [A-Z] +" '' |
        string match -r -- '^[a-z0-9-]+(?:(?:, | or |; )[a-z0-9-]+)+' |
        string replace -ra -- ', | or |; ' \n
end

function __customer_similarity
    set -l tokens (commandline -opc)
    set -l word (commandline -ct)
    set -l tool $tokens[1]
    if string match -qr -- '^--.' "$tokens[-1]"
        set -l words (__customer_similarity_words $tool $tokens[-1])
        if test (count $words) -gt 0
            printf '%s\n' $words
            return
        end
    end
    if string match -q -- '-*' "$word"
        __customer_similarity_options $tool
    else
        __fish_complete_path "$word"
    end
end

for tool in cs-aggregate cs-matrix cs-svd cs-project cs-index cs-knn cs-summarize cs-dump cs-serve cs-eval cs-contrast cs-segment cs-terms
    complete -c $tool -f -a '(__customer_similarity)'
end
