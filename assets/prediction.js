// The js_on_load body of the answer to the text in the box: draws props.value once it answers what is asked now, and until then leaves the
// answer of before where it is, faded. It decides nothing about the answer. In scope (gradio): element, props, watch.
// Template: <div class="em-prediction-card"></div><div role="status"></div>.

const CALM = 900; // milliseconds without a change after which the answer is read out
const LOOK = 150; // milliseconds between two looks at what is asked
const box = element.querySelector(".em-prediction-card");
const status = element.querySelector("[role=status]");
const text = () => document.querySelector("#try-text textarea")?.value ?? "";
const model = () => document.querySelector("#model textarea, #model input")?.value ?? "";
let reading = null;

// As try_tab.checksum: Adler-32 of the UTF-16 code units.
function checksum(words) {
  let a = 1;
  let b = 0;
  for (let i = 0; i < words.length; i++) {
    const unit = words.charCodeAt(i);
    for (const byte of [unit & 255, unit >> 8]) {
      a = (a + byte) % 65521;
      b = (b + a) % 65521;
    }
  }
  return b * 65536 + a;
}

function isAsked(answer) {
  if (!answer?.dataset.run && !answer?.dataset.text) return true; // a mistake: it answers no text
  return answer.dataset.run === model() && Number(answer.dataset.text) === checksum(text());
}

function draw() {
  const made = document.createElement("template");
  made.innerHTML = props.value ?? "";
  if (isAsked(made.content.firstElementChild)) {
    box.replaceChildren(made.content);
    clearTimeout(reading);
    reading = setTimeout(() => (status.textContent = box.querySelector(".em-prediction")?.textContent ?? ""), CALM);
  } else if (!box.firstElementChild) {
    // A model that was not asked before takes a second or two to load.
    box.innerHTML = '<p class="em-quiet">The model reads the text …</p>';
  }
  fade();
}

function fade() {
  box.classList.toggle("em-late", !isAsked(box.firstElementChild));
}

// What is asked changes by typing, by a row that is taken and with the model; none of these tells all of them.
let asked = "";
const watching = setInterval(() => {
  if (!element.isConnected) return clearInterval(watching);
  const now = `${model()} ${text()}`;
  if (now !== asked) fade();
  asked = now;
}, LOOK);

watch("value", draw);
draw();
