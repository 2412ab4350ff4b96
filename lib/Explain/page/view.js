"use strict";
// A window of time, and pictures that show it. All pictures of a view pan and zoom
// together.

class View {
  // Times from `low` to `high`; `first` is the window shown at the beginning.
  constructor(low, high, first) {
    this.low = low;
    this.high = Math.max(high, low + 1);
    this.first = first;
    [this.begin, this.end] = first;
    this.pictures = [];
    this.pending = false;
  }

  show(begin, end) {
    const length = Math.min(this.high - this.low, Math.max(20, end - begin));
    this.begin = Math.min(Math.max(this.low, begin), this.high - length);
    this.end = this.begin + length;
    if (this.pending)
      return;
    this.pending = true;
    requestAnimationFrame(() => {
      this.pending = false;
      this.pictures.forEach(picture => picture.draw());
    });
  }

  // About the share `at` of the window.
  zoom(factor, at) {
    const length = this.end - this.begin;
    const center = this.begin + length * at;
    this.show(center - length * factor * at, center + length * factor * (1 - at));
  }

  pan(share) {
    const by = (this.end - this.begin) * share;
    this.show(this.begin + by, this.end + by);
  }

  controls() {
    const button = (text, name, action) => {
      const node = html("button", { type: "button", "aria-label": name }, text);
      node.addEventListener("click", action);
      return node;
    };
    return html("div", { class: "controls" },
      button("Steady state", null, () => this.show(...this.first)),
      button("Whole run", null, () => this.show(this.low, this.high)),
      button("Zoom in", null, () => this.zoom(0.6, 0.5)),
      button("Zoom out", null, () => this.zoom(1 / 0.6, 0.5)),
      button("◀", "Earlier", () => this.pan(-0.3)),
      button("▶", "Later", () => this.pan(0.3)),
      html("span", { class: "muted" },
        "Drag to pan, Ctrl + wheel to zoom, or W A S D over a picture. Time is in cycles."));
  }
}

// The picture under the pointer takes the keys.
let activeView = null;

// Draws bars into the plot of a Picture. Times are relative to `origin`.
class Plot {
  constructor(node, view, origin, width) {
    this.node = node;
    this.begin = view.begin + origin;
    this.end = view.end + origin;
    this.width = width;
    this.lastEnd = new Map();
  }

  x(time) {
    return (time - this.begin) / (this.end - this.begin) * this.width;
  }

  // Something that lasts from `begin` to `end`; the label is shown where it fits.
  bar(begin, end, y, height, className, label, tip) {
    if (end < this.begin || begin > this.end)
      return;
    // Far outside of the plot, coordinates would lose their digits.
    const left = Math.max(-10, this.x(begin));
    const right = Math.min(this.width + 10, this.x(end));
    // Of bars that share a pixel one is enough.
    const row = `${y} ${className}`;
    if (right - left < 1 && left - (this.lastEnd.get(row) ?? -Infinity) < 0.5)
      return;
    this.lastEnd.set(row, Math.max(right, left + 0.5));
    this.node.append(svg("rect", {
      class: `bar ${className}`, x: left.toFixed(2), y, height, tip,
      width: Math.max(0.5, right - left).toFixed(2)
    }));
    const from = Math.max(0, left), to = Math.min(this.width, right);
    if (label && to - from >= textWidth(label))
      this.node.append(svg("text", {
        class: `label on-${className}`, x: (from + 4).toFixed(2), y: y + height / 2 + 4
      }, label));
  }

  // Vertical lines at round times; `origin` is where 0 stands.
  ticks(origin, height) {
    const most = Math.max(2, this.width / 110);
    const least = (this.end - this.begin) / most;
    const power = Math.pow(10, Math.floor(Math.log10(least)));
    const step = [1, 2, 5, 10].map(m => m * power).find(s => s >= least);
    for (let t = Math.ceil((this.begin - origin) / step) * step; t <= this.end - origin; t += step) {
      const x = this.x(t + origin);
      this.node.append(svg("line", { class: "grid", x1: x, x2: x, y1: 16, y2: height }));
      if (x + textWidth(number(t)) < this.width)
        this.node.append(svg("text", { class: "tick", x: x + 3, y: 12 }, number(t)));
    }
  }
}

