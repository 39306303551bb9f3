"""Models with a forged value and right checksums: cs-dump --check refuses each.

usage: forged_values.py MODEL SEED

Of every tensor, items drawn by the seed get a value near their own: another
integer, a number one part in a thousand off, another byte.  The message has to
be one line and to name a tensor or the metadata.  Prints those that passed,
and ends with "N forged, N passed"; the status is 1 if one did."""
import os, random, subprocess, sys
from forge import Model

path, seed = sys.argv[1:]
draw = random.Random(int(seed))
tried, passed = 0, []


def refuse(data, what):
    global tried
    tried += 1
    open("altered.bin", "wb").write(data)
    done = subprocess.run(["cs-dump", "--check", "altered.bin"],
                          stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                          text=True)
    said = done.stderr
    if done.returncode != 2 or said.count("\n") != 1 or not any(
            word in said for word in ("damaged", "tensor", "metadata", "index is of")):
        passed.append(f"{what}: status {done.returncode}: {said}")
    elif os.environ.get("SAY"):
        print(what, "->", said, end="")


def other(tensor, value):
    # Residuals are of the order of rounding, and centroids are unit vectors.
    if tensor in ("residual", "index.centroids"):
        return value + 0.1
    if isinstance(value, int):
        return value ^ 1 if value >= 0 else 0
    return value * 1.001 if abs(value) > 1e-30 else 0.001


def alter(tensor, item):
    model = Model(path)
    value = model.get(tensor, item)
    model.set(tensor, item, other(tensor, value))
    # A forger makes the sum of the embedding right, too.
    if tensor == "embedding" and "index.embedding" in model.header:
        for i, byte in enumerate(model.tensor_sum("embedding")):
            model.set("index.embedding", i, byte)
    refuse(model.forged(), f"{tensor} {item}: {value} is {other(tensor, value)}")


original = Model(path)
for tensor in sorted(original.header):
    count = original.count(tensor)
    # Nothing else says what a tag is called; the padding is looked at once.
    if tensor in ("checksum", "tags.bytes") or count == 0 or (
            tensor.startswith("pad.") and tensor != "pad.0"):
        continue
    for item in sorted(draw.sample(range(count), min(3, count))):
        alter(tensor, item)

# Rows that change places, with all that belongs to them or without.
if "index.rows" in original.header:
    count = original.count("index.rows")
    for whole in (False, True):
        model = Model(path)
        taken = [i for i in range(count) if model.get("index.rows", i) >= 0]
        a, b = taken[0], taken[-1]
        for tensor in ("index.rows", "index.scales", "index.residuals")[
                :3 if whole else 1]:
            one, two = model.get(tensor, a), model.get(tensor, b)
            model.set(tensor, a, two)
            model.set(tensor, b, one)
        refuse(model.forged(), f"index.rows {a}, {b} changed, whole: {whole}")
    for key in ("index.cells", "index.signal"):
        text = f'"{key}":"{original.metadata[key]}"'
        refuse(Model(path).forged_header(
            text, f'"{key}":"{int(original.metadata[key]) - 1}"'), key)
energy = original.metadata.get("svd.energy")
if energy:
    refuse(Model(path).forged_header(
        f'"svd.energy":"{energy}"',
        f'"svd.energy":"{float(energy) * 1.001!r}"'), "svd.energy")
for line in passed:
    print(line)
print(f"{tried} forged, {len(passed)} passed")
sys.exit(bool(passed))
