// What other people said of a digit, where answers are kept; and whether this visitor's are kept too. It is asked once, plainly,
// and off until they say yes.
import { ask, button, make } from "./shared.js";

const KEY = "muddle-votes"; // of the visitor's yes or no, in this browser
const asking = []; // answers that wait for it

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

// After an answer: says in a node what others said, by inWords, and asks whether answers may be kept. If not, nothing leaves
// the page but the question what others said.
export async function afterAnswer(node, about, vote, inWords) {
  node.replaceChildren();
  if (!keeps) return;
  const found = await (agreed === "yes" ? send(about, vote) : ask(`said?${new URLSearchParams({ about })}`));
  if (found.kept === false || found.code === "no-votes") keeps = false;
  if (!found.kept) return; // it is not, or the server is away
  const words = inWords(found, agreed === "yes");
  node.replaceChildren(...(words ? [make("p", { class: "others" }, words)] : []));
  if (agreed !== null) return;
  asking.push(() => send(about, vote));
  const decide = (answer) => {
    agreed = answer;
    try {
      localStorage.setItem(KEY, answer);
    } catch {} // then for this visit
    for (const later of asking.splice(0)) if (answer === "yes") later();
    const thanks = answer === "yes" ? "Thank you. Your answers help to measure what people see." : "All right: nothing of yours is kept.";
    document.querySelectorAll(".consent").forEach((one) => one.replaceChildren(thanks));
  };
  const text = "May we keep your answers? The answer, how long it took, the day and a random number for this visit, in a public data set. No name, no address, no cookie.";
  document.querySelectorAll(".consent").forEach((one) => one.remove()); // it is asked in one place
  node.append(make("div", { class: "consent", role: "group", "aria-label": "May we keep your answers?" }, make("p", {}, text), button("Keep them", () => decide("yes"), { class: "primary" }), button("No", () => decide("no"))));
}

// "7 of 11 people saw a 4, 3 a 9, 1 no digit."
export function guessesInWords({ guesses }, counted) {
  const order = Object.entries(guesses).sort(([, a], [, b]) => b - a);
  const total = order.reduce((sum, [, count]) => sum + count, 0);
  if (!total) return "";
  if (total === 1 && counted) return "You are the first to say.";
  const name = (answer) => (answer === "none" ? "no digit" : `${answer === "8" ? "an" : "a"}\u00a0${answer}`);
  const [[most, count], ...rest] = order;
  const others = rest.map(([answer, n]) => `${n} ${name(answer)}`);
  return `${[`${count} of ${total} ${total === 1 ? "person" : "people"} saw ${name(most)}`, ...others].join(", ")}.`;
}

// "5 people have marked this one: half of them by step 17 of 33."
export function stepsInWords({ steps }, counted, last) {
  if (!steps.length) return "";
  if (steps.length === 1 && counted) return "You are the first to mark this one.";
  const middle = steps[Math.floor((steps.length - 1) / 2)];
  if (steps.length === 1) return `One other mark here, at step ${Math.min(middle, last) + 1}.`;
  return `${steps.length} people have marked this one: half of them by step ${Math.min(middle, last) + 1} of ${last + 1}.`;
}
