// Guess: a muddle without its labels, the visitor's answer, then the judges'. The score stays in this browser.
const KEY = "muddle-guess";
const SURE = { "just a guess": 0.25, "fairly sure": 0.6, "certain": 0.95 };
const view = element.querySelector(".guess");
const [canvas, form, reveal, score, next] = [".riddle", "form", ".reveal", ".score", ".next"].map((s) => view.querySelector(s));
const [submit] = form.getElementsByClassName("primary");
let riddle = null;
let round = 0; // an answer for one that was skipped is dropped

function radios(fieldset, name, entries) {
  for (const [text, value] of entries) {
    const input = make("input", { type: "radio", name, value, required: "" });
    view.querySelector(fieldset).append(make("label", {}, input, text));
  }
}
radios(".answers", "answer", [...[...Array(10).keys()].map((d) => [String(d), d]), ["no digit at all", "none"]]);
radios(".sure", "sure", Object.entries(SURE));

const noScore = () => ({ rounds: 0, named: 0, agreed: 0, sure: 0, judges: 0 });
function loadScore() {
  try {
    const kept = JSON.parse(localStorage.getItem(KEY));
    const s = { ...noScore(), ...kept };
    return Object.values(s).every((n) => Number.isFinite(n) && n >= 0 && n < 1e6) ? s : noScore();
  } catch {
    return noScore();
  }
}
function saveScore(s) {
  try {
    localStorage.setItem(KEY, JSON.stringify(s));
  } catch {} // a browser that keeps nothing still plays
  showScore(s);
}
function showScore(s) {
  if (!s.rounds) return score.replaceChildren("Your score will be kept here, in this browser only.");
  const mean = (total) => percent(Math.round((100 * total) / s.rounds) / 100);
  const times = (n) => (n === 1 ? "once" : `${n} times`);
  const rounds = s.rounds === 1 ? "1 guess" : `${s.rounds} guesses`;
  const text = `In ${rounds} you named one of the two ${times(s.named)}, and what the judges thought likeliest ${times(s.agreed)}.`;
  const sure = `How sure you said you were: ${mean(s.sure)} on average; the judges, of their first: ${mean(s.judges)}.`;
  score.replaceChildren(make("span", {}, text), make("span", {}, sure), button("Start over", () => saveScore(noScore())));
}

async function ask(focus) {
  const current = ++round;
  form.reset();
  reveal.replaceChildren();
  submit.disabled = true;
  submit.hidden = false;
  next.textContent = "Skip";
  next.classList.remove("primary");
  const answer = await askServer(server.riddle({}), "Try again in a moment.");
  if (current !== round) return;
  riddle = answer;
  if (riddle.error) {
    next.textContent = "Try again";
    reveal.replaceChildren(make("p", {}, riddle.error));
  } else {
    paint(canvas, bytes(riddle.pixels));
    submit.disabled = false;
    if (focus) view.querySelector(".answers input").focus();
  }
}

// Reveal the judges' answer beside the visitor's; returns what the score counts.
function showReveal(answer) {
  const order = riddle.soft_label.map((p, k) => [p, k]).sort(([a], [b]) => b - a);
  const [[, first], [, second]] = order;
  const oneOfTwo = [riddle.digit, riddle.target].includes(+answer) && answer !== "none";
  const said = answer === "none" ? "You saw no digit" : `You saw ${withArticle(answer)}`;
  const verdict = oneOfTwo ? "one of the two it was made to lie between" : "the judges thought otherwise";
  const bars = make("ul", { class: "bars", "aria-label": "The judges' opinion" });
  for (const [p, k] of order.filter(([p], i) => i < 2 || p > 0.03)) {
    const bar = make("span", {});
    bar.style.width = `${100 * p}%`;
    bars.append(make("li", {}, make("b", {}, `${k}`), bar, percent(p)));
  }
  const { digit, target, seed } = riddle;
  const look = button("See how it was made", () => openMuddle({ digit, target, seed }));
  const line = `${said}: ${verdict}. It was made between ${digit} and ${target}; the judges' first two are ${first} and ${second}.`;
  reveal.replaceChildren(make("p", {}, line), bars, look);
  return { oneOfTwo, agreed: +answer === first && answer !== "none", judges: order[0][0] };
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  if (submit.disabled) return;
  const given = new FormData(form);
  const { oneOfTwo, agreed, judges } = showReveal(given.get("answer"));
  const s = loadScore();
  const sure = s.sure + Number(given.get("sure"));
  saveScore({ rounds: s.rounds + 1, named: s.named + oneOfTwo, agreed: s.agreed + agreed, sure, judges: s.judges + judges });
  submit.disabled = submit.hidden = true;
  next.textContent = "Next";
  next.classList.add("primary");
  next.focus();
});
next.addEventListener("click", () => ask(true));

showScore(loadScore());
ask();
