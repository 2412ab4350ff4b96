// Runs the scripts of a page in a small imitation of a browser's document and
// prints the elements that they build; tips are printed as the attribute data-tip.
// Fails for scripts that throw, coordinates that are no numbers, negative sizes, ids
// that are not unique and links that lead nowhere, also after zooming and panning.
// Usage: node render-page.js PAGE.html [WIDTH]
"use strict";
const fs = require("fs");
const vm = require("vm");

const page = fs.readFileSync(process.argv[2], "utf8");
const width = Number(process.argv[3] || 1200);

class Node {
  constructor(name) {
    this.name = name;
    this.attributes = {};
    this.children = [];
    this.parentNode = null;
    this.style = {};
    this.listeners = {};
    this.clientWidth = width;
    this.offsetWidth = 100;
    this.offsetHeight = 20;
  }
  setAttribute(name, value) { this.attributes[name] = String(value); }
  append(...children) {
    for (const child of children) {
      if (typeof child === "object")
        child.parentNode = this;
      this.children.push(child);
    }
  }
  replaceChildren(...children) {
    this.children = [];
    this.append(...children);
  }
  set textContent(text) { this.children = [text]; }
  get textContent() { return this.children.map(child => child.textContent ?? child).join(""); }
  addEventListener(type, listener) { (this.listeners[type] ??= []).push(listener); }
  getBoundingClientRect() { return { left: 0, top: 0, width, height: 100 }; }
  dispatch(type, event) {
    (this.listeners[type] || []).forEach(listener => listener(
      { target: this, preventDefault() {}, clientX: width / 2, clientY: 50, ...event }));
  }
  *all() {
    yield this;
    for (const child of this.children)
      if (child instanceof Node)
        yield* child.all();
  }
}

const root = new Node("main"), tip = new Node("div"), data = new Node("script");
data.textContent = page.match(/<script type="application\/json" id="data">(.*)<\/script>/)[1];
const scripts = [...page.matchAll(/<script>\n([^]*?)<\/script>/g)].map(match => match[1]);
if (!scripts.length)
  throw new Error("expected scripts in the page, got none");

const world = new Node("window");
const document = {
  title: "",
  createElement: name => new Node(name),
  createElementNS: (_, name) => new Node(name),
  getElementById: id => ({ page: root, tip, data })[id]
};
const context = vm.createContext({
  document, console, innerWidth: width, innerHeight: 800,
  addEventListener: (type, listener) => world.addEventListener(type, listener),
  removeEventListener: (type, listener) => {
    world.listeners[type] = world.listeners[type].filter(other => other !== listener);
  },
  requestAnimationFrame: callback => callback(),
  ResizeObserver: class { observe() {} }
});
scripts.forEach((script, i) => vm.runInContext(script, context, { filename: `script ${i}` }));

function check() {
  const ids = new Set(), links = [];
  for (const node of root.all()) {
    for (const [name, value] of Object.entries(node.attributes)) {
      if (/NaN|undefined|Infinity|\[object/.test(value))
        throw new Error(`<${node.name}>: attribute ${name}: ${value}`);
      if ((name === "width" || name === "height") && parseFloat(value) < 0)
        throw new Error(`<${node.name}>: attribute ${name}: expected 0 or more, got ${value}`);
    }
    for (const child of node.children)
      if (typeof child === "string" && /NaN|undefined|Infinity|\[object/.test(child))
        throw new Error(`<${node.name}>: text: ${child}`);
    if (typeof node.tip === "function")
      node.tip();
    const { id, href } = node.attributes;
    if (id && ids.has(id))
      throw new Error(`id ${id}: expected one, got two`);
    if (id)
      ids.add(id);
    if (href)
      links.push(href);
  }
  for (const link of links)
    if (!ids.has(link.slice(1)))
      throw new Error(`link ${link}: expected an id of the page`);
}

function print(node, out) {
  const escape = text => String(text).replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/"/g, "&quot;");
  const attributes = Object.entries(node.attributes);
  if (node.tip)
    attributes.push(["data-tip", typeof node.tip === "function" ? node.tip() : node.tip]);
  out.push(`<${node.name}${attributes.map(([name, value]) => ` ${name}="${escape(value)}"`).join("")}>`);
  for (const child of node.children)
    if (child instanceof Node)
      print(child, out);
    else
      out.push(escape(child));
  out.push(`</${node.name}>`);
  if (!["b", "span", "small", "td", "a"].includes(node.name) || node.name === "td")
    out.push("\n");
  return out;
}

check();
console.log(`<title>${document.title}</title>`);
console.log(print(root, []).join(""));

// What a reader does; then all has to be in order still.
const nodes = [...root.all()].filter(node => Object.keys(node.listeners).length);
for (const node of nodes) {
  node.dispatch("pointerenter");
  node.dispatch("wheel", { ctrlKey: true, deltaY: -300 });
  node.dispatch("pointerdown");
  world.dispatch("pointermove", { target: node });
  world.dispatch("pointerup", { target: node });
  node.dispatch("click");
}
for (const key of ["w", "a", "s", "d"])
  world.dispatch("keydown", { key });
check();
