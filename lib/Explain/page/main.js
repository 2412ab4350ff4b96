"use strict";
// Builds the page from the data.

function programTitle(program) {
  const [kernel] = program.kernels;
  if (program.kernels.length > 1)
    return program.source;
  return kernel.schedule ? `${kernel.name} · ${kernel.schedule}` : kernel.name;
}

// Titles, with a suffix that makes them unique: the file, or else a number; and ids.
function nameAll(programs) {
  const titles = programs.map(programTitle);
  const seen = new Map();
  programs.forEach((program, i) => {
    const isTwin = titles.filter(title => title === titles[i]).length > 1;
    let suffix = isTwin && titles[i] !== program.source ? ` (${program.source})` : "";
    const before = seen.get(titles[i] + suffix) || 0;
    seen.set(titles[i] + suffix, before + 1);
    if (before)
      suffix += ` #${before + 1}`;
    program.suffix = suffix;
    program.title = titles[i] + suffix;
    program.id = `program-${i + 1}`;
    program.kernelIds = program.kernels.map((_, k) => `${program.id}-kernel-${k + 1}`);
  });
}

// Links to the comparison, programs and kernels; none for a single kernel.
function navigation(programs) {
  const link = (id, text, className) => html("a", { href: `#${id}`, class: className || null }, text);
  const links = programs.flatMap(program => program.kernels.length > 1
    ? [link(program.id, program.title),
      ...program.kernels.map((kernel, i) => link(program.kernelIds[i], kernel.name, "inner"))]
    : [link(program.kernelIds[0], program.title)]);
  if (links.length === 1)
    return null;
  return html("nav", { "aria-label": "Kernels" },
    programs.length > 1 ? link("comparison", "Comparison") : null, links);
}

function programArticles(program) {
  const isOne = program.kernels.length === 1;
  return [isOne ? null : programHeader(program),
    program.kernels.map((kernel, i) => kernelArticle({
      kernel, id: program.kernelIds[i], title: kernel.name + (isOne ? program.suffix : "")
    }))];
}

function buildPage(root, data) {
  const { programs } = data;
  nameAll(programs);
  document.title = programs.map(program => program.title).join(" / ");
  root.replaceChildren();
  const parts = [navigation(programs), programs.length > 1 ? comparison(programs) : null,
    programs.map(programArticles)];
  fill(root, {}, parts);
}

(function () {
  const root = document.getElementById("page");
  try {
    buildPage(root, JSON.parse(document.getElementById("data").textContent));
  } catch (error) {
    root.replaceChildren(html("p", { class: "error" },
      `The data of this page cannot be shown: ${error}`));
    throw error;
  }
  listenToKeys();
  listenToTips(document.getElementById("tip"));
})();
