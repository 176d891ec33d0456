// The result view: draws one muddle from the JSON that Python sends, and asks the server for nothing more.
const SIZE = 28;
const root = () => element.querySelector(".result");
const percent = (p) => (100 * p).toFixed(p > 0.995 || p < 0.005 ? 0 : 1).replace(/\.0$/, "") + " %";
let playing = null;

function make(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  node.append(...children);
  return node;
}

function svg(tag, attributes) {
  const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  return node;
}

function paint(canvas, pixels) {
  const context = canvas.getContext("2d");
  const image = context.createImageData(SIZE, SIZE);
  pixels.forEach((grey, i) => image.data.set([grey, grey, grey, 255], 4 * i));
  context.putImageData(image, 0, 0);
  return canvas;
}

function picture(pixels, description) {
  return paint(make("canvas", { width: SIZE, height: SIZE, role: "img", "aria-label": description }), pixels);
}

function enlarged(canvas, side) {
  const large = make("canvas", { width: side, height: side });
  const context = large.getContext("2d");
  context.imageSmoothingEnabled = false;
  context.drawImage(canvas, 0, 0, side, side);
  return large.toDataURL("image/png");
}

function download(canvas, name, side, text) {
  return make("a", { href: enlarged(canvas, side), download: `${name}.png` }, text);
}

function figure(kind, pixels, title, detail) {
  const caption = make("figcaption", {}, title, make("small", {}, detail));
  return make("figure", { class: kind }, picture(pixels, `${title}: ${detail}`), caption);
}

function chart(m, others) {
  const steps = m.probabilities.length;
  const view = svg("svg", { viewBox: "0 0 100 100", preserveAspectRatio: "none", role: "img" });
  view.setAttribute("aria-label", `Probability of ${m.digit}, of ${m.target} and of anything else, from t = 0 to t = 1`);
  for (const y of [0, 50, 100]) view.append(svg("line", { x1: 0, x2: 100, y1: y, y2: y }));
  const line = (values, kind) => {
    const points = values.map((p, i) => `${(100 * i) / (steps - 1)},${100 - 100 * p}`).join(" ");
    view.append(svg("polyline", { points, class: kind }));
  };
  line(others, "other");
  line(m.probabilities.map((p) => p[m.target]), "target");
  line(m.probabilities.map((p) => p[m.digit]), "digit");
  view.append(svg("line", { x1: 100 * m.t, x2: 100 * m.t, y1: 0, y2: 100, class: "pick" }));
  const here = svg("line", { y1: 0, y2: 100, class: "here" });
  view.append(here);
  const legend = make("p", { class: "legend" });
  const names = { digit: `${m.digit}`, target: `${m.target}`, other: "anything else", pick: "where the muddle lies" };
  for (const [kind, name] of Object.entries(names)) legend.append(make("span", { class: kind }, name));
  return { view: make("div", { class: "chart" }, view, legend), here };
}

