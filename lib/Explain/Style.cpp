//===- Style.cpp - how the page looks -------------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// Colours after Okabe and Ito, which are told apart with any colour vision;
// text on them is dark in both modes.
//
//===----------------------------------------------------------------------===//

#include "Page.h"

const char mla::explain::kStyle[] = R"css(
:root {
  color-scheme: light dark;
  --paper: #ffffff; --ink: #1b1f24; --muted: #5b6570; --rule: #d5dae0;
  --raised: #f5f7f9; --lane: #eef1f4; --accent: #0072b2;
  --math: #56b4e9; --product: #e69f00; --copy: #2fb58b; --shared: #f0e442;
  --global: #d78fb5; --sync: #8b949e; --hatch: #b9c1c9; --hatchGround: #f3f5f7;
  --full: #cfe5f5; --ring: #9cc9e8; --ringOdd: #7db5db; --buffer: #c9b3dd;
  --barrier: #e0bd72;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #14181d; --ink: #e6eaee; --muted: #9aa5b1; --rule: #343b44;
    --raised: #1c2127; --lane: #1f252c; --accent: #6cc0f2;
    --math: #4ba3d6; --product: #dc9a10; --copy: #2aa57f; --shared: #d9ce3e;
    --global: #c582a7; --sync: #87919c; --hatch: #4a535e; --hatchGround: #20262d;
    --full: #2c4a60; --ring: #4f8fb8; --ringOdd: #3d7ba4; --buffer: #8f76aa;
    --barrier: #a98843;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0 auto; padding: 20px 28px 60px; max-width: 1480px;
  background: var(--paper); color: var(--ink);
  font: 14px/1.45 system-ui, -apple-system, "Segoe UI", "Liberation Sans",
    "DejaVu Sans", sans-serif;
}
h1 { font-size: 26px; margin: 0; letter-spacing: -0.01em; }
h1 .schedule {
  font-size: 15px; font-weight: 500; color: var(--accent); margin-left: 14px;
  border: 1px solid; border-radius: 12px; padding: 2px 10px;
  vertical-align: 4px;
}
h2 { font-size: 19px; margin: 36px 0 6px; padding-top: 12px;
  border-top: 2px solid var(--rule); }
h3 { font-size: 14px; margin: 14px 0 4px; }
p { margin: 4px 0 8px; max-width: 110ch; }
.facts { font-size: 15px; max-width: none; }
.note, .muted { color: var(--muted); }
.figures { display: grid; gap: 10px; margin: 14px 0;
  grid-template-columns: repeat(auto-fit, minmax(170px, 1fr)); }
.figure, .card { background: var(--raised); border: 1px solid var(--rule);
  border-radius: 6px; padding: 10px 14px; }
.value { font-size: 24px; font-weight: 650; }
.value small { font-size: 13px; font-weight: 400; color: var(--muted); }
.meaning { font-size: 12.5px; color: var(--muted); line-height: 1.3; }
.cards { columns: 500px; column-gap: 12px; }
.card { break-inside: avoid; margin-bottom: 12px; }
.columns { display: grid; gap: 24px; align-items: start;
  grid-template-columns: repeat(auto-fit, minmax(min(100%, 560px), 1fr)); }
table { border-collapse: collapse; width: 100%; font-size: 13px; }
th { text-align: left; color: var(--muted); font-weight: 500;
  border-bottom: 1px solid var(--rule); padding: 3px 6px; }
td { padding: 2px 6px; border-bottom: 1px solid var(--rule);
  vertical-align: top; }
.number { text-align: right; white-space: nowrap;
  font-variant-numeric: tabular-nums; }
.step { font-weight: 600; white-space: nowrap; }
.ops { color: var(--muted); width: 100%; max-width: 0; overflow: hidden;
  white-space: nowrap; text-overflow: ellipsis; }
.ops.why { white-space: normal; }
.card h3 { margin-top: 0; font-size: 15px; }
.card table { font-size: 12px; } .card p { font-size: 13px; }
.swatch { width: 12px; }
.meter { white-space: nowrap; }
.total td { font-weight: 650; }
.controls { display: flex; flex-wrap: wrap; gap: 6px; align-items: center; }
button { font: inherit; font-size: 13px; color: var(--ink);
  background: var(--raised); border: 1px solid var(--rule);
  border-radius: 5px; padding: 3px 10px; cursor: pointer; }
