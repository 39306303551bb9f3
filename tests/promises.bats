# What every program promises, run against every program.

load helper

setup_file() {
	cd "$BATS_FILE_TMPDIR" || return
	head -n 3000 "$ROOT/data/views.csv" > views.csv
	cs-aggregate -q -o profiles.tsv views.csv
	cs-matrix -o matrix.bin profiles.tsv
	cs-svd -q -k 16 -o emb.bin matrix.bin
	cs-knn -u 626 --profiles -o neighbours.tsv emb.bin
	cs-aggregate -q --half A views.csv | cs-matrix -q | cs-svd -q -k 16 -o half.bin
	cs-aggregate -q --half B views.csv | cs-matrix -q --as half.bin -o half.mat || true
}

setup() {
	cd "$BATS_FILE_TMPDIR" || return
	all=$(basename -s .c "$ROOT"/src/cs-*.c)
	# A service is no filter: tests/cs-serve.bats.
	tools=${all/cs-serve/}
}

# A call of each program that reads its input from the file or standard input
# last: sets command and input.
call() {
	case $1 in
	cs-aggregate) command="cs-aggregate -q" input=views.csv ;;
	cs-terms) command="cs-terms -q -i course_id --text course_id" input=views.csv ;;
	cs-matrix) command="cs-matrix -q" input=profiles.tsv ;;
	cs-svd) command="cs-svd -q -k 16" input=matrix.bin ;;
	cs-project) command="cs-project emb.bin" input=matrix.bin ;;
	cs-index) command="cs-index --cells 4" input=emb.bin ;;
	cs-knn) command="cs-knn -q --all" input=emb.bin ;;
	cs-summarize) command="cs-summarize" input=neighbours.tsv ;;
	cs-eval) command="cs-eval -q half.bin" input=half.mat ;;
	cs-segment) command="cs-segment -q -k 4" input=emb.bin ;;
	cs-contrast) command="cs-contrast -q --where css" input=emb.bin ;;
	cs-dump) command="cs-dump --check --format json" input=emb.bin ;;
	*) echo "no call for $1"; return 1 ;;
	esac
}

# A command is refused: status 2, a message of the program, no output.
refuses() {
	local tool=$1
	shift
	rm -f out
	run -2 --separate-stderr "$@" -o out
	[ "$output" = "" ]
	[ ! -e out ] || { echo "output of: $*"; return 1; }
	[[ "$stderr" == "$tool: "* ]] || { echo "$*: $stderr"; return 1; }
	[ "$(wc -l <<< "$stderr")" -le 4 ]
}

@test "--help: standard output, status 0, 80 columns; --version" {
	for tool in $all
	do
		run -0 --separate-stderr "$tool" --help
		[ "$stderr" = "" ]
		[[ "$output" == "usage: $tool "* ]]
		[ "$(wc -L <<< "$output")" -le 80 ]
		[[ "$output" == *"exit: 0 "* ]]
		run -0 --separate-stderr "$tool" -h
		run -0 --separate-stderr "$tool" --version
		[ "$stderr" = "" ]
		[[ "$output" == "$tool "[0-9]* ]]
		run -2 --separate-stderr bash -c "$tool --help > /dev/full"
		[[ "$stderr" == *"No space left"* ]]
	done
}

@test "an unknown option, a missing argument: one line and a hint" {
	for tool in $all
	do
		for wrong in --no-such-option -Z -o --output
		do
			run -2 --separate-stderr "$tool" $wrong
			[ "$output" = "" ]
			[[ "$stderr" == "$tool: "*"$tool --help"* ]]
			[ "${#stderr_lines[@]}" -eq 2 ]
		done
	done
	# Near ones are named: all of an ambiguous start, and other spellings.
	run -2 cs-svd --s 5
	[[ "$output" == *"unknown option --s; near: --scale, --seed"* ]]
	run -2 cs-knn --neighbors=5
	[[ "$output" == *"unknown option --neighbors=5; near: --neighbours"* ]]
}

@test "a file, a pipe, - and -o give the same bytes" {
	for tool in $tools
	do
		call "$tool"
		$command $input > expected
		[ -s expected ]
		cat $input | $command | cmp - expected
		$command - < $input | cmp - expected
		$command -o out $input
		cmp out expected
		[ "$(find . -name '*out?*' | wc -l)" -eq 0 ]
	done
}

