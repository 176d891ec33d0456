// The result view: draws one muddle from the JSON that Python sends, and asks the server for nothing more.
const root = element.querySelector(".result");
const map = latentMap(props.points, (place, digit) => {
  root.setAttribute("aria-busy", "true");
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
  const criteria = make("ul", { class: "criteria", "aria-label": "A good muddle" });
  for (const [text, met] of m.criteria) criteria.append(make("li", {}, `${met ? "✓ yes" : "✗ no"} · ${text}`));
  const trio = make("div", { class: "trio" });
  trio.append(
    figure("source", image(0), `Source: a ${m.digit}`, m.given ? "your drawing" : "a real image"),
    figure("muddle", image(1), "Muddle", `made by the network, between ${m.digit} and ${m.target}`),
    figure("partner", image(2), `Partner: a ${m.target}`, "a real image"),
  );
  const muddle = trio.querySelector(".muddle canvas");
  scrub = scrubber(m, steps, map.move);
  const off = m.on_path ? "" : " The muddle itself was refined a little off this path; ★ marks the step nearest to it.";
  const hint = make("p", { class: "hint" }, `Decoded at even distances from source to partner. Open one to see it large.${off}`);

  root.replaceChildren(
    ...(m.note ? [make("p", { class: "note", role: "alert" }, m.note)] : []),
    trio,
    verdict,
    criteria,
    keepRow(m, muddle, name),
    make("div", { class: "two" }, section("How sure are the judges?", "sure", scrub.node), section("Latent map", "where", map.node)),
    section("Every step", "all-steps", hint, tiles(m, steps, name)),
    section("The same from a program", "program", codeTabs(m)),
  );
  map.show(m);
  scrub.show(m.pick);
  root.dataset.muddle = `${m.digit}-${m.target}-${m.seed}-${m.strategy}-${m.steps}`;
  root.removeAttribute("aria-busy");
}

draw();
watch("value", draw);
