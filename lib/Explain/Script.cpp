//===- Script.cpp - zoom, pan and hover -----------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// The page is whole without it. Every picture over time of a kernel shows the
// same window.
//
//===----------------------------------------------------------------------===//

#include "Page.h"

const char mla::explain::kScript[] = R"js(
"use strict";
(function () {
  const NS = "http://www.w3.org/2000/svg";
  // The pictures of one kernel.
  function animate(root) {
    const total = +root.dataset.end || 1;
    const steady = [+root.dataset.b, +root.dataset.e];
    let view = steady.slice();

    // What each plot shows, read once: thousands of elements move on each step.
    const plots = [...root.querySelectorAll("svg.plot")].map(svg => ({
      svg, ground: svg.querySelector(".ground"), ticks: svg.querySelector(".ticks"),
      width: +svg.dataset.w, height: +svg.dataset.h,
      items: [...svg.querySelectorAll(".t")].map(node => ({
        node, begin: +node.dataset.b, end: +node.dataset.e,
        need: node.tagName === "text" ? 6.2 * [...node.textContent].length + 6 : 0
      }))
    }));

    function group(n) {
      return n.toLocaleString("en-US", { maximumFractionDigits: 2 });
    }

    function placeItem(item, k, width) {
      const x = (item.begin - view[0]) * k, w = (item.end - item.begin) * k;
      const node = item.node;
      if (item.need) {
        const from = Math.max(0, x), to = Math.min(width, x + w);
        node.setAttribute("visibility",
                          to - from >= item.need ? "visible" : "hidden");
        node.setAttribute("x", from + 4);
      } else if (x + w < 0 || x > width) {
        node.setAttribute("width", 0);
      } else {
        // Far outside the plot coordinates would lose their digits.
        const from = Math.max(-10, x), to = Math.min(width + 10, x + w);
        node.setAttribute("x", from);
        node.setAttribute("width", Math.max(0.5, to - from));
      }
    }

    function placeTicks(plot, k) {
      const raw = (view[1] - view[0]) / 10;
      const power = Math.pow(10, Math.floor(Math.log10(raw)));
      const step = [1, 2, 5, 10].map(m => m * power).find(s => s >= raw);
      plot.ticks.replaceChildren();
      for (let t = Math.ceil(view[0] / step) * step; t <= view[1]; t += step) {
        const line = document.createElementNS(NS, "line");
        const text = document.createElementNS(NS, "text");
        const x = (t - view[0]) * k;
        line.setAttribute("x1", x);
        line.setAttribute("x2", x);
        line.setAttribute("y1", 16);
        line.setAttribute("y2", plot.height);
        text.setAttribute("class", "tick");
        text.setAttribute("x", x + 3);
        text.setAttribute("y", 12);
        text.textContent = group(t);
        plot.ticks.append(line);
        if (x + 60 < plot.width)
          plot.ticks.append(text);
      }
    }

    function draw() {
      for (const plot of plots) {
        const k = plot.width / (view[1] - view[0]);
        plot.items.forEach(item => placeItem(item, k, plot.width));
        placeTicks(plot, k);
      }
      const mini = root.querySelector("svg.mini");
      if (mini) {
        const k = +mini.dataset.w / total, brush = mini.querySelector(".brush");
        brush.setAttribute("x", view[0] * k);
        brush.setAttribute("width", Math.max(2, (view[1] - view[0]) * k));
      }
    }

    let pending = false;
    function show(begin, end) {
      const length = Math.min(total, Math.max(20, end - begin));
      begin = Math.min(Math.max(0, begin), total - length);
      view = [begin, begin + length];
      if (!pending) {
        pending = true;
        requestAnimationFrame(() => { pending = false; draw(); });
      }
    }

    // Zooms about the share `at` of the window.
    function zoom(factor, at) {
      const length = (view[1] - view[0]) * factor;
      const center = view[0] + (view[1] - view[0]) * at;
      show(center - length * at, center + length * (1 - at));
    }
    function pan(share) {
      const by = (view[1] - view[0]) * share;
      show(view[0] + by, view[1] + by);
    }

    const actions = {
      steady: () => show(...steady), all: () => show(0, total),
      in: () => zoom(0.6, 0.5), out: () => zoom(1 / 0.6, 0.5),
      left: () => pan(-0.3), right: () => pan(0.3)
    };
    root.querySelectorAll("button[data-do]").forEach(
      button => button.addEventListener("click", actions[button.dataset.do]));

    let over = null;
    for (const plot of plots) {
      const share = event => {
        const box = plot.ground.getBoundingClientRect();
        return (event.clientX - box.left) / box.width;
      };
      plot.svg.addEventListener("wheel", event => {
        if (!event.ctrlKey && !event.metaKey)
          return;
        event.preventDefault();
        zoom(Math.exp(event.deltaY * 0.003), share(event));
      }, { passive: false });
      plot.svg.addEventListener("pointerdown", event => {
        const start = share(event), from = view.slice();
        const move = e => {
          const by = (start - share(e)) * (from[1] - from[0]);
          show(from[0] + by, from[1] + by);
        };
        const stop = () => {
          removeEventListener("pointermove", move);
          removeEventListener("pointerup", stop);
        };
        addEventListener("pointermove", move);
        addEventListener("pointerup", stop);
        event.preventDefault();
      });
      plot.svg.addEventListener("pointerenter", () => { over = plot; });
      plot.svg.addEventListener("pointerleave", () => { over = null; });
    }
    addEventListener("keydown", event => {
      const keys = { w: "in", s: "out", a: "left", d: "right" };
      if (over && keys[event.key] && !event.ctrlKey && !event.metaKey)
        actions[keys[event.key]]();
    });

    const mini = root.querySelector("svg.mini");
    if (mini) {
      const ground = mini.querySelector(".ground");
      const center = event => {
        const box = ground.getBoundingClientRect();
        const t = (event.clientX - box.left) / box.width * total;
        const half = (view[1] - view[0]) / 2;
        show(t - half, t + half);
      };
      mini.addEventListener("pointerdown", event => {
        center(event);
        const stop = () => {
          removeEventListener("pointermove", center);
          removeEventListener("pointerup", stop);
        };
        addEventListener("pointermove", center);
        addEventListener("pointerup", stop);
        event.preventDefault();
      });
    }
  }
  document.querySelectorAll("article").forEach(animate);

  const tip = document.getElementById("tip");
  addEventListener("pointermove", event => {
    const node = event.target.closest && event.target.closest("[data-tip]");
    tip.style.display = node ? "block" : "none";
    if (!node)
      return;
    tip.textContent = node.dataset.tip;
    const x = Math.min(event.clientX + 14, innerWidth - tip.offsetWidth - 8);
    const below = event.clientY + 18;
    const y = below + tip.offsetHeight > innerHeight
      ? event.clientY - tip.offsetHeight - 10 : below;
    tip.style.left = Math.max(4, x) + "px";
    tip.style.top = Math.max(4, y) + "px";
  });
})();
)js";
