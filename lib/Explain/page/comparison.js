"use strict";
// Several programs side by side, and the kernels of one program one after the other.

// A figure of a kernel: its name, its value, how it is written, and whether less is
// better (-1), more is (1), or neither (0).
const FIGURES = [
  ["µs of the grid", kernel => kernel.figures.seconds * 1e6, number, -1],
  ["TFLOP/s", kernel => flopRate(kernel) / 1e12, number, 1],
  ["cycles of one CTA", kernel => kernel.figures.cycles, number, 0],
  ["cycles of one trip of the main loop", kernel => kernel.figures.tripCycles, number, 0],
  ["tensor core busy in the steady state", kernel => kernel.figures.tensorBusy, percent, 1],
  ["bytes of shared memory", kernel => kernel.figures.sharedBytes, number, 0],
  ["registers of a CTA",
    kernel => sum(kernel.roles.map(role => 32 * role.warps * role.registers)), number, 0],
  ["bytes between L2 and SMs", kernel => kernel.figures.globalBytes, value => quantity(value, "B"), -1],
  ["threads", kernel => kernel.figures.threads, number, 0]
];

// A value with its change from the first program's.
function comparedCell(value, first, format, better) {
  if (value === undefined)
    return "–";
  const text = format(value);
  const change = first > 0 ? value / first - 1 : 0;
  if (Math.abs(change) < 0.0005)
    return text;
  const verdict = better * change > 0 ? "better" : better ? "worse" : "muted";
  return [text, html("span", { class: `change ${verdict}` },
    ` ${change > 0 ? "+" : "−"}${percent(Math.abs(change))}`)];
}

function comparedRow(name, values, format, better) {
  return [name, ...values.map((value, i) =>
    i ? comparedCell(value, values[0], format, better) : value === undefined ? "–" : format(value))];
}

function totalSeconds(program) {
  return sum(program.kernels.map(kernel => kernel.figures.seconds));
}

function comparisonTable(programs, index) {
  const kernels = programs.map(program => program.kernels[index]);
  return table("compared", [["", "name"], ...programs.map(program => [program.title, "number"])],
    FIGURES.map(([name, get, format, better]) => comparedRow(name,
      kernels.map(kernel => kernel && get(kernel)), format, better)));
}

// Cycles of a trip by category; a wait costs some cycles besides those that it waits.
function tripParts(loop) {
  return CATEGORIES.map(([category, name]) => {
    const cycles = sum(loop.steps.map(step => category === "wait" ? step.waiting
      : category === "sync" && step.category === "wait" ? step.cycles - step.waiting
        : step.category === category ? step.cycles : 0));
    return [category, cycles, `${name}\n${number(cycles)} cycles, ${percent(cycles / loop.cycles)}`];
  }).filter(([, cycles]) => cycles > 0);
}

// One bar for each role and program, all to one scale.
function comparedTrips(programs, index) {
  const loops = programs.flatMap(program => {
    const kernel = program.kernels[index];
    return kernel ? kernel.loops.map(loop => ({ program, loop })) : [];
  });
  if (!loops.length)
    return null;
  const longest = Math.max(...loops.map(({ loop }) => loop.cycles));
  const columns = programs.map(program => html("div", {}, html("h4", {}, program.title),
    loops.filter(other => other.program === program).map(({ loop }) => html("div", { class: "trip" },
      html("p", {}, html("b", {}, loop.role), ` ${number(loop.cycles)} cycles, ` +
        `${percent(loop.waiting / loop.cycles)} waiting`),
      partsBar(tripParts(loop), longest, `One trip of ${loop.role}`)))));
  return [html("h3", {}, "One trip of each role's main loop, to one scale"),
    html("div", { class: "side" }, columns)];
}

// Timelines below each other, to one scale, from the beginning of each one's steady
// state.
function comparedTimelines(programs, index) {
  const shown = programs.filter(program => program.kernels[index]);
  const kernels = shown.map(program => program.kernels[index]);
  const low = Math.min(...kernels.map(kernel => -kernel.window[0]));
  const high = Math.max(...kernels.map(kernel => kernel.figures.cycles - kernel.window[0]));
  const length = Math.max(...kernels.map(kernel => kernel.window[1] - kernel.window[0]));
  const view = new View(low, high, [0, length]);
  return [html("h3", {}, "Roles over time, to one scale"),
    html("p", { class: "note" }, "0 is the beginning of the window of the steady state of each."),
    view.controls(), legend(...CATEGORIES),
    shown.map(program => [html("h4", {}, program.title),
      timelinePicture(program.kernels[index], view, program.kernels[index].window[0])])];
}

function comparedKernel(programs, index) {
  const names = new Set(programs.filter(program => program.kernels[index])
    .map(program => program.kernels[index].name));
  const isOnly = programs.every(program => program.kernels.length === 1);
  return [isOnly ? null : html("h2", {}, `Kernel ${index + 1}: ${[...names].join(" / ")}`),
    comparisonTable(programs, index), comparedTrips(programs, index),
    comparedTimelines(programs, index)];
}

function comparison(programs) {
  const most = Math.max(...programs.map(program => program.kernels.length));
  return html("article", { id: "comparison" },
    html("h1", {}, "Comparison"),
    html("p", { class: "note" }, "Changes are from the first column. A persistent CTA computes " +
      "several output tiles, and a trip of the main loop takes one KV tile or two, depending on " +
      "the schedule: the time of the grid is the figure that compares schedules."),
    most > 1 ? table("compared", [["", "name"], ...programs.map(program => [program.title, "number"])],
      [comparedRow("µs of all kernels", programs.map(program => totalSeconds(program) * 1e6), number, -1)])
      : null,
    Array.from({ length: most }, (_, index) => comparedKernel(programs, index)));
}

// The whole of a program of several kernels.
function programHeader(program) {
  const total = totalSeconds(program);
  const share = kernel => ratio(kernel.figures.seconds, total);
  const parts = program.kernels.map((kernel, i) => [`shade${i % 4}`, kernel.figures.seconds,
    `${kernel.name}\n${number(kernel.figures.seconds * 1e6)} µs, ${percent(share(kernel))}`]);
  return html("article", { id: program.id },
    html("h1", {}, program.title),
    html("p", { class: "facts" }, `A program of ${program.kernels.length} kernels · ` +
      listSizes(program.kernels[0].sizes)),
    html("p", { class: "note" }, "The sum of the modelled times of the grids: launches, and what " +
      "programmatic dependent launch overlaps, are not in it."),
    html("div", { class: "figures" },
      figure(number(total * 1e6), "µs", "all kernels, by the model"),
      figure(number(ratio(sum(program.kernels.map(kernel => kernel.figures.flops)), total) / 1e12),
        "TFLOP/s", "of all kernels"),
      figure(quantity(sum(program.kernels.map(kernel => kernel.figures.globalBytes)), "B"), "",
        "between L2 and SMs")),
    partsBar(parts, total, "Time of each kernel", 26),
    legend(...program.kernels.map((kernel, i) => [`shade${i % 4}`, kernel.name])),
    table("", [["kernel", "name"], ["grid", ""], ["µs", "number"], ["of all", "number"],
      ["TFLOP/s", "number"], ["L2 to SMs", "number"]],
    program.kernels.map((kernel, i) => [
      html("a", { href: `#${program.kernelIds[i]}` }, kernel.name), kernel.grid.text,
      number(kernel.figures.seconds * 1e6), percent(share(kernel)),
      number(flopRate(kernel) / 1e12), quantity(kernel.figures.globalBytes, "B")])));
}
