#!/bin/sh
# Training in bf16 on a CPU: a convolution of stride 2 that sees maps of one cell gets a gradient out of unwritten memory.
#
# Version:   torch 2.14.1 (its oneDNN 3.12.0; numpy 2.4.6, Python 3.11 on Linux, x86 with AVX512-BF16)
# Guess:     bf16 costs digits; the gradient of a convolution is the same each time, and finite where all inputs are.
# Behaviour: the gradient of 3×3 weights holds whatever lay in that memory before, for the taps that no cell reaches and,
#            by them, in the middle one too: mostly zeros or small numbers, so that a loss falls all the same, and now
#            and then NaN, on which a run ends. Maps of two cells, stride 1 and float32 are right. On pictures of 16
#            pixels the last stage of a ResNet for photos sees such maps.
# Remedy:    float32 for such sizes (torch.autocast(..., enabled=False)), or larger pictures.
# Output:    stride 2, 1 cell, bf16: not finite, not the same 8 times
#            stride 2, 1 cell, float32: finite, the same 8 times
#            stride 1, 1 cell, bf16: finite, the same 8 times
#            stride 2, 2 × 2 cells, bf16: finite, the same 8 times
#            ONEDNN_MAX_CPU_ISA keeps CPUs with AMX from their other kernel, which was not tried. Without AVX512-BF16
#            there is one line that says so.
#
# Exits with 1 when one of these lines is another one.
set -eu
if ! grep -qw avx512_bf16 /proc/cpuinfo; then echo "This CPU has no AVX512-BF16, so there is nothing to see."; exit 0; fi
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check --no-cache-dir torch==2.14.1 numpy==2.4.6
cd "$folder"
ONEDNN_MAX_CPU_ISA=AVX512_CORE_BF16 "$folder/venv/bin/python" - <<'CODE'
import sys

import torch
from torch.nn import functional as F

TURNS = 8
torch.manual_seed(0)


def gradient(pictures, weights, stride):
    for count in range(1_000, 200_000, 9_000):
        torch.full((count,), float("nan"))  # Freed at once: memory that is not written holds it from now on.
    weights = weights.clone().requires_grad_()
    F.conv2d(pictures, weights, stride=stride, padding=1).float().square().sum().backward()
    return weights.grad.float()


def line(stride, side, precision):
    pictures = torch.randn(60, 64, side, side).to(precision)
    weights = torch.randn(128, 64, 3, 3).to(precision)
    found = [gradient(pictures, weights, stride) for _ in range(TURNS)]
    finite = all(torch.isfinite(each).all() for each in found)
    same = all(torch.equal(each, found[0]) for each in found)
    cells = "1 cell" if side == 1 else f"{side} × {side} cells"
    name = "bf16" if precision == torch.bfloat16 else "float32"
    print(
        f"stride {stride}, {cells}, {name}: {'' if finite else 'not '}finite, {'' if same else 'not '}the same {TURNS} times"
    )
    return finite and same


wrong = not line(2, 1, torch.bfloat16)
right = [line(2, 1, torch.float32), line(1, 1, torch.bfloat16), line(2, 2, torch.bfloat16)]
sys.exit(0 if wrong and all(right) else 1)
CODE
