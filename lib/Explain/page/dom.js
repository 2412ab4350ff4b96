"use strict";
// Elements and numbers.

const SVG = "http://www.w3.org/2000/svg";

// Sets attributes and appends children: nodes, texts, arrays of them; what is
// null is left out. The attribute "tip", a text or a function that returns one, is
// shown under the pointer.
function fill(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes || {})) {
    if (value === null || value === undefined)
      continue;
    if (name === "tip")
      node.tip = value;
    else
      node.setAttribute(name, value);
  }
  for (const child of children.flat(Infinity))
    if (child !== null && child !== undefined)
      node.append(child);
  return node;
}

function html(name, attributes, ...children) {
  return fill(document.createElement(name), attributes, children);
}

function svg(name, attributes, ...children) {
  return fill(document.createElementNS(SVG, name), attributes, children);
}

// "232,448"; large numbers without decimals, small ones with up to two.
function number(value) {
  const size = Math.abs(value);
  const text = value.toLocaleString("en-US", {
    maximumFractionDigits: size >= 100 ? 0 : size >= 10 ? 1 : 2
  });
  return text === "-0" ? "0" : text;
}

// "1.24 GFLOP", "147 kB": three digits and a decimal prefix.
function quantity(value, unit) {
  const prefixes = ["", "k", "M", "G", "T", "P"];
  let prefix = 0;
  while (Math.abs(value) >= 1000 && prefix + 1 < prefixes.length) {
    value /= 1000;
    ++prefix;
  }
  return `${number(value)}\u00a0${prefixes[prefix]}${unit}`;
}

// "73 %", with a space that does not break.
function percent(share) {
  const value = 100 * share;
  return `${value.toFixed(Math.abs(value) < 9.95 ? 1 : 0).replace(/\.0$/, "")}\u00a0%`;
}

function bytes(value) {
  return `${number(value)}\u00a0B`;
}

// "8 cycles, from 100 to 108".
function interval(begin, end) {
  return `${number(end - begin)} cycles, from ${number(begin)} to ${number(end)}`;
}

function ratio(a, b) {
  return b > 0 ? a / b : 0;
}

function sum(values) {
  return values.reduce((total, value) => total + value, 0);
}

// "s_kv = 512, s_q = 3"
function listSizes(sizes) {
  return Object.entries(sizes).map(([name, value]) => `${name} = ${number(value)}`)
    .join(", ");
}

// Pixels of a text in the size of labels: an estimate on the safe side.
function textWidth(text) {
  return 6.2 * [...text].length + 6;
}

// A text that fits: the end stays, which tells names apart.
function fit(text, pixels) {
  const characters = [...text];
  const most = Math.max(1, Math.floor((pixels - 6) / 6.6));
  return characters.length <= most ? text : `…${characters.slice(1 - most).join("")}`;
}

// A table; a column is [heading, class], a row an array of cells, each a text, a
// node, or an array of these.
function table(className, columns, rows) {
  const cell = (name, content, i) =>
    html(name, { class: columns[i][1] || null }, content);
  return html("div", { class: "scroll" }, html("table", { class: className },
    html("thead", {}, html("tr", {}, columns.map(([heading], i) => cell("th", heading, i)))),
    html("tbody", {}, rows.map(row =>
      html("tr", { class: row.className || null }, row.map((content, i) => cell("td", content, i)))))));
}

// Swatches with names: pairs [class, name].
function legend(...entries) {
  return html("p", { class: "legend" }, entries.map(([className, name]) =>
    html("span", {},
      svg("svg", { width: 14, height: 12, "aria-hidden": "true" },
        svg("rect", { class: className, x: 0.5, y: 0.5, width: 13, height: 11 })),
      ` ${name}`)));
}

function section(id, title, ...children) {
  return html("section", { id }, html("h2", {}, title), children);
}