@test "an output that is there is replaced whole, or stays as it was" {
	for tool in $tools
	do
		call "$tool"
		echo old > out
		chmod 640 out
		$command -o out $input
		run ! grep -qx old out
		[ "$(stat -c %a out)" = 640 ]
		chmod 6750 out
		$command -o out $input
		[ "$(stat -c %a out)" = 750 ]
		echo old > kept
		run -2 $command -o kept no-such-file
		[ "$(cat kept)" = old ]
		run -2 $command -o no-such-folder/out $input
		[[ "$output" == *"no-such-folder/out"* ]]
	done
}

@test "an output stays as it was where another cannot get its name" {
	mkdir -p together
	cd together || return
	mkfifo events
	echo old > report
	cs-aggregate -q -o out --report report events 2> error 3>&- 4>&- &
	local pid=$!
	exec 4> events
	cat ../views.csv >&4
	until compgen -G "out.cs-*"
	do
		kill -0 $pid
	done
	mkdir out
	exec 4>&-
	wait $pid && return 1
	[[ "$(cat error)" == "cs-aggregate: out: "* ]]
	[ "$(cat report)" = old ]
	rmdir out
	echo older > out
	cs-aggregate -q -o out --report report ../views.csv
	run ! grep -qx 'old.*' out report
	[ "$(find . -name '*.cs-*')" = "" ]
	cd .. && rm -r together
}

@test "two outputs of one name are refused" {
	local here=$PWD/both
	for two in "-o both --report both" "-o both --rejects $here" \
		"-o other --report both.why --rejects both" "--report -" \
		"--rejects /dev/null --report $here -o ./both"
	do
		rm -f both
		# shellcheck disable=SC2086 # words
		run -2 cs-aggregate -q $two views.csv
		[[ "$output" == *": it would be two outputs" ]]
		[ "$(find . -name '*both*' -o -name 'other*' | wc -l)" -eq 0 ]
	done
	# Standard output is the file, or is named in another way.
	for two in "--report both" "--rejects both" "--report /dev/stdout" \
		"-o /dev/stdout --report both" "-o /dev/fd/1 --report -"
	do
		# shellcheck disable=SC2086 # words
		run -2 --separate-stderr \
			bash -c "exec cs-aggregate -q $two views.csv > both"
		[[ "$stderr" == *": it would be two outputs" ]]
		[ ! -s both ]
	done
	rm both
	run -2 cs-eval -q --report both -o both half.bin half.mat
	[ ! -e both ]
}

@test "a descriptor that is named as an output is written where it stands" {
	for tool in $tools
	do
		call "$tool"
		$command $input > expected
		(
			echo before
			$command -o /dev/stdout $input
			$command -o /dev/fd/9 $input 9>&1
			echo after
		) > log
		cmp log <(echo before; cat expected expected; echo after)
	done
	(
		echo before >&2
		cs-aggregate --report /dev/stderr -o out views.csv
		echo after >&2
	) 2> log
	[ "$(sed -n '1p;$p' log)" = $'before\nafter' ]
	[ "$(grep -c '^{"rows_in": ' log)" -eq 1 ]
	[ "$(grep -c '^cs-aggregate: ' log)" -eq 2 ]
	# One that is not open, and one that is open to be read.
	for closed in /dev/fd/9 /proc/self/fd/0
	do
		run -2 cs-aggregate -q -o $closed views.csv < views.csv 9>&-
		[ "$output" = "cs-aggregate: $closed: Bad file descriptor" ]
	done
}

@test "a full device" {
	for tool in $tools
	do
		call "$tool"
		run -2 --separate-stderr bash -c "$command $input > /dev/full"
		[[ "$stderr" == "$tool: standard output: No space left on device" ]]
		run -2 --separate-stderr $command -o /dev/full $input
		[[ "$stderr" == *"No space left on device"* ]]
	done
}

@test "a limit of the length of files (ulimit -f)" {
	for tool in $tools
	do
		call "$tool"
		rm -f out
		run -2 bash -c "ulimit -f 0; exec $command -o out $input 2>&1"
		[ "$output" = "$tool: out: File too large" ]
		[ "$(find . -name '*out?*' -o -name out | wc -l)" -eq 0 ]
	done
}

@test "a closed output, closed input and closed errors" {
	for tool in $tools
	do
		call "$tool"
		run -2 --separate-stderr bash -c "$command $input >&-"
		[[ "$stderr" == "$tool: "* ]]
		run -2 --separate-stderr bash -c "$command <&- > out"
		[[ "$stderr" == "$tool: "* ]]
		bash -c "$command $input > out 2>&-"
		$command $input | cmp - out
	done
}

