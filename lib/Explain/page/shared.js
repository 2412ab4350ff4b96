"use strict";
// Shared memory over time: a row for each slot, array of barriers and unused range,
// by address, beside a column that is to scale.

const MAP = { top: 22, scaleLeft: 62, scaleWidth: 26, names: 122 };

function rowHeight(row) {
  if (row.kind === "unused")
    return 20;
  if (row.kind === "barrier")
    return 16;
  return row.end - row.begin >= 4096 ? 46 : 22;
}

function slotRows(allocation) {
  return Array.from({ length: allocation.slots }, (_, slot) => {
    const begin = allocation.offset + slot * allocation.slotBytes;
    return {
      kind: allocation.kind, allocation, slot, begin, end: begin + allocation.slotBytes,
      name: allocation.slots > 1 ? `${allocation.name}[${slot}]` : allocation.name,
      lives: allocation.lives.filter(life => life.slot === slot)
    };
  });
}

function barrierRow(barrier) {
  return {
    kind: "barrier", barrier, begin: barrier.offset, end: barrier.offset + 8 * barrier.slots,
    name: barrier.slots > 1 ? `${barrier.name} ×${barrier.slots}` : barrier.name
  };
}

// All rows by address, each with its y; a row that aliases another follows it.
function listRows(kernel) {
  const rows = [
    ...kernel.allocations.flatMap(slotRows),
    ...kernel.barriers.filter(barrier => barrier.offset !== undefined).map(barrierRow),
    ...kernel.shared.gaps.map(([begin, end]) => ({ kind: "unused", begin, end, name: "unused" }))
  ].sort((a, b) => a.begin - b.begin || b.end - a.end);
  let y = MAP.top;
  for (const row of rows) {
    row.aliasedBy = rows.filter(other => other.allocation && row.allocation &&
      other.allocation.aliases === row.allocation.name &&
      other.begin < row.end && row.begin < other.end).map(other => other.name);
    row.y = y;
    row.height = rowHeight(row);
    y += row.height + 2;
  }
  return rows;
}

function describeLayout({ allocation, aliasedBy }) {
  return [allocation.type,
    allocation.swizzle ? `swizzle ${allocation.swizzle} B` : "",
    allocation.aliases ? `aliases ${allocation.aliases}` : "",
    aliasedBy.length ? `aliased by ${aliasedBy.join(", ")}` : ""].filter(Boolean).join(", ");
}

function describeRow(row) {
  return [row.name, `bytes ${number(row.begin)} to ${number(row.end)}, ${bytes(row.end - row.begin)}`,
    row.allocation ? describeLayout(row) : ""].filter(Boolean).join("\n");
}

function rowClass(row) {
  return row.kind === "ring" && row.slot % 2 ? "ring odd" : row.kind;
}

// The column to scale, and where the bytes of each row are in it.
function drawScale(node, rows, limit, height) {
  const TICK = 32768;
  const place = address => MAP.top + address / limit * (height - MAP.top);
  const right = MAP.scaleLeft + MAP.scaleWidth;
  const tick = (address, y) => node.append(svg("text",
    { class: "small end muted", x: MAP.scaleLeft - 5, y }, number(address)));
  // The last round address would overlap the limit.
  for (let address = 0; address <= limit - TICK / 4; address += TICK)
    tick(address, place(address) + 4);
  tick(limit, height + 4);
  for (const row of rows) {
    // What aliases another allocation is drawn narrower, on top of it.
    const isAlias = row.allocation && row.allocation.aliases;
    const x = isAlias ? MAP.scaleLeft + MAP.scaleWidth / 2 : MAP.scaleLeft;
    const from = place(row.begin), to = place(row.end), edge = MAP.names - 6;
    const points = [[right, from], [edge, row.y], [edge, row.y + row.height], [right, to]];
    node.append(
      svg("rect", {
        class: rowClass(row), tip: () => describeRow(row), x, y: from,
        width: right - x, height: Math.max(0.4, to - from)
      }),
      svg("polygon", { class: "leader", points: points.map(point => point.join()).join(" ") }));
  }
}

