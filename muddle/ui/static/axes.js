// Ten axes: the numbers of a code, each with a slider and a walk along it. ask: takes a question to the networks.
import { SIZE, make, paint } from "./shared.js";

const AXES = 10;
const REACH = 3; // of a slider; real digits have a standard deviation of 1 on each axis
const WALK = [-2, -1, 0, 1, 2]; // what the axis is set to in its strip
const REST = 250; // milliseconds without a change after which the strips are drawn

export function axes(ask) {
  const rows = Array.from({ length: AXES }, (_, axis) => {
    const slider = make("input", { type: "range", min: -REACH, max: REACH, step: 0.05, "aria-label": `Axis ${axis + 1}` });
    const value = make("output");
    const name = make("span", { class: "axis-name" });
    const strip = WALK.map(() => make("canvas", { width: SIZE, height: SIZE, class: "digit-image" }));
    const row = make("div", { class: "axis-row" }, make("b", {}, `${axis + 1}`), name, slider, value, make("span", { class: "strip", "aria-hidden": "true" }, ...strip));
    slider.addEventListener("input", () => {
      code[axis] = +slider.value;
      value.textContent = (+slider.value).toFixed(2);
      ask({ kind: "code", code: [...code], byHand: true });
      rest();
    });
    return { row, name, slider, value, strip };
  });
  const hint = "A code is ten numbers, and nobody has told the network what each should mean. The words are what was measured: what mostly happens to digits as the number grows. Move one, and see.";
  const node = make("details", { class: "axes" }, make("summary", {}, "The ten numbers of this digit’s code"), make("p", { class: "hint" }, hint), ...rows.map(({ row }) => row));
  const live = make("canvas", { width: SIZE, height: SIZE, class: "digit-image axes-live", "aria-hidden": "true" });
  rows[0].row.before(live);
  let code = null;
  let waiting = 0;

  function rest() {
    clearTimeout(waiting);
    if (node.open && code) waiting = setTimeout(() => ask({ kind: "strips", code: [...code], walk: WALK }), REST);
  }

  function show({ code: numbers, pixels, byHand }) {
    paint(live, pixels);
    if (byHand) return; // the sliders may be farther by now
    code = [...numbers];
    rows.forEach(({ slider, value }, axis) => {
      slider.value = code[axis];
      value.textContent = code[axis].toFixed(2);
    });
    rest();
  }

  // What the axes do, where it is known.
  const name = (words) =>
    words.forEach((word, axis) => {
      if (!word) return;
      rows[axis].name.textContent = word;
      rows[axis].slider.setAttribute("aria-label", `Axis ${axis + 1}: ${word}`);
    });

  const showStrips = (strips) => strips.forEach((images, axis) => images.forEach((pixels, i) => paint(rows[axis].strip[i], pixels)));
  node.addEventListener("toggle", rest);
  return { node, show, showStrips, name };
}
