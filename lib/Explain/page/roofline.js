"use strict";
// The kernel against the limits of the machine.

// Logarithmic axes of whole decades that hold the points: FLOP per byte, FLOP/s.
class RooflineAxes {
  constructor(width, flops, intensities) {
    Object.assign(this, { left: 56, top: 12, right: width - 26, bottom: 344 });
    Object.assign(this, { lowX: 1, highX: 1e4, lowY: 1e13, highY: 2e15 });
    while (flops > 0 && flops < this.lowY)
      this.lowY /= 10;
    for (const intensity of intensities) {
      while (intensity > 0 && intensity < this.lowX)
        this.lowX /= 10;
      while (intensity > this.highX)
        this.highX *= 10;
    }
  }

  x(intensity) {
    return this.left + Math.log(intensity / this.lowX) /
      Math.log(this.highX / this.lowX) * (this.right - this.left);
  }

  y(flops) {
    return this.bottom - Math.log(flops / this.lowY) /
      Math.log(this.highY / this.lowY) * (this.bottom - this.top);
  }
}

function line(className, x1, y1, x2, y2) {
  return svg("line", { class: className, x1, y1, x2, y2 });
}

function drawGrid(node, axes) {
  const text = (x, y, className, content) =>
    node.append(svg("text", { x, y, class: className }, content));
  for (let v = axes.lowX; v <= axes.highX * 1.001; v *= 10) {
    node.append(line("grid", axes.x(v), axes.top, axes.x(v), axes.bottom));
    text(axes.x(v), axes.bottom + 16, "tick mid", number(v));
  }
  for (let v = axes.lowY; v <= axes.highY; v *= 10) {
    node.append(line("grid", axes.left, axes.y(v), axes.right, axes.y(v)));
    text(axes.left - 6, axes.y(v) + 4, "tick end", number(v / 1e12));
  }
  text((axes.left + axes.right) / 2, axes.bottom + 34, "mid", "FLOP per byte");
  node.append(svg("text", {
    class: "mid", transform: `translate(12 ${(axes.top + axes.bottom) / 2}) rotate(-90)`
  }, "TFLOP/s"));
}

// From the lowest intensity or rate along a bandwidth up to a peak, then level.
function drawRoof(node, axes, className, bytesPerSecond, peak) {
  const from = Math.max(axes.lowX, axes.lowY / bytesPerSecond);
  node.append(line(`roof ${className}`, axes.x(from), axes.y(from * bytesPerSecond),
    axes.x(peak / bytesPerSecond), axes.y(peak)));
}

function drawRoofs(node, axes, machine) {
  const peak = machine.tensorFlopsPerSecond, measured = machine.measuredTensorFlopsPerSecond;
  const l2 = machine.measuredL2BytesPerSecond;
  node.append(
    line("roof tensor", axes.x(peak / l2), axes.y(peak), axes.right, axes.y(peak)),
    line("roof tensor measured", axes.x(measured / l2), axes.y(measured), axes.right, axes.y(measured)));
  drawRoof(node, axes, "l2", l2, peak);
  drawRoof(node, axes, "hbm", machine.hbmBytesPerSecond, peak);
  drawRoof(node, axes, "hbm measured", machine.measuredHbmBytesPerSecond, measured);
}

function drawPoint(node, axes, className, intensity, flops, tip) {
  const x = axes.x(intensity), y = axes.y(flops);
  node.append(line(`stem ${className}`, x, y, x, axes.bottom),
    svg("circle", { class: `point ${className}`, cx: x, cy: y, r: 6, tip }));
}

class Roofline {
  constructor(kernel) {
    this.kernel = kernel;
    this.node = html("div", { class: "picture", role: "img", "aria-label": "Roofline" });
    new ResizeObserver(() => this.draw()).observe(this.node);
    this.draw();
  }

  draw() {
    const { figures, machine } = this.kernel;
    const width = Math.max(260, Math.min(720, this.node.clientWidth || 660));
    const flops = ratio(figures.flops, figures.seconds);
    const l2 = ratio(figures.flops, figures.globalBytes);
    const hbm = ratio(figures.flops, figures.distinctBytes);
    const axes = new RooflineAxes(width, flops, [l2, hbm]);
    const node = svg("svg", { width, height: axes.bottom + 44 });
    drawGrid(node, axes);
    drawRoofs(node, axes, machine);
    if (flops > 0) {
      node.append(line("model", axes.left, axes.y(flops), axes.right, axes.y(flops)));
      drawPoint(node, axes, "l2", l2, flops, `${number(l2)} FLOP per byte from L2`);
      drawPoint(node, axes, "hbm", hbm, flops, `at most ${number(hbm)} FLOP per byte from HBM`);
    }
    this.node.replaceChildren(node);
  }

