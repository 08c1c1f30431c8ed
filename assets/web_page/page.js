// Classifies texts with the model beside this page. No request goes to another host: the page's Content-Security-Policy forbids it too.
import { AutoModelForSequenceClassification, AutoTokenizer, env } from "./scripts/transformers.web.min.js";

const SHOWN_CLASSES = 3;
const PAUSE_MILLISECONDS = 30;
const here = new URL("./", location.href).href;
const element = (id) => document.getElementById(id);

env.allowRemoteModels = false;
env.allowLocalModels = true;
// A relative path: an address would count as a remote one.
env.localModelPath = "./";
env.useBrowserCache = false;
env.useWasmCache = false;
env.backends.onnx.wasm.numThreads = 1;
env.backends.onnx.wasm.wasmPaths = `${here}scripts/`;

function percent(share) {
  const shown = share < 1 && share >= 0.9995 ? "over 99.9" : share > 0 && share < 0.0005 ? "under 0.1" : (100 * share).toFixed(1);
  return `${shown}\u00a0%`;
}

function probabilities(logits, cuts) {
  if (cuts) return logits.map((value) => 1 / (1 + Math.exp(-value)));
  const highest = Math.max(...logits);
  const powers = logits.map((value) => Math.exp(value - highest));
  const sum = powers.reduce((total, power) => total + power, 0);
  return powers.map((power) => power / sum);
}

// The probability of each label, or null if the model knows no sign of the text.
async function classify(model, about, text) {
  const inputs = await model.tokenizer([text], { padding: true, truncation: true, max_length: about.max_length });
  const tokens = model.tokenizer.encode(text, { add_special_tokens: false });
  if (tokens.every((token) => token === about.unknown)) return null;
  const { logits } = await model.network(inputs);
  return probabilities(Array.from(logits.data), about.cuts);
}

function bar(label, share, isBest) {
  const row = document.createElement("div");
  row.className = isBest ? "bar best" : "bar";
  const [name, track, number] = ["span", "span", "span"].map((tag) => document.createElement(tag));
  name.textContent = label;
  name.dir = "auto";
  track.className = "track";
  const filled = track.appendChild(document.createElement("span"));
  filled.style.width = `${100 * share}%`;
  number.className = "number";
  number.textContent = percent(share);
  row.append(name, track, number);
  return row;
}

function answer(about, text, shares) {
  const item = document.createElement("li");
  const quoted = item.appendChild(document.createElement("p"));
  quoted.className = "text";
  quoted.dir = "auto";
  quoted.textContent = text;
  const said = item.appendChild(document.createElement("p"));
  said.className = "said";
  if (shares === null) {
    item.dataset.label = "";
    said.textContent = "Nothing to judge: the model knows no sign of this text.";
    return item;
  }
  const order = shares.map((share, number) => number).sort((a, b) => shares[b] - shares[a] || a - b);
  const [best] = order;
  if (about.cuts) {
    const isSaid = (number) => shares[number] >= about.cuts[number];
    const names = about.labels.filter((_, number) => isSaid(number));
    const unsure = about.answer_from !== null && shares[best] < about.answer_from;
    item.dataset.label = unsure ? "unsure" : names.join(", ");
    item.dataset.probability = shares[best];
    said.textContent = names.join(", ") || `${unsure ? "Unsure" : "No label"}: none reaches the probability from which on it is said.`;
    item.append(...order.slice(0, Math.max(SHOWN_CLASSES, names.length)).map((number) => bar(about.labels[number], shares[number], isSaid(number))));
    return item;
  }
  const unsure = about.answer_from !== null && shares[best] < about.answer_from;
  item.dataset.label = unsure ? "unsure" : about.labels[best];
  item.dataset.probability = shares[best];
  said.textContent = unsure ? `Unsure, perhaps ${about.labels[best]}` : about.labels[best];
  item.append(...order.slice(0, SHOWN_CLASSES).map((number) => bar(about.labels[number], shares[number], number === best)));
  return item;
}

async function answerAll(model, about) {
  // The keyboard submits although the button is disabled.
  if (element("classify").disabled) return;
  const lines = element("texts").value.split("\n").map((line) => line.trim()).filter(Boolean);
  element("answers").replaceChildren();
  if (!lines.length) {
    element("status").textContent = "Type a text first.";
    return;
  }
  element("classify").disabled = true;
  let shown = performance.now();
  try {
    for (const [number, line] of lines.entries()) {
      element("answers").append(answer(about, line, await classify(model, about, line)));
      if (performance.now() - shown > PAUSE_MILLISECONDS) {
        element("status").textContent = `${number + 1} of ${lines.length} …`;
        // Lets the browser draw.
        await new Promise((resolve) => setTimeout(resolve));
        shown = performance.now();
      }
    }
    element("status").textContent = lines.length === 1 ? "1 text classified." : `${lines.length} texts classified.`;
  } catch (error) {
    element("status").textContent = `The texts could not be classified (${error.message}). Try again, or reload the page.`;
  } finally {
    element("classify").disabled = false;
  }
}

async function start() {
  const about = await (await fetch("labels.json")).json();
  document.title = about.title;
  element("title").textContent = about.title;
  element("about").textContent = about.description;
  element("note").textContent = about.note;
  element("note").hidden = !about.note;
  const [tokenizer, network] = await Promise.all([
    AutoTokenizer.from_pretrained("model"),
    AutoModelForSequenceClassification.from_pretrained("model", { dtype: "q8", device: "wasm" }),
  ]);
  element("classify").disabled = false;
  element("status").textContent = "Ready.";
  const model = { tokenizer, network };
  element("form").addEventListener("submit", (event) => {
    event.preventDefault();
    answerAll(model, about);
  });
  element("texts").addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) element("form").requestSubmit();
  });
}

start().catch((error) => {
  element("status").textContent = `The model could not be loaded (${error.message}). Unpack the whole zip into one folder, and reload the page.`;
});
