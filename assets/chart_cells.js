// The keyboard in a heat map: arrow keys move from cell to cell, Enter selects one, and a screen reader hears what it says. chart.js uses it for all
// charts; those without cells are pictures.

const STEPS = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
const HELP = "Arrow keys move from cell to cell; Enter shows the rows of a cell.";

const plain = (html) => new DOMParser().parseFromString(html, "text/html").body.textContent;

export function cellKeys(element, div, select) {
  const status = Object.assign(document.createElement("div"), { className: "em-hidden" });
  status.setAttribute("role", "status");
  element.append(status);
  let [heat, colour, at] = [null, "", null];

  // Of a figure that was just rendered. Its cells may be others, or in another order.
  function show(figure) {
    heat = figure.traces.find((trace) => trace.type === "heatmap") ?? null;
    colour = figure.ink;
    if (!heat) return;
    div.setAttribute("role", "application");
    div.setAttribute("aria-label", `${figure.meta.description} ${HELP}`);
    div.tabIndex = 0;
    if (at) at = at.map((place) => Math.min(place, heat.z.length - 1));
    if (document.activeElement === div) mark();
  }

  function describe(description) {
    if (heat) return;
    div.setAttribute("role", "img");
    div.setAttribute("aria-label", description);
  }

  function forget() {
    heat = null;
    div.removeAttribute("tabindex");
    for (const name of ["role", "aria-label"]) div.removeAttribute(name);
  }

  function mark() {
    const [row, column] = at;
    const [x0, x1, y0, y1] = [column - 0.5, column + 0.5, row - 0.5, row + 0.5];
    window.Plotly.relayout(div, { shapes: [{ type: "rect", x0, x1, y0, y1, line: { color: colour, width: 3 } }] });
    status.textContent = plain(heat.hovertext[row][column] ?? `true ${heat.y[row]}, predicted ${heat.x[column]}: no rows`);
  }

  // The first is the cell with most mistakes.
  function first() {
    let [best, place] = [1, [0, 0]];
    heat.z.forEach((row, i) => row.forEach((value, j) => value !== null && value < best && ([best, place] = [value, [i, j]])));
    return place;
  }

  div.addEventListener("focus", () => {
    if (!heat || !div.matches(":focus-visible")) return;
    at ??= first();
    mark();
  });
  div.addEventListener("blur", () => heat && div.layout?.shapes?.length && window.Plotly.relayout(div, { shapes: [] }));
  div.addEventListener("keydown", (event) => {
    if (!heat || event.ctrlKey || event.metaKey || event.altKey) return;
    at ??= first();
    const last = heat.z.length - 1;
    const step = STEPS[event.key];
    if (step) at = at.map((place, i) => Math.min(Math.max(place + step[i], 0), last));
    else if (event.key === "Home" || event.key === "End") at = [at[0], event.key === "Home" ? 0 : last];
    else if (event.key !== "Enter" && event.key !== " ") return;
    event.preventDefault();
    if (event.key === "Enter" || event.key === " ") {
      const ids = heat.customdata[at[0]][at[1]];
      if (ids) select(ids);
    } else mark();
  });
  return { show, describe, forget };
}
