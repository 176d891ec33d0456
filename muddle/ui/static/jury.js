// The jury: one digit that melts into another under the visitor's hand, and ten networks who each have their moment at
// which they change their mind. They lie face down until the visitor has set a mark of their own.
// change: shows the muddle of a recipe that differs in some keys, fetch: gets one ahead.
import { SIZE, button, bytes, copyText, home, make, paint, randomSeed, withArticle } from "./shared.js";
import { openTab } from "./address.js";
import { afterAnswer, forget, stepsInWords } from "./votes.js";

export function jury(change, fetchAhead) {
  const question = make("h2", { class: "question" });
  const how = make("p", { class: "how" }, "Drag until you change your mind.");
  const big = make("canvas", { width: SIZE, height: SIZE, role: "img", class: "digit-image big" });
  const slider = make("input", { type: "range", min: 0, class: "melt" });
  const marks = make("div", { class: "marks", "aria-hidden": "true" });
  const ends = [end("from"), end("to")];
  const cards = make("ol", { class: "jury", "aria-label": "The networks' votes" });
  const says = make("p", { class: "says", role: "status" });
  const others = make("div", { class: "said" });
  const decide = button("", () => (mark === null ? setMark() : challenge()), { class: "primary decide" });
  const another = button("Another pair", anotherPair, { class: "another" });
  const hardest = button("Jump to the hardest point", () => move(middle()), { class: "link", hidden: "" });
  const own = button("or draw your own digit", () => openTab("draw"), { class: "link" });
  const track = make("div", { class: "track" }, slider, marks);
  const row = make("div", { class: "melt-row" }, ends[0].node, track, ends[1].node);
  const buttons = make("div", { class: "decisions" }, decide, another);
  const trouble = make("p", { class: "wrong", role: "alert" });
  const node = make("section", { class: "hero", "aria-label": "When does it change?" }, question, how, big, row, cards, says, buttons, others, trouble, make("div", { class: "links" }, hardest, own));

  let m = null;
  let frames = null; // the pixels of each step
  let mark = null; // the visitor's step; one past the last: it never changed
  let moments = []; // of each judge: the first step from which it reads the target for good, else one past the last
  let next = null; // the pair that comes with "Another pair", and its answer

  const last = () => m.choices[0].length - 1;
  const middle = () => last() / 2;
  const step = () => +slider.value;

  // An end of the slider: the real digit, and a menu of what it may be instead.
  function end(kind) {
    const canvas = make("canvas", { width: SIZE, height: SIZE, class: "digit-image", "aria-hidden": "true" });
    const open = button("", () => toggle(), { class: "end", "aria-expanded": "false" });
    const menu = make("div", { class: "choose", hidden: "", role: "group" });
    open.append(canvas, make("span", { "aria-hidden": "true" }, "⟳"));
    const toggle = (to = menu.hidden) => {
      menu.hidden = !to;
      open.setAttribute("aria-expanded", to);
      if (to) menu.querySelector("button").focus();
    };
    const holder = make("div", { class: `holder ${kind}` }, open, menu);
    holder.addEventListener("keydown", (event) => event.key === "Escape" && (toggle(false), open.focus()));
    holder.addEventListener("focusout", (event) => holder.contains(event.relatedTarget) || toggle(false));
    const show = (pixels, digit, other) => {
      paint(canvas, pixels);
      open.setAttribute("aria-label", `A real ${digit}; choose another`);
      menu.replaceChildren(
        ...Array.from({ length: 10 }, (_, d) => {
          const same = d === digit;
          return button(same ? `⟳ ${d}` : `${d}`, () => pick(kind, d), { "aria-label": same ? `Another ${d}` : `${d}` });
        }).filter((_, d) => d !== other), // which would melt into itself
        ...(kind === "to" ? [button("the most similar digit", () => pick(kind, "auto"), { class: "auto" })] : []),
      );
      toggle(false);
    };
    return { node: holder, show };
  }

  function pick(kind, digit) {
    change({ ...(kind === "from" ? { digit, image: null, source: null } : { target: digit }), seed: randomSeed() });
  }

  // The next pair is fetched while this one is looked at, and then shown at once.
  function fetchNext() {
    const digit = Math.floor(10 * Math.random());
    const target = (digit + 1 + Math.floor(9 * Math.random())) % 10;
    const changes = { digit, target, seed: randomSeed(), image: null, source: null };
    const { strategy, steps, balance } = m;
    next = { changes, answer: fetchAhead({ ...changes, strategy, steps, balance }) };
  }

  async function anotherPair() {
    another.disabled = true;
    another.textContent = "Mixing …";
    if (!next) fetchNext();
    const { changes, answer } = next;
    next = null; // if it is an error, the next try asks anew
    const ready = await answer;
    await change(changes, ready.error ? {} : { answer }); // what did not come ahead may come now
    another.textContent = "Another pair";
    another.disabled = false;
  }

  // A sentence about what did not come, and a button that tries again.
  function say(text, again) {
    trouble.replaceChildren(text, ...(text && again ? [" ", button("Try again", again)] : []));
  }

  function move(to) {
    slider.value = Math.max(0, Math.min(last(), to));
    render();
  }

  function setMark() {
    mark = step() === last() ? last() + 1 : step();
    render();
    if (!m.given) afterAnswer(others, others, m.query, { kind: "switch", step: mark }, (found, counted) => stepsInWords(found, counted, last()));
  }

  function challenge() {
    const link = new URL(m.link.startsWith("?") ? home() + m.link : m.link);
    link.searchParams.set("mine", mark);
    copyText(link.href, decide).then(() => {
      if (decide.textContent === "Copied") says.textContent = "Link copied. Your mark is in it, hidden until they set theirs.";
    });
  }

  // How the visitor's mark compares with the ten networks'.
  function comparison() {
    const earlier = moments.filter((moment) => moment < mark).length;
    const held = `You held on to the ${m.digit} longer than`;
    if (mark > last()) {
      if (earlier === 10) return `To you it is ${withArticle(m.digit)} to the end. All ten networks gave up earlier.`;
      return `To you it is ${withArticle(m.digit)} to the end. ${earlier} of the 10 networks gave up earlier.`;
    }
    if (earlier === 10) return `${held} all ten networks.`;
    if (!moments.some((moment) => moment <= mark)) return `You let go of the ${m.digit} before all ten networks.`;
    return `${held} ${earlier} of the 10 networks.`;
  }

  function friends() {
    if (m.friend === null || m.friend === undefined) return "";
    const apart = mark - m.friend;
    if (!apart) return " Your friend switched at the very same step.";
    const steps = Math.abs(apart) === 1 ? "1 step" : `${Math.abs(apart)} steps`;
    return ` Your friend switched ${steps} ${apart > 0 ? "before" : "after"} you.`;
  }

  function votes(i) {
    const read = (digit) => m.choices.filter((judge) => judge[i] === digit).length;
    const [first, second] = [read(m.digit), read(m.target)];
    const other = 10 - first - second;
    const rest = other ? ` and ${other} ${other === 1 ? "sees" : "see"} something else` : "";
    return `Here ${first} ${first === 1 ? "says" : "say"} ${m.digit}${rest ? "," : " and"} ${second} ${second === 1 ? "says" : "say"} ${m.target}${rest}.`;
  }

  function render() {
    const i = step();
    const open = mark !== null;
    paint(big, frames(i)).setAttribute("aria-label", `Step ${i + 1}: between ${m.digit} and ${m.target}. Nobody wrote this one.`);
    const order = moments.map((moment, j) => [moment, j]).sort(([a], [b]) => a - b);
    cards.replaceChildren(
      ...order.map(([, j]) => {
        const digit = m.choices[j][i];
        const kind = !open ? "closed" : digit === m.digit ? "digit" : digit === m.target ? "target" : "other";
        return make("li", { class: kind }, open ? `${digit}` : "?");
      }),
    );
    const agreed = open ? `, ${m.choices.filter((judge) => judge[i] === m.target).length} of 10 say ${m.target}` : "";
    slider.setAttribute("aria-valuetext", `step ${i + 1} of ${last() + 1}${agreed}`);
    const waiting = m.friend === null || m.friend === undefined ? "" : "A friend has marked their moment. Set yours to see it.";
    const here = Math.min(mark, last()) === i ? comparison() + friends() : votes(i);
    const text = open ? here : waiting || "Ten networks have each picked their moment. Mark yours to see theirs.";
    if (says.textContent !== text) says.textContent = text;
    const atEnd = i === last() ? `It stayed ${withArticle(m.digit)}` : `It’s ${withArticle(m.target)} now`;
    decide.textContent = open ? "Challenge a friend" : atEnd;
    decide.disabled = !open && i === 0;
    hardest.hidden = !open;
    marks.replaceChildren(...(open ? [...moments.map((moment) => tick(moment, "tick")), tick(mark, "you", "▲ you")] : []));
  }

  function tick(at, kind, text = "") {
    const node = make("i", { class: kind }, text);
    node.style.left = `${(100 * Math.min(at, last())) / last()}%`;
    return node;
  }

  // Dragging the digit is dragging the slider: its width is the whole way.
  let from = null;
  big.addEventListener("pointerdown", (event) => {
    from = { x: event.clientX, step: step() };
    big.setPointerCapture(event.pointerId);
  });
  big.addEventListener("pointermove", (event) => {
    if (from) move(Math.round(from.step + (last() * (event.clientX - from.x)) / (0.9 * big.clientWidth)));
  });
  for (const stop of ["pointerup", "pointercancel"]) big.addEventListener(stop, () => (from = null));
  slider.addEventListener("input", render);

  function show(muddle) {
    const same = m?.query === muddle.query;
    m = muddle;
    if (same) return render();
    const all = bytes(m.pixels);
    const image = (i) => all.subarray(i * SIZE * SIZE, (i + 1) * SIZE * SIZE);
    const first = all.length / (SIZE * SIZE) - m.choices[0].length; // of the morph's
    frames = (i) => image(first + i);
    mark = null;
    forget(others);
    moments = m.choices.map((choices) => {
      let moment = choices.length;
      while (moment > 0 && choices[moment - 1] === m.target) moment -= 1;
      return moment;
    });
    question.replaceChildren("When does this ", make("b", { class: "digit" }, `${m.digit}`), " become ", withArticle(m.target).slice(0, -1), make("b", { class: "target" }, `${m.target}`), "?");
    document.title = `${question.textContent} · MNIST Muddle`;
    slider.max = last();
    slider.value = 0;
    slider.setAttribute("aria-label", `From the ${m.digit} to the ${m.target}`);
    ends[0].show(image(0), m.digit, m.target);
    ends[1].show(image(2), m.target, m.digit);
    decide.dataset.text = "Challenge a friend"; // to which copyText returns
    render();
    setTimeout(fetchNext, 100); // once the digit is seen
  }

  return { node, show, say };
}
