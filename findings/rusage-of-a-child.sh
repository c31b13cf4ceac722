#!/bin/sh
# The most memory that Linux says a finished child had (ru_maxrss) is at least what its parent had when it was started.
#
# Version:   CPython 3.11 (subprocess, which uses vfork there) on Linux; no package is needed
# Guess:     resource.getrusage(RUSAGE_CHILDREN).ru_maxrss, os.wait4 and `time -v` tell what the child itself took, so a
#            benchmark may start each candidate as a program of its own and compare these figures.
# Behaviour: until it calls exec, the child shares or copies its parent's memory, and exec keeps the high-water mark. A
#            parent of 500 MB that runs `true` is told 500 MB. The child of a small parent is told 1 to 3 MB.
# Remedy:    read VmHWM in /proc/PID/status while the child lives: exec gives it a new one.
# Output:    small parent: below 50 MB
#            parent of 500 MB: 500 MB or more
#
# Exits with 1 when one of the two lines differs.
set -eu
measure() {
  python3 - "$1" <<'CODE'
import resource
import subprocess
import sys

held = bytearray(int(sys.argv[1]))
held[::4096] = b"x" * len(held[::4096])  # Each page, so that it is resident.
subprocess.run(["true"], check=True)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024)
CODE
}
small=$(measure 1)
large=$(measure 520000000)
[ "$small" -lt 50 ] && echo "small parent: below 50 MB" || { echo "small parent: $small MB"; exit 1; }
[ "$large" -ge 490 ] && echo "parent of 500 MB: 500 MB or more" || { echo "parent of 500 MB: $large MB"; exit 1; }
