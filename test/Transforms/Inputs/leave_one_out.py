"""leave_one_out.py MLA_OPT SCHEDULE=INPUT...: runs --mla-kernel-pipeline without each of its
passes in turn, and prints what happens, a line per pass:

    without PASS: error: MESSAGE
    without PASS: leaves DIALECT, ...
    without PASS: no error

The pipeline is the one that mla-opt prints. A schedule does not need every pass,
so each is left out with all of them; an error that names the pass is preferred.
MLIR's passes are tried with the first schedule only. "leaves" lists the dialects of ops that
translation to LLVM IR does not accept. Occurrences of one pass are numbered
(cse#2).
"""

import collections
import re
import subprocess
import sys


def run(mla_opt, source, *options):
    return subprocess.run(
        [mla_opt, source, *options], capture_output=True, text=True, check=False
    )


def split_passes(text):
    """The passes of "a,b{x=1 y={2,3}},c", at the outermost level."""
    passes, depth = [""], 0
    for char in text:
        depth += (char in "({") - (char in ")}")
        if char == "," and depth == 0:
            passes.append("")
        else:
            passes[-1] += char
    return passes


def get_passes(mla_opt, source, schedule):
    """The pipeline as a list of (anchor, pass), with anchor "func.func" or ""."""
    pipeline = f"--mla-kernel-pipeline=schedule={schedule}"
    printed = run(mla_opt, source, pipeline, "--dump-pass-pipeline").stderr
    # The text is indented; options do not contain line breaks.
    text = "".join(line.strip() for line in printed.splitlines()[1:])
    body = re.search(r"builtin\.module\((.*)\)$", text)[1]
    passes = []
    for item in split_passes(body):
        nested = re.fullmatch(r"func\.func\((.*)\)", item)
        if nested:
            passes += [("func.func", inner) for inner in split_passes(nested[1])]
        else:
            passes.append(("", item))
    return passes


def join_passes(passes):
    items = [f"{anchor}({text})" if anchor else text for anchor, text in passes]
    return f"--pass-pipeline=builtin.module({','.join(items)})"


def describe(result):
    if result.returncode != 0:
        error = re.search(r"error: .*", result.stderr)
        return error[0] if error else f"exit code {result.returncode}"
    ops = re.findall(r"^ *(?:%\S+(?:, %\S+)* = )?\"?([a-z_]+)\.", result.stdout, re.M)
    left = sorted(set(ops) - {"llvm", "nvvm"})
    return "leaves " + ", ".join(left) if left else "no error"


def main():
    mla_opt, *arguments = sys.argv[1:]
    pipelines = []
    for argument in arguments:
        schedule, source = argument.split("=", 1)
        pipelines.append((source, get_passes(mla_opt, source, schedule)))
    seen = collections.Counter()
    for i, (_, text) in enumerate(pipelines[0][1]):
        name = text.split("{")[0]
        seen[name] += 1
        number = f"#{seen[name]}" if seen[name] > 1 else ""
        results = []
        for source, passes in pipelines if "mla-" in name else pipelines[:1]:
            rest = passes[:i] + passes[i + 1 :]
            results.append(describe(run(mla_opt, source, join_passes(rest))))
            if f"--{name} " in results[-1]:
                break
        # The last error names the pass, if any does.
        errors = [result for result in results if result != "no error"]
        print(f"without {name}{number}: {errors[-1] if errors else 'no error'}")


main()
