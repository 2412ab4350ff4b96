#!/usr/bin/env python3
"""Checks that names and phrases that were replaced do not come back.

Prints each occurrence as FILE:LINE: 'text': expected ..., and exits with 1 if there
is any. A rule has a lower-case word that every match contains (a quick test), a regular
expression, what to write instead, and the folders that it applies to (all by default).
EXCEPTIONS lists the files in which a rule does not hold.
"""

import argparse
import pathlib
import re
import sys

FOLDERS = [".ci", "README.md", "bench", "cmake", "docs", "examples", "include", "lib",
           "python", "run", "test", "tools"]
SUFFIXES = {"", ".c", ".cmake", ".cpp", ".css", ".def", ".h", ".hpp", ".html", ".in", ".inc",
            ".js", ".json", ".md", ".mlir", ".py", ".sh", ".td", ".test", ".toml", ".txt"}
SKIPPED = {"__pycache__", "Words", "node_modules"}

# Names: (word, expression, what to write instead, folders).
NAMES = [
    ("swap", r"swap[-_]operands", "swap-ab"),
    ("swapoperands", r"SwapOperands|swapOperands", "SwapAB, swapAB"),
    ("dump", r"dump[-_]stages|[dD]umpStages", "dump-ir"),
    ("tile", r"tile[-_]keys", "block_kv"),
    # Of a schedule: "NAME:keys=32", "tile {keys = 32}". A size may have this name.
    ("keys", r"(?<=[:{`])keys *= *(\d|N\b|<)", "block_kv = N",
     ["README.md", "docs", "include", "lib/Operators", "test"]),
    ("threadcounts", r"\bThreadCounts\b|\bthreadCounts\b", "AccessCounters"),
    ("harmless", r"\b[hH]armless\w*", "equivalent (mutant)"),
    (" over", r"\b(ring|buffer)\b[^\n]* over *(\(|%\w+\[)", "aliases", ["docs", "include", "lib", "test"]),
    ("over", r"\bover *= *\"", 'aliases = "..."', ["docs", "include", "lib", "test"]),
    ("ahead", r"\)? ahead *\[|`ahead`|getAhead|ahead\(\) const", "distance", ["docs/reference", "include/mla/Dialect", "lib", "test"]),
    ("returned_", r"\breturned_(by|with)\b", "empty_implied_by, shares_empty_with"),
    ("edges", r"\bedges\b", "prologueEpilogue", ["include/mla/Tuning", "lib/Tuning", "lib/Operators"]),
    ("preload", r"\b[pP]reload\b", "prologue", ["docs", "include", "lib", "test"]),
    ("drain", r"\b[dD]rains?\b", "epilogue", ["docs", "include", "lib/Transforms", "test/Transforms", "test/Dialect"]),
    (".free", r"\w\.free\b", ".empty", ["docs", "include", "lib", "test/Dialect", "test/Transforms"]),
    ("free ", r"\bfree (m?barrier)s?\b", "empty barrier"),
    ("expect", r"expect[-_]?(rows|s[-_]kv)\b|expectSKV", "expect-sizes=s_kv=N", ["docs", "include", "lib", "tools", "python"]),
    ("--stages", r"(?<![\w-])--stages\b", "--depth"),
    # The hardware's matrix multiplication. "Dot product" and the mathematics stay.
    ("product", r"\b[pP]roducts? in[ -]flight\b|\bin-flight products?\b", "MMA in flight"),
    ("product", r"\b(warpgroup|wgmma|serialised|asynchronous|committed|uncommitted|pending) products?\b", "MMA"),
    ("product", r"\b[pP]roducts? with (V|K)\b", "MMA with V"),
    ("product", r"\bwaits? for (a|the|its|each|that) products?\b", "waits for the MMA"),
    ("product", r"\bproduct queues?\b|\bproductAgent\b|\bproductLatency\b|\bProductOps\b|\bProductTest\b", "MMA queue, ..."),
]

# Private phrases.
PHRASES = [
    ("manieth", r"so manieth", "every N-th"),
    ("goes over", r"goes over both", "overrides both"),
    ("trip", r"trips? to memory", "memory latency"),
    ("gives what", r"Gives what is left", "grows ... while ... remains"),
    ("hold together", r"hold together is for", "reductions across warps"),
    ("hand", r"hand(s|ed|ing)? (it |them |[A-Z]\d? |[a-z]+ )?back\b", "release"),
    ("hand", r"(each|every) role hands on\b|hands? on (what|its|slot|more|fewer)\b|than it hands on",
     "each wait on `full` is matched by an arrival on `empty`"),
    ("frees", r"frees nothing", "redundant empty barrier"),
    ("as above", r"(///|//|#|/\*\*?) (The same )?[aA]s above\b", "the whole sentence"),
    ("each once", r"(///|//|#) Each once\b", "the whole sentence"),
    ("tells", r"[tT]ells of a step", "reports progress"),
    ("learns", r"learns what the others knew", "vector clocks are joined"),
    ("takes anyway", r"what it takes anyway", "fixed cost"),
    ("once at", r"meets? once at\b", "joins at"),
]

