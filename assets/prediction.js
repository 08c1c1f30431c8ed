// The js_on_load body of the prediction: renders props.value once it belongs to the current text and model; until then the previous
// prediction stays, faded. In scope (gradio): element, props, watch.
// Template: <div class="em-prediction-card"></div><div role="status"></div>.

const ANNOUNCE_DELAY = 900; // milliseconds without a change until a screen reader announces the prediction
const POLL_INTERVAL = 150; // milliseconds between two checks of text and model
const box = element.querySelector(".em-prediction-card");
const status = element.querySelector("[role=status]");
const text = () => document.querySelector("#try-text textarea")?.value ?? "";
const model = () => document.querySelector("#model textarea, #model input")?.value ?? "";
let announcement = null;

// Like try_tab.checksum: Adler-32 of the UTF-16 code units.
function checksum(string) {
  let a = 1;
  let b = 0;
  for (let i = 0; i < string.length; i++) {
    const unit = string.charCodeAt(i);
    for (const byte of [unit & 255, unit >> 8]) {
      a = (a + byte) % 65521;
      b = (b + a) % 65521;
    }
  }
  return b * 65536 + a;
}

function isCurrent(prediction) {
  if (!prediction?.dataset.run && !prediction?.dataset.text) return true; // an error message, for any text
  return prediction.dataset.run === model() && Number(prediction.dataset.text) === checksum(text());
}

function render() {
  const template = document.createElement("template");
  template.innerHTML = props.value ?? "";
  if (isCurrent(template.content.firstElementChild)) {
    box.replaceChildren(template.content);
    clearTimeout(announcement);
    announcement = setTimeout(() => (status.textContent = box.querySelector(".em-prediction")?.textContent ?? ""), ANNOUNCE_DELAY);
  } else if (!box.firstElementChild) {
    // A model takes a second or two to load.
    box.innerHTML = '<p class="em-quiet">The model reads the text …</p>';
  }
  updateFade();
}

function updateFade() {
  box.classList.toggle("em-outdated", !isCurrent(box.firstElementChild));
}

// Text and model change by typing, by an example row and by the model picker; no single event covers all of them.
let lastState = "";
const poll = setInterval(() => {
  if (!element.isConnected) return clearInterval(poll);
  const state = `${model()} ${text()}`;
  if (state !== lastState) updateFade();
  lastState = state;
}, POLL_INTERVAL);

watch("value", render);
render();
