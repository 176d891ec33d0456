// What is seen of the atlas on its canvas: the part of the map that is in view, its tiles, the muddle's path, the place that
// is pointed at. Places run from about -1 to 1, x to the right and y upwards.
import { SIZE, make } from "./shared.js";

const { countries: COUNTRIES, gold: GOLD, sea: SEA, border: BORDER, full: FULL } = __PALETTE__;
export const EXTENT = 1.08; // what is shown, from the middle to each edge: exemplars lie within 1, and land a little beyond
const SIDE = 30; // tiles from edge to edge at first sight
const DEEPEST = 4; // times that the map can be doubled
const KEPT = 6000; // tiles
const BATCH = 120; // milliseconds of tiles that come on the screen together: drawing takes time from decoding
const FEW = 0.4; // share of a level's tiles that may be missing when it is shown

// changed: is called when other tiles are in view.
export function atlasView(canvas, changed) {
  const backdrop = make("canvas"); // the tiles; what moves is drawn over them
  const tiles = new Map(); // by level, column and row: a canvas, or null in the sea
  let side = 0; // of the canvas, in pixels of the page
  let middle = { x: 0, y: 0, zoom: 1 };
  let m = null;
  let step = 0;
  let cursor = null;
  let stale = true; // the backdrop
  let frame = 0;
  let soon = 0; // a frame for the tiles that have come meanwhile

  const scale = () => (side * middle.zoom) / (2 * EXTENT); // pixels of one unit of the map
  const across = (x) => side / 2 + (x - middle.x) * scale();
  const down = (y) => side / 2 - (y - middle.y) * scale();
  const placeAt = (left, top) => [middle.x + (left - side / 2) / scale(), middle.y - (top - side / 2) / scale()];
  const level = () => Math.max(0, Math.min(DEEPEST, Math.round(Math.log2(middle.zoom) - 0.7)));
  const redraw = () => (frame ||= requestAnimationFrame(draw));

  // The tiles of a level that are in view: their keys, the places in their middles, and their width.
  function* inView(depth) {
    const count = SIDE * 2 ** depth;
    const width = (2 * EXTENT) / count;
    const column = (x) => Math.floor((x + EXTENT) / width);
    const clip = (i) => Math.max(0, Math.min(count - 1, i));
    const [[left, top], [right, bottom]] = [placeAt(0, 0), placeAt(side, side)];
    for (let j = clip(column(-top)); j <= clip(column(-bottom)); j++) {
      for (let i = clip(column(left)); i <= clip(column(right)); i++) {
        yield { key: `${depth}/${i}/${j}`, x: (i + 0.5) * width - EXTENT, y: EXTENT - (j + 0.5) * width, width };
      }
    }
  }

  // Those that are not there yet, the nearest to the middle first.
  function missing() {
    const far = ({ x, y }) => (x - middle.x) ** 2 + (y - middle.y) ** 2;
    const wanted = side ? [...inView(level())].filter(({ key }) => !tiles.has(key)) : [];
    return wanted.sort((a, b) => far(a) - far(b));
  }

  function add(found) {
    tiles.set(found.key, found.sea ? null : tinted(found));
    if (tiles.size > KEPT) tiles.delete(tiles.keys().next().value);
    if (stale || level()) stale = true;
    else drawTile(fitted(backdrop), found);
    soon ||= setTimeout(() => {
      soon = 0;
      redraw();
    }, BATCH);
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

  function drawTile(context, { key, x, y, width }) {
    const tile = tiles.get(key);
    const pixels = width * scale();
    const box = [across(x) - pixels / 2, down(y) - pixels / 2, pixels + 0.5, pixels + 0.5];
    if (tile) context.drawImage(tile, ...box);
    else if (tile === null) context.fillRect(...box);
  }

  function drawTiles() {
    const context = fitted(backdrop);
    context.fillStyle = `rgb(${SEA})`;
    context.fillRect(0, 0, side, side);
    const deepest = level();
    const wanted = [...inView(deepest)];
    const inTime = wanted.filter(({ key }) => !tiles.has(key)).length < FEW * wanted.length;
    for (let depth = 0; depth < deepest; depth++) for (const tile of inView(depth)) drawTile(context, tile);
    if (inTime || !deepest) for (const tile of wanted) drawTile(context, tile); // else the level above looks better
    stale = false;
  }

  function draw() {
    frame = 0;
    const width = canvas.clientWidth;
    if (!width) return;
    const resized = side !== width;
    side = width;
    if (stale || resized) drawTiles();
    const context = fitted(canvas);
    context.drawImage(backdrop, 0, 0, side, side);
    if (m) drawPath(context);
    if (cursor) ring(context, [cursor.x, cursor.y], 10);
    if (resized) changed();
  }

  function drawPath(context) {
    const line = m.map.path;
    for (const [lineWidth, strokeStyle] of [[6, "#0008"], [2.5, "#fff"]]) {
      context.beginPath();
      line.forEach(([x, y]) => context.lineTo(across(x), down(y)));
      Object.assign(context, { lineWidth, strokeStyle, lineJoin: "round" });
      context.stroke();
    }
    for (const [[x, y], text, colour] of [[line[0], `${m.digit}`, "#fff"], [line.at(-1), `${m.target}`, "#fff"], [m.map.pick, "★", `rgb(${GOLD})`]]) {
      context.beginPath();
      context.arc(across(x), down(y), 11, 0, 7);
      context.fillStyle = colour;
      context.fill();
      Object.assign(context, { fillStyle: "#000", font: "700 13px system-ui, sans-serif", textAlign: "center", textBaseline: "middle" });
      context.fillText(text, across(x), down(y) + 0.5);
    }
    ring(context, line[step], 15);
  }

  function ring(context, [x, y], radius) {
    for (const [lineWidth, strokeStyle] of [[5, "#0008"], [2.5, "#fff"]]) {
      context.beginPath();
      context.arc(across(x), down(y), radius, 0, 7);
      Object.assign(context, { lineWidth, strokeStyle });
      context.stroke();
    }
  }

  // Move to a place or to a zoom, no farther than the map's edge.
  function moveTo(change) {
    const zoom = Math.max(1, Math.min(2 ** DEEPEST, change.zoom ?? middle.zoom));
    const room = EXTENT * (1 - 1 / zoom);
    const clip = (v) => Math.max(-room, Math.min(room, v));
    middle = { zoom, x: clip(change.x ?? middle.x), y: clip(change.y ?? middle.y) };
    stale = true;
    redraw();
    changed();
  }

  // Zoom around a place, which stays where it is on the screen.
  function zoomBy(factor, [x, y] = cursor ? [cursor.x, cursor.y] : [middle.x, middle.y]) {
    const zoom = Math.max(1, Math.min(2 ** DEEPEST, middle.zoom * factor));
    const share = middle.zoom / zoom;
    moveTo({ zoom, x: x + (middle.x - x) * share, y: y + (middle.y - y) * share });
  }

  // Pan by some pixels of the page.
  const panBy = (right, below) => moveTo({ x: middle.x - right / scale(), y: middle.y + below / scale() });

  function point(place) {
    cursor = place;
    const [left, top] = [across(place.x), down(place.y)];
    if (side && Math.min(left, top, side - left, side - top) < 0) moveTo(place);
    redraw();
  }

  new ResizeObserver(redraw).observe(canvas);
  return {
    placeAt, missing, add, moveTo, zoomBy, panBy, point,
    stride: () => (2 * EXTENT) / SIDE / middle.zoom, // of an arrow key
    show: (muddle) => {
      [m, step] = [muddle, 0];
      redraw();
    },
    move: (i) => {
      step = i;
      redraw();
    },
  };
}

// A tile in the colour of its country; the nearer it is to a border, the more golden. As muddle/images/palette.py does it.
function tinted({ pixels, first, doubt }) {
  const glow = doubt < BORDER ? 0 : 0.35 + 0.65 * Math.min(1, doubt / FULL);
  const paper = COUNTRIES[first].map((part, k) => 0.2 * part * (1 - glow) + 0.75 * GOLD[k] * glow);
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
