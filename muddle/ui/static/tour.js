// A tour of six steps, for a class or for oneself. Each sets the atlas, and has an address: tour=3.
import { button, make } from "./shared.js";

const KEY = "tour";

export function tour({ view, pointAt, ask, path, pick, pair }) {
  let midpoint = null; // the measured share of midpoints that are muddles
  let current = null;
  let atlasReady = false;

  const along = (share) => path()[Math.round(share * (path().length - 1))];
  const between = ([a, b], [c, d]) => [(a + c) / 2, (b + d) / 2];
  const steps = [
    {
      title: "A code",
      text: () => `The network has turned this ${pair().digit} into ten numbers, its code. The map squeezes the ten into two: here it lies, among digits like it.`,
      show: () => (view.moveTo({ zoom: 1 }), pointAt(...path()[0])),
    },
    {
      title: "Neighbours look alike",
      text: () => "Codes that lie close together are written alike: slant, width and weight change bit by bit. Move around.",
      show: () => (view.moveTo({ x: path()[0][0], y: path()[0][1], zoom: 5 }), pointAt(...path()[0])),
    },
    {
      title: "A line through the space",
      text: () => `Between the codes of this ${pair().digit} and this ${pair().target} lie images that nobody wrote. Walk along with the slider.`,
      show: () => (view.moveTo({ zoom: 1 }), pointAt(...along(+slider.value / 100))),
      slider: true,
    },
    {
      title: "The border",
      text: () => "Somewhere on the way the networks change their minds, not all at once. Gold is where at least two answers are alive.",
      show: () => (view.moveTo({ x: pick()[0], y: pick()[1], zoom: 3 }), ask({ kind: "border", x: pick()[0], y: pick()[1] })),
    },
    {
      title: "Why the middle is not enough",
      text: () => {
        const measured = midpoint === null ? "" : ` Measured on 1,000 pairs, the average of two codes left the two digits more than 40 % each in ${(100 * midpoint).toFixed(1)} %.`;
        return `The demo of 2021 decoded the average of two codes, hoping for something in between. The middle of the way is mostly inland, on one side or the other.${measured}`;
      },
      show: () => (view.moveTo({ zoom: 1 }), pointAt(...between(path()[0], path().at(-1)))),
    },
    {
      title: "Where ours is",
      text: () => "So this page searches: partners, steps and codes around them, until ten networks are as evenly split as can be. That is the ★; ten dimensions have more room than this map, so what you see under it is only its neighbour. Above, you can find your own moment.",
      show: () => (view.moveTo({ zoom: 1 }), pointAt(...pick())),
    },
  ];

  const start = button("Take the tour: six steps", () => go(0));
  const title = make("h3");
  const text = make("p", { role: "status" });
  const slider = make("input", { type: "range", min: 0, max: 100, value: 0, "aria-label": "From source to partner" });
  slider.addEventListener("input", () => pointAt(...along(+slider.value / 100)));
  const back = button("← Back", () => go(current - 1));
  const next = button("Next →", () => (current === steps.length - 1 ? leave() : go(current + 1)), { class: "primary" });
  const close = button("Leave", leave);
  const panel = make("div", { class: "tour-panel", hidden: "" }, title, text, slider, make("div", { class: "tour-buttons" }, back, next, close));
  const node = make("div", { class: "tour" }, start, panel);

  function remember(step) {
    const address = new URL(location.href);
    if (step === null) address.searchParams.delete(KEY);
    else address.searchParams.set(KEY, step + 1);
    history.replaceState(null, "", address);
  }

  function go(step) {
    current = step;
    const { title: name, text: words, show, slider: walks } = steps[step];
    [start.hidden, panel.hidden, slider.hidden] = [true, false, !walks];
    title.textContent = `${step + 1} of ${steps.length}: ${name}`;
    text.textContent = words();
    back.disabled = step === 0;
    next.textContent = step === steps.length - 1 ? "Done" : "Next →";
    remember(step);
    if (atlasReady) show();
  }

  function leave() {
    current = null;
    [start.hidden, panel.hidden] = [false, true];
    remember(null);
    view.moveTo({ zoom: 1 });
    start.focus();
  }

  // A link leads to a step.
  function ready() {
    atlasReady = true;
    if (current !== null) go(current);
  }
  const linked = Number(new URLSearchParams(location.search).get(KEY)) - 1;
  if (steps[linked]) {
    setTimeout(() => {
      go(linked);
      node.scrollIntoView({ block: "center" });
    });
  }

  return { node, ready, tell: (share) => (midpoint = share) };
}
