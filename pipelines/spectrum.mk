# The singular values of the model, drawn.

.PHONY: spectrum setup-draw
setup-draw:
	@sh pipelines/setup draw

#: spectrum      draw the singular values of the model in the terminal, or as
#:               SPECTRUM=file.png
SPECTRUM =
spectrum: $(trained) | setup-draw
	@$(BIN)/cs-dump --what sigma -o $(MODEL)/sigma.tsv \
		$(MODEL)/emb.bin
	@gnuplot -e "$(if $(SPECTRUM),set terminal pngcairo size 900$(comma)600; \
		set output '$(SPECTRUM)',set terminal dumb 79 24); \
		set title 'Singular values'; set logscale y; \
		set xlabel 'triplet'; unset key; \
		plot '$(MODEL)/sigma.tsv' using 1:2 with linespoints"
comma = ,
