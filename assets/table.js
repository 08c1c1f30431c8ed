// HTML with a table: draws props.value, and makes a CSV of what a button carries in data-csv, rows as JSON. It decides nothing about the data.
// mount takes what gradio gives a component. Template: <div class="em-with-table"></div>.

import { csvOfRows, save } from "./chart_table.js";

export function mount({ element, props, watch }) {
  const box = element.querySelector(".em-with-table");
  let shown = "";

  box.addEventListener("click", ({ target }) => {
    const button = target.closest("button[data-csv]");
    if (button) save(csvOfRows(JSON.parse(button.dataset.csv)), "text/csv", `${button.dataset.file ?? "table"}.csv`);
  });

  function draw() {
    if (props.value === shown) return;
    box.innerHTML = shown = props.value ?? "";
  }

  watch("value", draw);
  draw();
}
