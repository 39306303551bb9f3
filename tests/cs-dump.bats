# cs-dump: what a model is, its parts, and a look at every byte.

load helper

setup_file() {
	cd "$BATS_FILE_TMPDIR" || return
	head -n 1500 "$ROOT/data/views.csv" | cs-aggregate -q > profiles.tsv
	cs-matrix -o matrix.bin profiles.tsv
	cs-svd -q -k 8 --center column -o emb.bin matrix.bin
}

setup() {
	cd "$BATS_FILE_TMPDIR" || return
}

@test "parts as TSV and npy are the tensors of the file" {
	need numpy
	for part in embedding components sigma
	do
		cs-dump --what $part --format npy emb.bin > $part.npy
		cs-dump --what $part emb.bin > $part.tsv
	done
	for part in users tags profiles
	do
		cs-dump --what $part emb.bin > $part.tsv
	done
	PYTHONPATH=$BATS_TEST_DIRNAME "$PYTHON" - <<-'END'
	import csv
	import numpy as np
	from tensors import names, read
	metadata, t = read("emb.bin")
	def table(name):
	    return [line.split("\t") for line in open(name).read().splitlines()]
	users = [u.decode() for u in names(t, "users")]
	tags = [u.decode() for u in names(t, "tags")]
	for part, rows in (("embedding", users), ("components", tags)):
	    array = np.load(part + ".npy")
	    assert array.dtype == t[part].dtype and (array == t[part]).all()
	    head, *lines = table(part + ".tsv")
	    assert [line[0] for line in lines] == rows
	    read_back = np.array([line[1:] for line in lines]).astype(array.dtype)
	    assert (read_back == array).all()
	assert (np.load("sigma.npy") == t["sigma"]).all()
	lines = table("sigma.tsv")[1:]
	assert (np.array([line[1] for line in lines], float) == t["sigma"]).all()
	assert (np.array([line[3] for line in lines], float) == t["residual"]).all()
	lines = table("users.tsv")[1:]
	assert [line[0] for line in lines] == users
	assert [int(line[1]) for line in lines] == list(np.diff(t["profile.indptr"]))
	assert [int(line[2]) for line in lines] == list(t["users.tenth"])
	lines = table("tags.tsv")[1:]
	assert [line[0] for line in lines] == tags
	assert [int(line[1]) for line in lines] == list(t["tags.tenths"].sum(1))
	assert np.array([line[2] for line in lines], float).tolist() \
	    == t["tags.weight"].tolist()
	lines = table("profiles.tsv")[1:]
	assert len(lines) == len(t["profile.values"])
	assert (np.array([line[3] for line in lines], np.float32)
	        == t["profile.values"]).all()
	assert (np.array([line[2] for line in lines], np.float32)
	        == t["profile.raw"]).all()
	assert [line[1] for line in lines] \
	    == [tags[j] for j in t["profile.indices"]]
	END
}

@test "what it is: text and JSON, of a model and of a matrix" {
	cs-dump emb.bin > text
	grep -q '^customers  *[0-9,]* (user_handle)' text
	grep -q 'svd.center column' text
	cs-dump --format json emb.bin | "$PYTHON" -c '
import json, sys
model = json.load(sys.stdin)
assert model["dimensions"] == 8, model
assert len(json.dumps(model)) > 500'
	cs-dump matrix.bin > text
	run ! grep -q residual text
	cs-dump --format json matrix.bin | "$PYTHON" -c '
import json, sys
json.load(sys.stdin)'
}

# captured.py MODEL: the shares of the tensor captured are those of the rows in
# double precision, and the object of cs-dump on standard input tells how they
# are spread.
captured() {
	cs-dump --check --format json "$1" |
		PYTHONPATH=$BATS_TEST_DIRNAME "$PYTHON" -c '
import json, sys
import numpy as np
from tensors import dense, read
metadata, t = read(sys.argv[1])
b = dense(t, "profile.values")
if metadata["svd.center"] == "row":
    b -= b.mean(1, keepdims=True)
if metadata["svd.center"] == "column":
    b -= t["tags.mean"]
share = ((b @ t["components"])**2).sum(1) / (b**2).sum(1)
assert t["captured"].dtype == np.float32
assert np.abs(t["captured"] - share).max() < 1e-6
at = np.sort(share)
said = json.load(sys.stdin)["captured"]
for name, part in ("tenth", .1), ("median", .5), ("ninetieth", .9):
    assert abs(said[name] - at[int((len(at) - 1) * part)]) < 1e-6, name
assert said["under_one_percent"] == (share < .01).sum()' "$1"
}

