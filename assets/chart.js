// Renders a figure of trainer/charts and updates it as it changes; loads plotly for the first chart. live_chart.js calls mount with gradio's
// component variables.

import { cellKeys } from "./chart_cells.js";
import { csvOf, save } from "./chart_table.js";

// Shared by all charts of the page.
let loading = null;

function loadPlotly(src) {
  if (window.Plotly) return Promise.resolve();
  loading ??= new Promise((resolve, reject) => {
    const script = Object.assign(document.createElement("script"), { src, onload: resolve });
    script.onerror = () => {
      loading = null; // the next figure tries again
      script.remove();
      reject(new Error("plotly did not load"));
    };
    document.head.append(script);
  });
  return loading;
}

// Colours. Figures hold tokens, which the page's CSS variables replace according to the theme.

const pixel = Object.assign(document.createElement("canvas"), { width: 1, height: 1 }).getContext("2d", { willReadFrequently: true });

// [r, g, b, a] of any CSS colour, var(), oklch() and color-mix() included: the browser computes it, a canvas reads it.
function rgba(probe, css) {
  probe.style.color = "";
  probe.style.color = css;
  pixel.clearRect(0, 0, 1, 1);
  pixel.fillStyle = getComputedStyle(probe).color;
  pixel.fillRect(0, 0, 1, 1);
  return [...pixel.getImageData(0, 0, 1, 1).data];
}

// The actual background of the chart: the first opaque one among its ancestors.
function surface(probe) {
  for (let node = probe.parentElement; node; node = node.parentElement) {
    const colour = rgba(probe, getComputedStyle(node).backgroundColor);
    if (colour[3] > 250) return colour;
  }
  return rgba(probe, "var(--background-fill-primary, white)");
}

const luminance = (c) => [0.2126, 0.7152, 0.0722].reduce((sum, weight, i) => sum + weight * (c[i] / 255) ** 2.2, 0.05);
const contrast = (a, b) => Math.max(luminance(a), luminance(b)) / Math.min(luminance(a), luminance(b));
const toCss = (c) => `rgb(${c.slice(0, 3).map(Math.round).join(",")})`;
const textColourOn = (c) => (contrast(c, [255, 255, 255]) > contrast(c, [20, 20, 20]) ? "rgb(255,255,255)" : "rgb(20,20,20)");

function palette(probe) {
  const ink = rgba(probe, "var(--body-text-color, CanvasText)");
  const background = surface(probe);
  let muted = rgba(probe, "var(--body-text-color-subdued, GrayText)");
  // Gradio's subdued grey is too faint for small text on white (WCAG AA wants 4.5).
  for (let i = 0; i < 10 && contrast(muted, background) < 4.6; i++) muted = muted.map((c, k) => 0.8 * c + 0.2 * ink[k]);
  // Its borders are too bright in the dark theme for lines behind data.
  let faint = rgba(probe, "var(--border-color-primary, #d4d4d8)");
  for (let i = 0; i < 10 && contrast(faint, background) > 1.5; i++) faint = faint.map((c, k) => 0.85 * c + 0.15 * background[k]);
  const accent = rgba(probe, "var(--em-accent, var(--color-accent, #4f46e5))");
  const wrong = rgba(probe, "var(--em-error, #b91c1c)");
  return {
    "var(--chart-ink)": toCss(ink),
    "var(--chart-muted)": toCss(muted),
    "var(--chart-faint)": toCss(faint),
    "var(--chart-surface)": toCss(background),
    "var(--chart-accent)": toCss(accent),
    "var(--chart-on-accent)": textColourOn(accent),
    "var(--chart-wrong)": toCss(wrong),
    "var(--chart-on-wrong)": textColourOn(wrong),
  };
}

