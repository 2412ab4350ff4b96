"""Runs a command with a terminal as its standard error until it shows TEXT there.
Usage: progress.py TEXT COMMAND..."""

import os
import pty
import subprocess
import sys

ours, theirs = pty.openpty()
process = subprocess.Popen(sys.argv[2:], stdout=subprocess.DEVNULL, stderr=theirs)
os.close(theirs)
seen = b""
try:
    while sys.argv[1].encode() not in seen:
        seen += os.read(ours, 4096)
except OSError:  # The command has ended.
    sys.exit(f"expected '{sys.argv[1]}', got {seen!r}")
finally:
    process.kill()
    process.wait()
