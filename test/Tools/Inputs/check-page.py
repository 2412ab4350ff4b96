"""Checks a page (well-formed XML, unique ids, no reference to anything outside
itself) and a Chrome trace (complete events that do not overlap on their thread,
every thread named). Usage: check-page.py PAGE.html TRACE.json"""

import json
import sys
import xml.etree.ElementTree as ElementTree


def check_page(path):
    elements = list(ElementTree.parse(path).iter())
    ids = [element.get("id") for element in elements if element.get("id")]
    assert len(ids) == len(set(ids)), ids
    for element in elements:
        for name in ("src", "href"):
            assert element.get(name) is None, ElementTree.tostring(element)
        if element.tag.endswith("}style"):
            for call in element.text.split("url(")[1:]:
                target = call[: call.index(")")]
                assert target[0] == "#" and target[1:] in ids, target
        if element.tag.endswith("}rect"):
            assert float(element.get("width")) >= 0, ElementTree.tostring(element)
            assert float(element.get("height")) >= 0, ElementTree.tostring(element)


def check_trace(path):
    with open(path) as file:
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
check_trace(sys.argv[2])
