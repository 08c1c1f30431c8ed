// The js_on_load body of the list of runs: renders props.value and keeps selection and focus through every update. A change of the selection
// triggers a select event, a press of a title a click event with {action, code}.
// In scope (gradio): element, trigger, props, watch. Template: <div class="em-runs"></div>.

const list = element.querySelector(".em-runs");
const selected = new Set();

const checkboxes = () => [...list.querySelectorAll("input[data-run]")];
const thisYear = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });
const fullDate = new Intl.DateTimeFormat("en-GB", { dateStyle: "full", timeStyle: "long" });
const earlierYears = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", year: "numeric" });

function render() {
  const { activeElement } = document;
  const { run, code } = list.contains(activeElement) ? activeElement.dataset : {};
  list.innerHTML = props.value ?? "";
  for (const checkbox of checkboxes()) checkbox.checked = selected.has(checkbox.dataset.run);
  const same = run ? `input[data-run="${run}"]` : `button[data-code="${code}"]`;
  if (run || code) (list.querySelector(same) ?? list.querySelector("input"))?.focus({ preventScroll: true });
  // Deleted runs leave the selection: an id that comes back later must not be selected.
  const listed = new Set(checkboxes().map((checkbox) => checkbox.dataset.run));
  for (const id of selected) if (!listed.has(id)) selected.delete(id);
  // Only the browser knows the user's time zone.
  for (const time of list.querySelectorAll("time")) {
    const date = new Date(time.dateTime);
    time.title = fullDate.format(date);
    time.textContent = (date.getFullYear() === new Date().getFullYear() ? thisYear : earlierYears).format(date);
  }
}

list.addEventListener("change", ({ target }) => {
  if (!target.dataset.run) return;
  if (target.checked) selected.add(target.dataset.run);
  else selected.delete(target.dataset.run);
  trigger("select");
});

// The whole row selects its run; checkboxes and titles handle their own clicks.
list.addEventListener("click", ({ target }) => {
  const title = target.closest("button[data-action]");
  if (title) trigger("click", { action: title.dataset.action, code: title.dataset.code });
  if (title || target.closest("input, label") || getSelection().toString()) return;
  target.closest("tr")?.querySelector("input[data-run]")?.click();
});

// A press in the footer is meant for what is selected now: until the footer shows that, the press waits.
let waiting = "";
const footerButtons = () => [...document.querySelectorAll("#footer-runs button[data-action][data-code]")];
const isStale = ({ dataset }) => dataset.code.split(" ").sort().join() !== [...selected].sort().join();
document.addEventListener(
  "click",
  (event) => {
    waiting = "";
    const button = footerButtons().find((candidate) => candidate.contains(event.target));
    if (!button || !isStale(button)) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    waiting = button.dataset.action;
  },
  true,
);
const replay = setInterval(() => {
  if (!element.isConnected) return clearInterval(replay);
  const fresh = waiting ? footerButtons().filter((button) => !isStale(button)) : [];
  if (!fresh.length) return;
  const action = waiting;
  waiting = "";
  fresh.find((button) => button.dataset.action === action)?.click();
}, 100);

// The last button pressed near the list: runs_tab.py reads it to move the focus.
document.addEventListener("emotune:pressed", ({ detail }) => {
  list.dataset.pressed = detail.action;
  if (detail.action !== "deselect") return;
  selected.clear();
  for (const checkbox of checkboxes()) checkbox.checked = false;
  trigger("select");
});

watch("value", render);
render();
