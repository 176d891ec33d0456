// Keep and share: the link, the downloads, and the code that gets the same result from a program.
import { button, copyText, enlargedUrl, home, make, picture } from "./shared.js";

export function codeOf(m) {
  const { query } = m;
  return {
    Python: m.python,
    curl: `curl -s "${home()}muddle.png${query}" -o muddle.png\ncurl -s "${home()}muddle.json${query}"`,
    JavaScript: `const answer = await fetch("${home()}muddle.json${query}");\nconst m = await answer.json();\nconsole.log(m.soft_label, m.muddle);`,
  };
}

export function codeTabs() {
  let code = {};
  let chosen = "Python";
  const bar = make("div", { role: "tablist", "aria-label": "The call that gives this result", class: "code-tabs" });
  const panel = make("pre", { role: "tabpanel", id: "code-panel", tabindex: 0 });
  const names = ["Python", "curl", "JavaScript"];
  const select = (name, focus) => {
    chosen = name;
    panel.replaceChildren(make("code", {}, code[name]));
    panel.setAttribute("aria-label", `${name} code`);
    for (const tab of bar.children) {
      const here = tab.textContent === name;
      tab.setAttribute("aria-selected", here);
      tab.tabIndex = here ? 0 : -1;
      if (here && focus) tab.focus();
    }
  };
  names.forEach((name, i) => {
    const tab = button(name, () => select(name), { role: "tab", "aria-controls": "code-panel" });
    tab.addEventListener("keydown", (event) => {
      const move = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
      if (move) select(names.at((i + move) % names.length), true);
    });
    bar.append(tab);
  });
  const copy = button("Copy code", () => copyText(panel.textContent, copy));
  const show = (m) => {
    code = codeOf(m);
    select(chosen);
  };
  return { node: make("div", { class: "code" }, make("div", { class: "code-bar" }, bar, copy), panel), show };
}

export function keepRow(m, muddle, name) {
  const file = (text, kind, title, suffix = "") =>
    make("a", { href: `${home()}${kind}${m.query}`, download: `${name}${suffix}.${kind.split(".")[1]}`, title }, text);
  const png = (side, title) =>
    make("a", { href: enlargedUrl(muddle, side), download: `${name}-${side}.png`, title }, `PNG, ${side} px`);
  const link = m.link.startsWith("?") ? home() + m.link : m.link;
  const copy = button("Copy link", () => copyText(link, copy), { class: "primary" });
  const files = [
    png(28, "The muddle, pixel for pixel"),
    png(560, "The muddle, large"),
    file("GIF", "muddle.gif", "The path there and back, as an animation"),
    file("WebP", "muddle.webp", "The same, smaller"),
    file("Strip", "strip.png", "Every step side by side, one picture", "-strip"),
    file("JSON", "muddle.json", "Everything, with soft label and scores"),
  ];
  return [copy, make("span", { class: "files" }, "Download:", ...files)];
}
