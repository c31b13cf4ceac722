#!/bin/sh
# OpenVINO's cache of compiled models misses the same graph when other nodes were made before it, names given or not.
#
# Version:   openvino 2026.4.1 (numpy 2.4.6, Python 3.11 on Linux, x86)
# Guess:     with CACHE_DIR a graph that is equal in operations, constants, shapes and friendly names is compiled once,
#            and read from the cache by whoever builds it again: in the same process, and in the next one.
# Behaviour: the key of the cache depends on how many nodes the process has made so far. A second build of the same graph
#            in one process never finds the first one's blob, and a new process finds it only if it makes the same nodes
#            in the same order from its start. One constant more before it, and the model is compiled and written again:
#            a server that builds several networks on demand fills its disk and never hits. Nothing says so but
#            LOADED_FROM_CACHE. Giving every node a friendly name of its own changes nothing. A model that is read from a
#            file is found, so the graph must be serialised first.
# Remedy:    write the graph with ov.save_model once and compile from the file, or do without the cache.
# Output:    first process, first build: compiled
#            first process, second build: compiled
#            new process, the same order: from the cache
#            new process, one constant before: compiled
#            new process, read from a file, one constant before: from the cache
#
# Exits with 1 when one of these lines changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check openvino==2026.4.1 numpy==2.4.6
cat > "$folder/build.py" <<'CODE'
import sys

import numpy as np
import openvino as ov
from openvino import opset13 as ops

folder, before, builds, source = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
core = ov.Core()


def graph():
    x = ops.parameter([1, 3, 32, 32], np.float32, name="x")
    weights = ops.constant(np.ones((8, 3, 3, 3), np.float32))
    y = ops.relu(ops.convolution(x, weights, [1, 1], [1, 1], [1, 1], [1, 1]))
    model = ov.Model([y.output(0)], [x], "graph")
    for number, node in enumerate(model.get_ordered_ops()):
        node.set_friendly_name(f"node{number}")
    return model


for _ in range(before):
    ops.constant(np.zeros(1, np.float32))
for _ in range(builds):
    if source == "file":
        model = core.read_model(f"{folder}/graph.xml")
    else:
        model = graph()
    compiled = core.compile_model(model, "CPU", {"CACHE_DIR": f"{folder}/cache-{source}"})
    print("from the cache" if compiled.get_property("LOADED_FROM_CACHE") else "compiled")
if source == "save":
    ov.save_model(graph(), f"{folder}/graph.xml", compress_to_fp16=False)
CODE
build() { "$folder/venv/bin/python" "$folder/build.py" "$folder" "$@"; }
status=0
line() {
    echo "$1: $2"
    if [ "$2" != "$3" ]; then status=1; fi
}
first=$(build 0 2 graph)
line "first process, first build" "$(echo "$first" | sed -n 1p)" "compiled"
line "first process, second build" "$(echo "$first" | sed -n 2p)" "compiled"
line "new process, the same order" "$(build 0 1 graph)" "from the cache"
line "new process, one constant before" "$(build 1 1 graph)" "compiled"
build 0 1 save > "$folder/log"
build 0 1 file > "$folder/log"
line "new process, read from a file, one constant before" "$(build 1 1 file)" "from the cache"
exit $status
