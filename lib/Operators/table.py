#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Checks the operator tables of .td files and writes them as C++, Markdown or Python.

    table.py --tblgen=llvm-tblgen -I include OPERATOR.td --header=Table.h

An invalid table is an error that names the file and line of the record.
"""

import argparse
import difflib
import json
import pathlib
import re
import subprocess
import sys

ELEMENTS = "bf16 f16 f32 f64 f8E4M3FN f8E5M2 i8 i32 i64".split()
MAX_RANK = 8
# MLA_MAX_OPTION_VALUES of the C interface.
MAX_VALUES = 8


def presence_values(operand):
    """Values of the option of an optional operand, the default first."""
    values = ["yes", "no"] if operand["isUsual"] else ["no", "yes"]
    return values if operand["isForm"] else values + ["optional"]



class TableError(Exception):
    pass


def fail(record, what):
    raise TableError(f"{record['!locs'][0]}: error: {what}")


def one_of(word, names):
    near = difflib.get_close_matches(word, names, len(names), 0)
    return ("one of " if len(names) > 1 else "") + ", ".join(near + sorted(
        set(names) - set(near)))


class Table:
    """The records of one operator, resolved to dictionaries."""

    def __init__(self, records, name):
        record = records[name]

        def resolve(references):
            return [dict(records[reference["def"]]) for reference in references]

        self.record = record
        self.stem = re.sub(r"^[^_]*_|Op$", "", name)
        self.name, self.summary = record["opName"], record["summary"]
        self.description = record["description"]
        self.sizes = resolve(record["sizes"])
        self.operands = resolve(record["operands"])
        self.options = resolve(record["options"])
        for operand in self.operands:
            elements = records[operand["elements"]["def"]]
            operand["types"] = elements["types"]
            operand["variable"] = elements["variable"]
        self.check()
        self.add_options()

    def check(self):
        self.check_names()
        for size in self.sizes:
            self.check_size(size)
        for operand in self.operands:
            self.check_operand(operand)
        self.check_variables()
        for option in self.options:
            self.check_option(option)
        if not any(
            operand["isWritten"] and not operand["isOptional"] for operand in self.operands
        ):
            fail(self.record, f"operator '{self.name}': expected an output that is not "
                 "optional, got none")

    def check_names(self):
        """Sizes, operands and options share one name space on the command line."""
        seen = {}
        kinds = ("size", self.sizes), ("operand", self.operands), ("option", self.options)
        for kind, entries in kinds:
            for entry in entries:
                for name in filter(None, (entry["name"], entry.get("alias"))):
                    if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
                        fail(entry, f"{kind} '{name}': expected a name of lower-case "
                             "letters, digits and _")
                    if name in seen:
                        fail(entry, f"{kind} '{name}': expected a unique name, got the "
                             f"name of {'an' if seen[name][0] == 'o' else 'a'} {seen[name]}")
                    seen[name] = kind

    def check_size(self, size):
        what = f"size '{size['name']}'"
        least, most, usual = size["least"], size["most"], size["usual"]
        if not 0 <= least <= most < 2**31:
            fail(size, f"{what}: expected 0 <= least <= most < 2^31, got {least} and "
                 f"{most}")
        if usual and not least <= usual <= most:
            fail(size, f"{what}: expected {least} to {most} as the default, got "
                 f"{usual}")
        if not usual and size["typical"] < 1:
            fail(size, f"{what}: expected a typical value of at least 1, got "
                 f"{size['typical']}")
        if not any(size["name"] in operand["dims"] for operand in self.operands):
            fail(size, f"{what}: expected an operand with this dimension, got none")

    def check_operand(self, operand):
        what = f"operand '{operand['name']}'"
        names = [size["name"] for size in self.sizes]
        for dim in operand["dims"]:
            if dim not in names:
                fail(operand, f"{what}: unknown dimension '{dim}', expected "
                     f"{one_of(dim, names)}")
        if not operand["types"]:
            fail(operand, f"{what}: expected an element type, got none")
        for element in operand["types"]:
            if element not in ELEMENTS:
                fail(operand, f"{what}: unknown element type '{element}', expected "
                     f"{one_of(element, ELEMENTS)}")
        rank = len(operand["dims"])
        if not operand["isScalar"] and not 1 <= rank <= MAX_RANK:
            fail(operand, f"{what}: expected 1 to {MAX_RANK} dimensions, got {rank}")
        if operand["isScalar"] and (rank or operand["isWritten"] or operand["isOptional"]):
            fail(operand, f"{what}: expected a scalar to be a required input without "
                 "dimensions")

    def check_variables(self):
        first = {}
        for operand in self.operands:
            variable = operand["variable"]
            other = first.setdefault(variable, operand)
            if variable and other["types"] != operand["types"]:
                fail(operand, f"operand '{operand['name']}': expected the types of "
                     f"'{variable}' that operand '{other['name']}' has, "
                     f"{', '.join(other['types'])}, got {', '.join(operand['types'])}")

    def check_option(self, option):
        what, values = f"option '{option['name']}'", option["values"]
        if not 2 <= len(values) <= MAX_VALUES:
            fail(option, f"{what}: expected 2 to {MAX_VALUES} values, got {len(values)}")
        if len(set(values)) < len(values):
            fail(option, f"{what}: expected different values, got "
                 f"{', '.join(values)}")

    def add_options(self):
        """Adds the options that follow from operands: presence and element types."""
        for option in self.options:
            option.update(kind="Attribute", alias="")
        for operand in self.operands:
            if operand["isOptional"]:
                self.options.append({**operand, "kind": "Presence",
                                     "values": presence_values(operand)})
        variables = {}
        for operand in self.operands:
            if operand["variable"] and len(operand["types"]) > 1:
                variables.setdefault(operand["variable"], []).append(operand)
        names = {entry["name"] for entry in self.sizes + self.operands + self.options}
        for variable, operands in variables.items():
            if variable in names:
                fail(operands[0], f"type variable '{variable}': expected a unique "
                     "name, got the name of a size, operand or option")
            users = [operand["name"] for operand in operands]
            self.options.append({
                "name": variable, "kind": "ElementType", "alias": "", "isTuned": 0,
                "values": operands[0]["types"],
                "doc": "element type of " + ", ".join(users)})


def load(tblgen, includes, td):
    """The tables of a .td file, by name."""
    command = [tblgen, "--dump-json", *(f"-I{folder}" for folder in includes), td]
    made = subprocess.run(command, stdout=subprocess.PIPE, check=False)
    if made.returncode:
        sys.exit(made.returncode)
    records = json.loads(made.stdout)
    return [Table(records, name) for name in records["!instanceof"]["MLA_Operator"]]


# ------------------------------------------------------------------------------
# C++
# ------------------------------------------------------------------------------


def quote(text):
    return json.dumps(text)


def boolean(bit):
    return "true" if bit else "false"


def write_header(tables):
    text = "// Generated by lib/Operators/table.py.\n#pragma once\n\n"
    text += '#include "mla/Operators/OperatorTable.h"\n'
    for table in tables:
        text += header_of(table)
    return text


def camel(name):
    """partial_out as PartialOut."""
    return "".join(word[:1].upper() + word[1:] for word in name.split("_"))


def header_of(table):
    lines = [f"\nnamespace mla::detail::{table.stem}Entries {{"]

    def array(element, name, entries):
        """Declares an array; returns the initializer that refers to it."""
        if not entries:
            return "{}"
        lines.append(f"inline constexpr {element} {name}[] = {{")
        lines.extend(f"    {entry}," for entry in entries)
        lines.append("};")
        return name

    def texts(name, entries):
        return array("std::string_view", name, [quote(entry) for entry in entries])

    sizes = array("SizeInfo", "kSizes", [
        "{" + ", ".join([
            quote(size["name"]), quote(size["doc"]), quote(size["alias"]),
            boolean(size["isStatic"]), boolean(size["isTuned"]), str(size["usual"]),
            str(size["typical"]), str(size["least"]), str(size["most"])]) + "}"
        for size in table.sizes])
    operands = [
        "{" + ", ".join([
            quote(operand["name"]), quote(operand["doc"]),
            texts(f"kElementsOf{camel(operand['name'])}", operand["types"]),
            quote(operand["variable"]),
            texts(f"kDimsOf{camel(operand['name'])}", operand["dims"]),
            boolean(operand["isOptional"]), boolean(operand["isWritten"]),
            boolean(operand["isPositive"]),
            f"OperandLayout::{operand['layout']}"]) + "}"
        for operand in table.operands]
    operands = array("OperandInfo", "kOperands", operands)
    options = [
        "{" + ", ".join([
            quote(option["name"]), quote(option["doc"]), quote(option["alias"]),
            f"OptionKind::{option['kind']}",
            texts(f"kValuesOf{camel(option['name'])}", option["values"]),
            boolean(option["isTuned"])]) + "}"
        for option in table.options]
    options = array("OptionInfo", "kOptions", options)
    lines += [
        f"}} // namespace mla::detail::{table.stem}Entries\n",
        "namespace mla {",
        f"inline constexpr OperatorTable k{table.stem}Table = {{",
        f"    {quote(table.name)}, {quote(table.summary)},",
        *(f"    {'detail::' + table.stem + 'Entries::' + name if name != '{}' else name},"
          for name in (sizes, operands, options)),
        "};",
        "} // namespace mla",
    ]
    return "\n".join(lines) + "\n"


# ------------------------------------------------------------------------------
# Markdown
# ------------------------------------------------------------------------------


def write_markdown(tables):
    return "\n".join(map(markdown_of, tables))


def dedent(text):
    lines = text.strip("\n").split("\n")
    margin = min(len(line) - len(line.lstrip()) for line in lines if line.strip())
    return "\n".join(line[margin:] for line in lines).strip()


def markdown_of(table):
    def row(*cells):
        return "| " + " | ".join(cells) + " |\n"

    text = f"# `mla.{table.name}`\n\n_{table.summary[0].upper()}{table.summary[1:]}_\n\n"
    text += dedent(table.description) + "\n\n## Operands\n\n"
    text += row("operand", "shape", "element", "") + row(*["---"] * 4)
    for operand in table.operands:
        dims = "[" + ", ".join(operand["dims"]) + "]"
        kinds = [kind for kind, flag in (("optional", "isOptional"),
                                         ("written", "isWritten")) if operand[flag]]
        text += row(
            operand["name"] + (f" ({', '.join(kinds)})" if kinds else ""),
            "scalar above 0" if operand["isPositive"] else
            "scalar" if operand["isScalar"] else dims,
            " or ".join(operand["types"]), operand["doc"])
    text += "\n## Sizes\n\n" + row("size", "default", "covered", "") + row(*["---"] * 4)
    for size in table.sizes:
        least, most = size["least"], size["most"]
        text += row(
            size["name"], str(size["usual"] or "run time"),
            str(least) if least == most else
            f"{least} to {most}" if most < 2**31 - 1 else f"from {least}", size["doc"])
    text += "\n## Options\n\n" + row("option", "values, the default first", "")
    text += row(*["---"] * 3)
    for option in table.options:
        text += row(option["name"], ", ".join(f"`{v}`" for v in option["values"]),
                    option["doc"] + (": whether the operand is present"
                                     if option["kind"] == "Presence" else ""))
    return text


# ------------------------------------------------------------------------------
# Python
# ------------------------------------------------------------------------------

PYTHON_HEADER = '''# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The tables of the operators. Generated by lib/Operators/table.py from their .td
files: edit there, then build the target mla-docs."""