// Name and bytes; where there is room the address and the layout too.
function drawRowName(node, row, left, right, isNarrow) {
  const isLarge = row.height > 40;
  const y = isLarge ? row.y + 18 : row.y + row.height / 2 + 4;
  const text = (x, at, className, content) =>
    node.append(svg("text", { x, y: at, class: className }, content));
  node.append(svg("rect", {
    class: `${rowClass(row)} faint`, tip: () => describeRow(row), x: left - 6, y: row.y,
    width: right - left + 2, height: row.height
  }));
  const halo = row.kind === "unused" ? " on-wait" : "";
  text(left, y, row.allocation ? "strong" : `small${halo}`,
    fit(row.name, (isNarrow ? right : right - 118) - left));
  if (isNarrow) {
    if (isLarge)
      text(left, y + 16, "small muted", bytes(row.end - row.begin));
    return;
  }
  text(right - 74, y, `small end muted${halo}`, number(row.begin));
  text(right - 8, y, `small end${halo}`, bytes(row.end - row.begin));
  if (isLarge)
    text(left, y + 16, "small muted", describeLayout(row));
}

function drawLife(plot, kernel, row, life) {
  const label = access => kernel.labels[access[0]];
  const [, fillBegin, fillEnd] = life.fill;
  const lastRead = Math.max(fillEnd, ...life.reads.map(read => read[2]));
  const tip = () => [`${row.name}, use ${life.use}`,
    `filled by ${label(life.fill).text}: ${interval(fillBegin, fillEnd)}`,
    ...life.reads.map(read => `read by ${label(read).text}: ${interval(read[1], read[2])}`),
    life.released === undefined ? "" : `released at ${number(life.released)}`]
    .filter(Boolean).join("\n");
  plot.bar(fillBegin, fillEnd, row.y, row.height, label(life.fill).category, "", tip);
  plot.bar(fillEnd, lastRead, row.y, row.height, "full", `use ${life.use}`, tip);
  if (life.released > lastRead)
    plot.bar(lastRead, life.released, row.y, row.height, "dead", "", tip);
  const strip = row.height > 40 ? 8 : 5;
  for (const read of life.reads)
    plot.bar(read[1], read[2], row.y + row.height - strip, strip, label(read).category, "",
      () => `read by ${label(read).text}\n${interval(read[1], read[2])}`);
}

function drawRow(plot, kernel, row) {
  plot.node.append(svg("rect", {
    class: row.kind === "unused" ? "unused" : "lane", y: row.y, width: plot.width, height: row.height
  }));
  if (row.allocation)
    row.lives.forEach(life => drawLife(plot, kernel, row, life));
  if (row.barrier)
    for (const [index, role, begin, end] of row.barrier.events) {
      const label = kernel.labels[index];
      plot.bar(begin, end, row.y, row.height, label.category, "",
        () => `${role}: ${label.text}\n${interval(begin, end)}`);
    }
}

function describeShared({ shared, allocations }) {
  const aliases = allocations.filter(allocation => allocation.aliases)
    .map(allocation => `${allocation.name} aliases ${allocation.aliases}`);
  return `${bytes(shared.tileBytes)} of tiles, ${bytes(shared.barrierBytes)} of barriers, ` +
    `${bytes(shared.unusedBytes)} unused of ${bytes(shared.limit)}. ` +
    (aliases.length ? `Shared bytes: ${aliases.join(", ")}.` : "No two tiles share bytes.");
}

function sharedSection(kernel, view, id) {
  const rows = listRows(kernel);
  const last = rows[rows.length - 1];
  const height = last.y + last.height;
  const picture = new Picture(view, 0, "Shared memory over time", {
    height: height + 8,
    margin: isNarrow => isNarrow ? 112 : 396,
    names: (node, isNarrow, margin) => {
      if (isNarrow)
        return rows.forEach(row => drawRowName(node, row, 6, margin - 6, true));
      const heading = (x, className, text) =>
        node.append(svg("text", { x, y: 12, class: `small muted ${className}` }, text));
      heading(MAP.scaleLeft + MAP.scaleWidth / 2, "mid", "to scale");
      heading(margin - 74, "end", "at byte");
      heading(margin - 8, "end", "bytes");
      drawScale(node, rows, kernel.shared.limit, height);
      return rows.forEach(row => drawRowName(node, row, MAP.names, margin, false));
    },
    plot: plot => rows.forEach(row => drawRow(plot, kernel, row))
  });
  return section(`${id}-shared`, "Shared memory over time",
    html("p", {}, describeShared(kernel)),
    legend(["copy", "filled by a copy"], ["shared", "filled from registers"],
      ["full", "full, not read yet"], ["mma", "read by an MMA"],
      ["dead", "read, not released yet"], ["wait", "a role waits for the barrier"],
      ["sync", "arrival"]),
    picture.node);
}
