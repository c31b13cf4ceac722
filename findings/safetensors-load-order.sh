#!/bin/sh
# safetensors.numpy.load() gives its dictionary in another order at each call; load_file() of the same bytes sorts it.
#
# Version:   safetensors 0.8.0 (numpy 2.4.6, Python 3.11 on Linux)
# Guess:     load(data) and load_file(path) give the same dictionary for the same bytes, in the order of saving or of
#            the file; at least the same one each time.
# Behaviour: both give the same arrays. load_file() and safe_open().keys() sort by name. load() takes the order of a
#            hash table that is seeded anew at each call. So whatever goes through the values in turn (a digest over
#            them, a zip() with layers, a sum of floats, a table that is compared with yesterday's) differs from run to
#            run, and a test that reads from a file never sees it.
# Remedy:    go through sorted(...) or the network's own list of names.
# Output:    load: 6 names in 20 orders of 20 calls      (19 or 20, by chance)
#            load_file: a b c x y z, 20 times
#
# Exits with 1 when load() keeps one order.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check safetensors==0.8.0 numpy==2.4.6
cd "$folder"
"$folder/venv/bin/python" - <<'CODE'
import sys

import numpy as np
from safetensors.numpy import load, load_file, save

CALLS = 20
arrays = {name: np.full(2, index, np.float32) for index, name in enumerate("zyxabc")}
data = save(arrays)
with open("arrays.safetensors", "wb") as file:
    file.write(data)

loaded = [load(data) for _ in range(CALLS)]
from_file = [load_file("arrays.safetensors") for _ in range(CALLS)]
for found in (*loaded, *from_file):
    assert found.keys() == arrays.keys()
    assert all(np.array_equal(found[name], value) for name, value in arrays.items())

orders = {tuple(found) for found in loaded}
print(f"load: {len(arrays)} names in {len(orders)} orders of {CALLS} calls")
files = {tuple(found) for found in from_file}
print(f"load_file: {' '.join(next(iter(files)))}, {CALLS} times")
sys.exit(0 if len(orders) > 1 and files == {tuple(sorted(arrays))} else 1)
CODE
