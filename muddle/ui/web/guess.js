// Guess: a muddle without its labels, the visitor's answer, then what the judges thought. The score is kept in this
// browser alone.
const KEY = "muddle-guess";
const SURE = { "just a guess": 0.25, "fairly sure": 0.6, "certain": 0.95 };
const view = element.querySelector(".guess");
const [canvas, form, reveal, score, next] = [".riddle", "form", ".reveal", ".score", ".next"].map((s) => view.querySelector(s));
const [reveals] = form.getElementsByClassName("primary");
let riddle = null;

function radios(fieldset, name, entries) {
  for (const [text, value] of entries) {
    const input = make("input", { type: "radio", name, value, required: "" });
    view.querySelector(fieldset).append(make("label", {}, input, text));
  }
}
radios(".answers", "answer", [...[...Array(10).keys()].map((d) => [String(d), d]), ["no digit at all", "none"]]);
radios(".sure", "sure", Object.entries(SURE));

const fresh = () => ({ rounds: 0, named: 0, agreed: 0, sure: 0, judges: 0 });
function remembered() {
  try {
    const kept = JSON.parse(localStorage.getItem(KEY));
    return Object.values({ ...fresh(), ...kept }).every(Number.isFinite) ? { ...fresh(), ...kept } : fresh();
  } catch {
    return fresh();
  }
}
function remember(s) {
  try {
    localStorage.setItem(KEY, JSON.stringify(s));
  } catch {} // a browser that keeps nothing still plays
  tally(s);
}
function tally(s) {
  if (!s.rounds) return score.replaceChildren("Your score will be kept here, in this browser only.");
  const mean = (total) => percent(Math.round((100 * total) / s.rounds) / 100);
  const text = `${s.rounds} guessed · one of the judges' two: ${s.named} · the judges' first: ${s.agreed} · you were ${mean(s.sure)} sure, the judges ${mean(s.judges)}`;
  score.replaceChildren(text, button("Start over", () => remember(fresh())));
}

async function ask() {
  form.reset();
  reveal.replaceChildren();
  reveals.disabled = true;
  next.textContent = "Skip";
  riddle = await answered(server.riddle({}), "Try again in a moment.");
  if (riddle.error) {
    next.textContent = "Try again";
    reveal.replaceChildren(make("p", {}, riddle.error));
  } else {
    paint(canvas, bytes(riddle.pixels));
    reveals.disabled = false;
  }
}

function judged(answer) {
  const order = riddle.soft_label.map((p, k) => [p, k]).sort(([a], [b]) => b - a);
  const [[, first], [, second]] = order;
  const named = [riddle.digit, riddle.target].includes(+answer) && answer !== "none";
  const said = answer === "none" ? "You saw no digit" : `You saw a ${answer}`;
  const verdict = named ? "one of the two it was made to lie between" : "the judges thought otherwise";
  const bars = make("ul", { class: "bars", "aria-label": "The judges' opinion" });
  for (const [p, k] of order.filter(([p], i) => i < 2 || p > 0.03)) {
    const bar = make("span", {});
    bar.style.width = `${100 * p}%`;
    bars.append(make("li", {}, make("b", {}, `${k}`), bar, percent(p)));
  }
  const { digit, target, seed } = riddle;
  const look = button("See how it was made", () => trigger("select", { digit, target, seed, strategy: "balanced" }));
  const line = `${said}: ${verdict}. It was made between ${digit} and ${target}; the judges' first two are ${first} and ${second}.`;
  reveal.replaceChildren(make("p", {}, line), bars, look);
  return { named, agreed: +answer === first && answer !== "none", judges: order[0][0] };
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  if (reveals.disabled) return;
  const given = new FormData(form);
  const { named, agreed, judges } = judged(given.get("answer"));
  const s = remembered();
  const sure = s.sure + Number(given.get("sure"));
  remember({ rounds: s.rounds + 1, named: s.named + named, agreed: s.agreed + agreed, sure, judges: s.judges + judges });
  reveals.disabled = true;
  next.textContent = "Next";
  next.focus();
});
next.addEventListener("click", ask);

tally(remembered());
ask();
