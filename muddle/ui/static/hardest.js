// The hardest muddles that were found: a row of pictures, fetched when it comes near the screen.
import { ask, button, bytes, make, picture, whenSeen } from "./shared.js";

export function hardest(choose) {
  const list = make("ol", { class: "hardest" });
  const hint = make("p", { class: "hint" }, "Chosen by eye among 150. Tap one to try it.");
  const node = make("section", { class: "hard", "aria-label": "The hardest ones we found" }, make("h2", {}, "The hardest ones we found"), hint, list);

  async function fill() {
    const answer = await ask("hardest");
    if (answer.by_people) hint.textContent = "On these, people who were here split most evenly. Tap one to try it.";
    if (answer.error) hint.textContent = `They did not come. ${answer.error}`;
    for (const { pixels, ...recipe } of answer.muddles ?? []) {
      const name = `${recipe.digit} or ${recipe.target}?`;
      const item = button("", () => choose(recipe), { "aria-label": name, title: name });
      item.append(picture(bytes(pixels)));
      list.append(make("li", {}, item));
    }
  }

  whenSeen(node, fill, "200px");
  return node;
}
