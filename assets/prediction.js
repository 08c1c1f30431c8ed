// The js_on_load body of the prediction: renders props.value once it belongs to the current text and model; until then the previous
// prediction stays, faded. A button or list with data-action triggers a click event with {action, code}, and so does a prediction with
// data-wanted that has been shown for a while: nobody types any more, so its words can be asked for. In scope (gradio): element, props,
// trigger, watch. Template: <div class="em-prediction-card"></div><div role="status"></div>.

const ANNOUNCE_DELAY = 900; // milliseconds without a change until a screen reader announces the prediction
const POLL_INTERVAL = 150; // milliseconds between two checks of text and model
const WORDS_DELAY = 500; // milliseconds without a change until the words of a prediction are asked for
const CHOSEN_AFTER = 300; // milliseconds after which an option counts as chosen: the arrow keys pass over others on their way
const box = element.querySelector(".em-prediction-card");
const status = element.querySelector("[role=status]");
const text = () => document.querySelector("#try-text textarea")?.value ?? "";
const model = () => document.querySelector("#model textarea, #model input")?.value ?? "";
let [announcement, wanted, chosen] = [0, 0, 0];

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

// Typing may ask twice for the same text: the second answer must not take away the words and messages of a press in between. And the answer to a
// press is slower than others: it must not take the place of what was chosen meanwhile.
function isBehind(coming) {
  const shown = box.firstElementChild;
  const isSame = ["run", "text", "choice"].every((key) => coming?.dataset[key] === shown?.dataset[key]);
  if (coming?.dataset.explained !== undefined) return shown?.dataset.text !== undefined && !isSame;
  return coming?.dataset.wanted !== undefined && shown?.dataset.explained !== undefined && isSame;
}

// Keyboard users keep the focus on the same button.
function replace(content) {
  const focused = box.contains(document.activeElement) ? document.activeElement : null;
  const key = (at) => `${at.className} ${at.dataset.code} ${at.dataset.prefix}`;
  box.replaceChildren(content);
  if (focused?.dataset.action) [...box.querySelectorAll("[data-action]")].find((at) => key(at) === key(focused))?.focus({ preventScroll: true });
}

function render() {
  const template = document.createElement("template");
  template.innerHTML = props.value ?? "";
  const coming = template.content.firstElementChild;
  const current = isCurrent(coming);
  // What is not shown changes nothing: the words of what is shown are still to be asked for, or have been.
  if (current && !isBehind(coming)) {
    replace(template.content);
    clearTimeout(wanted);
    if (box.querySelector("[data-wanted]")) wanted = setTimeout(askForWords, WORDS_DELAY);
    clearTimeout(announcement);
    announcement = setTimeout(() => (status.textContent = box.querySelector(".em-prediction")?.textContent ?? ""), ANNOUNCE_DELAY);
  } else if (!current && !box.firstElementChild) {
    // A model takes a second or two to load.
    box.innerHTML = '<p class="em-quiet">The model reads the text …</p>';
  }
  updateFade();
}

// A press belongs to the text that is shown, not to one that is being typed.
function press(action, code) {
  if (!isCurrent(box.firstElementChild)) return;
  clearTimeout(wanted); // its answer has the words; a later one without its message would replace it
  trigger("click", { action, code });
}

// Not of a tab that is not shown: nobody looks at them yet.
function askForWords() {
  if (box.clientWidth) press("words", "");
  else wanted = setTimeout(askForWords, WORDS_DELAY);
}

function updateFade() {
  box.classList.toggle("em-outdated", !isCurrent(box.firstElementChild));
}

box.addEventListener("click", ({ target }) => {
  const row = getSelection().isCollapsed ? target.closest("tr[data-open]") : null;
  const button = target.closest("button[data-action]") ?? row?.querySelector("button[data-action]");
  if (button) press(button.dataset.action, button.dataset.code);
});

box.addEventListener("change", ({ target }) => {
  const { action, prefix } = target.dataset;
  if (!action || !target.value) return;
  clearTimeout(chosen);
  chosen = setTimeout(() => press(action, `${prefix}${target.value}`), CHOSEN_AFTER);
});

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