  // The lines and points with their values.
  legend() {
    const { figures, machine } = this.kernel;
    const tera = value => number(value / 1e12);
    const sample = (className, isPoint) => svg("svg", { width: 26, height: 12, "aria-hidden": "true" },
      isPoint ? svg("circle", { class: `point ${className}`, cx: 13, cy: 6, r: 5.5 })
        : line(className, 0, 6, 26, 6));
    const entry = (className, text, isPoint) =>
      html("span", {}, sample(className, isPoint), ` ${text}`);
    const intensity = total => number(ratio(figures.flops, total));
    return html("p", { class: "legend" },
      entry("roof tensor", `tensor core, nominal: ${tera(machine.tensorFlopsPerSecond)} TFLOP/s`),
      entry("roof tensor measured",
        `dense matrix product, measured: ${tera(machine.measuredTensorFlopsPerSecond)} TFLOP/s`),
      entry("roof l2", `L2 to SMs, gather, measured: ${tera(machine.measuredL2BytesPerSecond)} TB/s`),
      entry("roof hbm", `HBM, nominal: ${tera(machine.hbmBytesPerSecond)} TB/s`),
      entry("roof hbm measured", `HBM, read, measured: ${tera(machine.measuredHbmBytesPerSecond)} TB/s`),
      figures.flops > 0 ? [
        entry("model", `this kernel, model: ${tera(ratio(figures.flops, figures.seconds))} TFLOP/s`),
        entry("l2", `${intensity(figures.globalBytes)} FLOP per byte from L2`, true),
        entry("hbm", `at most ${intensity(figures.distinctBytes)} FLOP per byte from HBM`, true)
      ] : null);
  }
}

function meter(share) {
  return [svg("svg", { width: 70, height: 10, "aria-hidden": "true" },
    svg("rect", { class: "unused", width: 70, height: 10 }),
    svg("rect", { class: "fill", width: Math.min(70, share * 70), height: 10 })),
  ` ${percent(share)}`];
}

function boundsTable(kernel) {
  const cycles = kernel.figures.cycles;
  const amount = (value, unit) => unit === "results" ? `${number(value)} results` : quantity(value, unit);
  const rows = kernel.bounds.map(bound => [bound.resource, amount(bound.amount, bound.unit),
    `${number(bound.perCycle)} ${bound.unit}/cycle, ${bound.note}`,
    number(bound.cycles), meter(ratio(bound.cycles, cycles))]);
  const total = ["Model", "", "one CTA, start to end", number(cycles), meter(ratio(cycles, cycles))];
  total.className = "total";
  return table("wide", [["resource", "name"], ["one CTA", "number"], ["limit of an SM", ""],
    ["cycles at least", "number"], ["of the model's", "meter"]], [...rows, total]);
}

function describeLargestBound(kernel) {
  const largest = kernel.bounds.reduce((a, b) => b.cycles > a.cycles ? b : a);
  return largest.cycles > 0
    ? html("p", {}, `The largest bound: ${largest.resource}. The model takes ` +
        `${number(kernel.figures.cycles / largest.cycles)} times as long.`)
    : null;
}

function trafficTable(kernel) {
  return table("", [["argument", "name"], ["", ""], ["one CTA", "number"], ["all CTAs", "number"],
    ["HBM at least", "number"]],
  kernel.traffic.map(argument => [argument.argument, argument.written ? "written" : "read",
    quantity(argument.ctaBytes, "B"), quantity(argument.gridBytes, "B"),
    quantity(argument.distinctBytes, "B")]));
}

function rooflineSection(kernel, id) {
  const { figures } = kernel;
  const roofline = new Roofline(kernel);
  return section(`${id}-roofline`, "Roofline",
    html("p", {}, `The grid computes ${quantity(figures.flops, "FLOP")} in MMAs and moves ` +
      `${quantity(figures.globalBytes, "B")} between L2 and SMs, of which at least ` +
      `${quantity(figures.distinctBytes, "B")} are distinct and move to or from HBM. The ` +
      `modelled time of the grid, ${number(figures.seconds * 1e6)} µs, is that of full waves ` +
      "of equal CTAs. Counted are the ops that the traced CTA executed, including rows that " +
      "pad a tile."),
    html("div", { class: "columns" },
      html("div", {}, roofline.node, roofline.legend()),
      html("div", {}, html("h3", {}, "Lower bounds by resource"), boundsTable(kernel),
        describeLargestBound(kernel),
        html("h3", {}, "Traffic by argument"), trafficTable(kernel))));
}
