// What other people said of a digit, where answers are kept; and whether this visitor's are kept too. It is asked once, plainly,
// and off until they say yes.
import { ask, button, make } from "./shared.js";

const KEY = "muddle-votes"; // of the visitor's yes or no, in this browser
const waiting = []; // answers that wait for it

// A random number for this visit, and nothing else that could tell who it is.
const session = Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");

function remembered() {
  try {
    return localStorage.getItem(KEY);
  } catch {
    return null; // a browser that forbids it is asked anew at each visit
  }
}
let agreed = remembered(); // "yes", "no" or null
let keeps = true; // whether answers are kept here at all, until it is known that they are not

const send = (about, vote) => ask("vote", { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ ...vote, about, session }) });

const said = (about) => ask(`said?${new URLSearchParams({ about })}`);
const current = new WeakMap(); // of each node the last answer: what comes later for an earlier one is dropped

export function forget(node) {
  current.delete(node);
  node.replaceChildren();
}

// After an answer: says in a node what others said, by inWords, and asks in `place` whether answers may be kept. Without a yes
// nothing leaves the page but the question what others said.
export async function afterAnswer(node, place, about, vote, inWords) {
  forget(node);
  if (!keeps) return;
  const turn = {};
  current.set(node, turn);
  let found = await (agreed === "yes" ? send(about, vote) : said(about));
  if (found.code === "said-before") found = await said(about);
  if (found.kept === false || found.code === "no-votes") keeps = false;
  if (!found.kept || current.get(node) !== turn) return; // or the server is away, or another digit is there by now
  const say = (answer) => {
    const words = inWords(answer, agreed === "yes");
    node.querySelector(".others")?.remove();
    if (words) node.prepend(make("p", { class: "others" }, words));
  };
  say(found);
  if (agreed !== null) return;
  waiting.push(async () => {
    const answer = await send(about, vote);
    if (answer.kept && current.get(node) === turn) say(answer);
  });
  place.append(question());
}

// The question, in one place at a time; and, once it is answered, a way back.
function question() {
  document.querySelectorAll(".consent").forEach((one) => one.remove());
  const text = "May we keep your answers? The answer, how long it took, the day and a random number for this visit, in a public data set. No name, no address, no cookie.";
  const box = make("div", { class: "consent", role: "group", "aria-label": "May we keep your answers?" });
  const reconsider = () => {
    remember(null);
    const place = box.parentNode;
    place.append(question());
    place.querySelector(".consent button").focus();
  };
  const decide = (answer) => {
    remember(answer);
    for (const later of waiting.splice(0)) if (answer === "yes") later();
    const thanks = answer === "yes" ? "Thank you. Your answers help to measure what people see." : "All right: nothing of yours is kept.";
    box.replaceChildren(make("p", { role: "status" }, thanks), button("Change my mind", reconsider, { class: "link" }));
    box.closest("section")?.querySelector(".next:not([hidden]), .decide")?.focus({ preventScroll: true });
  };
  box.append(make("p", {}, text), button("Keep them", () => decide("yes"), { class: "primary" }), button("No", () => decide("no")));
  return box;
}

function remember(answer) {
  agreed = answer;
  try {
    if (answer === null) localStorage.removeItem(KEY);
    else localStorage.setItem(KEY, answer);
  } catch {} // then for this visit
}

// "Of 11 people 7 saw a 4, 3 a 9, 1 no digit."
export function guessesInWords({ guesses }, counted) {
  const order = Object.entries(guesses).sort(([, a], [, b]) => b - a);
  const total = order.reduce((sum, [, count]) => sum + count, 0);
  if (!total) return "";
  if (total === 1 && counted) return "You are the first to say.";
  const name = (answer) => (answer === "none" ? "no digit" : `${answer === "8" ? "an" : "a"}\u00a0${answer}`);
  const [[most, count], ...rest] = order;
  const others = rest.map(([answer, n]) => `${n} ${name(answer)}`);
  const people = counted ? `${total} people, you among them,` : `${total} ${total === 1 ? "person" : "people"}`;
  return `Of ${people} ${[`${count} saw ${name(most)}`, ...others].join(", ")}.`;
}

// "5 people have marked this one: half by step 17 of 33."
export function stepsInWords({ steps }, counted, last) {
  if (!steps.length) return "";
  if (steps.length === 1 && counted) return "You are the first to mark this one.";
  const middle = steps[Math.floor((steps.length - 1) / 2)];
  if (steps.length === 1) return `One other mark here, at step ${Math.min(middle, last) + 1}.`;
  const people = `${steps.length} people${counted ? ", you among them," : ""}`;
  return `${people} have marked this one: half by step ${Math.min(middle, last) + 1} of ${last + 1}.`;
}
