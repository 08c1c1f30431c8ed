// The js_on_load body of the list of runs: draws props.value, keeps what is ticked, focused and scrolled through every redraw, and tells the
// page which runs are ticked, as a select with {runs: [ids]}. It decides nothing. In scope (gradio): element, trigger, props, watch.
// Template: <div class="em-runs"></div>.

const list = element.querySelector(".em-runs");
const ticked = new Set();

const boxes = () => [...list.querySelectorAll("input[data-run]")];
const when = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });
const inFull = new Intl.DateTimeFormat("en-GB", { dateStyle: "full", timeStyle: "long" });
const longAgo = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", year: "numeric" });

function draw() {
  const focused = list.contains(document.activeElement) ? document.activeElement.dataset.run : undefined;
  const { scrollTop = 0, scrollLeft = 0 } = list.firstElementChild ?? {};
  list.innerHTML = props.value ?? "";
  for (const box of boxes()) {
    box.checked = ticked.has(box.dataset.run);
    if (box.dataset.run === focused) box.focus({ preventScroll: true });
  }
  // Gone ones leave the selection too: an id that comes back later would be ticked by nobody.
  const there = new Set(boxes().map((box) => box.dataset.run));
  for (const run of ticked) if (!there.has(run)) ticked.delete(run);
  // The server does not know where its visitors are; their browser does.
  for (const time of list.querySelectorAll("time")) {
    const made = new Date(time.dateTime);
    time.title = inFull.format(made);
    time.textContent = (made.getFullYear() === new Date().getFullYear() ? when : longAgo).format(made);
  }
  list.firstElementChild?.scrollTo({ top: scrollTop, left: scrollLeft, behavior: "instant" });
}

list.addEventListener("change", ({ target }) => {
  if (!target.dataset.run) return;
  if (target.checked) ticked.add(target.dataset.run);
  else ticked.delete(target.dataset.run);
  trigger("select", { runs: boxes().map((box) => box.dataset.run).filter((run) => ticked.has(run)) });
});

// A row is a large target for the mouse; the box and its label already answer by themselves.
list.addEventListener("click", ({ target }) => {
  if (target.closest("input, label") || getSelection().toString()) return;
  target.closest("tr")?.querySelector("input[data-run]")?.click();
});

watch("value", draw);
draw();
