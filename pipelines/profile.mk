# One customer who is not in the model, described by what they did:
#	make similar PROFILE='python=3600;aws=1200'

#: similar       describe customer U of the model, or, by
#:               PROFILE='TAG=VALUE;TAG=VALUE', one who is not in it
PROFILE =
profile := $(value PROFILE)
ifneq ($(findstring $(newline),$(profile)),)
$(error PROFILE holds a newline)
endif

# Its lines of a profile, for the customer "new": a whole VALUE is the number of
# events, too, for models that count them.
define profile-lines
printf '%s\n' $(call quote,$(profile)) | tr ';' '\n' | awk -F= ' \
	/^ *$$/ { next } \
	NF < 2 || $$NF + 0 != $$NF { \
		printf "PROFILE: \"%s\": expected TAG=VALUE\n", \
			$$0 > "/dev/stderr"; exit 2 } \
	{ tag = $$0; sub(/ *=[^=]*$$/, "", tag); sub(/^ */, "", tag); \
	  value = $$NF; gsub(/ /, "", value); gsub(/\\/, "\\\\", tag); \
	  printf "new\t%s\t%s\t%s\n", tag, \
		value ~ /^[1-9][0-9]*$$/ ? value : 1, value }' | \
	LC_ALL=C sort -t "$$(printf '\t')" -k 2,2
endef

define describe-profile
	@{ head -n 1 $(MODEL)/profiles.tsv; $(profile-lines); } \
		> $(MODEL)/new.tsv
	@$(BIN)/cs-matrix --as $(MODEL)/emb.bin -o $(MODEL)/new.mat \
		$(MODEL)/new.tsv
	@$(BIN)/cs-project -o $(MODEL)/new.bin $(MODEL)/emb.bin $(MODEL)/new.mat
	@$(BIN)/cs-knn $(knn-$(RECIPE)) $(KNN) --profiles \
		--queries $(MODEL)/new.bin \
		-o $(MODEL)/neighbours.tsv $(MODEL)/emb.bin
	@$(BIN)/cs-summarize $(SUMMARIZE) $(MODEL)/neighbours.tsv
endef
