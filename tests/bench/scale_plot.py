"""The drawing of "make bench-scale": what each stage takes against customers."""

import shutil
import subprocess

SCRIPT = """\
set terminal svg size 960,440 background "white" font "sans-serif,13"
set output "{path}"
set multiplot layout 1,2
set logscale xy
set format x "10^{{%T}}"
set xlabel "customers"
set key left top
set grid
set style data linespoints
set pointsize 0.5
{title}
set ylabel "seconds of one core"
plot {seconds}
unset key
set ylabel "MB of anonymous memory, at most"
plot {memory}
unset multiplot
"""


def plots(stages, column):
    """Stage by stage, the column of its block of data against the first."""
    return ", ".join(f'${stage} using 1:{column} pt 7 lw 1.5 title "{stage}"'
                     for stage in stages)


def draw(path, sizes, uses, title):
    """Write an SVG of uses, one for each number of customers of sizes: for each
    stage the seconds and the bytes.  Without gnuplot nothing is drawn."""
    if shutil.which("gnuplot") is None:
        print("scale: not drawn: gnuplot is not installed (Debian: gnuplot-nox)")
        return
    stages = [stage for stage in uses[0]
              if any(use[stage].seconds > 0 for use in uses)]
    blocks = "".join(
        f"${stage} << END\n" + "".join(
            f"{size} {use[stage].seconds:.3f} {use[stage].memory / 1e6:.3f}\n"
            for size, use in zip(sizes, uses)) + "END\n"
        for stage in stages)
    script = SCRIPT.format(path=path, title=f'set title "{title}"',
                           seconds=plots(stages, 2), memory=plots(stages, 3))
    subprocess.run(["gnuplot"], input=blocks + script, text=True, check=True)
    print(f"Drawn: {path}")