// Replaces tokens only under colour keys and in our annotations, so that a class named like a token stays as it is.
function paint(node, colours, inColour = false, inAnnotation = false) {
  for (const key of Object.keys(node)) {
    const value = node[key];
    const isColour = inColour || /color/i.test(key);
    if (typeof value === "string") {
      if (isColour && colours[value]) node[key] = colours[value];
      if (inAnnotation && key === "text") node[key] = value.replace(/var\(--chart-[\w-]+\)/g, (token) => colours[token] ?? token);
    } else if (value && typeof value === "object") {
      // Long arrays of data hold no colours.
      if (Array.isArray(value) && !isColour && typeof value[0] !== "object") continue;
      paint(value, colours, isColour, inAnnotation || key === "annotations");
    }
  }
}

// Figures

const narrow = matchMedia("(max-width: 640px)"); // as in charts.css
const coarse = matchMedia("(pointer: coarse)");
const PERCENTS = Object.fromEntries(Array.from({ length: 101 }, (_, i) => [`${i}%`, `${i} %`]));
const AXES = ["xaxis", "yaxis"];

// Parsed each time: plotly modifies its arguments, and the tokens are needed again when the theme changes.
function figureOf(value, probe) {
  const { data, layout } = JSON.parse(value);
  const { phone, ...meta } = layout.meta;
  const heights = [layout.height, phone?.height ?? layout.height];
  let traces = data;
  if (phone && narrow.matches) {
    const { xaxis, yaxis, without = [], ...rest } = phone;
    Object.assign(layout, rest);
    Object.assign(layout.xaxis, xaxis);
    Object.assign(layout.yaxis, yaxis);
    traces = data.filter((trace) => !without.includes(trace.name));
  }
  delete layout.meta;
  for (const name of AXES) if (layout[name].tickformat === "~%") layout[name].labelalias = PERCENTS;
  const colours = palette(probe);
  paint(traces, colours);
  paint(layout, colours);
  const { fontFamily } = getComputedStyle(probe);
  for (const part of [layout, layout.hoverlabel]) part.font.family = fontFamily;
  if (coarse.matches) layout.dragmode = false; // a finger scrolls the page
  return { traces, layout, meta, heights, background: colours["var(--chart-surface)"], ink: colours["var(--chart-ink)"] };
}

const escapeHtml = (text) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");

// One configuration for all: with a different one plotly would rebuild the chart and lose its zoom. Its own buttons would be inside an
// image, where no screen reader finds them.
const CONFIG = { responsive: true, displayModeBar: false, displaylogo: false, showTips: false, showSendToCloud: false };