button:hover { border-color: var(--accent); }
.legend { display: flex; flex-wrap: wrap; gap: 3px 16px; font-size: 12.5px;
  color: var(--muted); max-width: none; }
.legend svg { vertical-align: -1px; }
.scroll { overflow-x: auto; }
svg { display: block; }
td svg, .legend svg { display: inline-block; }
.time, .overview, .budget, .roofline, .trip { width: 100%; height: auto; }
.time, .overview { min-width: 860px; }
.roofline, .budget { min-width: 560px; } .wide { min-width: 760px; }
.roofline { max-width: 900px; }
.defs { position: absolute; }
text { fill: var(--ink); font-size: 12px; }
text.tick, text.tiny { font-size: 11px; }
text.tick, text.muted { fill: var(--muted); }
text.strong { font-weight: 650; }
text.end { text-anchor: end; } text.mid { text-anchor: middle; }
.ground { fill: var(--paper); }
.plot { cursor: grab; } .plot:active { cursor: grabbing; }
.lane { fill: var(--lane); }
.ticks line, .grid { stroke: var(--rule); stroke-width: 1; }
.math { fill: var(--math); } .product { fill: var(--product); }
.copy { fill: var(--copy); } .shared { fill: var(--shared); }
.global { fill: var(--global); } .sync { fill: var(--sync); }
.wait { fill: url(#hatch); } .full { fill: var(--full); }
.dead { fill: url(#backHatch); stroke: var(--hatch); stroke-width: 0.5; }
text.label { fill: #14181d; font-size: 11px; pointer-events: none; }
text.on-even, text.on-odd,
text.on-full, text.on-dead, text.on-wait { fill: var(--ink); }
text.on-wait { stroke: var(--hatchGround); stroke-width: 3;
  stroke-linejoin: round; paint-order: stroke; }
.hatchGround { fill: var(--hatchGround); }
.hatchLine { stroke: var(--hatch); stroke-width: 3; }
.even { fill: var(--rule); } .odd { fill: var(--lane); }
rect.t:hover { stroke: var(--ink); stroke-width: 1.5; }
.brush { fill: var(--accent); fill-opacity: 0.18; stroke: var(--accent);
  cursor: ew-resize; }
.ring { fill: var(--ring); } .ring.odd { fill: var(--ringOdd); }
.buffer { fill: var(--buffer); } .barrier { fill: var(--barrier); }
.unused { fill: url(#backHatch); }
.faint { fill-opacity: 0.22; }
.unused.faint { fill-opacity: 1; }
.leader { fill: var(--lane); stroke: var(--rule); stroke-width: 0.5; }
.shade0 { fill: #a9bccd; } .shade1 { fill: #c3d1de; }
.shade2 { fill: #93a9bd; } .shade3 { fill: #d6e0e9; }
.roof { stroke-width: 2.2; fill: none; } .measured { stroke-dasharray: 6 4; }
.tensor { stroke: var(--product); } .l2 { stroke: var(--copy); }
.hbm { stroke: var(--accent); }
.stem { stroke-width: 1; stroke-dasharray: 2 3; }
.point { stroke: var(--paper); stroke-width: 1.5; }
.point.l2 { fill: var(--copy); } .point.hbm { fill: var(--accent); }
.model { stroke: var(--ink); stroke-width: 1; stroke-dasharray: 2 2; }
.fill { fill: var(--accent); }
#tip { position: fixed; display: none; z-index: 9; pointer-events: none;
  max-width: 460px; padding: 6px 10px; border-radius: 5px; font-size: 12.5px;
  background: var(--ink); color: var(--paper); white-space: pre-line;
  overflow-wrap: anywhere; box-shadow: 0 2px 10px rgb(0 0 0 / 0.35); }
#tip::first-line { font-weight: 650; }
@page { size: landscape; margin: 10mm; }
@media print {
  body { padding: 0; max-width: none; font-size: 11px;
    -webkit-print-color-adjust: exact; print-color-adjust: exact; }
  .controls, .overview { display: none; }
  .card, svg, tr { break-inside: avoid; } h2, h3 { break-after: avoid; }
  .scroll { overflow: visible; } .time { min-width: 0; }
  .ops { white-space: normal; }
}
)css";
