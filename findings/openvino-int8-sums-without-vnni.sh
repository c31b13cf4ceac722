#!/bin/sh
# A convolution in 8 bits comes to half of its true value on a CPU without VNNI: OpenVINO stops at 32,767 without a word.
#
# Version:   openvino 2026.4.1 (numpy 2.4.6, Python 3.11 on Linux, x86 with AVX2)
# Guess:     rounding inputs to 0 to 255 and weights to -127 to 127 costs what the rounding costs; products of 8 bits are
#            added in 32 bits, on every CPU the same. A graph that was measured on one server holds on the next.
# Behaviour: without VNNI (AVX2 alone, or the first AVX-512 servers) the CPU plugin multiplies by an instruction that adds
#            two products in 16 bits and saturates. 64 inputs at the end of their range, times the largest weights, give
#            32.4 instead of 64. No warning, no property that says so, and the float graph of the same file is right. A
#            network's answers move only where inputs are large, so that a few photos do not show it.
# Remedy:    declare the range wider by 255/129 and clamp the input to the old one: no sum of two is above
#            2 * 129 * 127 = 32,766, the same kernel is exact, and it stays as quick.
# Output:    AVX2, 255 steps: 32.4 of 64
#            AVX2, 129 steps: 64.0 of 64
#            newest instructions, 255 steps: 64.0 of 64
#            The last line is left out where the CPU has no VNNI. ONEDNN_MAX_CPU_ISA makes OpenVINO leave out what is newer.
#
# Exits with 1 when the first line comes to 64, or the second one does not.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check openvino==2026.4.1 numpy==2.4.6
cat > "$folder/sums.py" <<'CODE'
import sys

import numpy as np
import openvino as ov
from openvino import opset13 as ops

channels, steps = 64, int(sys.argv[2])
x = ops.parameter([1, channels, 8, 8], np.float32)
high = np.float32(255 / steps)
inputs = ops.fake_quantize(ops.clamp(x, 0.0, 1.0), np.float32(0), high, np.float32(0), high, 256)
ones = ops.multiply(
    ops.convert(ops.constant(np.full((channels, channels, 1, 1), 127, np.int8)), np.float32),
    np.full((channels, 1, 1, 1), 1 / 127, np.float32),
)
sums = ops.convolution(inputs, ones, [1, 1], [0, 0], [0, 0], [1, 1])
model = ov.Model([sums.output(0)], [x], "sums")
compiled = ov.Core().compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
found = float(compiled([np.ones((1, channels, 8, 8), np.float32)])[0].max())
print(f"{sys.argv[1]}, {steps} steps: {found:.1f} of {channels}")
sys.exit(0 if (abs(found - channels) < 0.1) == (sys.argv[3] == "exact") else 1)
CODE
run() { "$folder/venv/bin/python" "$folder/sums.py" "$@"; }
ONEDNN_MAX_CPU_ISA=AVX2 run AVX2 255 wrong
ONEDNN_MAX_CPU_ISA=AVX2 run AVX2 129 exact
if grep -qwE "avx512_vnni|avx_vnni|amx_int8" /proc/cpuinfo; then run "newest instructions" 255 exact; fi
