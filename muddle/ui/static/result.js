// The result view: draws one muddle from the component's value, without another request.
const root = element.querySelector(".result");
const TAB_BUTTONS = { muddle: "by-digit-button", draw: "by-drawing-button", pairs: "by-pairs-button", guess: "by-guess-button", about: "about-button" };
const hero = jury(choose, (recipe) => server.pair(recipe));
const hardOnes = hardest(server.hardest, (recipe) => openMuddle(recipe));
const rest = make("div", { class: "rest" });
const map = latentMap((source, digit) => trigger("select", { recipe: { source, digit } }));
let path = null;

// Another digit at one of the ends, or at both. A drawing stays the source unless another digit is to be it.
function choose(recipe) {
  const m = props.value;
  if (!m.given || recipe.digit !== m.digit) return trigger("select", { recipe });
  const link = Object.fromEntries(new URLSearchParams(m.query));
  trigger("select", { recipe: { ...link, target: recipe.target, seed: recipe.seed }, tab: "draw" });
}

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
  path?.stop();
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
  const judges = make("p", { class: "hint judges" }, "The judges are ten small networks that learnt to read digits: the jury above.");
  const criteria = make("ul", { class: "criteria", "aria-label": "What makes a good muddle" });
  for (const [text, met, why] of m.criteria) {
    criteria.append(make("li", {}, make("b", {}, `${met ? "✓" : "✗"} ${text}: ${met ? "yes" : "no"}`), make("small", {}, why)));
  }
  const trio = make("div", { class: "trio" });
  const source = m.given ? `your drawing, read as ${withArticle(m.digit)}` : "a real image";
  trio.append(
    figure("source", image(0), `Source: ${withArticle(m.digit)}`, source),
    figure("muddle", image(1), "Muddle", `made by a network, between ${m.digit} and ${m.target}`),
    figure("partner", image(2), `Partner: ${withArticle(m.target)}`, "a real image"),
  );
  const muddle = trio.querySelector(".muddle canvas");
  path = scrubber(m, steps, map.move);
  const along = "What they make of each step from source to partner.";
  const hint = "Decoded on the way from source over the muddle to partner. Open one to see it large.";

  hero.show(m);
  if (!hero.node.isConnected) root.replaceChildren(hero.node, rest);
  const focused = rest.contains(document.activeElement) ? document.activeElement : null;
  rest.replaceChildren(
    ...(m.note ? [make("p", { class: "note", role: "alert" }, m.note)] : []),
    hardOnes,
    make("div", { class: "opinion" }, make("h2", {}, "How it was made"), verdict, bar, judges),
    trio,
    criteria,
    keepRow(m, muddle, name),
    make(
      "div",
      { class: "two" },
      section("How sure are the judges?", "sure", make("p", { class: "hint" }, along), path.node),
      section("Latent map", "where", map.node),
    ),
    section("Every step", "all-steps", make("p", { class: "hint" }, hint), tiles(m, steps, name, path.stop)),
    section("The same from a program", "program", codeTabs(m)),
  );
  map.show(m, root.dataset.origin === "map");
  path.show(m.pick);
  if (focused?.isConnected) focused.focus({ preventScroll: true });
  root.dataset.given = m.given;
  root.dataset.muddle = m.query;
}

// A step back or forward in the browser's history: its tab, and its muddle if that is another one. A drawing is opened
// anew, since its picture belongs on the pad.
window.addEventListener("popstate", () => {
  const fields = Object.fromEntries(new URLSearchParams(location.search));
  const there = Object.fromEntries(new URLSearchParams(root.dataset.muddle));
  const tab = fields.tab ?? "muddle";
  if (fields.image !== there.image) return location.reload();
  if (__KEYS__.some((key) => fields[key] !== there[key])) return trigger("select", { recipe: fields, tab });
  document.getElementById(TAB_BUTTONS[tab])?.click();
});

draw();
watch("value", draw);
