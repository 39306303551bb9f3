# The document of OpenAPI, as tools of others read it.

load ../helper

@test "redocly finds no error in the OpenAPI document" {
	[ -x "${REDOCLY:-}" ] || skip "no redocly: make test-page installs it"
	cd "$BATS_TEST_TMPDIR" || return
	# It would ask for newer versions of itself.
	export REDOCLY_TELEMETRY=off REDOCLY_SUPPRESS_UPDATE_NOTICE=true
	cp "$ROOT/src/web/openapi.json" .
	run "$REDOCLY" lint --format json openapi.json
	[ "$status" -eq 0 ]
	# It does find one where there is one.
	sed 's/"operationId": "getModel"/"operationId": "getMetrics"/' \
		openapi.json > doubled.json
	run "$REDOCLY" lint --format json doubled.json
	[ "$status" -ne 0 ]
	[[ "$output" == *operationId* ]]
}
