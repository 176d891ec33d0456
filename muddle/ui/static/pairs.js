// All pairs: a table of muddles, made row by row on demand. A row is one short request, so that other visitors need not
// wait for a whole table, and stopping or leaving ends the work.
const view = element.querySelector(".pairs");
const find = (name) => view.querySelector(name);
const [table, go, again, stop, save, bar, status] = ["table", ".go", ".again", ".stop", ".save", "progress", ".status"].map(find);
const digits = [...Array(10).keys()];
let seed = 7;
let run = 0; // the number of the table that is being made; a stopped one is dropped

function clear() {
  const head = make("tr", {}, make("td", {}), ...digits.map((t) => make("th", { scope: "col" }, make("i", { "aria-hidden": "true" }, "→ "), `${t}`)));
  const rows = digits.map((d) => {
    const cells = digits.map(() => make("td", {}, make("span", { class: "empty" })));
    return make("tr", {}, make("th", { scope: "row" }, `${d}`, make("i", { "aria-hidden": "true" }, " →")), ...cells);
  });
  table.replaceChildren(make("caption", { class: "unseen" }, "Muddles from the row's digit to the column's"), head, ...rows);
}

function fill(digit, row) {
  const cells = table.rows[digit + 1].querySelectorAll("td");
  const same = picture(bytes(row.source), `The source, a ${digit}`);
  same.classList.add("same");
  cells[digit].replaceChildren(same);
  for (const { target, pixels, p_digit, p_target } of row.cells) {
    const words = `${digit} to ${target}: ${percent(p_digit)} to ${percent(p_target)}`;
    const cell = button("", () => openMuddle({ digit, target, seed }), { title: words, "aria-label": `Open ${words}` });
    cell.classList.toggle("split", Math.min(p_digit, p_target) > 0.4);
    cell.append(picture(bytes(pixels)));
    cell.tabIndex = table.querySelector("td button") ? -1 : 0;
    cells[target].replaceChildren(cell);
  }
}

async function makeAll() {
  const current = ++run;
  clear();
  save.hidden = true;
  bar.hidden = stop.hidden = false;
  go.disabled = again.disabled = true;
  stop.focus();
  let made = 0;
  try {
    for (const digit of digits) {
      bar.value = made;
      status.textContent = `${made} of 90 …`;
      const row = await askServer(server.row({ digit, seed }), "Try again.");
      if (current !== run || !view.isConnected) return;
      if (row.error) {
        status.textContent = `${made} of 90 were made. ${row.error}`;
        return;
      }
      fill(digit, row);
      made += row.cells.length;
    }
    const split = table.querySelectorAll(".split").length;
    status.textContent = `${split} of 90 have a blue frame: the judges give both digits more than 40 %. Seed ${seed}.`;
    offerDownload();
  } finally {
    if (current === run) finish();
  }
}

function finish() {
  run++;
  const focused = document.activeElement === stop;
  bar.hidden = stop.hidden = true;
  go.disabled = again.disabled = false;
  if (focused) go.focus();
}

function offerDownload() {
  const [cell, scale] = [30, 2];
  const sheet = make("canvas", { width: 10 * cell * scale, height: 10 * cell * scale });
  const context = sheet.getContext("2d");
  context.imageSmoothingEnabled = false;
  context.fillRect(0, 0, sheet.width, sheet.height);
  table.querySelectorAll("td canvas").forEach((canvas) => {
    const { cellIndex, parentNode } = canvas.closest("td");
    const [x, y] = [(cellIndex - 1) * cell + 1, (parentNode.rowIndex - 1) * cell + 1];
    context.drawImage(canvas, x * scale, y * scale, SIZE * scale, SIZE * scale);
  });
  save.href = sheet.toDataURL("image/png");
  save.download = `muddles-all-pairs-seed-${seed}.png`;
  save.hidden = false;
}

// One Tab reaches the table, arrow keys walk in it.
table.addEventListener("keydown", (event) => {
  const [right, below] = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key] || [];
  const from = event.target.closest("td");
  if (right === undefined || !from) return;
  event.preventDefault();
  let [x, y] = [from.cellIndex, from.parentNode.rowIndex];
  do {
    [x, y] = [x + right, y + below];
    const next = table.rows[y]?.cells[x];
    if (!next || next.tagName !== "TD") return;
    next.querySelector("button")?.focus();
  } while (document.activeElement.closest("td") === from);
});
table.addEventListener("focusin", (event) => {
  for (const cell of table.querySelectorAll("td button")) cell.tabIndex = cell === event.target ? 0 : -1;
});
go.addEventListener("click", makeAll);
again.addEventListener("click", () => {
  seed = Math.floor(Math.random() * 1e6);
  makeAll();
});
stop.addEventListener("click", () => {
  status.textContent = "Stopped.";
  finish();
});
clear();
