// The result view: the muddle that is shown, and how another one comes in its place. It is loaded with the page's head and
// waits there for its place on the page, so that the first digit is seen as early as can be.
import { announce, appeared, ask, button, home, listen, make, pause, randomSeed, read, withArticle } from "./shared.js";
import { KEYS, MARK, TABS, linkOf, openTab, queryOf, recipeOf, showInAddressBar, tabOf } from "./address.js";
import { jury } from "./jury.js";

const opening = read(window.muddleOpening); // which the page's head has asked for

const root = await appeared("#result .result");
const waiting = root.querySelector(".waiting");
const HEAD_START = 100; // milliseconds that the first digit has before all else is built
const FORGIVEN = /^bad-(\w+)$/; // codes of errors that name a part of a link
let shown = null; // the answer that is on the page
let tab = tabOf(location.search);
let requests = 0; // an answer to an earlier one than the last is dropped

// The recipe of what is shown with some changes, of which null leaves a key out.
const changed = (changes) => ({ ...recipeOf(shown?.query ?? ""), v: null, ...changes });

// Another muddle, which differs in some keys. The answer is an error's sentence, or nothing.
const change = (changes, options) => open(changed(changes), options);

// A muddle of two digits and a seed, as tables and riddles have them: balanced and even, whatever is set.
const openFresh = (recipe, options) => open({ ...recipe, steps: shown?.steps ?? null, strategy: "balanced" }, options);

const hero = jury(change, (fields) => ask(`muddle${queryOf(fields)}`));
const note = make("p", { class: "note", role: "alert", hidden: "" }); // on a link
let rest = null; // what is below the jury

// What is below the jury is fetched and built after the first digit has been seen.
async function build() {
  const names = ["below", "hardest", "atlas", "settings"];
  const [{ below }, { hardest }, { atlas }, { settings }] = await Promise.all(names.map((name) => import(`./${name}.js`)));
  const quiet = () => {}; // map and settings say themselves what is wrong
  const map = atlas(async (source, digit, wanted) => {
    const target = wanted ?? (digit === shown.target ? shown.digit : shown.target);
    const error = await change({ digit, source, image: null, target }, { say: quiet });
    return error ?? `Taken: above, this ${digit} becomes ${withArticle(target)} now.`;
  });
  const another = () => change({ seed: randomSeed(), source: null });
  const hardOnes = hardest((recipe) => openFresh(recipe, { scroll: true }));
  return below(hardOnes, map, settings((changes) => change(changes, { say: quiet })), another);
}

// Show the muddle of a recipe. answer: if it is on its way already. to: the tab, if not where one is. say: shows an error
// in a sentence, and what to try again. The answer is that sentence, or nothing.
async function open(fields, { answer, to, history = "pushState", scroll = false, say } = {}) {
  const current = ++requests;
  root.setAttribute("aria-busy", "true");
  const path = `muddle${queryOf(fields)}`;
  let found = await (answer ?? ask(path));
  while (found.code === "busy" && current === requests) {
    hero.say("Many people are here. Yours is next in a moment.");
    await pause(1000 * found.wait);
    if (current === requests) found = await ask(path);
  }
  if (current !== requests) return undefined;
  root.removeAttribute("aria-busy");
  hero.say("");
  if (!found.error) {
    show(found, to ?? (found.given || tab !== "draw" ? tab : TABS[0]), history);
    if (scroll) scrollToResult();
    return undefined;
  }
  const offline = found.code === "offline" ? " You can go on dragging; a new pair needs it." : "";
  (say ?? hero.say)(found.error + offline, () => open(fields, { to, history, scroll, say }));
  return found.error;
}

// The muddle of the address with which the page opens, without those parts of the link that cannot be used.
async function begin(first) {
  waiting.textContent = "A muddle is on its way …";
  const link = recipeOf(location.search);
  const reasons = [];
  let found = await first;
  while (FORGIVEN.exec(found.code)?.[1] in link) {
    delete link[FORGIVEN.exec(found.code)[1]];
    reasons.push(found.error);
    found = await ask(`muddle${Object.keys(link).some((key) => key !== "v") ? queryOf(link) : __OPENING__}`);
  }
  if (found.error) {
    root.removeAttribute("aria-busy");
    waiting.textContent = `The first muddle did not come. ${found.error} `;
    const path = `${home()}page/muddle${Object.keys(link).length ? queryOf(link) : __OPENING__}`;
    waiting.append(button("Try again", () => begin(read(fetch(path))), { class: "primary" }));
    return;
  }
  const notes = reasons.length ? [`This link is damaged, and the damaged part was left out. ${reasons.join(" ")}`] : [];
  const { version } = found.bundle;
  if (link.v && link.v !== version) {
    notes.push(`This link was made with another version (${link.v.slice(0, 20)}; this is ${version}), so the picture may differ from the one that was shared.`);
  }
  const mark = linkOf(location.search).get(MARK) ?? "";
  const friend = /^\d{1,2}$/.test(mark) && mark <= found.choices[0].length ? +mark : null;
  root.replaceChildren(note, hero.node);
  show({ ...found, friend, note: notes.join(" ") }, tab, "replaceState");
  await pause(HEAD_START);
  rest = await build();
  rest.show(shown);
  root.append(rest.node);
  root.removeAttribute("aria-busy");
}

function show(m, to, history) {
  shown = m;
  note.textContent = m.note ?? "";
  note.hidden = !m.note;
  hero.show(m);
  rest?.show(m);
  root.dataset.given = m.given;
  root.dataset.muddle = m.query;
  const from = tab;
  tab = to;
  if (history) showInAddressBar(m.query, tab, history);
  if (to !== from) openTab(to);
  if (history !== "pushState") announce("restored", m); // a link's drawing belongs on the pad
}

async function scrollToResult() {
  for (let i = 0; i < 30 && !root.offsetParent; i++) await new Promise(requestAnimationFrame); // its tab opens
  root.focus({ preventScroll: true });
  const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
  root.scrollIntoView({ block: "start", behavior: calm ? "auto" : "smooth" });
}

listen("open", ({ recipe, ...options }) => (recipe.image ? change(recipe, options) : openFresh(recipe, { scroll: true, to: TABS[0], ...options })));
listen("hello", () => shown && announce("restored", shown)); // a component that came later

// gradio says which tab it opens with, the first, and until then no other can be opened.
let said = false;
function opensWith() {
  if (said) return;
  said = true;
  if (tab !== TABS[0]) openTab(tab);
}
setTimeout(opensWith, 1000); // should it ever say nothing

listen("tab", (name) => {
  if (!said) return opensWith();
  if (tab === name) return;
  tab = name;
  if (shown) showInAddressBar(shown.query, tab, "pushState");
});

// A step back or forward in the browser's history: its tab, and its muddle if that is another one.
window.addEventListener("popstate", () => {
  const [there, here] = [recipeOf(location.search), recipeOf(shown?.query ?? "")];
  const to = tabOf(location.search);
  if (KEYS.some((key) => there[key] !== here[key])) return open({ ...there, v: null }, { to, history: null });
  tab = to;
  openTab(to);
});

begin(opening);
