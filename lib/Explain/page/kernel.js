"use strict";
// One kernel: its key figures, then the sections.

function figure(value, unit, meaning) {
  return html("div", { class: "figure" },
    html("div", { class: "value" }, value, unit ? html("small", {}, ` ${unit}`) : null),
    html("div", { class: "meaning" }, meaning));
}

function flopRate({ figures }) {
  return ratio(figures.flops, figures.seconds);
}

function keyFigures(kernel) {
  const { figures, machine } = kernel;
  const flops = flopRate(kernel);
  return html("div", { class: "figures" },
    figure(number(figures.seconds * 1e6), "µs", "the grid, by the model"),
    figure(number(flops / 1e12), "TFLOP/s",
      `${percent(flops / machine.tensorFlopsPerSecond)} of nominal, if every CTA ran as the model says`),
    figure(number(figures.cycles), "cycles",
      `one CTA, start to end: ${number(figures.cycles / machine.clockGHz / 1e3)} µs`),
    figure(number(figures.tripCycles), "cycles", "one trip of the main loop, steady state"),
    figure(percent(figures.tensorBusy), "", "of the steady state an MMA runs on the tensor core"),
    figure(number(figures.sharedBytes), "bytes",
      `shared memory, of ${number(machine.sharedBytesPerCTA)}`),
    figure(number(figures.threads), "threads",
      `${kernel.roles.length} roles; ${number(figures.residentCTAs)} resident CTA per SM`));
}

function registerFile(kernel) {
  const whole = kernel.machine.registersPerSM;
  const all = kernel.roles.map(role => 32 * role.warps * role.registers);
  const describe = (role, i) =>
    `${role.name}: ${role.warps} warps × 32 × ${role.registers} = ${number(all[i])}`;
  return [
    html("h3", {}, `Register file: ${number(sum(all))} of ${number(whole)} registers, ` +
      `${number(whole - sum(all))} unused`),
    partsBar(kernel.roles.map((role, i) => [`shade${i % 4}`, all[i], describe(role, i)]), whole,
      "Registers of each role", 26),
    legend(...kernel.roles.map((role, i) => [`shade${i % 4}`, describe(role, i)]))
  ];
}

function describeKernel(kernel) {
  const { grid, machine } = kernel;
  const ctas = grid.ctas === undefined ? "" : ` = ${number(grid.ctas)} CTAs`;
  const cluster = grid.clusterSize > 1 ? ` in clusters of ${grid.clusterSize}` : "";
  return [kernel.operator ? `Operator ${kernel.operator}` : "Tile program",
    `grid ${grid.text}${ctas}${cluster}`, listSizes(kernel.sizes),
    `${machine.name}, ${machine.sms} SMs at ${number(machine.clockGHz)} GHz`].join(" · ");
}

function describeTrace(kernel) {
  const same = Object.entries(kernel.sizes).every(([name, value]) => kernel.tracedSizes[name] === value);
  return "Times are those of a cost model of one SM, not measured: they show which role waits " +
    "for which, and are not exact." +
    (same ? "" : " A CTA does the same for any number of CTAs, so the traced run had " +
      `${listSizes(kernel.tracedSizes)}.`);
}

function kernelArticle({ kernel, title, id }) {
  const view = new View(0, kernel.figures.cycles, kernel.window);
  return html("article", { id },
    html("header", {},
      html("h1", {}, title,
        kernel.schedule ? html("span", { class: "schedule" }, `schedule ${kernel.schedule}`) : null),
      html("p", { class: "facts" }, describeKernel(kernel)),
      html("p", { class: "note" }, describeTrace(kernel))),
    keyFigures(kernel), registerFile(kernel),
    timelineSection(kernel, view, id), sharedSection(kernel, view, id),
    barriersSection(kernel, id), rooflineSection(kernel, id));
}