@test "a reader that closed the pipe: status 141 and no message" {
	for tool in $tools
	do
		call "$tool"
		for before in '' "trap '' PIPE;"
		do
			# It has left before the first byte.
			run -0 --separate-stderr bash -c "$before \
				{ sleep 0.1; $command $input; echo \$? >&3; } \
				3> status | :"
			[ "$(cat status)" -eq 141 ]
			[ "$stderr" = "" ]
		done
	done
	# And one that leaves in the middle.
	for before in '' "trap '' PIPE;"
	do
		run -0 --separate-stderr bash -c "$before \
			{ cs-aggregate -q $ROOT/data/views.csv; echo \$? >&3; } \
			3> status | head -c 1 > /dev/null"
		[ "$(cat status)" -eq 141 ]
		[ "$stderr" = "" ]
	done
}

@test "pipes that another process has set not to wait (O_NONBLOCK)" {
	local unready=$ROOT/tests/unready.py
	for tool in $tools
	do
		call "$tool"
		$command $input > expected
		python3 "$unready" "$input" $command | cmp - expected
	done
}

@test "-q: no output on standard error without an error, also on a terminal" {
	command -v script > /dev/null || skip "no script"
	for tool in $tools
	do
		call "$tool"
		run -0 script -qec "$command -q -o out $input" /dev/null
		[ "$output" = "" ]
		run -2 --separate-stderr $command -q no-such-file
		[ "$stderr" != "" ]
	done
	run -0 script -qec "cs-aggregate -o out views.csv" /dev/null
	[[ "$output" == *"rows:"* ]]
	run -0 script -qec "cs-svd -k 16 -o out matrix.bin" /dev/null
	[[ "$output" == *"residual"* ]]
}

@test "no input, an empty one, a directory, one that cannot be read" {
	: > empty
	for tool in $tools
	do
		call "$tool"
		refuses "$tool" $command empty
		[[ "$stderr" == *"empty"* ]]
		refuses "$tool" $command no-such-file
		[[ "$stderr" == *"no-such-file: No such file or directory"* ]]
		refuses "$tool" $command .
		[[ "$stderr" == *"directory"* ]]
		refuses "$tool" $command /proc/self/mem
		run -2 --separate-stderr bash -o pipefail -c ": | $command"
		[[ "$stderr" == "$tool: standard input: "* ]]
	done
}

@test "a long path: the message says what is wrong" {
	local path
	path=$(printf 'folder/%.0s' $(seq 580))
	for tool in $tools
	do
		call "$tool"
		refuses "$tool" $command "$path"
		[[ "$stderr" == *"..."*"/folder/: No such file or directory" ]]
		run -2 --separate-stderr $command -o "$path" $input
		[[ "$stderr" == *": cannot create it: No such file or directory" ]]
	done
}

@test "standard input can be read once" {
	while read -r input command
	do
		run -2 --separate-stderr $command -o out - - < "$input"
		[[ "$stderr" == *"standard input: named twice"* ]]
		[ ! -e out ]
	done <<-'END'
	views.csv cs-aggregate
	views.csv cs-terms
	profiles.tsv cs-aggregate --merge
	profiles.tsv cs-matrix
	END
}

@test "the stream of one stage given to another" {
	gzip -c views.csv > views.csv.gz
	for tool in $tools
	do
		call "$tool"
		for other in views.csv profiles.tsv matrix.bin emb.bin \
			neighbours.tsv views.csv.gz
		do
			[ "$other" != "$input" ] || continue
			# A profile is no log by its header, but it is CSV; what
			# a matrix is can be told.
			[ "$tool $other" != "cs-dump matrix.bin" ] || continue
			[ "$tool $other" != "cs-contrast matrix.bin" ] || continue
			# A half may have columns of its own, and be a model.
			[ "$tool" != cs-eval ] || [[ $other != *.bin ]] || continue
			refuses "$tool" $command $other
			[[ "$stderr" == *"$other"* ]]
		done
	done
}

@test "noise: bytes of any kind, and zeros" {
	for seed in 1 2 3 4 5
	do
		"$PYTHON" -c 'import random, sys
sys.stdout.buffer.write(random.Random(int(sys.argv[1])).randbytes(20000))' \
			"$seed" > noise
		head -c 20000 /dev/zero > zeros
		for tool in $tools
		do
			call "$tool"
			refuses "$tool" $command noise
			refuses "$tool" $command zeros
			{ head -c 300 $input; cat noise; } > both
			refuses "$tool" $command both
		done
	done
}

@test "an endless foreign stream is refused by its first bytes" {
	for tool in cs-svd cs-project cs-index cs-knn cs-dump cs-segment cs-contrast
	do
		call "$tool"
		# shellcheck disable=SC2086
		run -2 --separate-stderr timeout 60 $command < /dev/zero
		[[ "$stderr" == *"expected a matrix or a model"* ]]
	done
}

