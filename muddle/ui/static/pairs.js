// All pairs: a table of muddles. One is there at once; fresh ones are made row by row. A row is one short request, so that
// other visitors need not wait for a whole table, and stopping or leaving ends the work, which can go on later.
import { SIZE, announce, ask, button, bytes, make, percent, picture, whenSeen } from "./shared.js";

export function start(element) {
  const view = element.querySelector(".pairs");
  const find = (name) => view.querySelector(name);
  const [table, fresh, stop, save, bar, status] = ["table", ".fresh", ".stop", ".save", "progress", ".status"].map(find);
  const digits = [...Array(10).keys()];
  let seeds = []; // of the muddles of each row
  let run = 0; // the number of the table that is being made; an answer for an earlier one is dropped
  let next = null; // the row with which to go on, and its seed

  function clear() {
    const head = make("tr", {}, make("td", {}), ...digits.map((t) => make("th", { scope: "col" }, make("i", { "aria-hidden": "true" }, "→ "), `${t}`)));
    const rows = digits.map((d) => {
      const cells = digits.map(() => make("td", {}, make("span", { class: "empty" })));
      return make("tr", {}, make("th", { scope: "row" }, `${d}`, make("i", { "aria-hidden": "true" }, " →")), ...cells);
    });
    table.replaceChildren(make("caption", { class: "unseen" }, "Muddles from the row's digit to the column's"), head, ...rows);
  }

  function fill(digit, row, seed) {
    seeds[digit] = seed;
    const cells = table.rows[digit + 1].querySelectorAll("td");
    const same = picture(bytes(row.source), `The source, a ${digit}`);
    same.classList.add("same");
    cells[digit].replaceChildren(same);
    for (const { target, pixels, p_digit, p_target } of row.cells) {
      const words = `${digit} to ${target}: ${percent(Math.round(100 * p_digit))} to ${percent(Math.round(100 * p_target))}`;
      const cell = button("", () => announce("open", { recipe: { digit, target, seed: seeds[digit] } }), { title: words, "aria-label": `Open ${words}` });
      cell.classList.toggle("split", Math.min(p_digit, p_target) > 0.4);
      cell.append(picture(bytes(pixels)));
      cell.tabIndex = table.querySelector("td button") ? -1 : 0;
      cells[target].replaceChildren(cell);
    }
  }

  // The table that is there at once.
  async function showReady() {
    const current = ++run;
    status.textContent = "The table is on its way …";
    const answer = await ask("table");
    if (current !== run) return;
    if (answer.error) return void (status.textContent = `${answer.error} Mix fresh ones to try again.`);
    answer.rows.forEach((row, digit) => fill(digit, row, answer.seed));
    report(`Seed ${answer.seed}.`);
  }

  // Replace the table row by row, from a row on.
  async function make90(from, seed) {
    const current = ++run;
    next = null;
    save.hidden = true;
    bar.hidden = stop.hidden = false;
    fresh.disabled = true;
    stop.focus();
    for (const digit of digits.slice(from)) {
      bar.value = 9 * digit;
      status.textContent = `${9 * digit} of 90 …`;
      next = { digit, seed };
      const row = await ask(`row?digit=${digit}&seed=${seed}`);
      if (current !== run || !view.isConnected) return;
      if (row.error) return pause(`${9 * digit} of 90 are fresh. ${row.error} Go on to try again.`);
      fill(digit, row, seed);
    }
    next = null;
    pause("");
    report(`Seed ${seed}.`);
  }

  function pause(text) {
    run++;
    const focused = document.activeElement === stop;
    bar.hidden = stop.hidden = true;
    fresh.disabled = false;
    fresh.textContent = next ? "Go on" : "Mix fresh ones";
    status.textContent = text;
    if (focused) fresh.focus();
  }

  function report(which) {
    const split = table.querySelectorAll(".split").length;
    status.textContent = `${split} of 90 have a blue frame: the networks give both digits more than 40 %. ${which}`;
    offerDownload();
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
    save.download = `muddles-all-pairs-seed-${seeds[0]}.png`;
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
  fresh.addEventListener("click", () => make90(next?.digit ?? 0, next?.seed ?? Math.floor(Math.random() * 1e6)));
  stop.addEventListener("click", () => pause(`Stopped: ${9 * next.digit} of 90 are fresh.`));
  clear();
  whenSeen(view, showReady);
}
