"use strict";
// Roles over time.

const CATEGORIES = [
  ["math", "arithmetic"], ["mma", "MMA (wgmma)"], ["copy", "copy, in flight or issued"],
  ["shared", "registers ↔ shared memory"], ["global", "global memory"],
  ["sync", "arrival, fence, commit"], ["wait", "waiting"]
];

const TRACK = { top: 22, gap: 12, trips: 14, role: 30, queue: 18 };

function trackHeight(track) {
  return track.kind === "role" ? TRACK.gap + TRACK.trips + TRACK.role : TRACK.queue + 2;
}

// The tracks with the y at which each begins.
function placeTracks(tracks) {
  let y = TRACK.top - TRACK.gap;
  return tracks.map(track => {
    const placed = { track, y };
    y += trackHeight(track);
    return placed;
  });
}

function describeSpan(label, [, begin, end, ...iteration]) {
  return [label.text, label.ops.join(", "),
    iteration.length ? `trip ${iteration.join(", ")}` : "outside loops",
    interval(begin, end), ...label.work, label.location].filter(Boolean).join("\n");
}

function drawTrack(plot, kernel, { track, y }) {
  const isRole = track.kind === "role";
  if (isRole) {
    y += TRACK.gap;
    track.trips.forEach(([trip, begin, end], i) => {
      end = i + 1 < track.trips.length ? track.trips[i + 1][1] : end;
      plot.bar(begin, end, y, TRACK.trips - 2, i % 2 ? "odd" : "even", `trip ${trip}`,
        `trip ${trip}\n${number(end - begin)} cycles`);
    });
    y += TRACK.trips;
  }
  const height = isRole ? TRACK.role : TRACK.queue;
  for (const span of track.spans) {
    const label = kernel.labels[span[0]];
    plot.bar(span[1], span[2], y, height, label.category, label.text,
      () => describeSpan(label, span));
  }
}

function trackName(kernel, track) {
  return kernel.grid.clusterSize > 1 ? `${track.cta}: ${track.role}` : track.role;
}

function drawTrackName(node, kernel, { track, y }, right) {
  const text = (at, className, content) =>
    node.append(svg("text", { x: right - 8, y: at, class: `end ${className}` }, content));
  if (track.kind !== "role")
    return text(y + TRACK.queue / 2 + 4, "muted", track.kind === "mmas" ? "MMAs" : "copies");
  y += TRACK.gap + TRACK.trips;
  const role = kernel.roles.find(other => other.name === track.role);
  text(y + 13, "strong", fit(trackName(kernel, track), right - 8));
  return text(y + 27, "small muted", `${role.warps} warps, ${role.registers} regs`);
}

function timelinePicture(kernel, view, origin) {
  const tracks = placeTracks(kernel.tracks);
  return new Picture(view, origin, "Roles over time", {
    height: TRACK.top + sum(kernel.tracks.map(trackHeight)),
    margin: isNarrow => isNarrow ? 112 : 130,
    names: (node, isNarrow, margin) =>
      tracks.forEach(placed => drawTrackName(node, kernel, placed, margin)),
    plot: plot => tracks.forEach(placed => drawTrack(plot, kernel, placed))
  }).node;
}

// The whole run, small, with the window in it; a click or drag moves the window.
class Overview {
  constructor(kernel, view) {
    Object.assign(this, { kernel, view });
    this.node = html("div", { class: "picture overview", role: "img", "aria-label": "The whole run" });
    view.pictures.push(this);
    new ResizeObserver(() => this.draw()).observe(this.node);
    this.node.addEventListener("pointerdown", event => {
      const center = moved => {
        const left = this.node.getBoundingClientRect().left + this.margin;
        const time = view.low + (moved.clientX - left) / this.width * (view.high - view.low);
        const half = (view.end - view.begin) / 2;
        view.show(time - half, time + half);
      };
      center(event);
      drag(center);
    });
    this.draw();
  }

  draw() {
    const LANE = 7;
    const { kernel, view } = this;
    const width = this.node.clientWidth || 1200;
    const height = LANE * kernel.tracks.length + 6;
    const isNarrow = width < 760;
    this.margin = isNarrow ? 112 : 130;
    this.width = Math.max(80, width - this.margin);
    const whole = { begin: view.low, end: view.high };
    // Only the window changes, unless the page does.
    if (this.drawnWidth !== width) {
      this.drawnWidth = width;
      const content = svg("svg", { x: this.margin, width: this.width, height },
        svg("rect", { class: "ground", width: this.width, height }));
      const plot = new Plot(content, whole, 0, this.width);
      kernel.tracks.forEach((track, i) => {
        for (const [label, begin, end] of track.spans)
          plot.bar(begin, end, 3 + LANE * i, LANE - 1, kernel.labels[label].category);
      });
      this.brush = svg("rect", { class: "brush", y: 0.5, height: height - 1 });
      content.append(this.brush);
      this.node.replaceChildren(svg("svg", { width, height },
        svg("text", { class: "small end muted", x: this.margin - 8, y: height / 2 + 4 }, "whole run"),
        content));
    }
    const scale = this.width / (view.high - view.low);
    this.brush.setAttribute("x", ((view.begin - view.low) * scale).toFixed(2));
    this.brush.setAttribute("width", Math.max(2, (view.end - view.begin) * scale).toFixed(2));
  }
}

function timelineSection(kernel, view, id) {
  return section(`${id}-timeline`, "Roles over time",
    view.controls(), legend(...CATEGORIES), timelinePicture(kernel, view, 0),
    new Overview(kernel, view).node, stepCards(kernel));
}