RULES = NAMES + PHRASES

# Files in which an expression is right: {file: [part of the expression, ...]}.
EXCEPTIONS = {
    "bench/peers/flashmla/Arguments.h": ["expect[-_]?(rows"],
    "bench/peers/flashmla/Decode.cpp": ["expect[-_]?(rows"],
    "bench/peers/flashmla/FlashMLAPeer.cpp": ["expect[-_]?(rows"],
    "python/tests/test_processes.py": ["[pP]reload"],
}


# One definition for a name; two classes of one name confuse search and readers.
UNIQUE_CLASSES = ["CostModel", "Interpreter", "Machine", "Slot"]
DEFINITION = re.compile(
    rf"^\s*(?:class|struct)\s+({'|'.join(UNIQUE_CLASSES)})\b[^;\n]*\{{", re.MULTILINE)


def list_files(source):
    for folder in FOLDERS:
        root = source / folder
        paths = sorted(root.rglob("*")) if root.is_dir() else [root]
        for path in paths:
            parts = path.relative_to(source).parts
            if path.is_file() and path.suffix in SUFFIXES and not SKIPPED & set(parts):
                yield path


def applies(rule, name):
    if any(part in rule[1] for part in EXCEPTIONS.get(name, [])):
        return False
    return len(rule) < 4 or any(name.startswith(folder) for folder in rule[3])


def check_text(name, text):
    """Yields (line, text found, what to write instead)."""
    lower = text.lower()
    for rule in RULES:
        if rule[0] in lower and applies(rule, name):
            for match in re.finditer(rule[1], text):
                yield text.count("\n", 0, match.start()) + 1, match.group(0).strip(), rule[2]


def check(source):
    found, definitions = [], {}
    for path in list_files(source):
        name = path.relative_to(source).as_posix()
        text = path.read_text(errors="replace")
        found += [f"{name}:{line}: '{what}': expected '{instead}'"
                  for line, what, instead in check_text(name, text)]
        if name.startswith(("include/", "lib/", "tools/")):
            for match in DEFINITION.finditer(text):
                definitions.setdefault(match.group(1), []).append(name)
    for klass, names in sorted(definitions.items()):
        if len(names) > 1:
            found.append(f"expected one class '{klass}', got {len(names)}: {', '.join(names)}")
    return found


def self_test():
    """Each rule has to find something, and good text has to pass."""
    bad = ["--swap-operands", "SwapOperands", "--dump-stages=d", "--tile-keys", "a:keys=32",
           "ThreadCounts", "Harmless.cpp", 'cta.ring "p" at 0 over(%k', 'over = "k"',
           ") ahead [1]", "returned_by", "edges + tiles", "Preload:", "drain.", "k.free",
           "a free mbarrier", "expect_rows", "--stages", "product in flight",
           "warpgroup products", "products with V", "waits for a product", "ProductOps.cpp",
           "every so manieth tile", "goes over both", "a trip to memory",
           "Gives what is left", "What warps hold together is for", "handed back", "each role hands on",
           "frees nothing", "/// As above.", "/// Each once.", "Tells of a step",
           "learns what the others knew", "what it takes anyway", "meets once at"]
    missed = [rule[1] for rule in RULES if not any(
        rule[0] in text.lower() and re.search(rule[1], text) for text in bad)]
    good = ["a dot product", "the matrix product of P and V", "handed over to the driver",
            "block_kv = 32", "rows=5,keys=3", "for key, value in keys", "freed memory", "the loop's epilogue",
            "over 20 seconds", "one iteration ahead", "hands-on", "a committed group"]
    wrong = [text for text in good if any(re.search(rule[1], text) for rule in RULES)]
    for text in missed:
        print(f"no example for {text}")
    for text in wrong:
        print(f"'{text}' should pass")
    return not missed and not wrong


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("source", type=pathlib.Path, help="top of the source tree")
    arguments = parser.parse_args()
    if not self_test():
        return 1
    found = check(arguments.source.resolve())
    print("\n".join(found) if found else "no old name, no private phrase")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
