"""Runs a command and passes its output on; fails unless the exit code is as told.
Usage: exit-code.py CODE COMMAND..."""

import subprocess
import sys

run = subprocess.run(sys.argv[2:], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
sys.stdout.buffer.write(run.stdout)
if run.returncode != int(sys.argv[1]):
    print(f"exit-code.py: expected {sys.argv[1]}, got {run.returncode}")
    sys.exit(1)
