#!/bin/sh
# Two OpenVINO Cores that go in the order they came leave the thread with a signal stack that is no longer mapped.
#
# Version:   openvino 2026.4.1 (numpy 2.4.6, Python 3.11 on Linux, x86; the stack itself is changed on any x86 CPU)
# Guess:     a Core is a cheap handle: one for each network, dropped with it, in any order. Signals are none of its business.
# Behaviour: the first compile_model("CPU") of a Core exchanges the calling thread's alternate signal stack (sigaltstack)
#            for one of its own; when the Core goes it puts the former one back and unmaps its own. Where networks go in
#            another order than the reverse (any cache of the least recently used), the "former" one is that of a Core
#            that has gone: the thread's signal stack points at unmapped memory. Nothing is seen until a signal arrives
#            for which Python has a handler (PyTorch's DataLoader has one for SIGCHLD, pytest-timeout for SIGALRM, a server
#            for SIGTERM): the kernel cannot deliver it and ends the process with SIGSEGV, without a line even from
#            faulthandler, whose own stack that was. In a test run, workers vanished minutes after the last network.
# Remedy:    one Core for the whole process, kept to its end.
# Output:    at the start: mapped
#            two Cores, the second goes first: mapped
#            two Cores, the first goes first: NOT mapped
#            one Core, two networks, the first goes first: mapped
#            No signal is sent here; the stack is only looked at.
#
# Exits with 1 when one of the four lines differs.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check openvino==2026.4.1 numpy==2.4.6
cat > "$folder/stacks.py" <<'CODE'
import ctypes
import faulthandler
import gc
import re
import sys

import numpy as np
import openvino as ov
from openvino import opset13 as ops

faulthandler.enable()  # A signal stack of the main thread, as pytest and many servers have it.
x = ops.parameter([1, 4], np.float32)
model = ov.Model([ops.relu(x).output(0)], [x], "one layer")


class Stack(ctypes.Structure):
    _fields_ = [("pointer", ctypes.c_void_p), ("flags", ctypes.c_int), ("size", ctypes.c_size_t)]


def mapped():
    """Whether the thread's alternate signal stack lies in the process's memory."""
    stack = Stack()
    ctypes.CDLL(None).sigaltstack(None, ctypes.byref(stack))
    parts = (re.match("([0-9a-f]+)-([0-9a-f]+)", line).groups() for line in open("/proc/self/maps"))
    return any(int(first, 16) <= stack.pointer < int(last, 16) for first, last in parts)


def say(what, wanted):
    found = mapped()
    print(f"{what}: {'mapped' if found else 'NOT mapped'}")
    if found != wanted:
        sys.exit(1)


def go(networks, *order):
    for index in order:
        networks[index] = None
        gc.collect()


say("at the start", True)
go([ov.Core().compile_model(model, "CPU") for _ in range(2)], 1, 0)
say("two Cores, the second goes first", True)
kept = ov.Core()
networks = [ov.Core().compile_model(model, "CPU") for _ in range(2)]
go(networks, 0, 1)
say("two Cores, the first goes first", False)
networks = [kept.compile_model(model, "CPU") for _ in range(2)]
go(networks, 0, 1)
say("one Core, two networks, the first goes first", True)
CODE
"$folder/venv/bin/python" "$folder/stacks.py"