function draw() {
  clearInterval(playing);
  const m = props.value;
  if (!m || !m.pixels) return;
  const bytes = Uint8Array.from(atob(m.pixels), (c) => c.charCodeAt(0));
  const image = (i) => bytes.subarray(i * SIZE * SIZE, (i + 1) * SIZE * SIZE);
  const frame = (i) => image(3 + i); // source, muddle, partner come first
  const steps = m.probabilities.length;
  const others = m.probabilities.map((p) => Math.max(0, 1 - p[m.digit] - p[m.target]));
  const t = (i) => (i / (steps - 1)).toFixed(2);
  const words = (i) =>
    `${m.digit}: ${percent(m.probabilities[i][m.digit])}, ${m.target}: ${percent(m.probabilities[i][m.target])}`;

  const verdict = make("p", { class: "verdict", role: "status" }, m.verdict);
  const criteria = make("ul", { class: "criteria" });
  for (const [text, met] of m.criteria) criteria.append(make("li", {}, `${met ? "✓ yes" : "✗ no"} · ${text}`));

  const trio = make("div", { class: "trio" });
  trio.append(
    figure("source", image(0), `Source: a ${m.digit}`, "a real image"),
    figure("muddle", image(1), "Muddle", `between ${m.digit} and ${m.target}, t = ${m.t.toFixed(2)}`),
    figure("partner", image(2), `Partner: a ${m.target}`, "a real image"),
  );

  const still = make("canvas", { width: SIZE, height: SIZE, role: "img" });
  const now = make("p", { class: "now", "aria-live": "off" });
  const slider = make("input", { type: "range", min: 0, max: steps - 1, value: m.pick, "aria-label": "Step of the path" });
  const play = make("button", { type: "button" }, "▶ Play");
  const curve = chart(m, others);
  const show = (i) => {
    slider.value = i;
    slider.setAttribute("aria-valuetext", `t = ${t(i)}; ${words(i)}`);
    paint(still, frame(i)).setAttribute("aria-label", `Step ${i} of the path`);
    now.textContent = `t = ${t(i)} · ${words(i)} · anything else: ${percent(others[i])}`;
    for (const end of ["x1", "x2"]) curve.here.setAttribute(end, (100 * i) / (steps - 1));
  };
  const stop = () => {
    clearInterval(playing);
    playing = null;
    play.textContent = "▶ Play";
  };
  slider.addEventListener("input", () => {
    stop();
    show(+slider.value);
  });
  play.addEventListener("click", () => {
    if (playing) return stop();
    play.textContent = "❚❚ Pause";
    let at = +slider.value;
    let direction = at === steps - 1 ? -1 : 1;
    playing = setInterval(() => {
      if (!element.isConnected) return stop();
      at += direction;
      if (at <= 0 || at >= steps - 1) direction = -direction;
      show(at);
    }, 1400 / steps + 60);
  });
  const along = make("div", { class: "along" }, make("div", { class: "still" }, still));
  along.append(make("div", {}, curve.view, make("div", { class: "scrub" }, slider, play), now));

  const dialog = make("dialog", { "aria-label": "One step of the path" });
  const open = (i) => {
    const large = picture(frame(i), `Step ${i}: ${words(i)}`);
    const name = `muddle-${m.digit}-${m.target}-seed-${m.seed}-step-${i}`;
    const row = make("div", { class: "row" });
    const to = (text, j) => {
      const button = make("button", { type: "button" }, text);
      button.disabled = j < 0 || j >= steps;
      button.addEventListener("click", () => open(j));
      return button;
    };
    const close = make("button", { type: "button" }, "Close");
    close.addEventListener("click", () => dialog.close());
    row.append(to("← Earlier", i - 1), to("Later →", i + 1), download(large, name, 560, "PNG"), close);
    dialog.replaceChildren(large, make("p", { class: "now" }, `t = ${t(i)} · ${words(i)}`), row);
    dialog.dataset.step = i;
    if (!dialog.open) dialog.showModal();
    close.focus();
  };
  dialog.addEventListener("keydown", (event) => {
    const move = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    const next = +dialog.dataset.step + (move || 0);
    if (move && next >= 0 && next < steps) open(next);
  });

  const tiles = make("ol", { class: "tiles", "aria-label": "Interpolation steps, from source to partner" });
  for (let i = 0; i < steps; i++) {
    const mark = i === m.pick ? (m.on_path ? "the pick" : "nearest") : "";
    const tile = make("button", { type: "button", class: "tile", "aria-label": `Open step ${i}, t = ${t(i)}; ${words(i)} ${mark}` });
    const numbers = `${m.digit}: ${Math.round(100 * m.probabilities[i][m.digit])} · ${m.target}: ${Math.round(100 * m.probabilities[i][m.target])}`;
    tile.append(picture(frame(i), ""), `t = ${t(i)}`, make("small", {}, numbers));
    tile.firstChild.setAttribute("aria-hidden", "true");
    if (mark) {
      tile.setAttribute("aria-current", "true");
      tile.append(`★ ${mark}`);
    }
    tile.addEventListener("click", () => open(i));
    tiles.append(make("li", {}, tile));
  }

  const keep = make("div", { class: "keep" });
  const name = `muddle-${m.digit}-${m.target}-seed-${m.seed}`;
  const muddle = trio.querySelector(".muddle canvas");
  const copy = make("button", { type: "button" }, "Copy link");
  copy.addEventListener("click", async () => {
    const link = m.link.startsWith("?") ? location.origin + location.pathname + m.link : m.link;
    try {
      await navigator.clipboard.writeText(link);
      copy.textContent = "Copied";
    } catch {
      copy.replaceWith(make("input", { value: link, readonly: "", "aria-label": "Link to this muddle" }));
    }
  });
  keep.append(copy, download(muddle, name, 28, "PNG, 28 px"), download(muddle, `${name}-560`, 560, "PNG, 560 px"));

  root().replaceChildren(verdict, criteria, trio, keep, along, tiles, dialog);
  root().dataset.muddle = `${m.digit}-${m.target}-${m.seed}-${m.strategy}-${m.steps}`;
  show(m.pick);
}

draw();
watch("value", draw);
