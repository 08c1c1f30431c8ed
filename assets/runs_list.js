// The js_on_load body of the list of runs: draws props.value, keeps what is ticked and focused through every redraw, and tells the page that
// other runs are ticked, as a select, and which title was pressed, as a click with {action, code}. It decides nothing.
// In scope (gradio): element, trigger, props, watch. Template: <div class="em-runs"></div>.

const list = element.querySelector(".em-runs");
const ticked = new Set();

const boxes = () => [...list.querySelectorAll("input[data-run]")];
const when = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });
const inFull = new Intl.DateTimeFormat("en-GB", { dateStyle: "full", timeStyle: "long" });
const longAgo = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", year: "numeric" });

function draw() {
  const { activeElement } = document;
  const { run, code } = list.contains(activeElement) ? activeElement.dataset : {};
  list.innerHTML = props.value ?? "";
  for (const box of boxes()) box.checked = ticked.has(box.dataset.run);
  const same = run ? `input[data-run="${run}"]` : `button[data-code="${code}"]`;
  if (run || code) (list.querySelector(same) ?? list.querySelector("input"))?.focus({ preventScroll: true });
  // Gone ones leave the selection too: an id that comes back later would be ticked by nobody.
  const there = new Set(boxes().map((box) => box.dataset.run));
  for (const id of ticked) if (!there.has(id)) ticked.delete(id);
  // The server does not know where its visitors are; their browser does.
  for (const time of list.querySelectorAll("time")) {
    const made = new Date(time.dateTime);
    time.title = inFull.format(made);
    time.textContent = (made.getFullYear() === new Date().getFullYear() ? when : longAgo).format(made);
  }
}

list.addEventListener("change", ({ target }) => {
  if (!target.dataset.run) return;
  if (target.checked) ticked.add(target.dataset.run);
  else ticked.delete(target.dataset.run);
  trigger("select");
});

// A row is a large target for the mouse; boxes and titles already answer by themselves.
list.addEventListener("click", ({ target }) => {
  const title = target.closest("button[data-action]");
  if (title) trigger("click", { action: title.dataset.action, code: title.dataset.code });
  if (title || target.closest("input, label") || getSelection().toString()) return;
  target.closest("tr")?.querySelector("input[data-run]")?.click();
});

// What was pressed around the list: the page asks for it when it leads the focus on.
document.addEventListener("emotune:pressed", ({ detail }) => {
  list.dataset.pressed = detail.action;
  if (detail.action !== "deselect") return;
  ticked.clear();
  for (const box of boxes()) box.checked = false;
  trigger("select");
});

watch("value", draw);
draw();
