"use strict";
// Builds the page from the data.

function programTitle(program) {
  const [kernel] = program.kernels;
  if (program.kernels.length > 1)
    return program.source;
  return kernel.schedule ? `${kernel.name} · ${kernel.schedule}` : kernel.name;
}

// Titles, made unique by the file or else a number, and ids.
function nameAll(programs) {
  programs.forEach(program => { program.title = programTitle(program); });
  const count = title => programs.filter(program => program.title === title).length;
  const isTwin = programs.map(program => count(program.title) > 1);
  programs.forEach((program, i) => {
    if (isTwin[i] && program.title !== program.source)
      program.title += ` (${program.source})`;
  });
  const seen = new Map();
  programs.forEach((program, i) => {
    const before = seen.get(program.title) || 0;
    seen.set(program.title, before + 1);
    if (before)
      program.title += ` #${before + 1}`;
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
      kernel, id: program.kernelIds[i],
      title: isOne && program.title.endsWith(")") ? `${kernel.name} (${program.source})` : kernel.name
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
