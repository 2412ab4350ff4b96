"""Checks a page as a file (tags that nest, unique ids, no reference to anything
outside itself, data of the documented format) and a Chrome trace (complete events
that do not overlap on their thread, every thread named).
Usage: check-page.py PAGE.html [TRACE.json]"""

import html.parser
import json
import re
import sys

VOID = {"meta", "link", "br", "img", "input"}


class Page(html.parser.HTMLParser):
    def __init__(self):
        super().__init__()
        self.open, self.ids, self.texts = [], [], {}

    def handle_starttag(self, tag, attributes):
        for name, value in attributes:
            if name == "id":
                self.ids.append(value)
            assert name not in ("src", "href", "srcset", "data"), (tag, name, value)
        if tag not in VOID:
            self.open.append((tag, dict(attributes).get("id")))

    def handle_endtag(self, tag):
        assert self.open and self.open[-1][0] == tag, (tag, self.open)
        self.open.pop()

    def handle_data(self, text):
        if self.open:
            self.texts.setdefault(self.open[-1], []).append(text)


def check_page(path):
    with open(path, encoding="utf-8") as file:
        text = file.read()
    assert text.startswith("<!DOCTYPE html>")
    page = Page()
    page.feed(text)
    page.close()
    assert not page.open, page.open
    assert len(page.ids) == len(set(page.ids)), page.ids
    styles = "".join(page.texts[("style", None)])
    assert "@import" not in styles
    for target in re.findall(r"url\((.*?)\)", styles):
        assert target[0] == "#" and target[1:] in page.ids, target
    data = json.loads("".join(page.texts[("script", "data")]))
    assert (data["format"], data["version"]) == ("mla-explain", 1)
    assert "<" not in "".join(page.texts[("script", "data")])
    for program in data["programs"]:
        for kernel in program["kernels"]:
            check_kernel(kernel)


def check_kernel(kernel):
    """Spans of a track follow each other, labels are those of the table, and slots lie
    within their allocation."""
    for track in kernel["tracks"]:
        end = 0
        for label, begin, next_end, *_ in track["spans"]:
            assert 0 <= label < len(kernel["labels"])
            assert end - 0.125 <= begin <= next_end <= kernel["figures"]["cycles"] + 0.125
            end = next_end
    for allocation in kernel["allocations"]:
        for life in allocation["lives"]:
            assert 0 <= life["slot"] < allocation["slots"]
    shared = kernel["shared"]
    parts = shared["tileBytes"] + shared["barrierBytes"] + shared["unusedBytes"]
    assert parts == shared["limit"]


def check_trace(path):
    with open(path, encoding="utf-8") as file:
        trace = json.load(file)
    named, used, ends = set(), set(), {}
    for event in trace["traceEvents"]:
        thread = (event["pid"], event["tid"])
        if event["ph"] == "M":
            if event["name"] == "thread_name":
                named.add(thread)
            continue
        assert event["ph"] == "X" and event["dur"] >= 0, event
        assert event["ts"] >= ends.get(thread, 0) - 1e-6, event
        ends[thread] = event["ts"] + event["dur"]
        used.add(thread)
        assert {"op", "label", "location", "iteration"} <= set(event["args"]), event
    assert used and used <= named, used - named


check_page(sys.argv[1])
if len(sys.argv) > 2:
    check_trace(sys.argv[2])