@test "an input cut anywhere is refused, or is a shorter one" {
	for tool in $tools
	do
		call "$tool"
		size=$(stat -c %s $input)
		for part in 1 7 8 9 100 $((size / 3)) $((size / 2)) $((size - 1))
		do
			head -c "$part" $input > "cut"
			rm -f out
			status=0
			$command -o out cut 2> err || status=$?
			case $status in
			0)
				[[ $tool == cs-aggregate || $tool == cs-terms ]]
				[ -s out ]
				;;
			2)
				[ ! -e out ]
				grep -q "^$tool: cut" err
				;;
			*) echo "$tool, $part bytes: $status"; false ;;
			esac
		done
	done
}

@test "a binary output is not written to a terminal" {
	need_terminal
	for tool in cs-matrix cs-svd cs-project cs-index
	do
		call "$tool"
		run script -qec "$command $input" /dev/null
		[ "$status" -eq 2 ]
		[[ "$output" == *"standard output is a terminal: use > FILE or -o FILE"* ]]
	done
}

@test "a program that waits for what is typed at a terminal says so" {
	need_terminal
	for tool in $tools
	do
		call "$tool"
		# At once the terminal has an end of input.
		run script -qec "${command/ -q/} -o waits -" /dev/null < /dev/null
		[ "$status" -eq 2 ] || { echo "$tool: $status $output"; false; }
		[[ "$output" == "$tool: reads standard input, which is this terminal: name a FILE, or end with Ctrl-D"* ]] ||
			{ echo "$tool: $output"; false; }
		[ ! -e waits ]
	done
	run script -qec "cs-aggregate -q -o waits" /dev/null < /dev/null
	[[ "$output" != *terminal* ]]
}

@test "no locale" {
	for tool in $tools
	do
		call "$tool"
		$command $input > expected
		for locale in C.UTF-8 de_DE.UTF-8 tr_TR.UTF-8
		do
			LC_ALL=$locale LANG=$locale $command $input 2> /dev/null |
				cmp - expected
		done
	done
}

@test "a stack that may overflow is refused" {
	[ "${FLAVOUR:-release}" = release ] || skip "sanitizers take more of it"
	for tool in $all
	do
		run -2 prlimit --stack=131072 "$tool" --version
		[ "$output" = "$tool: a limit (ulimit -s) leaves a stack of 128 KB, expected 256 or more" ]
	done
}

@test "temporary files go to TMPDIR, and leave nothing" {
	mkdir -p tmp
	TMPDIR=$PWD/tmp bash -o pipefail -c 'cat views.csv | cs-aggregate -q -S 1 |
		cs-matrix -S 1 | cs-svd -q -k 16 > piped.bin'
	cmp piped.bin emb.bin
	[ -z "$(ls -A tmp)" ]
	TMPDIR=$PWD/no-such-folder run -2 bash -c 'cs-aggregate -q -S 1 views.csv'
	[[ "$output" == *"no-such-folder"* ]]
}

@test "files of earlier versions are read" {
	# Of the first version (2026-11-23), and of one before captured shares,
	# segments and tallies (2026-11-26); made of one log.
	cd "$BATS_TEST_TMPDIR"
	for version in first second
	do
		files=$BATS_TEST_DIRNAME/cases/earlier/$version
		for model in "$files"/matrix "$files"/model "$files"/index
		do
			[ ! -e "$model" ] || cs-dump --check "$model" > text
		done
		# What they say is what is made now.
		cs-matrix -q --as "$files/matrix" "$files/profile" > matrix
		cs-dump --what profiles matrix > now
		cs-dump --what profiles "$files/matrix" | cmp - now
		cs-svd -q -k 3 "$files/matrix" > model
		cs-knn -q --all --no-why model | grep -v '^#' > now
		cs-knn -q --all --no-why "$files/model" | grep -v '^#' | cmp - now
		cs-matrix -q --as "$files/model" "$files/profile" |
			cs-project "$files/model" | cs-dump --check > text
		cs-index -q "$files/model" | cs-dump --check > text
		cs-summarize -q "$files/neighbours" > text
		grep -q '^Customer 1 and the 3 most similar of 29 others' text
		cs-aggregate -q --merge "$files/profile" | cmp - "$files/profile"
	done
	cs-knn -q -u 1 --metric embedding "$files/model" | grep -v '^#' > now
	cs-knn -q -u 1 --metric embedding "$files/index" | grep -v '^#' | cmp - now
	cs-knn -q -u 1 --recall 0.5 "$files/index" > text
}
