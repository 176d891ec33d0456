// Guess: ten digits, one tap each, and then how the judges voted. Two of the ten are plain real digits, which is said
// afterwards. What is kept of it, votes.js says.
import { afterAnswer, guessesInWords } from "./votes.js";
import { announce, ask, button, bytes, copyText, home, make, paint, whenSeen } from "./shared.js";

export function start(element) {
  const ROUNDS = 10;
  const NONE = "none"; // the answer "not a digit"
  const view = element.querySelector(".guess");
  const [canvas, answers, reveal, next, label] = [".riddle", ".answers", ".reveal", ".next", ".round"].map((s) => view.querySelector(s));
  const place = make("div", { class: "said" }); // of the question whether answers may be kept
  view.querySelector(".game").append(place);
  let game = null;
  let riddle = null; // while it waits for an answer
  let posed = 0; // when it was shown
  let asked = 0; // an answer of the server to an earlier question is dropped

  for (const [text, value] of [...Array.from({ length: 10 }, (_, d) => [`${d}`, `${d}`]), ["not a digit", NONE]]) {
    answers.append(button(text, () => say(value), { value }));
  }

  function start() {
    const real = [0, 1].map((half) => 5 * half + Math.floor(5 * Math.random())); // one of each five
    game = { round: 0, real, muddles: 0, named: 0, sided: 0, read: 0 };
    pose();
  }

  async function pose() {
    const current = ++asked;
    reveal.replaceChildren();
    next.hidden = true;
    for (const one of answers.children) one.removeAttribute("aria-pressed");
    label.textContent = `${game.round + 1} of ${ROUNDS}`;
    answers.hidden = false;
    const answer = await ask(game.real.includes(game.round) ? "riddle?real=1" : "riddle");
    if (current !== asked) return;
    if (answer.error) {
      reveal.replaceChildren(make("p", {}, answer.error));
      return offer("Try again", pose);
    }
    riddle = answer;
    posed = performance.now();
    paint(canvas, bytes(riddle.pixels)).setAttribute("aria-label", "A digit to guess");
    lock(false);
  }

  function lock(locked) {
    for (const one of answers.children) one.disabled = locked;
  }

  function offer(text, action) {
    next.textContent = text;
    next.onclick = action;
    next.hidden = false;
    next.focus({ preventScroll: true });
  }

  // "7 of 10 networks say 4, 3 say 9": the votes, the most first.
  function inWords(votes) {
    const order = votes.map((count, digit) => ({ count, digit })).filter(({ count }) => count).sort((a, b) => b.count - a.count);
    if (order.length === 1) return `All ten networks say ${order[0].digit}.`;
    return `Networks: ${order.map(({ count, digit }) => `${count} say ${digit}`).join(", ")}.`;
  }

  function cards(votes, { digit, target }) {
    const list = make("ol", { class: "jury", "aria-hidden": "true" });
    votes.forEach((count, k) => {
      const kind = k === digit ? "digit" : k === target ? "target" : "other";
      for (let i = 0; i < count; i++) list.append(make("li", { class: kind }, `${k}`));
    });
    return list;
  }

  function say(answer) {
    if (!riddle) return;
    const { digit, target, seed, votes, about } = riddle;
    const seconds = Math.min(600, Math.round((performance.now() - posed) / 100) / 10);
    riddle = null;
    lock(true);
    answers.querySelector(`[value="${answer}"]`).setAttribute("aria-pressed", "true");
    const isReal = target === null;
    const said = answer === NONE ? "You saw no digit." : `You said ${answer}.`;
    const what = isReal ? `This one was no muddle but a real ${digit}.` : "";
    const most = Math.max(...votes);
    game.sided += answer !== NONE && votes[answer] === most;
    if (isReal) game.read += +answer === digit;
    else {
      game.muddles += 1;
      game.named += [`${digit}`, `${target}`].includes(answer);
    }
    const look = button("See how it was made", () => announce("open", { recipe: { digit, target, seed } }));
    const line = make("p", {}, [said, what, inWords(votes)].filter(Boolean).join(" "));
    const others = make("div", { class: "said" });
    canvas.setAttribute("aria-label", isReal ? `A real ${digit}` : `A muddle of ${digit} and ${target}`);
    reveal.replaceChildren(line, cards(votes, { digit, target }), others, ...(isReal ? [] : [look]));
    const vote = { kind: "guess", answer: answer === NONE ? null : +answer, seconds };
    afterAnswer(others, place, about, vote, guessesInWords);
    game.round += 1;
    offer(game.round < ROUNDS ? "Next" : "See how you did", game.round < ROUNDS ? pose : finish);
  }

  function finish() {
    const times = (n) => (n === 1 ? "once" : `${n} times`);
    const text =
      `Of ${game.muddles} muddles you picked one of the two digits ${times(game.named)}. ` +
      `You sided with the majority of ten networks ${times(game.sided)} in ${ROUNDS}, and read ${game.read} of 2 real digits right.`;
    const share = button("Share", () => copyText(`${text} And you? ${home()}?tab=guess`, share));
    label.textContent = "";
    answers.hidden = true;
    reveal.replaceChildren(make("p", { class: "result-line" }, text), share);
    offer("Ten more", start);
  }

  // Keys 0 to 9 answer wherever the focus is in the tab; Enter is Next, which has the focus.
  document.addEventListener("keydown", (event) => {
    const typing = event.target.closest?.("input, textarea, select");
    if (!riddle || !view.offsetParent || typing || event.ctrlKey || event.metaKey || event.altKey) return;
    if (/^[0-9]$/.test(event.key)) say(event.key);
  });

  // The first riddle is fetched when the tab is opened.
  whenSeen(view, start);
  lock(true);
}
