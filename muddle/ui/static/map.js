// The latent map: every exemplar as its numeral at its code's place in 2-D, the centroids, and one muddle's path.
// A click or Enter chooses an exemplar as source, arrow keys walk from exemplar to exemplar. choose: takes its number and
// label, and answers what came of it in a sentence.
import { SIZE, bytes, home, make, withArticle } from "./shared.js";

export const COLUMNS = 50; // of exemplars.png, as routes.py tiles it
export const REACH = 16; // pixels around the pointer within which an exemplar is pointed at

export function latentMap(choose) {
  const canvas = make("canvas", { class: "map", tabindex: 0, role: "application" });
  canvas.setAttribute("aria-label", "Latent map: arrow keys walk from image to image, Enter starts from one");
  const tip = make("canvas", { class: "tip digit-image", width: SIZE, height: SIZE, hidden: "", "aria-hidden": "true" });
  const status = make("p", { class: "status", role: "status" });
  let places = []; // x and y of each exemplar, in [-1, 1]; empty until loaded
  let labels = [];
  let centroids = [];
  let requested = false; // the exemplars' places
  const background = make("canvas");
  let m = null;
  let step = 0;
  let cursor = null; // the exemplar that is pointed at
  let sheet = null;
  let side = 0;

  const across = (x) => side * (0.5 + 0.475 * x);
  const down = (y) => side * (0.5 - 0.475 * y);
  const place = (i) => [places[2 * i], places[2 * i + 1]];
  const colour = (name) => getComputedStyle(canvas).getPropertyValue(name).trim();

  function fit(node) {
    const ratio = devicePixelRatio || 1;
    node.width = node.height = Math.round(side * ratio);
    const context = node.getContext("2d");
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.textAlign = "center";
    context.textBaseline = "middle";
    return context;
  }

  function drawBackground() {
    const context = fit(background);
    context.font = "9px system-ui, sans-serif";
    context.globalAlpha = 0.75;
    const colours = Array.from({ length: 10 }, (_, k) => colour(`--map-${k}`));
    labels.forEach((label, i) => {
      context.fillStyle = colours[label];
      context.fillText(label, across(places[2 * i]), down(places[2 * i + 1]));
    });
    context.globalAlpha = 1;
    context.font = "700 20px system-ui, sans-serif";
    context.lineWidth = 5;
    context.lineJoin = "round";
    context.strokeStyle = colour("--background-fill-primary");
    centroids.forEach(([x, y], k) => {
      context.strokeText(k, across(x), down(y));
      context.fillStyle = colours[k];
      context.fillText(k, across(x), down(y));
    });
  }

  function mark(context, [x, y], text, filled) {
    context.beginPath();
    context.arc(across(x), down(y), 10, 0, 7);
    context.fillStyle = filled ? colour("--color-accent") : colour("--background-fill-primary");
    context.strokeStyle = filled ? colour("--background-fill-primary") : colour("--body-text-color");
    context.lineWidth = 2;
    context.fill();
    context.stroke();
    context.fillStyle = filled ? colour("--muddle-on-accent") : colour("--body-text-color");
    context.font = "700 12px system-ui, sans-serif";
    context.fillText(text, across(x), down(y) + 0.5);
  }

  function ring(context, [x, y], radius, name) {
    context.beginPath();
    context.arc(across(x), down(y), radius, 0, 7);
    context.lineWidth = 2.5;
    context.strokeStyle = colour(name);
    context.stroke();
  }

  function draw() {
    const width = canvas.clientWidth;
    if (!width) return;
    if (width !== side) {
      side = width;
      drawBackground();
    }
    const context = fit(canvas);
    context.drawImage(background, 0, 0, side, side);
    if (m) {
      const line = m.map.path;
      context.beginPath();
      line.forEach(([x, y]) => context.lineTo(across(x), down(y)));
      context.lineWidth = 3;
      context.lineJoin = "round";
      context.strokeStyle = colour("--body-text-color");
      context.stroke();
      mark(context, line[0], "S");
      mark(context, line[line.length - 1], "P");
      mark(context, m.map.pick, "★", true);
      ring(context, line[step], 14, "--body-text-color");
    }
    if (cursor !== null) ring(context, place(cursor), 8, "--color-accent");
  }

  function point(i) {
    cursor = i;
    tip.hidden = i === null || !sheet?.complete;
    status.textContent = i === null ? "" : `${withArticle(labels[i])}: click it or press Enter to take it as the source`;
    if (!tip.hidden) {
      const context = tip.getContext("2d");
      context.drawImage(sheet, SIZE * (i % COLUMNS), SIZE * Math.floor(i / COLUMNS), SIZE, SIZE, 0, 0, SIZE, SIZE);
      const [x, y] = place(i);
      tip.style.left = `${across(x) + (x > 0.4 ? -100 : 16)}px`;
      tip.style.top = `${down(y) + (y < -0.4 ? -100 : 16)}px`;
    }
    draw();
  }

  function nearest(x, y, allowed = () => true) {
    let best = null;
    let least = Infinity;
    for (let i = 0; i < labels.length; i++) {
      const [dx, dy] = [across(places[2 * i]) - x, down(places[2 * i + 1]) - y];
      const distance = dx * dx + dy * dy;
      if (distance < least && allowed(dx, dy, i)) [best, least] = [i, distance];
    }
    return { best, least };
  }

  // With the first muddle, so that opening the page does not wait for the networks.
  async function loadPlaces() {
    if (requested) return;
    requested = true;
    const answer = await fetch(home() + "map.json").catch(() => null);
    if (!answer?.ok) return void (requested = false); // the next muddle tries again
    const points = await answer.json();
    places = new Float32Array(bytes(points.places).buffer);
    labels = bytes(points.labels);
    centroids = points.centroids;
    redraw();
  }

  // When the map is first used, so that opening the page stays light.
  function loadImages() {
    if (sheet) return;
    sheet = new Image();
    sheet.onload = () => point(cursor);
    sheet.src = home() + "exemplars.png";
  }

  async function take(i) {
    status.textContent = await choose(i, labels[i]);
  }

  canvas.addEventListener("pointermove", (event) => {
    if (event.pointerType === "touch") return;
    loadImages();
    const { best, least } = nearest(event.offsetX, event.offsetY);
    point(least < REACH * REACH ? best : null);
  });
  canvas.addEventListener("pointerleave", (event) => event.pointerType === "touch" || point(null));
  canvas.addEventListener("blur", () => point(null));
  let cursorBefore = null; // when the pointer went down: a finger's first tap points, its second chooses
  canvas.addEventListener("pointerdown", () => (cursorBefore = cursor));
  canvas.addEventListener("click", (event) => {
    loadImages();
    const { best, least } = nearest(event.offsetX, event.offsetY);
    if (least >= REACH * REACH) return point(null);
    if (event.pointerType === "touch" && best !== cursorBefore) return point(best);
    take(best);
  });
  canvas.addEventListener("keydown", (event) => {
    const [h, v] = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key] || [];
    if (h !== undefined) {
      event.preventDefault();
      loadImages();
      const [x, y] = cursor === null ? (m ? m.map.path[0] : [0, 0]) : place(cursor);
      const ahead = (dx, dy, i) => i !== cursor && h * dx + v * dy > Math.abs(v * dx) + Math.abs(h * dy);
      const { best } = nearest(across(x), down(y), ahead);
      if (best !== null) point(best);
    } else if (event.key === "Enter" && cursor !== null) {
      take(cursor);
    }
  });
  const redraw = () => {
    side = 0;
    draw();
  };
  new ResizeObserver(draw).observe(canvas);
  new MutationObserver(redraw).observe(document.body, { attributeFilter: ["class"] }); // dark or light

  const hint = "Each numeral is a real image; similar handwriting lies close together. Click one to start from it.";
  const legend = "Large numerals: the mean of each digit, its centroid. S source, P partner, ★ the muddle, ○ the step of the slider.";
  const field = make("div", { class: "field" }, canvas, tip);
  return {
    node: make("div", { class: "latent-map" }, make("p", { class: "hint" }, hint), field, status, make("p", { class: "hint" }, legend)),
    show: (muddle) => {
      m = muddle;
      step = 0;
      loadPlaces();
      draw();
    },
    move: (i) => {
      step = i;
      draw();
    },
  };
}
