// The atlas: what the network would write at each place of the latent map, decoded in the browser as one explores it, with
// golden borders where opinions are divided. choose: takes an exemplar's number, its digit and perhaps a target to start
// from, and answers what came of it in a sentence.
import { SIZE, button, bytes, home, make, paint, whenSeen, withArticle } from "./shared.js";
import { EXTENT, atlasView } from "./atlas-view.js";
import { axes } from "./axes.js";
import { explorer } from "./explorer.js";
import { tour } from "./tour.js";

const { border: BORDER } = __PALETTE__;

export function atlas(choose) {
  const canvas = make("canvas", { class: "map", tabindex: 0, role: "application" });
  canvas.setAttribute("aria-label", "Latent map: arrow keys move over it, plus and minus zoom, Enter starts from what lies there");
  const live = make("canvas", { class: "digit-image live", width: SIZE, height: SIZE, role: "img", "aria-label": "The digit at this place" });
  const cards = make("ol", { class: "jury", "aria-hidden": "true" });
  const status = make("p", { class: "status", role: "status" });
  const outcome = make("p", { class: "status outcome", role: "status" });
  const view = atlasView(canvas, wantTiles);
  const zooms = [["+", "Zoom in", () => view.zoomBy(2)], ["−", "Zoom out", () => view.zoomBy(0.5)], ["⤢", "The whole map", () => view.moveTo({ zoom: 1 })]];
  const buttons = make("div", { class: "zooms" }, ...zooms.map(([text, label, action]) => button(text, action, { "aria-label": label })));
  let m = null;
  let ground = null; // the exemplars' places and labels, once loaded
  let ready = false;
  let explore = null; // takes questions to the networks
  let here = null; // what lies at the place that is pointed at

  const dials = axes((question) => ask(question));
  const guide = tour(view, ask, () => m);
  const hint = "This is the network’s latent space, laid out flat. Every spot of the land is a digit that it can write: move across it. Gold is where ten networks are divided; in the dark sea lies no real handwriting.";
  const node = make(
    "div",
    { class: "latent-map" },
    make("p", { class: "hint" }, hint),
    guide.node,
    make("div", { class: "field" }, canvas, buttons),
    make("div", { class: "here" }, live, cards, status, outcome),
    dials.node,
  );

  function wantTiles() {
    if (!ready) return;
    const tiles = view.missing();
    node.dataset.whole = tiles.length === 0;
    explore({ kind: "tiles", tiles });
  }

  // One question at a time: while it is answered, only the last one waits.
  let asked = null;
  let next = null;
  function ask(question) {
    if (!ready) return;
    next = question;
    if (!asked) askNext();
  }
  function askNext() {
    [asked, next] = [next, null];
    if (asked) explore(asked);
  }

  function pointAt(x, y) {
    const clip = (v) => Math.max(-EXTENT, Math.min(EXTENT, v));
    here = null;
    view.point({ x: clip(x), y: clip(y) });
    ask({ kind: "point", x: clip(x), y: clip(y) });
  }

  function tell(found) {
    here = found;
    node.dataset.at = `${found.x},${found.y}`;
    if (found.kind !== "point") view.point({ x: found.x, y: found.y });
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
    dials.show(found);
    if (takes) take();
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

  let takes = false; // once it is known what lies there
  async function take() {
    takes = !here;
    if (!here || here.sea) return;
    const { first, second, doubt } = here;
    outcome.textContent = "Mixing …";
    const border = doubt > BORDER;
    const source = nearest(here, border ? first : undefined);
    outcome.textContent = await choose(source, border ? first : ground.labels[source], border ? second : null);
  }

  // Mouse: moving looks, dragging pans. One finger looks, two zoom.
  const pointers = new Map();
  let dragged = 0;
  const at = (event) => view.placeAt(event.offsetX, event.offsetY);
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
      view.zoomBy(apart(event) / Math.max(1, apart(before)), at(other));
      dragged = Infinity;
    } else if (before && event.pointerType === "mouse") {
      dragged += Math.abs(event.movementX) + Math.abs(event.movementY);
      if (dragged > 4) view.panBy(event.movementX, event.movementY);
    } else {
      pointAt(...at(event));
    }
    if (before) pointers.set(event.pointerId, event);
  });
  for (const end of ["pointerup", "pointercancel", "pointerleave"]) canvas.addEventListener(end, (event) => pointers.delete(event.pointerId));
  canvas.addEventListener("click", () => dragged <= 4 && take());
  const wheel = (event) => {
    if (!event.ctrlKey && document.activeElement !== canvas) return; // the page scrolls until the map is clicked
    event.preventDefault();
    view.zoomBy(2 ** (-event.deltaY / 240), at(event));
  };
  canvas.addEventListener("wheel", wheel, { passive: false });
  let walked = null; // by arrow keys: here is not known until the answer comes
  canvas.addEventListener("keydown", (event) => {
    const [h, v] = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key] || [];
    if (h !== undefined) {
      event.preventDefault();
      const [x, y] = here ? [here.x, here.y] : (walked ?? m.map.pick);
      walked = [x + h * view.stride(), y + v * view.stride()];
      pointAt(...walked);
    } else if (event.key === "Enter") take();
    else if (event.key === "+" || event.key === "=") view.zoomBy(2);
    else if (event.key === "-") view.zoomBy(0.5);
  });

  function receive(found) {
    if (found.kind === "failed") fail();
    else if (found.kind === "tile") {
      view.add(found);
      if (found.last) node.dataset.whole = true;
    } else if (found.kind === "strips") {
      dials.showStrips(found.strips);
      askNext();
    } else if (found.kind === "ready") {
      ready = true;
      wantTiles();
      ask({ kind: "code", code: m.codes[1] });
      guide.ready();
    } else {
      tell(found);
      askNext();
    }
  }

  // Once the map comes near the screen: the ground first, then the networks.
  async function load() {
    status.textContent = "The map is being drawn …";
    const answer = await fetch(home() + "map.json").catch(() => null);
    if (!answer?.ok) return fail();
    const points = await answer.json();
    ground = { places: new Float32Array(bytes(points.places).buffer), labels: bytes(points.labels) };
    guide.tell(points.midpoint);
    dials.name(points.axes);
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

  whenSeen(node, load, "50px");

  const show = (muddle) => {
    m = muddle;
    view.show(m);
  };
  return { node, show, move: view.move };
}