@test "the share of each row that the dimensions hold is that of the rows" {
	need numpy
	for center in none row column
	do
		for scale in us sqrt u
		do
			cs-svd -q -k 3 --center $center --scale $scale \
				-o shares.bin matrix.bin
			captured shares.bin
		done
		head -n 40 profiles.tsv | cs-matrix -q --as shares.bin |
			cs-project -o new.bin shares.bin
		captured new.bin
	done
}

@test "a model without these shares, of an earlier version, is read" {
	"$PYTHON" "$BATS_TEST_DIRNAME/forge.py" emb.bin header '"captured"' \
		'"not_read"' > old.bin
	cs-dump --check old.bin | grep '^captured' -A 1 > old
	cs-dump --check emb.bin | grep '^captured' -A 1 | cmp - old
	cs-knn -u 1 --profiles --metric embedding emb.bin | sed '/^#model/s/id=[^;]*//' > new
	cs-knn -u 1 --profiles --metric embedding old.bin | sed '/^#model/s/id=[^;]*//' | cmp - new
	cs-index -o indexed.bin old.bin
	cs-dump --check indexed.bin > text
	head -n 30 profiles.tsv | cs-matrix -q --as old.bin | cs-project old.bin |
		cs-dump --check > text
	# Damage of its shape is told.
	"$PYTHON" "$BATS_TEST_DIRNAME/forge.py" emb.bin header '"residual"' \
		'"captured"' > two.bin
	run -2 --separate-stderr cs-dump two.bin
	[[ "$stderr" == "cs-dump: two.bin: "* ]]
}

@test "a model cut at any byte is refused" {
	size=$(stat -c %s emb.bin)
	for part in $(seq 1 7 700) $(seq 1000 9973 "$size") $((size - 1))
	do
		head -c "$part" emb.bin > cut.bin
		run -2 --separate-stderr cs-dump cut.bin
		[[ "$stderr" == "cs-dump: cut.bin: "* ]]
		[ "$output" = "" ]
	done
	{ cat emb.bin; echo; } > long.bin
	run -2 cs-dump long.bin
}

@test "a byte changed anywhere is found by --check" {
	size=$(stat -c %s emb.bin)
	for at in $(seq 0 13 400) $(seq 500 1499 "$size")
	do
		cp emb.bin changed.bin
		byte=$(od -An -tu1 -j "$at" -N 1 emb.bin)
		# shellcheck disable=SC2059
		printf "\\x$(printf %02x $(((byte + 1) % 256)))" |
			dd of=changed.bin bs=1 seek="$at" conv=notrunc 2> /dev/null
		run -2 --separate-stderr cs-dump --check changed.bin
		[[ "$stderr" == "cs-dump: changed.bin: "* ]] || { echo "$at"; false; }
		[ "${#stderr_lines[@]}" -eq 1 ]
	done
}

@test "invalid values with right checksums are found" {
	"$PYTHON" -c 'import ctypes; ctypes.CDLL("libxxhash.so.0")' ||
		skip "no libxxhash for Python"
	while read -r tensor item value
	do
		"$PYTHON" "$BATS_TEST_DIRNAME/forge.py" emb.bin "$tensor" "$item" \
			"$value" > forged.bin
		run -2 --separate-stderr cs-dump --check forged.bin
		[[ "$stderr" == "cs-dump: forged.bin: "* ]] ||
			{ echo "$tensor $item $value: $stderr"; false; }
	done <<-'END'
	captured 0 0.5
	captured 7 -0.01
	captured 9 nan
	profile.indptr 0 1
	profile.indptr 1 -1
	profile.indptr 3 999999
	profile.indices 0 -1
	profile.indices 0 99999
	profile.values 0 nan
	profile.raw 0 inf
	users.offsets 1 0
	users.offsets 2 99999
	users.bytes 0 255
	users.tenth 0 10
	tags.offsets 1 -5
	tags.bytes 0 255
	tags.weight 0 nan
	tags.tenths 0 99
	tenths 0 99
	tags.mean 0 nan
	components 0 inf
	sigma 0 0
	sigma 1 99
	embedding 0 nan
	residual 0 -1
	pairs 0 nan
	END
}

