// A tour of six steps, for a class or for oneself. Each sets the atlas, has an address, tour=3, and is a step of the
// browser's history.
import { button, make } from "./shared.js";

const KEY = "tour";

// view: the atlas's canvas. ask: takes a question to the networks. muddle: the one whose path is drawn.
export function tour(view, ask, muddle) {
  let midpoint = null; // the measured share of midpoints that are muddles
  let current = null;
  let atlasReady = false;

  const look = (code, zoom) => {
    const [x, y] = code === muddle().codes[0] ? muddle().map.path[0] : muddle().map.pick;
    view.moveTo({ x, y, zoom });
    ask({ kind: "code", code });
  };
  const lerp = (a, b, t) => a.map((value, i) => value + t * (b[i] - value));
  // A code on the way from source (0) over the muddle to partner (1).
  const along = (t) => {
    const [source, middle, partner] = muddle().codes;
    return t < 0.5 ? lerp(source, middle, 2 * t) : lerp(middle, partner, 2 * t - 1);
  };
  const steps = [
    {
      title: "A code",
      text: () => `The network has turned the ${muddle().digit} from above into ten numbers, its code, from which it writes it again. The map lays the ten out in two: here the ${muddle().digit} lies, among digits like it.`,
      show: () => look(muddle().codes[0], 1),
    },
    {
      title: "Neighbours look alike",
      text: () => "Codes that lie close together are written alike: slant, width and weight change bit by bit. Move around.",
      show: () => look(muddle().codes[0], 5),
    },
    {
      title: "A line through the space",
      text: () => `Between the codes of the ${muddle().digit} and the ${muddle().target} lie images that nobody wrote. Walk along with the slider.`,
      show: () => look(along(+slider.value / 100), 1),
      slider: true,
    },
    {
      title: "The border",
      text: () => `Gold is where more than one answer is alive. Here it is between ${muddle().digit} and ${muddle().target}, if the two are neighbours on the map.`,
      show: () => {
        const [x, y] = muddle().map.pick;
        view.moveTo({ zoom: 1 });
        ask({ kind: "border", x, y, pair: [muddle().digit, muddle().target] });
      },
    },
    {
      title: "Why the middle is not enough",
      text: () => {
        const measured = midpoint === null ? "" : ` Measured on 1,000 pairs, it left both digits more than 40\u00a0% in ${(100 * midpoint).toFixed(1)}\u00a0%.`;
        return `The demo of 2021 decoded the average of two codes, hoping for something in between. That is what you see here; mostly it is one of the two, or a third.${measured}`;
      },
      show: () => look(lerp(muddle().codes[0], muddle().codes[2], 0.5), 1),
    },
    {
      title: "Where ours is",
      text: () => "So this page searches partners, steps and the codes around them, until ten networks are as evenly split as can be: the ★, and the digit beside the map. It may lie off the gold that you see: ten dimensions have more room than two.",
      show: () => look(muddle().codes[1], 1),
    },
  ];

  const start = button("Take the tour: six steps", () => go(0));
  const title = make("h3");
  const text = make("p", { role: "status" });
  const slider = make("input", { type: "range", min: 0, max: 100, value: 0, "aria-label": "From source to partner" });
  slider.addEventListener("input", () => ask({ kind: "code", code: along(+slider.value / 100) }));
  const back = button("← Back", () => go(current - 1));
  const next = button("Next →", () => (current === steps.length - 1 ? leave() : go(current + 1)), { class: "primary" });
  const exit = button("Leave", leave);
  const panel = make("div", { class: "tour-panel", hidden: "" }, title, text, slider, make("div", { class: "tour-buttons" }, back, next, exit));
  const node = make("div", { class: "tour" }, start, panel);

  function remember(step) {
    const address = new URL(location.href);
    if (step === null) address.searchParams.delete(KEY);
    else address.searchParams.set(KEY, step + 1);
    if (address.href !== location.href) history.pushState(null, "", address);
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
    close();
    remember(null);
    start.focus();
  }

  function close() {
    current = null;
    [start.hidden, panel.hidden] = [false, true];
    view.moveTo({ zoom: 1 });
  }

  // A link leads to a step.
  function ready() {
    atlasReady = true;
    if (current !== null) go(current);
  }
  const linked = () => Number(new URLSearchParams(location.search).get(KEY)) - 1;
  if (steps[linked()]) {
    setTimeout(() => {
      go(linked());
      node.parentElement.scrollIntoView({ block: "start" });
    });
  }
  window.addEventListener("popstate", () => {
    if (steps[linked()]) go(linked());
    else if (current !== null) close();
  });

  return { node, ready, tell: (share) => (midpoint = share) };
}
