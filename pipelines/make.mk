# How every recipe runs, and rules by what was said on the command line.

SHELL = /bin/bash
.SHELLFLAGS = -eu -o pipefail -c
.SUFFIXES:
.DELETE_ON_ERROR:

.PHONY: FORCE
FORCE:

define newline


endef

# A text as one word of the shell.
quote = '$(subst ','\'',$(1))'

same = $(and $(findstring x$(1)x,x$(2)x),$(findstring x$(2)x,x$(1)x))

# A file that holds the value of a variable, as old as its last change, is
# written so:
#	file: $(call changed,file,VARIABLE)
#		$(call keep,VARIABLE)
changed = $(if $(call same,$(shell cat $(1) 2> /dev/null),$($(2))),,FORCE)
keep = @mkdir -p $(@D) && printf '%s\n' $(call quote,$($(1))) > $@
