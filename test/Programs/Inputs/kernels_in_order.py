"""Checks that in a Chrome trace of a program each kernel begins after the one before
it has ended. usage: kernels_in_order.py TRACE.json"""

import json
import sys

events = json.load(open(sys.argv[1]))["traceEvents"]
kernels = {}
for event in events:
    if event.get("name") == "process_name":
        kernels[event["pid"]] = event["args"]["name"].split(",")[0]
spans = {}
for event in events:
    if event["ph"] == "X":
        begin, end = spans.get(kernels[event["pid"]], (event["ts"], 0))
        spans[kernels[event["pid"]]] = (
            min(begin, event["ts"]),
            max(end, event["ts"] + event["dur"]),
        )
spans = list(spans.values())
assert len(spans) == 2, spans
assert spans[0][0] < spans[0][1] <= spans[1][0] < spans[1][1], spans
