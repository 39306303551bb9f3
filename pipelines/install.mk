# Programs, pages, the pipeline as a fragment for make, completion, and a unit
# for systemd.

.PHONY: install uninstall dist

# Programs are installed without symbols; a packager who keeps them elsewhere
# says INSTALL_PROGRAM=install.
INSTALL_PROGRAM = install -s

# What is installed: a source, and where it goes.
FRAGMENTS = pipeline.mk profile.mk serve.mk database.mk eval.mk segments.mk \
	make.mk
# What runs the stages on shards, beside make.
CLUSTER_SCRIPTS = $(wildcard pipelines/slurm/*) pipelines/hostfile/run
COMPLETION = src/completion/customer-similarity
PAGES = $(wildcard src/man/*.[157])
INSTALLED = $(TOOLS:%=$(PREFIX)/bin/%) $(PREFIX)/bin/cs-svd-mpi \
	$(foreach page,$(PAGES),$(call place,$(page))) \
	$(FRAGMENTS:%=$(SHAREDIR)/%) $(SHAREDIR)/database $(SHAREDIR)/evaluate \
	$(SHAREDIR)/segments \
	$(CLUSTER_SCRIPTS:pipelines/%=$(SHAREDIR)/%) \
	$(TOOLS:%=$(COMPLETIONDIR)/%) $(TOOLS:%=$(FISHDIR)/%.fish) \
	$(ZSHDIR)/_customer-similarity $(UNITDIR)/cs-serve.service
place = $(MANDIR)/man$(subst .,,$(suffix $(1)))/$(notdir $(1))

#: install       install under PREFIX [/usr/local], pages in MANDIR; for a
#:               package under DESTDIR
install: all
	install -d $(call into,$(sort $(dir $(INSTALLED))))
	$(INSTALL_PROGRAM) $(TOOLS:%=$(BIN)/%) $(call into,$(PREFIX)/bin)
	[ -z "$(MPI)" ] || [ ! -x $(BIN)/cs-svd-mpi ] || \
		$(INSTALL_PROGRAM) $(BIN)/cs-svd-mpi $(call into,$(PREFIX)/bin)
	$(foreach page,$(PAGES),install -m 644 $(page) \
		$(call into,$(call place,$(page)));)
	install -m 644 $(FRAGMENTS:%=pipelines/%) $(call into,$(SHAREDIR))
	install pipelines/database pipelines/evaluate pipelines/segments \
		$(call into,$(SHAREDIR))
	install $(filter-out %.sh,$(wildcard pipelines/slurm/*)) \
		$(call into,$(SHAREDIR)/slurm)
	install -m 644 $(wildcard pipelines/slurm/*.sh) \
		$(call into,$(SHAREDIR)/slurm)
	install pipelines/hostfile/run $(call into,$(SHAREDIR)/hostfile)
	sed 's|@PREFIX@|$(PREFIX)|' pipelines/cs-serve.service \
		> $(call into,$(UNITDIR)/cs-serve.service)
	chmod 644 $(call into,$(UNITDIR)/cs-serve.service)
	$(foreach tool,$(TOOLS),install -m 644 $(COMPLETION).bash \
		$(call into,$(COMPLETIONDIR)/$(tool)); \
		install -m 644 $(COMPLETION).fish \
		$(call into,$(FISHDIR)/$(tool).fish);)
	install -m 644 $(COMPLETION).zsh \
		$(call into,$(ZSHDIR)/_customer-similarity)

#: uninstall     remove what install put there, and nothing else
uninstall:
	rm -f $(call into,$(INSTALLED))
	-rmdir --ignore-fail-on-non-empty $(call into,$(SHAREDIR)/slurm \
		$(SHAREDIR)/hostfile $(SHAREDIR))

# Places under DESTDIR, as words of the shell.
into = $(foreach place,$(1),$(call quote,$(DESTDIR)$(place)))

#: dist          the sources of the last commit as a compressed archive, and
#:               its SHA-256, in .build/dist
NAME = customer-similarity-$(VERSION)
dist:
	@mkdir -p .build/dist
	git archive --prefix=$(NAME)/ HEAD | xz -9e > .build/dist/$(NAME).tar.xz
	cd .build/dist && sha256sum $(NAME).tar.xz | tee $(NAME).tar.xz.sha256