@test "a header that does not match the file is refused" {
	"$PYTHON" -c 'import ctypes; ctypes.CDLL("libxxhash.so.0")' ||
		skip "no libxxhash for Python"
	while IFS='|' read -r text other says
	do
		"$PYTHON" "$BATS_TEST_DIRNAME/forge.py" emb.bin header "$text" \
			"$other" > forged.bin
		run -2 --separate-stderr cs-dump forged.bin
		[ "$output" = "" ]
		[ "${#stderr_lines[@]}" -eq 1 ]
		[[ "$stderr" == "cs-dump: forged.bin: "*"$says"* ]] ||
			{ echo "$text -> $other: $stderr"; false; }
	done <<-'END'
	"customer-similarity 1"|"customer-similarity 2"|its format is "customer-similarity 2", expected "customer-similarity 1"
	"format":"customer-similarity 1"|"kind":"x"|another kind
	"svd.scale":"us"|"svd.scale":1|is no string
	"svd.scale":"us"|"svd.scale":"usv"|svd.scale "usv", which is unknown
	"svd.scale":"us"|"svd.other":"us"|no svd.scale
	"__metadata__":{|"__metadata__":[{|no JSON
	"sigma":|"sigma2":|no tensor sigma
	"users.tenth":|"users.tents":|no tensor users.tenth
	"dtype":"F32"|"dtype":"F16"|has a dtype that is none of
	"dtype":"F32"|"dtype":"F64"|do not fit its shape
	"dtype":"F32"|"dtype":32|lacks dtype
	"shape":[8]|"shape":[8,1,1]|one or two sizes
	"shape":[8]|"shape":[]|one or two sizes
	"shape":[8]|"shape":[-8]|not of whole numbers
	"shape":[8]|"shape":[8.0]|not of whole numbers
	"shape":[8]|"shape":["8"]|not of whole numbers
	"shape":[8]|"shape":[4294967296,4294967296]|do not fit its shape
	"shape":[8]|"shape":[9223372036854775807,2]|do not fit its shape
	"shape":[8]|"shape":[99999999999999999999]|no JSON
	"data_offsets":[0,|"data_offsets":[64,|do not fit its shape
	"data_offsets":[0,|"data_offsets":[|no range
	"data_offsets":[0,|"data_offsets":[-1,|no range
	"data_offsets":[0,|"data_offset":[0,|no range
	"checksum":|"checksun":|not the checksum of all others
	"dtype":|"dtype":"U8","dtype":|no JSON
	"pad.0":|"hole.0":|multiple of 64
	END
	# A header alone, and one that is longer than any file.
	head -c $((8 + $(od -An -tu8 -N 8 emb.bin))) emb.bin > cut.bin
	run -2 cs-dump cut.bin
	printf '\377\377\377\377\377\377\377\177{' > huge.bin
	run -2 cs-dump huge.bin
	[[ "$output" == *"is announced"* ]]
}

@test "wrong usage" {
	run -2 cs-dump --what nothing emb.bin
	run -2 cs-dump --format xml emb.bin
	run -2 cs-dump --what embedding --format json emb.bin
	[[ "$output" == *"json describes the whole"* ]]
	run -2 cs-dump --what profiles --format npy emb.bin
	run -2 cs-dump --what embedding matrix.bin
	[[ "$output" == *"matrix.bin"* ]]
	run -2 cs-dump emb.bin emb.bin
}
