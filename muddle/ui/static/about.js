// About: the text is in about.html; figures, the opening's images and the bundle come when it is first looked at.
import { SIZE, ask, button, bytes, home, make, paint, whenSeen } from "./shared.js";

export function start(element) {
  const view = element.querySelector(".about");
  const [table, status, copy] = [".results", ".status", ".copy"].map((name) => view.querySelector(name));

  // Parts of a line that are links: [text, address].
  const links = (...parts) => parts.map((part) => (Array.isArray(part) ? make("a", { href: part[1] }, part[0]) : part));

  function bundleLine({ name, revision, fingerprint, version, note }, space) {
    const hub = "https://huggingface.co/";
    const at = revision ? [" at ", [revision, `${hub}${name}/tree/${revision}`]] : [];
    const which = name === "embedded" ? ["This copy uses the embedded bundle"] : ["This copy uses the bundle ", revision ? [name, `${hub}${name}`] : name, ...at];
    const own = space
      ? [["Duplicate this Space", `${hub}spaces/${space}?duplicate=true`], ", or take ", ["its code", `${hub}spaces/${space}/tree/main`], "."]
      : [];
    return links(...which, ` (fingerprint ${fingerprint}, version ${version}; `, ["model card", `${home()}model-card.md`], "). ", note ? `${note} ` : "", ...own);
  }

  async function fill() {
    const answer = await ask("about");
    if (answer.error) {
        status.replaceChildren(`The figures did not come. ${answer.error} `, button("Try again", fill));
      return;
    }
    status.textContent = "";
    const all = bytes(answer.strip);
    view.querySelectorAll(".strip canvas").forEach((canvas, i) => paint(canvas, all.subarray(i * SIZE * SIZE, (i + 1) * SIZE * SIZE)));
    const [head, ...rows] = answer.results;
    table.replaceChildren(
      make("tr", {}, ...head.map((text) => make("th", { scope: "col" }, text))),
      ...rows.map(([text, ...cells]) => make("tr", {}, make("th", { scope: "row" }, text), ...cells.map((cell) => make("td", {}, cell)))),
    );
    copy.replaceChildren(...bundleLine(answer.bundle, answer.space));
  }

  whenSeen(view, fill);
}