export function mount({ element, props, trigger, watch }) {
  const [div, note] = [element.querySelector(".chart"), element.querySelector("h3 small")];
  const heading = element.querySelector("h3 span");
  const buttons = Object.fromEntries([...element.querySelectorAll("[data-action]")].map((button) => [button.dataset.action, button]));
  const [initialTitle, initialNote] = [heading.textContent, note.textContent];
  const file = () => heading.textContent.toLowerCase().replace(/[^\p{L}\p{N}]+/gu, "-");
  const probe = document.createElement("span");
  probe.hidden = true;
  element.append(probe);
  let figure = null; // the last figure rendered
  let ranges = {}; // of its axes; undefined if plotly chooses them
  let listening = false;
  let width = 0;

  // A page may listen: html.select(fn), where the code is a cell's "true id predicted id".
  const select = (ids) => trigger("select", { action: "cell", code: ids.join(" ") });
  const cells = cellKeys(element, div, select);

  function clear() {
    if (listening) window.Plotly.purge(div);
    [listening, figure, width] = [false, null, 0];
    div.replaceChildren();
    cells.forget();
    showButtons();
  }

  const zoomed = () =>
    AXES.some((name) => {
      const now = div.layout?.[name];
      if (!figure || !now || now.fixedrange) return false;
      return ranges[name] ? ranges[name].some((edge, i) => Math.abs(edge - now.range[i]) > 1e-9) : now.autorange === false;
    });

  function showButtons() {
    const empty = !figure?.traces.length;
    buttons.png.disabled = buttons.csv.disabled = empty;
    const hideReset = empty || !zoomed();
    // A hidden button must not keep the focus.
    if (hideReset && document.activeElement === buttons.reset) buttons.png.focus();
    buttons.reset.classList.toggle("em-away", hideReset);
  }

  // The same chart shows another score for runs of another task.
  function setTitle(title) {
    if (title === heading.textContent) return;
    for (const button of Object.values(buttons)) {
      button.setAttribute("aria-label", button.getAttribute("aria-label").replace(heading.textContent, () => title));
    }
    heading.textContent = title;
  }

  // Reserves the space before plotly is loaded, so that nothing moves.
  function reserveSpace({ heights, meta }) {
    div.style.setProperty("--height", `${heights[0]}px`);
    div.style.setProperty("--phone-height", `${heights[1]}px`);
    cells.describe(meta.description);
    note.textContent = meta.note ?? initialNote;
    setTitle(meta.title ?? initialTitle);
  }

  function render() {
    if (!props.value) return clear();
    const newFigure = figureOf(props.value, probe);
    reserveSpace(newFigure);
    if (!window.Plotly) {
      loadPlotly(new URL(document.querySelector("#plotly-file").content, document.baseURI)).then(render, () => {
        div.textContent = "The chart could not be loaded because the server did not answer. Reload the page.";
      });
      return;
    }
    width = div.clientWidth;
    if (!width || !element.isConnected) return; // in a closed tab; the observer below renders it once it is visible
    if (!listening) div.replaceChildren();
    figure = newFigure;
    ranges = Object.fromEntries(AXES.map((name) => [name, figure.layout[name].range && [...figure.layout[name].range]]));
    window.Plotly.react(div, figure.traces, figure.layout, CONFIG);
    if (!listening) {
      listening = true;
      div.on("plotly_relayout", showButtons);
      div.on("plotly_click", ({ points: [point] }) => point.customdata && select(point.customdata));
    }
    cells.show(figure);
    showButtons();
  }

  // Buttons

  const resetZoom = () =>
    window.Plotly.relayout(div, Object.fromEntries(AXES.map((name) => (ranges[name] ? [`${name}.range`, [...ranges[name]]] : [`${name}.autorange`, true]))));

  // With background and title: a transparent picture of the dark theme would be unreadable elsewhere.
  function savePng() {
    const [titleHeight, layout] = [40, structuredClone(div.layout)];
    const text = `<b>${escapeHtml(heading.textContent)}</b>  <span style="font-size:12px">${escapeHtml(note.textContent)}</span>`;
    layout.title = { text, x: 0, xanchor: "left", y: 1, yanchor: "top", pad: { l: 14, t: 12 }, font: { size: 15, color: figure.ink } };
    layout.margin = { ...layout.margin, t: layout.margin.t + titleHeight };
    const size = { width: div.clientWidth, height: div.clientHeight + titleHeight };
    window.Plotly.downloadImage(
      { data: structuredClone(div.data), layout: { ...layout, ...size, paper_bgcolor: figure.background } },
      { format: "png", scale: 2, filename: file(), ...size },
    );
  }

  buttons.reset.addEventListener("click", resetZoom);
  buttons.png.addEventListener("click", savePng);
  buttons.csv.addEventListener("click", () => save(csvOf(JSON.parse(props.value)), "text/csv;charset=utf-8", `${file()}.csv`));

  // Changes of theme, visibility and window size

  let frame = null;
  const scheduleRender = () => {
    cancelAnimationFrame(frame);
    frame = requestAnimationFrame(render);
  };
  const themeObserver = new MutationObserver(() => (element.isConnected ? scheduleRender() : disconnect()));
  const sizeObserver = new ResizeObserver(() => {
    if (!element.isConnected) return disconnect();
    if (div.clientWidth !== width) scheduleRender();
  });
  function disconnect() {
    themeObserver.disconnect();
    sizeObserver.disconnect();
    narrow.removeEventListener("change", scheduleRender);
    clear();
  }
  for (const node of [document.documentElement, document.body]) themeObserver.observe(node, { attributes: true, attributeFilter: ["class", "data-theme"] });
  sizeObserver.observe(element);
  narrow.addEventListener("change", scheduleRender);
  watch("value", render);
  render();
}
