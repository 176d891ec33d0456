// The atlas: what the network would write at each place of the latent map, decoded in the browser as one explores it, with
// borders where opinions are divided. choose: takes an exemplar's number, its digit and perhaps a target to start from, and
// answers what came of it in a sentence.
import { SIZE, button, bytes, home, make, paint, withArticle } from "./shared.js";
import { explorer } from "./explorer.js";

const SIDE = 30; // tiles from edge to edge at first sight
const DEEPEST = 4; // times that the map can be doubled
const KEPT = 6000; // tiles
const { countries: COUNTRIES, gold: GOLD, sea: SEA, border: BORDER, full: FULL } = __PALETTE__;

export function atlas(choose) {
  const canvas = make("canvas", { class: "map", tabindex: 0, role: "application" });
  canvas.setAttribute("aria-label", "Latent map: arrow keys move over it, plus and minus zoom, Enter starts from what lies there");
  const live = make("canvas", { class: "digit-image live", width: SIZE, height: SIZE, role: "img", "aria-label": "The digit at this place" });
  const cards = make("ol", { class: "jury", "aria-hidden": "true" });
  const status = make("p", { class: "status", role: "status" });
  const outcome = make("p", { class: "status outcome", role: "status" });
  const zooms = make("div", { class: "zooms" }, ...[["+", "Zoom in", 2], ["−", "Zoom out", 0.5], ["⤢", "The whole map", 0]].map(([text, label, factor]) => button(text, () => zoomBy(factor), { "aria-label": label })));
  const field = make("div", { class: "field" }, canvas, zooms);
  const node = make("div", { class: "latent-map" }, field, make("div", { class: "here" }, live, cards, status, outcome));

  let side = 0; // of the canvas, in pixels of the page
  let view = { x: 0, y: 0, zoom: 1 }; // the place in the middle
  let m = null;
  let step = 0;
  let ground = null; // the exemplars: places, labels and centroids, once loaded
  let ready = false;
  let explore = null; // takes questions to the networks
  let cursor = null; // the place that is looked at, and what lies there
  const tiles = new Map(); // by level, column and row: a canvas, or null in the sea
  const backdrop = make("canvas");
  let stale = true; // the backdrop
  let frame = 0;

  const scale = () => (side * view.zoom) / 2; // pixels of one unit of the map
  const across = (x) => side / 2 + (x - view.x) * scale();
  const down = (y) => side / 2 - (y - view.y) * scale();
  const placeAt = (left, top) => [view.x + (left - side / 2) / scale(), view.y - (top - side / 2) / scale()];
  const level = () => Math.max(0, Math.min(DEEPEST, Math.round(Math.log2(view.zoom) - 0.7)));
  const redraw = () => (frame ||= requestAnimationFrame(draw));

  // The tiles of a level that are in view: their keys and the places in their middles.
  function* inView(depth) {
    const count = SIDE * 2 ** depth;
    const column = (x) => Math.floor(((x + 1) / 2) * count);
    const [[left, top], [right, bottom]] = [placeAt(0, 0), placeAt(side, side)];
    const clip = (i) => Math.max(0, Math.min(count - 1, i));
    for (let j = clip(column(-top)); j <= clip(column(-bottom)); j++) {
      for (let i = clip(column(left)); i <= clip(column(right)); i++) {
        yield { key: `${depth}/${i}/${j}`, x: (2 * (i + 0.5)) / count - 1, y: 1 - (2 * (j + 0.5)) / count, width: 2 / count };
      }
    }
  }

  // The canvas's context, fitted to the screen.
  function fitted(node) {
    const ratio = devicePixelRatio || 1;
    const pixels = Math.round(side * ratio);
    if (node.width !== pixels) node.width = node.height = pixels;
    const context = node.getContext("2d");
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    return context;
  }

  // The tiles; what moves is drawn over them.
  function drawTiles() {
    const context = fitted(backdrop);
    context.fillStyle = `rgb(${SEA})`;
    context.fillRect(0, 0, side, side);
    for (let depth = 0; depth <= level(); depth++) {
      for (const { key, x, y, width } of inView(depth)) {
        const tile = tiles.get(key);
        const pixels = width * scale();
        const box = [across(x) - pixels / 2, down(y) - pixels / 2, pixels + 0.5, pixels + 0.5];
        if (tile) context.drawImage(tile, ...box);
        else if (tile === null) context.fillRect(...box);
      }
    }
    stale = false;
  }

  function draw() {
    frame = 0;
    const width = canvas.clientWidth;
    if (!width) return;
    stale ||= side !== width;
    side = width;
    if (stale) drawTiles();
    const context = fitted(canvas);
    context.drawImage(backdrop, 0, 0, side, side);
    if (m) drawPath(context);
    if (cursor) ring(context, [cursor.x, cursor.y], 10, "#fff");
  }

  function drawPath(context) {
    const line = m.map.path;
    for (const [width, colour] of [[6, "#0008"], [2.5, "#fff"]]) {
      context.beginPath();
      line.forEach(([x, y]) => context.lineTo(across(x), down(y)));
      Object.assign(context, { lineWidth: width, lineJoin: "round", strokeStyle: colour });
      context.stroke();
    }
    const marks = [[line[0], `${m.digit}`, "#fff"], [line.at(-1), `${m.target}`, "#fff"], [m.map.pick, "★", `rgb(${GOLD})`]];
    for (const [[x, y], text, colour] of marks) {
      context.beginPath();
      context.arc(across(x), down(y), 11, 0, 7);
      context.fillStyle = colour;
      context.fill();
      Object.assign(context, { fillStyle: "#000", font: "700 13px system-ui, sans-serif", textAlign: "center", textBaseline: "middle" });
      context.fillText(text, across(x), down(y) + 0.5);
    }
    ring(context, line[step], 15, "#fff");
  }

  function ring(context, [x, y], radius, colour) {
    for (const [width, stroke] of [[5, "#0008"], [2.5, colour]]) {
      context.beginPath();
      context.arc(across(x), down(y), radius, 0, 7);
      Object.assign(context, { lineWidth: width, strokeStyle: stroke });
      context.stroke();
    }
  }

  // A tile in the colour of its country; the nearer it is to a border, the more golden.
  function tinted({ pixels, first, doubt }) {
    const glow = doubt < BORDER ? 0 : 0.35 + 0.65 * Math.min(1, doubt / FULL);
    const paper = COUNTRIES[first].map((part, i) => 0.2 * part * (1 - glow) + 0.75 * GOLD[i] * glow);
    const ink = glow ? [0, 0, 0] : COUNTRIES[first].map((part) => 90 + 0.65 * part);
    const tile = make("canvas", { width: SIZE, height: SIZE });
    const context = tile.getContext("2d");
    const image = context.createImageData(SIZE, SIZE);
    pixels.forEach((grey, i) => {
      for (let k = 0; k < 3; k++) image.data[4 * i + k] = paper[k] + ((ink[k] - paper[k]) * grey) / 255;
      image.data[4 * i + 3] = 255;
    });
    context.putImageData(image, 0, 0);
    return tile;
  }

  function wantTiles() {
    if (!ready || !side) return;
    const missing = [...inView(level())].filter(({ key }) => !tiles.has(key));
    node.dataset.whole = missing.length === 0;
    const far = ({ x, y }) => (x - view.x) ** 2 + (y - view.y) ** 2;
    explore({ kind: "tiles", tiles: missing.sort((a, b) => far(a) - far(b)) });
  }

  function moveView(change) {
    const zoom = Math.max(1, Math.min(2 ** DEEPEST, change.zoom ?? view.zoom));
    const room = 1 - 1 / zoom; // no farther than the map's edge
    const clip = (v) => Math.max(-room, Math.min(room, v));
    view = { zoom, x: clip(change.x ?? view.x), y: clip(change.y ?? view.y) };
    stale = true;
    redraw();
    wantTiles();
  }

  // Zoom around a place, which stays where it is on the screen; a factor of 0 shows everything.
  function zoomBy(factor, [x, y] = cursor ? [cursor.x, cursor.y] : [view.x, view.y]) {
    if (!factor) return moveView({ zoom: 1 });
    const zoom = Math.max(1, Math.min(2 ** DEEPEST, view.zoom * factor));
    const share = view.zoom / zoom;
    moveView({ zoom, x: x + (view.x - x) * share, y: y + (view.y - y) * share });
  }

  // One question at a time: while it is answered, only the last place that was pointed at waits.
  let asked = null;
  let next = null;
  function pointAt(x, y) {
    cursor = { x: Math.max(-1, Math.min(1, x)), y: Math.max(-1, Math.min(1, y)) };
    redraw();
    if (!ready) return;
    next = cursor;
    if (!asked) askNext();
  }
  function askNext() {
    [asked, next] = [next, null];
    if (asked) explore({ kind: "point", x: asked.x, y: asked.y });
  }

  function tell(found) {
    node.dataset.at = `${found.x},${found.y}`;
    if (cursor && cursor.x === found.x && cursor.y === found.y) cursor = found;
    cards.hidden = Boolean(found.sea);
    if (found.sea) {
      paint(live, new Uint8Array(SIZE * SIZE));
      status.textContent = "The sea: nobody writes like this.";
      return;
    }
    const { pixels, choices, first, second, doubt } = found;
    paint(live, pixels);
    const kind = (digit) => (digit === first ? "digit" : digit === second ? "target" : "other");
    cards.replaceChildren(...choices.slice(0, 10).map((digit) => make("li", { class: kind(digit) }, `${digit}`)));
    const border = `A border, between ${first} and ${second}. Click or press Enter: the muddle nearest to this place.`;
    const inland = `${withArticle(first)}. Click or press Enter to start from here.`;
    status.textContent = doubt > BORDER ? border : inland[0].toUpperCase() + inland.slice(1);
  }

  // The exemplar whose place is nearest to one, of a digit or of any.
  function nearest({ x, y }, digit) {
    let best = -1;
    let least = Infinity;
    ground.labels.forEach((label, i) => {
      const distance = (ground.places[2 * i] - x) ** 2 + (ground.places[2 * i + 1] - y) ** 2;
      if (distance < least && (digit === undefined || label === digit)) [best, least] = [i, distance];
    });
    return best;
  }

  async function take() {
    if (!cursor || cursor.sea || cursor.first === undefined) return;
    const { first, second, doubt } = cursor;
    outcome.textContent = "Mixing …";
    const border = doubt > BORDER;
    const source = nearest(cursor, border ? first : undefined);
    outcome.textContent = await choose(source, border ? first : ground.labels[source], border ? second : null);
  }

  // Mouse: moving looks, dragging pans. One finger looks, two zoom.
  const pointers = new Map();
  let dragged = 0;
  const at = (event) => placeAt(event.offsetX, event.offsetY);
  canvas.addEventListener("pointerdown", (event) => {
    pointers.set(event.pointerId, event);
    dragged = 0;
    if (event.pointerType !== "mouse") pointAt(...at(event));
  });
  canvas.addEventListener("pointermove", (event) => {
    const before = pointers.get(event.pointerId);
    if (before && pointers.size === 2) {
      const other = [...pointers].find(([id]) => id !== event.pointerId)[1];
      const apart = (one) => Math.hypot(one.offsetX - other.offsetX, one.offsetY - other.offsetY);
      zoomBy(apart(event) / Math.max(1, apart(before)), at(other));
      dragged = Infinity;
    } else if (before && event.pointerType === "mouse") {
      dragged += Math.abs(event.movementX) + Math.abs(event.movementY);
      if (dragged > 4) moveView({ x: view.x - event.movementX / scale(), y: view.y + event.movementY / scale() });
    } else {
      pointAt(...at(event));
    }
    if (before) pointers.set(event.pointerId, event);
  });
  for (const end of ["pointerup", "pointercancel", "pointerleave"]) canvas.addEventListener(end, (event) => pointers.delete(event.pointerId));
  canvas.addEventListener("click", () => dragged <= 4 && take());
  canvas.addEventListener("wheel", (event) => {
    if (!event.ctrlKey && document.activeElement !== canvas) return; // the page scrolls until the map is clicked
    event.preventDefault();
    zoomBy(2 ** (-event.deltaY / 240), at(event));
  }, { passive: false });
  canvas.addEventListener("keydown", (event) => {
    const [h, v] = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key] || [];
    if (h !== undefined) {
      event.preventDefault();
      const { x, y } = cursor ?? { x: m.map.pick[0], y: m.map.pick[1] };
      const stride = 2 / SIDE / view.zoom;
      pointAt(x + h * stride, y + v * stride);
      const [left, top] = [across(cursor.x), down(cursor.y)];
      if (Math.min(left, top, side - left, side - top) < 0) moveView(cursor);
    } else if (event.key === "Enter") take();
    else if (event.key === "+" || event.key === "=") zoomBy(2);
    else if (event.key === "-") zoomBy(0.5);
  });

  // Once the map comes near the screen: the ground first, then the networks.
  async function load() {
    status.textContent = "The map is being drawn …";
    const answer = await fetch(home() + "map.json").catch(() => null);
    if (!answer?.ok) return fail();
    const points = await answer.json();
    ground = { places: new Float32Array(bytes(points.places).buffer), labels: bytes(points.labels) };
    const receive = (found) => {
      if (found.kind === "failed") return fail();
      if (found.kind === "ready") {
        ready = true;
        wantTiles();
        if (m && !cursor) pointAt(...m.map.pick);
      } else if (found.kind === "point") {
        tell(found);
        askNext();
      } else {
        tiles.set(found.key, found.sea ? null : tinted(found));
        stale = true;
        if (found.last) node.dataset.whole = true;
        if (tiles.size > KEPT) tiles.delete(tiles.keys().next().value);
        redraw();
      }
    };
    try {
      const worker = new Worker(new URL("./atlas-worker.js", import.meta.url), { type: "module" });
      worker.onmessage = (event) => receive(event.data);
      explore = (question) => worker.postMessage(question);
    } catch {
      explore = explorer(receive, 8); // without a worker, in small pieces
    }
    explore({ kind: "load", address: home() + points.networks, places: ground.places, coast: points.coast });
  }

  function fail() {
    status.replaceChildren("The map did not come. ", button("Try again", load));
  }

  new ResizeObserver(() => {
    redraw();
    requestAnimationFrame(wantTiles);
  }).observe(canvas);
  const near = new IntersectionObserver(([entry]) => {
    if (!entry.isIntersecting) return;
    near.disconnect();
    load();
  }, { rootMargin: "300px" });
  near.observe(node);

  const hint = "Every spot on this map is a digit that the network can write: move across it. Gold is where ten networks are divided.";
  node.prepend(make("p", { class: "hint" }, hint));
  return {
    node,
    show: (muddle) => {
      m = muddle;
      step = 0;
      redraw();
    },
    move: (i) => {
      step = i;
      redraw();
    },
  };
}
