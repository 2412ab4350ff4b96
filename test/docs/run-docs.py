#!/usr/bin/env python3
"""Runs the commands that README.md and docs/*.md show, and checks their excerpts.

The info string of a fenced block selects what is done with it:

  ```sh test           run in every build
  ```sh gpu            run where there is an NVIDIA device
  ```sh ci             run by continuous integration: each line must occur in
                       .ci/run or in the script `run`
  ```LANGUAGE from F   compared with the file F (a glob) that an earlier block of
                       the document wrote. With `F?` the file may be missing,
                       because it needs a tool that is not installed everywhere

A block of `sh`, `bash` or `console` without a mark is an error, so that no
document shows a command that is never run.

An excerpt matches if its lines occur in the file one after the other. Differences
in white space do not count; `...` stands for anything within a line and, on a line
of its own, for any number of lines. SSA values and registers may be renamed: a
name that starts with % stands for one name of the file throughout the block.

The blocks of one document run in order, in one scratch folder that looks like the
top of the source tree with the build in `build`; the tools are on PATH. Files that
they write stay in the scratch folder.
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
NAME = r"%[A-Za-z0-9_$.]*[A-Za-z0-9_$]"


class Block:
    """A fenced block: commands, or an excerpt of the file `source`."""

    def __init__(self, document, line, mark, text, source=""):
        self.document, self.line, self.mark, self.text = document, line, mark, text
        self.source = source

    def __str__(self):
        return f"{self.document}:{self.line}"


def read_blocks(path, name):
    """The commands and excerpts of one document, in order."""
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
            elif len(info) == 3 and info[1] == "from":
                blocks.append(Block(name, start, "from", "\n".join(lines), info[2]))
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


def normalise(text):
    """The lines of a text, without blank ones, with single spaces."""
    lines = (" ".join(line.split()) for line in text.splitlines())
    return [line for line in lines if line]


def make_pattern(lines):
    """A regular expression for the lines of an excerpt."""
    groups, pattern = {}, ""

    def translate(part):
        if part == "...":
            return r"[^\n]*?"
        if not part.startswith("%"):
            return re.escape(part)
        if part in groups:
            return rf"(?P={groups[part]})(?![A-Za-z0-9_$])"
        groups[part] = f"v{len(groups)}"
        return rf"(?P<{groups[part]}>{NAME})"

    for line in lines:
        if line == "...":
            pattern += r"(?:[^\n]*\n)*?"
        else:
            parts = re.split(rf"(\.\.\.|{NAME})", line)
            pattern += "".join(translate(part) for part in parts) + r"\n"
    return re.compile("^" + pattern, re.MULTILINE)


def find_mismatch(excerpt, text):
    """The first line of the excerpt with which it no longer matches, or None."""
    lines = normalise(excerpt)
    text = "".join(line + "\n" for line in normalise(text))
    if not lines:
        return "(no lines)"
    if make_pattern(lines).search(text):
        return None
    for count, line in enumerate(lines, 1):
        if not make_pattern(lines[:count]).search(text):
            return line
    return None


def check_excerpt(block, scratch):
    pattern, optional = block.source.removesuffix("?"), block.source.endswith("?")
    files = sorted(scratch.glob(pattern))
    if not files and optional:
        print(f"{block}: skipped, no file '{pattern}' here")
        return True
    if len(files) != 1:
        print(f"{block}: expected one file '{pattern}', got {len(files)}")
        return False
    mismatch = find_mismatch(block.text, files[0].read_text(errors="replace"))
    if mismatch is not None:
        print(f"{block}: {files[0].name} does not have this line, or not there:")
        print(f"  {mismatch}")
    return mismatch is None


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
        elif block.mark == "from":
            ok &= check_excerpt(block, scratch)
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


def find_anchors(path):
    """The anchors of a document's headings, in GitHub's spelling."""
    anchors, fenced = set(), False
    for line in path.read_text().splitlines():
        fenced ^= line.startswith("```")
        heading = re.match(r"#+ +(.*)", line)
        if heading and not fenced:
            text = re.sub(r"[^\w\- ]", "", heading.group(1).lower())
            anchors.add(text.strip().replace(" ", "-"))
    return anchors


def check_links(path, source):
    """Relative links must lead to a file and, in a document, to a heading."""
    ok = True
    for number, line in enumerate(path.read_text().splitlines(), 1):
        for target, anchor in re.findall(r"\]\(([^)#\s]*)#?([^)\s]*)[^)]*\)", line):
            if "://" in target:
                continue
            file = path.parent / target if target else path
            if not file.exists():
                print(f"{path.relative_to(source)}:{number}: no file '{target}'")
                ok = False
            elif anchor and file.suffix == ".md" and anchor not in find_anchors(file):
                print(f"{path.relative_to(source)}:{number}: no heading '{target}#{anchor}'")
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
