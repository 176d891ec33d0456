// The result view: draws one muddle from the JSON that Python sends, and asks the server for nothing more.
const root = element.querySelector(".result");
const map = latentMap((place, digit) => {
  root.dataset.asked = "map";
  trigger("select", { source: place, digit });
});
let scrub = null;

function figure(kind, pixels, title, detail) {
  const caption = make("figcaption", {}, title, make("small", {}, detail));
  return make("figure", { class: kind }, picture(pixels, `${title}: ${detail}`), caption);
}

function section(title, kind, ...children) {
  return make("section", { class: kind, "aria-label": title }, make("h2", {}, title), ...children);
}

function draw() {
  const m = props.value;
  if (!m || !m.pixels) return;
  scrub?.stop();
  const all = bytes(m.pixels);
  const image = (i) => all.subarray(i * SIZE * SIZE, (i + 1) * SIZE * SIZE); // source, muddle, partner, then the frames
  const steps = stepsOf(m, (i) => image(3 + i));
  const name = `muddle-${m.digit}-${m.target}-seed-${m.seed}`;

  const verdict = make("p", { class: "verdict", role: "status" }, m.verdict);
  const bar = make("div", { class: "bar", "aria-hidden": "true" });
  for (const [kind, share] of [["digit", m.soft_label[m.digit]], ["target", m.soft_label[m.target]]]) {
    const part = make("span", { class: kind });
    part.style.width = `${100 * share}%`;
    bar.append(part);
  }
  const asked = make("p", { class: "hint asked" }, "The judges are ten small networks that learnt to read digits. Do your eyes agree?");
  const criteria = make("ul", { class: "criteria", "aria-label": "What makes a good muddle" });
  for (const [text, met, why] of m.criteria) {
    criteria.append(make("li", {}, make("b", {}, `${met ? "✓" : "✗"} ${text}: ${met ? "yes" : "no"}`), make("small", {}, why)));
  }
  const trio = make("div", { class: "trio" });
  const drawn = m.given ? `your drawing, read as ${named(m.digit)}` : "a real image";
  trio.append(
    figure("source", image(0), `Source: ${named(m.digit)}`, drawn),
    figure("muddle", image(1), "Muddle", `made by a network, between ${m.digit} and ${m.target}`),
    figure("partner", image(2), `Partner: ${named(m.target)}`, "a real image"),
  );
  const muddle = trio.querySelector(".muddle canvas");
  scrub = scrubber(m, steps, map.move);
  const along = "What they make of each step from source to partner.";
  const off = m.on_path ? "" : " The muddle (●) was refined a little off this path.";
  const near = m.on_path ? "" : " ★ marks the one nearest to the muddle.";
  const hint = `Decoded at even distances from source to partner. Open one to see it large.${near}`;

  const focused = root.contains(document.activeElement) ? document.activeElement : null;
  root.replaceChildren(
    ...(m.note ? [make("p", { class: "note", role: "alert" }, m.note)] : []),
    make("div", { class: "said-by" }, verdict, bar, asked),
    trio,
    criteria,
    keepRow(m, muddle, name),
    make(
      "div",
      { class: "two" },
      section("How sure are the judges?", "sure", make("p", { class: "hint" }, along + off), scrub.node),
      section("Latent map", "where", map.node),
    ),
    section("Every step", "all-steps", make("p", { class: "hint" }, hint), tiles(m, steps, name, scrub.stop)),
    section("The same from a program", "program", codeTabs(m)),
  );
  map.show(m, root.dataset.asked === "map");
  scrub.show(m.pick);
  root.dataset.muddle = `${m.digit}-${m.target}-${m.seed}-${m.strategy}-${m.steps}`;
  root.dataset.given = m.given;
  root.removeAttribute("aria-busy");
  if (focused?.isConnected) focused.focus({ preventScroll: true });
  arrive();
}

// After a button or a cell was clicked the result is brought into view, if it is not; after a radio it is left alone.
async function arrive() {
  const { asked } = root.dataset;
  delete root.dataset.asked;
  if (asked !== "cell" && asked !== "button") return;
  for (let i = 0; i < 30 && !root.offsetParent; i++) await new Promise(requestAnimationFrame); // its tab is on its way
  if (asked === "cell") root.focus({ preventScroll: true });
  const { top } = root.getBoundingClientRect();
  const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
  if (top < 0 || top > innerHeight * 0.5) root.scrollIntoView({ block: "start", behavior: calm ? "auto" : "smooth" });
}

draw();
watch("value", draw);
