// The drawing pad. While one draws the server scales and centres the drawing, and reads it; its answer, an image as links
// have it, is what is muddled, at one tap on a target. Photos are decoded here, and sent small.
import { SIZE, announce, ask, button, bytes, listen, make, paint, withArticle } from "./shared.js";

export function start(element) {
  const INK = 20;
  const SURE = 0.8; // the judges' mean probability above which they are not asked for
  const LONGEST = 640; // pixels of the longer side of a photo that is sent
  const view = element.querySelector(".draw");
  const pad = view.querySelector(".pad");
  const seen = view.querySelector(".seen");
  const reading = view.querySelector(".reading");
  const choices = view.querySelector(".choices");
  const context = pad.getContext("2d", { willReadFrequently: true });
  const nothing = reading.textContent;
  let strokes = [];
  let photo = null;
  let image = null; // the drawing as links have it
  let version = 0; // of the drawing: an answer about an older one is dropped
  let pointer = null; // that draws; a second finger does not
  let following = false; // the pen, with questions to the server

  function redraw() {
    context.fillStyle = "#000";
    context.fillRect(0, 0, pad.width, pad.height);
    if (photo) {
      const scale = Math.min(pad.width / photo.width, pad.height / photo.height);
      const [width, height] = [photo.width * scale, photo.height * scale];
      context.drawImage(photo, (pad.width - width) / 2, (pad.height - height) / 2, width, height);
    }
    const empty = !photo && !strokes.length;
    view.querySelector(".invitation").hidden = !empty;
    for (const name of [".undo", ".clear"]) view.querySelector(name).disabled = empty;
    context.strokeStyle = "#fff";
    context.lineWidth = INK;
    context.lineCap = context.lineJoin = "round";
    for (const stroke of strokes) {
      context.beginPath();
      context.moveTo(...stroke[0]);
      for (const point of stroke) context.lineTo(...point);
      if (stroke.length === 1) context.lineTo(stroke[0][0] + 0.1, stroke[0][1]); // a tap is a dot
      context.stroke();
    }
  }

  function say(text, wrong = false) {
    reading.textContent = text;
    reading.classList.toggle("wrong", wrong);
  }

  // Which digit it is, unless the networks are sure, and what to blend it with: the likeliest first.
  function offer(digit, order) {
    const pick = (d, action) => button(`${d}`, action, { "aria-label": `${d}` });
    if (digit === null) {
      say("Hm. Which digit is it?");
      choices.replaceChildren(...[...order].sort().map((d) => pick(d, () => offer(d, order))));
    } else {
      say(`The networks read ${withArticle(digit)}. Blend it with`);
      const options = { to: "draw", scroll: true, say: (text) => say(text, true) };
      const blend = (target) => announce("open", { recipe: { image, digit, target, source: null }, ...options });
      const others = order.filter((d) => d !== digit).map((d) => pick(d, () => blend(d)));
      choices.replaceChildren(...others, button(`not ${withArticle(digit)}`, () => offer(null, order), { class: "not" }));
    }
    choices.hidden = false;
  }

  function show(pixels) {
    seen.hidden = !pixels;
    const known = pixels ? bytes(pixels) : new Uint8Array(SIZE * SIZE);
    paint(seen, known).setAttribute("aria-label", pixels ? "Your digit, 28 by 28 pixels" : "Nothing yet");
  }

  // The drawing has changed, and nobody has read it yet.
  function outdate() {
    image = null;
    choices.hidden = true;
    return ++version;
  }

  const send = (canvas) => ask("reading", { method: "POST", body: JSON.stringify(canvas.toDataURL("image/png")) });

  // What the server makes of a canvas. known: the image of a drawing that has been read before.
  async function prepare(canvas, known = null) {
    const current = outdate();
    const answer = await send(canvas);
    if (current !== version) return; // a later stroke was faster
    if (answer.error) {
      show("");
      return say(`${answer.error} Your drawing is still here.`, true);
    }
    image = known ?? answer.image;
    show(answer.pixels);
    offer(answer.share > SURE ? answer.order[0] : null, answer.order);
  }

  // What the networks read while the pen moves: one question at a time, so that a slow server is not asked more often.
  async function follow() {
    if (following) return;
    following = true;
    while (pointer !== null) {
      const current = version;
      const answer = await send(pad);
      if (answer.error) break; // the stroke's end asks again, and says what is wrong
      if (pointer === null || current !== version) continue;
      show(answer.pixels);
      say(answer.share > SURE ? `The networks read ${withArticle(answer.order[0])} so far.` : "Hm. Go on …");
    }
    following = false;
  }

  function clear() {
    outdate();
    pointer = null;
    strokes = [];
    photo = null;
    redraw();
    show("");
    say(nothing);
  }

  async function open(file) {
    if (!file) return;
    const current = outdate();
    try {
      const picture = await createImageBitmap(file);
      if (current !== version) return;
      const scale = Math.min(1, LONGEST / Math.max(picture.width, picture.height));
      const canvas = make("canvas", { width: Math.max(1, Math.round(picture.width * scale)) });
      canvas.height = Math.max(1, Math.round(picture.height * scale));
      const small = canvas.getContext("2d");
      small.imageSmoothingQuality = "high";
      small.drawImage(picture, 0, 0, canvas.width, canvas.height);
      picture.close();
      pointer = null;
      strokes = [];
      photo = canvas;
      redraw();
      await prepare(canvas);
    } catch {
      const name = file.name ? `“${file.name}”` : "This";
      say(`${name} is not a picture that this browser can open, or it is too large: choose a PNG, JPEG, WebP or GIF.`, true);
    }
  }

  const at = (event) => [(event.offsetX * pad.width) / pad.clientWidth, (event.offsetY * pad.height) / pad.clientHeight];
  pad.addEventListener("pointerdown", (event) => {
    if (event.button || pointer !== null) return;
    pointer = event.pointerId;
    outdate();
    pad.setPointerCapture(event.pointerId);
    if (photo) [photo, strokes] = [null, []];
    strokes.push([at(event)]);
    redraw();
    follow();
  });
  pad.addEventListener("pointermove", (event) => {
    if (event.pointerId !== pointer) return;
    const parts = event.getCoalescedEvents?.() ?? [];
    for (const part of parts.length ? parts : [event]) strokes.at(-1).push(at(part));
    redraw();
  });
  for (const end of ["pointerup", "pointercancel"])
    pad.addEventListener(end, (event) => {
      if (event.pointerId !== pointer) return;
      pointer = null;
      prepare(pad);
    });
  view.querySelector(".undo").addEventListener("click", () => {
    pointer = null;
    if (photo) return clear();
    strokes.pop();
    if (!strokes.length) return clear();
    redraw();
    prepare(pad);
  });
  view.querySelector(".clear").addEventListener("click", clear);
  const input = view.querySelector("input");
  input.addEventListener("change", () => {
    open(input.files[0]);
    input.value = "";
  });
  view.addEventListener("dragover", (event) => {
    event.preventDefault();
    view.classList.add("over");
  });
  view.addEventListener("dragleave", () => view.classList.remove("over"));
  view.addEventListener("drop", (event) => {
    event.preventDefault();
    view.classList.remove("over");
    open(event.dataTransfer.files[0]);
  });
  const paste = (event) => {
    if (!view.isConnected) return document.removeEventListener("paste", paste);
    if (!view.offsetParent) return; // another tab is shown
    const file = [...event.clipboardData.files][0];
    if (file) open(file);
    else if (!/^(INPUT|TEXTAREA)$/.test(event.target.tagName)) say("What was pasted is not a picture.", true);
  };
  document.addEventListener("paste", paste);

  // A digit of 28 x 28 pixels: an example, or with the image that links have of it that of a link.
  function take(pixels, known) {
    strokes = [];
    photo = paint(make("canvas", { width: SIZE, height: SIZE }), pixels);
    context.imageSmoothingEnabled = false;
    redraw();
    return prepare(photo, known);
  }

  view.querySelector(".example").addEventListener("click", async () => {
    const answer = await ask("example");
    if (answer.error) return say(answer.error, true);
    take(bytes(answer.pixels));
  });

  redraw();
  show("");
  listen("restored", (m) => {
    const linked = new URLSearchParams(m.query).get("image");
    if (linked && linked !== image && pointer === null) take(bytes(m.pixels).subarray(0, SIZE * SIZE), linked);
  });
  announce("hello");
}
