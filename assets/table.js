// The js_on_load body of HTML with a table: draws props.value, and makes a CSV of what a button carries in data-csv, rows as JSON. It decides
// nothing about the data. In scope (gradio): element, props, watch. Template: <div class="em-listed"></div>.

const box = element.querySelector(".em-listed");

// As trainer/data/writing.py: cells that some spreadsheets would run as a formula (OWASP, "CSV Injection").
const FORMULA = /^[=+\-@\t\r\n＝＋－＠]/;
const HARMLESS = /^[+-]?(\d+([.,]\d*)?|[.,]\d+)?([eE][+-]?\d+)?$/;

function cell(value) {
  if (typeof value !== "string") return `${value ?? ""}`;
  const text = FORMULA.test(value) && !HARMLESS.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

// UTF-8 with a byte order mark, which Excel needs, and CRLF.
const csvOf = (rows) => `\ufeff${rows.map((row) => `${row.map(cell).join(",")}\r\n`).join("")}`;

box.addEventListener("click", ({ target }) => {
  const button = target.closest("button[data-csv]");
  if (!button) return;
  const address = URL.createObjectURL(new Blob([csvOf(JSON.parse(button.dataset.csv))], { type: "text/csv" }));
  Object.assign(document.createElement("a"), { href: address, download: `${button.dataset.file ?? "table"}.csv` }).click();
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
});

let shown = "";
function draw() {
  if (props.value === shown) return;
  box.innerHTML = shown = props.value ?? "";
}

watch("value", draw);
draw();
