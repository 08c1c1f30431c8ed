// The js_on_load body of a gr.HTML chart: draws props.value, a figure of trainer/charts as JSON, and keeps drawing it as it changes.
// It decides nothing about the data. In scope (gradio): element, trigger, props, watch. Template: <div class="chart"></div>.

const div = element.querySelector(".chart");

// Colours. charts.py leaves tokens; the page's CSS variables say what they are now.

const probe = document.createElement("span");
probe.style.display = "none";
element.append(probe);
const pixel = Object.assign(document.createElement("canvas"), { width: 1, height: 1 }).getContext("2d", { willReadFrequently: true });

// [r, g, b, a] of any CSS colour, var(), oklch() and color-mix() included: the browser computes it, a canvas reads it.
function rgba(css) {
  probe.style.color = "";
  probe.style.color = css;
  pixel.clearRect(0, 0, 1, 1);
  pixel.fillStyle = getComputedStyle(probe).color;
  pixel.fillRect(0, 0, 1, 1);
  return [...pixel.getImageData(0, 0, 1, 1).data];
}

// What is really behind the chart: the first opaque background on the way up.
function surface() {
  for (let node = div; node; node = node.parentElement) {
    const colour = rgba(getComputedStyle(node).backgroundColor);
    if (colour[3] > 250) return colour;
  }
  return rgba("var(--background-fill-primary, white)");
}

const luminance = (c) => [0.2126, 0.7152, 0.0722].reduce((sum, share, i) => sum + share * (c[i] / 255) ** 2.2, 0.05);
const contrast = (a, b) => Math.max(luminance(a), luminance(b)) / Math.min(luminance(a), luminance(b));

function palette() {
  const ink = rgba("var(--body-text-color, CanvasText)");
  const back = surface();
  let muted = rgba("var(--body-text-color-subdued, GrayText)");
  // Gradio's subdued grey is too faint for small text on white (WCAG AA wants 4.5).
  for (let i = 0; i < 10 && contrast(muted, back) < 4.6; i++) muted = muted.map((c, k) => 0.8 * c + 0.2 * ink[k]);
  // And its borders are too loud in the dark for lines behind data.
  let faint = rgba("var(--border-color-primary, #d4d4d8)");
  for (let i = 0; i < 10 && contrast(faint, back) > 1.5; i++) faint = faint.map((c, k) => 0.85 * c + 0.15 * back[k]);
  const accent = rgba("var(--em-accent, var(--color-accent, #4f6bed))");
  const name = (c) => `rgb(${c.slice(0, 3).map(Math.round).join(",")})`;
  return {
    "var(--chart-ink)": name(ink),
    "var(--chart-muted)": name(muted),
    "var(--chart-faint)": name(faint),
    "var(--chart-surface)": name(back),
    "var(--chart-accent)": name(accent),
    "var(--chart-on-accent)": contrast(accent, [255, 255, 255]) > contrast(accent, [20, 20, 20]) ? "rgb(255,255,255)" : "rgb(20,20,20)",
  };
}

// Replaces tokens under colour keys and in our own annotations only, so that a class called like a token stays text.
function paint(node, colours, inColour = false, inAnnotation = false) {
  for (const key of Object.keys(node)) {
    const value = node[key];
    const colourHere = inColour || /color/i.test(key);
    if (typeof value === "string") {
      if (colourHere && colours[value]) node[key] = colours[value];
      if (inAnnotation && key === "text") node[key] = value.replace(/var\(--chart-\w+\)/g, (token) => colours[token] ?? token);
    } else if (value && typeof value === "object") {
      // Long arrays of data hold no colours and need no walk.
      if (Array.isArray(value) && !colourHere && typeof value[0] !== "object") continue;
      paint(value, colours, colourHere, inAnnotation || key === "annotations");
    }
  }
  return node;
}

// Drawing

const coarse = matchMedia("(pointer: coarse)").matches;
let listening = false;
let waiting = null;
let width = 0;

let back = "";

// Made once: plotly builds the chart anew, zoom lost, whenever it is given another configuration.
let config = null;
function makeConfig() {
  // Not plotly's own button: its picture would be transparent, and unreadable elsewhere when taken in the dark.
  const download = {
    name: "download",
    title: "Download as PNG",
    icon: window.Plotly.Icons.camera,
    click: (gd) =>
      window.Plotly.downloadImage(
        { data: gd.data, layout: { ...gd.layout, paper_bgcolor: back } },
        { format: "png", scale: 2, filename: "chart", width: gd.clientWidth, height: gd.clientHeight },
      ),
  };
  return { responsive: true, displaylogo: false, showTips: false, showSendToCloud: false, displayModeBar: "hover", modeBarButtons: [[download, "resetScale2d"]] };
}

function clear() {
  if (window.Plotly && listening) window.Plotly.purge(div);
  listening = false;
  div.removeAttribute("style");
  for (const name of ["role", "aria-label"]) div.removeAttribute(name);
}

function draw() {
  clearTimeout(waiting);
  if (!props.value) return clear();
  // Anew each time: plotly writes into what it is given, and the tokens are needed again when the theme changes.
  const figure = JSON.parse(props.value);
  const { height, meta = {} } = figure.layout;
  // The place is kept before plotly has arrived, so that nothing jumps.
  Object.assign(div.style, {
    height: `${height}px`,
    maxWidth: meta.max_width ? `${meta.max_width}px` : "",
    minWidth: meta.min_width ? `${meta.min_width}px` : "",
  });
  // A chart that cannot be narrower scrolls by itself: it must not widen the page.
  Object.assign(element.style, meta.min_width ? { overflow: "auto hidden", contain: "inline-size" } : { overflow: "hidden", contain: "" });
  div.setAttribute("role", "img");
  if (meta.description) div.setAttribute("aria-label", meta.description);
  else div.removeAttribute("aria-label");
  if (!window.Plotly) {
    waiting = setTimeout(() => element.isConnected && draw(), 100);
    return;
  }
  width = div.clientWidth;
  if (!width) return; // in a closed tab; the observer below draws it when it is shown
  const colours = palette();
  paint(figure, colours);
  const { fontFamily } = getComputedStyle(element);
  for (const part of [figure.layout, figure.layout.hoverlabel]) if (part?.font) part.font.family = fontFamily;
  if (coarse) figure.layout.dragmode = false; // a finger scrolls the page
  back = colours["var(--chart-surface)"];
  config ??= makeConfig();
  window.Plotly.react(div, figure.data, figure.layout, config);
  if (!listening) {
    listening = true;
    // A page may listen: html.select(fn), where evt.index is the point's customdata (a cell's [true id, predicted id]).
    div.on("plotly_click", ({ points: [point] }) => trigger("select", { index: point.customdata ?? point.pointNumber, value: point.hovertext ?? "" }));
  }
}

// The theme, a tab that opens, a window that turns

let frame = null;
const later = () => {
  cancelAnimationFrame(frame);
  frame = requestAnimationFrame(draw);
};
const theme = new MutationObserver(() => (element.isConnected ? later() : leave()));
const size = new ResizeObserver(() => {
  if (!element.isConnected) return leave();
  if (div.clientWidth !== width) later();
});
function leave() {
  theme.disconnect();
  size.disconnect();
  clear();
}
for (const node of [document.documentElement, document.body]) theme.observe(node, { attributes: true, attributeFilter: ["class", "data-theme"] });
size.observe(element);
watch("value", draw);
draw();
