#!/usr/bin/env python3
"""Runs the commands that README.md and docs/*.md show.

A fenced block's info string says what becomes of it:

  ```sh test   run here, in every build
  ```sh gpu    run here where there is an NVIDIA device
  ```sh ci     run by continuous integration: each line must stand, as it is,
               in .ci/run or in the script `run`

A block of `sh`, `bash` or `console` without such a mark is an error: a document
shows no command that nothing runs.

The blocks of one document run in order, in one scratch folder that looks like
the top of the source tree with the build in `build`; the tools are on PATH.
What they write stays in the scratch folder.
"""

import argparse
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

SHELLS = {"sh", "bash", "shell", "console"}
FENCE = re.compile(r"^```(.*)$")


class Block:
    def __init__(self, document, line, mark, text):
        self.document, self.line, self.mark, self.text = document, line, mark, text

    def __str__(self):
        return f"{self.document}:{self.line}"


def read_blocks(path, name):
    """The shell blocks of one document."""
    blocks, info, start, lines = [], None, 0, []
    for number, line in enumerate(path.read_text().splitlines(), 1):
        fence = FENCE.match(line)
        if not fence:
            lines.append(line)
        elif info is None:
            info, start, lines = fence.group(1).split(), number, []
        else:
            if info and info[0] in SHELLS:
                mark = info[1] if len(info) > 1 else ""
                blocks.append(Block(name, start, mark, "\n".join(lines)))
            info = None
    if info is not None:
        sys.exit(f"{name}:{start}: the block has no end")
    return blocks


def make_scratch(source, build):
    """A folder with links to what stands at the top of the source tree."""
    scratch = pathlib.Path(tempfile.mkdtemp(prefix="docs-", dir=build))
    for entry in source.iterdir():
        if not entry.name.startswith((".", "build")):
            (scratch / entry.name).symlink_to(entry)
    (scratch / "build").symlink_to(build)
    return scratch


def run_block(block, scratch, environment):
    process = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", block.text],
        cwd=scratch,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    )
    if process.returncode:
        print(f"{block}: exit code {process.returncode}\n{block.text}\n---")
        print(process.stdout)
    return process.returncode == 0


def check_ci_block(block, source):
    """Names the lines that continuous integration does not run."""
    scripts = [source / ".ci" / "run", source / "run"]
    known = {line.strip() for s in scripts for line in s.read_text().splitlines()}
    known |= {line[len("exec ") :] for line in known if line.startswith("exec ")}
    commands = [line.split("#")[0].strip() for line in block.text.splitlines()]
    missing = [c for c in commands if c and c not in known]
    for command in missing:
        print(f"{block}: neither .ci/run nor run has the line '{command}'")
    return not missing


def run_document(path, source, build, environment, has_gpu):
    name = str(path.relative_to(source))
    blocks = read_blocks(path, name)
    scratch = make_scratch(source, build)
    ok = True
    for block in blocks:
        if block.mark == "ci":
            ok &= check_ci_block(block, source)
        elif block.mark == "test" or (block.mark == "gpu" and has_gpu):
            print(f"{block}: running", flush=True)
            ok &= run_block(block, scratch, environment)
        elif block.mark == "gpu":
            print(f"{block}: skipped, no GPU here")
        else:
            print(f"{block}: expected the mark test, gpu or ci, got '{block.mark}'")
            ok = False
    shutil.rmtree(scratch)
    return ok


def check_links(path, source):
    """Relative links must lead to a file."""
    ok = True
    for number, line in enumerate(path.read_text().splitlines(), 1):
        for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", line):
            if "://" not in target and not (path.parent / target).exists():
                print(f"{path.relative_to(source)}:{number}: no file '{target}'")
                ok = False
    return ok


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--source", type=pathlib.Path, required=True)
    parser.add_argument("--build", type=pathlib.Path, required=True)
    parser.add_argument("documents", nargs="+", help="relative to the source")
    arguments = parser.parse_args()
    source, build = arguments.source.resolve(), arguments.build.resolve()
    environment = dict(os.environ)
    environment["PATH"] = f"{build / 'bin'}{os.pathsep}{environment['PATH']}"
    environment["MLA_CACHE_DIR"] = str(build / "test" / "cache")
    has_gpu = os.path.exists("/dev/nvidia0")
    ok = True
    for document in arguments.documents:
        path = source / document
        ok &= check_links(path, source)
        ok &= run_document(path, source, build, environment, has_gpu)
    return 0 if ok else 1


if __name__ == "__main__":
    sys.exit(main())