// A picture as wide as the page: names on the left, time on the right.
//   height            of the picture
//   margin(isNarrow)  width of the names
//   names(node, isNarrow, margin)
//   plot(plot)
// Times of the data are those of the view plus `origin`.
class Picture {
  constructor(view, origin, label, parts) {
    Object.assign(this, { view, origin, parts });
    this.node = html("div", { class: "picture", role: "img", "aria-label": label });
    view.pictures.push(this);
    new ResizeObserver(() => this.draw()).observe(this.node);
    this.listen();
    this.draw();
  }

  draw() {
    const width = this.node.clientWidth || 1200;
    const isNarrow = width < 760;
    this.margin = this.parts.margin(isNarrow);
    this.width = Math.max(80, width - this.margin);
    const height = this.parts.height;
    const names = svg("g");
    this.parts.names(names, isNarrow, this.margin);
    const content = svg("svg", { class: "plot", x: this.margin, width: this.width, height },
      svg("rect", { class: "ground", width: this.width, height }));
    const plot = new Plot(content, this.view, this.origin, this.width);
    plot.ticks(this.origin, height);
    this.parts.plot(plot);
    this.node.replaceChildren(svg("svg", { width, height }, names, content));
  }

  // The share of the window at the pointer.
  share(event) {
    const left = this.node.getBoundingClientRect().left + this.margin;
    return (event.clientX - left) / this.width;
  }

  listen() {
    const view = this.view;
    this.node.addEventListener("wheel", event => {
      if (!event.ctrlKey && !event.metaKey)
        return;
      event.preventDefault();
      view.zoom(Math.exp(event.deltaY * 0.003), this.share(event));
    }, { passive: false });
    this.node.addEventListener("pointerdown", event => {
      const start = this.share(event), from = [view.begin, view.end];
      if (start < 0)
        return;
      drag(moved => {
        const by = (start - this.share(moved)) * (from[1] - from[0]);
        view.show(from[0] + by, from[1] + by);
      });
    });
    this.node.addEventListener("pointerenter", () => { activeView = view; });
    this.node.addEventListener("pointerleave", () => { activeView = null; });
  }
}

// Calls `move` with the pointer's events until it is released.
function drag(move) {
  const stop = () => {
    removeEventListener("pointermove", move);
    removeEventListener("pointerup", stop);
    removeEventListener("pointercancel", stop);
  };
  addEventListener("pointermove", move);
  addEventListener("pointerup", stop);
  addEventListener("pointercancel", stop);
}

function listenToKeys() {
  addEventListener("keydown", event => {
    if (!activeView || event.ctrlKey || event.metaKey || event.altKey)
      return;
    if (event.key === "w")
      activeView.zoom(0.6, 0.5);
    else if (event.key === "s")
      activeView.zoom(1 / 0.6, 0.5);
    else if (event.key === "a")
      activeView.pan(-0.3);
    else if (event.key === "d")
      activeView.pan(0.3);
  });
}

// Shows the tips of elements under the pointer.
function listenToTips(tip) {
  const show = event => {
    let node = event.target;
    while (node && !node.tip)
      node = node.parentNode;
    tip.style.display = node ? "block" : "none";
    if (!node)
      return;
    tip.textContent = typeof node.tip === "function" ? node.tip() : node.tip;
    const x = Math.min(event.clientX + 14, innerWidth - tip.offsetWidth - 8);
    const below = event.clientY + 18;
    const y = below + tip.offsetHeight > innerHeight
      ? event.clientY - tip.offsetHeight - 10 : below;
    tip.style.left = `${Math.max(4, x)}px`;
    tip.style.top = `${Math.max(4, y)}px`;
  };
  addEventListener("pointermove", show);
  addEventListener("pointerdown", show);
}