'''


def write_python(tables):
    text = PYTHON_HEADER + "OPERATORS = {\n"
    for table in tables:
        text += f"    {quote(table.name)}: {{\n        \"sizes\": {{\n"
        for size in table.sizes:
            text += f"            {quote(size['name'])}: {{"
            # Known at compile time, at least by default.
            is_static = bool(size["usual"]) and size["least"] < size["most"]
            text += f"\"static\": {is_static}, "
            text += f"\"least\": {size['least']}, \"most\": {size['most']}}},\n"
        text += "        },\n        \"operands\": {\n"
        for operand in table.operands:
            text += f"            {quote(operand['name'])}: {{\n"
            for key, value in (("elements", operand["types"]),
                               ("variable", operand["variable"]),
                               ("dims", operand["dims"]),
                               ("optional", bool(operand["isOptional"])),
                               ("written", bool(operand["isWritten"]))):
                value = json.dumps(value) if isinstance(value, (str, list)) else value
                text += f"                {quote(key)}: {value},\n"
            text += "            },\n"
        text += "        },\n"
        for key, kind in ("options", "Attribute"), ("element_types", "ElementType"):
            text += f"        {quote(key)}: {{\n"
            for option in table.options:
                if option["kind"] == kind:
                    text += f"            {quote(option['name'])}: "
                    text += json.dumps(option["values"]) + ",\n"
            text += "        },\n"
        text += "    },\n"
    return text + "}\n"


def write_if_changed(path, text):
    """Keeps the timestamp of an unchanged file, so that its users are not rebuilt."""
    if not path.exists() or path.read_text() != text:
        path.write_text(text)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("td", nargs="+")
    parser.add_argument("--tblgen", required=True, help="llvm-tblgen")
    parser.add_argument("-I", dest="includes", action="append", default=[])
    writers = {"header": write_header, "markdown": write_markdown, "python": write_python}
    for name in writers:
        parser.add_argument(f"--{name}", metavar="FILE")
    arguments = parser.parse_args()
    try:
        tables = [
            table
            for td in arguments.td
            for table in load(arguments.tblgen, arguments.includes, td)
        ]
    except TableError as error:
        print(error, file=sys.stderr)
        return 1
    for name, write in writers.items():
        if getattr(arguments, name):
            write_if_changed(pathlib.Path(getattr(arguments, name)), write(tables))
    return 0


if __name__ == "__main__":
    sys.exit(main())
