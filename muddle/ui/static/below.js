// What is below the jury: how the muddle was made, its path, map, settings and code. Built once, filled for each muddle.
import { SIZE, button, bytes, make, paint, withArticle } from "./shared.js";
import { scrubber, stepsOf, tiles } from "./path.js";
import { codeTabs, keepRow } from "./keep.js";

export function below(hardOnes, map, dials, another) {
  const section = (title, kind, ...children) => make("section", { class: kind, "aria-label": title }, make("h2", {}, title), ...children);
  const hint = (text, attributes = {}) => make("p", { class: "hint", ...attributes }, text);
  const verdict = make("p", { class: "verdict", role: "status" });
  const shares = ["digit", "target"].map((kind) => make("span", { class: kind }));
  const [source, muddle, partner] = ["source", "muddle", "partner"].map(captioned);
  const criteria = make("ul", { class: "criteria", "aria-label": "What makes a good muddle" });
  const stubborn = hint("", { hidden: "" });
  const [keep, path, steps, program] = [make("div", { class: "keep" }), make("div"), make("div"), codeTabs()];
  const bundle = hint("", { id: "bundle", hidden: "" });
  let curve = null;

  const trio = make("div", { class: "trio" }, source.node, muddle.node, partner.node);
  const bar = make("div", { class: "bar", "aria-hidden": "true" }, ...shares);
  const sure = section("How sure are the judges?", "sure", hint("The judges are the ten networks of the jury. This is their mean on each step."), path);
  const node = make(
    "div",
    { class: "rest" },
    hardOnes,
    section("Walk between the digits", "where", map.node),
    section("How it was made", "made", verdict, bar, trio, criteria, stubborn, keep),
    sure,
    section("Every step", "all-steps", hint("From the source over the muddle to the partner. Open one to see it large."), steps),
    section("Settings", "set", dials.node),
    section("The same from a program", "program", program.node),
    bundle,
  );

  function show(m) {
    const all = bytes(m.pixels);
    const image = (i) => all.subarray(i * SIZE * SIZE, (i + 1) * SIZE * SIZE); // source, muddle, partner, then the frames
    const along = stepsOf(m, (i) => image(3 + i));
    const name = `muddle-${m.digit}-${m.target}-seed-${m.seed}`;
    const probabilities = [m.digit, m.target].map((digit) => m.soft_label[digit]);

    verdict.textContent = m.verdict;
    shares.forEach((share, i) => (share.style.width = `${100 * probabilities[i]}%`));
    source.show(image(0), `Source: ${withArticle(m.digit)}`, m.given ? "your drawing" : "a real image");
    muddle.show(image(1), "Muddle", `made by a network, between ${m.digit} and ${m.target}`);
    partner.show(image(2), `Partner: ${withArticle(m.target)}`, "a real image");
    criteria.replaceChildren(
      ...m.criteria.map(([text, met, figure, why]) => make("li", { title: why }, make("b", {}, `${met ? "✓" : "✗"} ${text}`), ` ${figure}`)),
    );
    stubborn.hidden = m.given || m.strategy !== "balanced" || m.balance !== 0.5 || Math.min(...probabilities) > 0.4;
    const jump = `A stubborn pair: the networks jump from ${m.digit} to ${m.target} with hardly a doubt between. `;
    stubborn.replaceChildren(jump, button(`Another ${m.digit}`, another));
    keep.replaceChildren(...keepRow(m, muddle.canvas, name));
    program.show(m);
    dials.show(m);

    curve?.stop();
    curve = scrubber(m, along, map.move);
    path.replaceChildren(curve.node);
    steps.replaceChildren(tiles(m, along, name, curve.stop));
    map.show(m);
    curve.show(m.pick);

    const { name: which, revision, version, note: why } = m.bundle;
    bundle.hidden = which === "embedded" && !why; // the one that ships needs no word
    bundle.textContent = `Shown with the bundle ${which}${revision ? ` at revision ${revision}` : ""} (version ${version}). ${why}`;
  }

  return { node, show };
}

// A digit with a name and a word about it.
export function captioned(kind) {
  const canvas = make("canvas", { width: SIZE, height: SIZE, class: "digit-image", role: "img" });
  const [title, detail] = [make("b"), make("small")];
  const node = make("figure", { class: kind }, canvas, make("figcaption", {}, title, detail));
  const show = (pixels, name, about) => {
    paint(canvas, pixels).setAttribute("aria-label", `${name}: ${about}`);
    [title.textContent, detail.textContent] = [name, about];
  };
  return { node, canvas, show };
}
