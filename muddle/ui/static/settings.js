// The settings of a muddle. Each acts at once; what is wrong with one is said below it.
import { make, randomSeed } from "./shared.js";

export const STRATEGIES = __STRATEGIES__;
export const STEPS = __STEPS__;
export const SEED = __SEED__;

export function settings(apply) {
  const wrong = make("p", { class: "wrong", role: "alert", id: "settings-wrong" });
  const change = async (changes) => {
    wrong.textContent = "";
    const error = await apply(changes);
    if (!error) return;
    show(shown); // what is, instead of what cannot be
    wrong.textContent = error;
  };

  const ways = Object.entries(STRATEGIES).map(([value, meaning]) => {
    const radio = make("input", { type: "radio", name: "muddle-strategy", value });
    radio.addEventListener("change", () => change({ strategy: value, balance: null }));
    return make("label", {}, radio, make("span", {}, make("b", {}, value), `: ${meaning}`));
  });
  const strategy = make("fieldset", { class: "strategy" }, make("legend", {}, "Strategy: how the muddle is chosen"), ...ways);

  // A slider that says its value, and acts when it is let go.
  const slider = (name, title, hint, range) => {
    const value = make("output");
    const input = make("input", { type: "range", name, ...range });
    input.addEventListener("input", () => (value.textContent = input.value));
    input.addEventListener("change", () => change({ [name]: input.value }));
    const node = make("label", {}, make("span", {}, make("b", {}, title), ": ", value), input, make("small", {}, hint));
    const show = (now) => {
      input.value = now;
      value.textContent = input.value;
    };
    return { node, input, show };
  };
  const balance = slider("balance", "Balance", "Where balanced stops: 0 is the first digit, 0.5 undecided, 1 the other.", { min: 0, max: 1, step: 0.05 });
  const steps = slider("steps", "Steps", "Tiles from source to partner.", { min: STEPS.minimum, max: STEPS.maximum });

  const seed = make("input", { type: "number", name: "seed", min: SEED.minimum, max: SEED.maximum, step: 1, inputmode: "numeric", "aria-describedby": wrong.id });
  seed.addEventListener("change", () => {
    const fits = seed.validity.valid;
    seed.setAttribute("aria-invalid", !fits);
    if (!fits) wrong.textContent = `The seed is any whole number up to ${SEED.maximum.toLocaleString("en")}. Empty: surprise me.`;
    else change({ seed: seed.value || randomSeed(), source: null });
  });
  seed.addEventListener("input", () => {
    if (!seed.validity.valid) return;
    seed.removeAttribute("aria-invalid");
    wrong.textContent = "";
  });
  const numbers = make("label", {}, make("b", {}, "Seed"), seed, make("small", {}, "Draws the real images: the same seed, the same muddle. Empty: surprise me."));

  const grid = make("div", { class: "dials" }, balance.node, steps.node, numbers);
  let shown = null;
  const show = (m) => {
    shown = m;
    for (const way of ways) way.firstChild.checked = way.firstChild.value === m.strategy;
    balance.show(m.balance);
    balance.input.disabled = m.strategy !== "balanced";
    steps.show(m.steps);
    seed.value = m.seed;
    seed.removeAttribute("aria-invalid");
    wrong.textContent = "";
  };
  return { node: make("div", { class: "settings" }, strategy, grid, wrong), show };
}
