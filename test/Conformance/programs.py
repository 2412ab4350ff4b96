# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""A conformance program and its cases, and the list of all programs."""

import string

NAN = float("nan")
I32_MIN, I32_MAX = -(2**31), 2**31 - 1


class Case:
    """One run: inputs by argument, expected outputs, run-time sizes that no input
    has, elements of padding after the rows of a tensor, and whether parts of the
    outputs stay unwritten."""

    def __init__(self, name, inputs, expected, sizes=None, padding=None,
                 partial=False):
        self.name, self.inputs, self.expected = name, inputs, expected
        self.partial = partial
        self.sizes, self.padding = sizes or {}, padding or {}


class Program:
    """A program: `file` with `parameters` filled in, at level tile or cta."""

    def __init__(self, name, cases, file=None, level="tile", **parameters):
        self.name, self.cases, self.level = name, cases, level
        self.file = file or name + ".mlir"
        self.parameters = parameters
        self.summary = (cases.__doc__ or "").split("\n")[0]

    def text(self, folder):
        text = (folder / self.file).read_text()
        return string.Template(text).substitute(self.parameters)


PROGRAMS = []


def program(name, **options):
    """Declares the program whose cases the decorated generator gives."""

    def declare(cases):
        PROGRAMS.append(Program(name, cases, **options))
        return cases

    return declare
