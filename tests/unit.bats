# Functions that programs cannot show well, each against an oracle of its own:
# a line for each program of tests/unit.

load helper

unit() {
	cd "$BATS_TEST_TMPDIR" || return
	"$BUILD/unit-$1" "${@:2}"
}

# A test of random cases: UNIT_CASES of them where set, else all, a fifth under
# sanitizers, which are slow.
unit_cases() {
	local cases=${UNIT_CASES-}
	[ "${FLAVOUR:-release}" = release ] || cases=${cases:-200}
	unit "$1" ${cases:+"$cases"}
}

@test "unit adjusted_rand" { unit adjusted_rand; }
@test "unit aggregation" { unit aggregation; }
@test "unit alloc" { unit alloc; }
@test "unit assignment" { unit_cases assignment; }
@test "unit batch_queue" { unit batch_queue; }
@test "unit bitset" { unit bitset; }
@test "unit block_kernels" { unit_cases block_kernels; }
@test "unit bootstrap" { unit bootstrap; }
@test "unit combined_bounds" { unit_cases combined_bounds; }
@test "unit combined_kernels" { unit_cases combined_kernels; }
@test "unit combined_recovery" { unit_cases combined_recovery; }
@test "unit combined_search" { unit_cases combined_search; }
@test "unit connection_timeouts" { unit connection_timeouts; }
@test "unit contrast" { unit_cases contrast; }
@test "unit contributions" { unit contributions; }
@test "unit cpu_features" { unit cpu_features; }
@test "unit csv_dialect" { unit csv_dialect; }
@test "unit csv_rows" { unit_cases csv_rows; }
@test "unit customer_list" { unit customer_list; }
@test "unit date" { unit date; }
@test "unit decimal" { unit decimal; }
@test "unit dense" { unit dense; }
@test "unit display_names" { unit display_names; }
@test "unit enrichment" { unit enrichment; }
@test "unit errors" { unit errors; }
@test "unit escapes" { unit escapes; }
@test "unit exact_search" { unit_cases exact_search; }
@test "unit exact_sum" { unit exact_sum; }
@test "unit truncated_svd" { unit truncated_svd; }
@test "unit filter_refine" { unit filter_refine; }
@test "unit forward_decay" { unit forward_decay; }
@test "unit group_by" { unit group_by; }
@test "unit http_text" { unit http_text; }
@test "unit int8" { unit int8; }
@test "unit io" { unit io; }
@test "unit ivf_index" { unit_cases ivf_index; }
@test "unit json_writer" { unit json_writer; }
@test "unit kmeans" { unit kmeans; }
@test "unit machine_limits" { unit machine_limits; }
@test "unit matrix_builder" { unit matrix_builder; }
@test "unit name_fields" { unit name_fields; }
@test "unit name_fold" { unit name_fold; }
@test "unit metrics" { unit metrics; }
@test "unit neighbour_search" { unit neighbour_search; }
@test "unit neighbours_merge" { unit neighbours_merge; }
@test "unit neighbours_metadata" { unit neighbours_metadata; }
@test "unit neighbours_tsv" { unit neighbours_tsv; }
@test "unit number" { unit number; }
@test "unit options" { unit options; }
@test "unit ordered_work" { unit ordered_work; }
@test "unit output_directory" { unit output_directory; }
@test "unit pending_files" { unit pending_files; }
@test "unit predict_request" { unit predict_request "$ROOT/tests/fuzz/seeds-model/model"; }
@test "unit profile_lines" { unit_cases profile_lines; }
@test "unit progress" { unit progress; }
@test "unit projection" { unit projection; }
@test "unit query_row" { unit query_row; }
@test "unit random" { unit random; }
@test "unit recall" { unit recall; }
@test "unit safetensors" { unit safetensors; }
@test "unit recovery" { unit recovery; }
@test "unit scan" { unit scan; }
@test "unit segmentation" { unit segmentation; }
@test "unit segments" { unit segments; }
@test "unit shard_order" { unit shard_order; }
@test "unit sharded_model" { unit sharded_model; }
@test "unit string_table" { unit string_table; }
@test "unit summary_reader" { unit summary_reader; }
@test "unit tempfile" { unit tempfile; }
@test "unit term_weights" { unit_cases term_weights; }
@test "unit thread_pool" { unit thread_pool; }
@test "unit topk" { unit topk; }
@test "unit number_fault" { unit number_fault; }
@test "unit utf8" { unit utf8; }
@test "unit weighting" { unit weighting; }
@test "unit words" { unit words; }

@test "each program of tests/unit has a line here" {
	diff <(basename -s .c "$BATS_TEST_DIRNAME"/unit/*.c | sort) \
		<(sed -n 's/^@test "unit \(.*\)" {.*/\1/p' "$BATS_TEST_FILENAME" |
			sort) || {
		echo "< has no line in this file, > is no program"
		false
	}
}
