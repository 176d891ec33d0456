// The path: a chart of the judges' probabilities along it, a slider that scrubs and plays it, and a tile for every step.
import { SIZE, button, enlargedUrl, make, paint, percent, picture, wholePercents, withArticle } from "./shared.js";

export function svg(tag, attributes) {
  const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  return node;
}

// Accessors of a muddle's steps: probabilities, words and pixels, which `frame(i)` gives; and where the muddle is among
// them: it is the step `pick`, but with two steps, where it lies between.
export function stepsOf(m, frame) {
  const count = m.probabilities.length;
  const muddle = count > 2 ? m.pick / (count - 1) : m.t;
  const isMuddle = (i) => count > 2 && i === m.pick;
  const of = (i, label) => m.probabilities[i][label];
  const other = (i) => Math.max(0, 1 - of(i, m.digit) - of(i, m.target));
  const shares = (i) => wholePercents([of(i, m.digit), of(i, m.target), other(i)]).map(percent); // digit, target, else
  const words = (i) => `${m.digit}: ${shares(i)[0]}, ${m.target}: ${shares(i)[1]}`;
  return { count, muddle, isMuddle, of, other, shares, words, frame };
}

export function chart(m, steps) {
  const view = svg("svg", { viewBox: "0 0 100 100", preserveAspectRatio: "none", role: "img" });
  const what = `${m.digit}, of ${m.target} and of anything else`;
  view.setAttribute("aria-label", `What the judges make of each step: the probability of ${what}, from source to partner`);
  for (const y of [0, 50, 100]) view.append(svg("line", { x1: 0, x2: 100, y1: y, y2: y }));
  const line = (value, kind) => {
    const points = Array.from({ length: steps.count }, (_, i) => `${(100 * i) / (steps.count - 1)},${100 - 100 * value(i)}`);
    view.append(svg("polyline", { points: points.join(" "), class: kind }));
  };
  line(steps.other, "other");
  line((i) => steps.of(i, m.target), "target");
  line((i) => steps.of(i, m.digit), "digit");
  for (const [label, kind] of [[m.target, "target"], [m.digit, "digit"]]) {
    const y = 100 - 100 * m.soft_label[label];
    view.append(svg("line", { x1: 100 * steps.muddle, x2: 100 * steps.muddle, y1: y, y2: y, class: `dot ${kind}` }));
  }
  const here = svg("line", { y1: 0, y2: 100, class: "here" });
  view.append(here);
  const scale = make("p", { class: "scale", "aria-hidden": "true" });
  scale.append(...[100, 50, 0].map((whole) => make("span", {}, percent(whole))));
  const axis = make("p", { class: "axis", "aria-hidden": "true" });
  axis.append(make("span", {}, `source, ${withArticle(m.digit)}`), make("span", {}, `partner, ${withArticle(m.target)}`));
  const legend = make("p", { class: "legend" });
  const names = { digit: `${m.digit}`, target: `${m.target}`, other: "anything else", dot: "the muddle" };
  for (const [kind, name] of Object.entries(names)) legend.append(make("span", { class: kind }, name));
  return { node: make("div", { class: "chart" }, scale, view), view, axis, legend, here };
}

// The slider with its picture and chart; calls `onStep(i)` for every step that it shows.
export function scrubber(m, steps, onStep) {
  const still = make("canvas", { width: SIZE, height: SIZE, role: "img", class: "digit-image" });
  const now = make("p", { class: "now" });
  const attributes = { type: "range", min: 0, max: steps.count - 1, "aria-label": "Step from source to partner" };
  const slider = make("input", attributes);
  const curve = chart(m, steps);
  let playing = null;

  const show = (i) => {
    slider.value = i;
    slider.setAttribute("aria-valuetext", `step ${i + 1} of ${steps.count}; ${steps.words(i)}`);
    paint(still, steps.frame(i)).setAttribute("aria-label", `Step ${i + 1} of the path; ${steps.words(i)}`);
    now.textContent = `Step ${i + 1} · ${steps.words(i)} · anything else: ${steps.shares(i)[2]}`;
    for (const end of ["x1", "x2"]) curve.here.setAttribute(end, (100 * i) / (steps.count - 1));
    onStep(i);
  };
  const stop = () => {
    clearInterval(playing);
    playing = null;
    play.textContent = "▶ Play";
  };
  const play = button("▶ Play", () => {
    if (playing) return stop();
    play.textContent = "❚❚ Pause";
    const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
    let direction = +slider.value === steps.count - 1 ? -1 : 1;
    const tick = () => {
      if (!slider.isConnected) return stop();
      const next = +slider.value + direction;
      if (next <= 0 || next >= steps.count - 1) direction = -direction;
      show(next);
    };
    playing = setInterval(tick, calm ? 700 : 1400 / steps.count + 60);
  });
  const showByHand = (i) => {
    stop();
    show(i);
  };
  slider.addEventListener("input", () => showByHand(+slider.value));
  // The chart is as wide as the slider's way: a finger or a pointer on it moves the slider.
  const follow = (event) => {
    const { left, width } = curve.view.getBoundingClientRect();
    const share = Math.max(0, Math.min(1, (event.clientX - left) / width));
    showByHand(Math.round(share * (steps.count - 1)));
  };
  curve.view.addEventListener("pointerdown", (event) => {
    curve.view.setPointerCapture(event.pointerId);
    follow(event);
  });
  curve.view.addEventListener("pointermove", (event) => curve.view.hasPointerCapture(event.pointerId) && follow(event));
  const row = make("div", { class: "play" }, play, now);
  const whole = make("div", { class: "along" }, still, curve.node, slider, curve.axis, curve.legend, row);
  return { node: whole, show, stop };
}

export function tiles(m, steps, name, onOpen) {
  const dialog = make("dialog", { "aria-label": "One step of the path" });
  const open = (i) => {
    onOpen();
    const large = picture(steps.frame(i), `Step ${i + 1}; ${steps.words(i)}`);
    const to = (text, j) => {
      const node = button(text, () => open(j));
      node.disabled = j < 0 || j >= steps.count;
      return node;
    };
    const save = make("a", { href: enlargedUrl(large, 560), download: `${name}-step-${i}.png` }, "Download PNG");
    const close = button("Close", () => dialog.close());
    const row = make("div", { class: "row" }, to("← Earlier", i - 1), to("Later →", i + 1), save, close);
    const line = make("p", { class: "now" }, `Step ${i + 1} of ${steps.count} · ${steps.words(i)}`);
    dialog.replaceChildren(make("div", { class: "sheet" }, large, line, row));
    dialog.dataset.step = i;
    if (!dialog.open) dialog.showModal();
    close.focus();
  };
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close()); // beside what is in it
  dialog.addEventListener("keydown", (event) => {
    const move = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    const next = +dialog.dataset.step + (move || 0);
    if (move && next >= 0 && next < steps.count) open(next);
  });

  const list = make("ol", { class: "tiles", "aria-label": "Interpolation steps, from source to partner" });
  for (let i = 0; i < steps.count; i++) {
    const tile = button("", () => open(i), { class: "tile" });
    const [first, second] = steps.shares(i);
    tile.append(picture(steps.frame(i)), make("b", {}, `Step ${i + 1}`));
    tile.append(make("span", {}, `${m.digit}: ${first}`), make("span", {}, `${m.target}: ${second}`));
    if (steps.isMuddle(i)) {
      tile.setAttribute("aria-current", "true");
      tile.append(make("em", {}, "★ the muddle"));
    }
    list.append(make("li", {}, tile));
  }
  return make("div", {}, list, dialog);
}
