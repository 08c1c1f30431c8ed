// Tables, and the data of a figure of trainer/charts, as a CSV that spreadsheets can open: UTF-8 with a byte order mark, CRLF. Independent of plotly.

// Like trainer/data/csv_text.py: cells that some spreadsheets would run as a formula (OWASP, "CSV Injection").
const FORMULA = /^[=+\-@\t\r\n＝＋－＠]/;
const HARMLESS = /^[+-]?(\d+([.,]\d*)?|[.,]\d+)?([eE][+-]?\d+)?$/;

const escapeFormula = (text) => (FORMULA.test(text) && !HARMLESS.test(text) ? `'${text}` : text);

function cell(value) {
  const text = typeof value === "string" ? escapeFormula(value) : `${value ?? ""}`;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

// Header and rows: the table in the figure's meta, or else all points of the named series, after the baselines (reference lines).
export function tableOf({ data, layout: { meta } }) {
  const { table, reference_lines: referenceLines = [] } = meta;
  if (table) return [table.header, ...table.rows.map((row) => row.map((value, i) => (i < table.named ? table.names[value] : value)))];
  const series = data.filter((trace) => trace.meta?.series);
  const points = series.flatMap((trace) => trace.x.map((step, i) => [trace.meta.series, step, trace.y[i]]));
  return [["series", "step", "value"], ...referenceLines.map(([name, value]) => [name, "", value]), ...points];
}

export const csvOfRows = (rows) => `\ufeff${rows.map((row) => `${row.map(cell).join(",")}\r\n`).join("")}`;

export const csvOf = (figure) => csvOfRows(tableOf(figure));

export function save(content, type, name) {
  const link = Object.assign(document.createElement("a"), { href: URL.createObjectURL(new Blob([content], { type })), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
