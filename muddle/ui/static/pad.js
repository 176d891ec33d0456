// The drawing pad. At the end of every stroke the server scales and centres the drawing; its answer, 28 x 28 grey levels
// in base64, is what is muddled, at one tap on a target. Photos are decoded here, and sent small.
const INK = 20;
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
let version = 0; // of the drawing: an answer about an older one is dropped
let pointer = null; // that draws; a second finger does not

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
    const send = (target) => trigger("select", { drawing: { image: props.value, digit, target } });
    const others = order.filter((d) => d !== digit).map((d) => pick(d, () => send(d)));
    choices.replaceChildren(...others, button(`not ${withArticle(digit)}`, () => offer(null, order), { class: "not" }));
  }
  choices.hidden = false;
}

function show(pixels) {
  seen.hidden = !pixels;
  const known = pixels ? bytes(pixels) : new Uint8Array(SIZE * SIZE);
  paint(seen, known).setAttribute("aria-label", pixels ? "Your digit, 28 by 28 pixels" : "Nothing yet");
}

// The drawing has changed, and nobody has prepared it yet.
function outdate() {
  props.value = "";
  choices.hidden = true;
  return ++version;
}

// What the server makes of a canvas; `given` are the pixels of a drawing that has been prepared before.
async function prepare(canvas, given = "") {
  const current = outdate();
  const answer = await askServer(server.look(canvas.toDataURL("image/png")), "Your drawing is still here: try again.");
  if (current !== version) return; // a later stroke was faster
  props.value = given || answer.pixels || "";
  show(props.value);
  if (answer.error) say(answer.error, true);
  else offer(answer.share > 0.8 ? answer.order[0] : null, answer.order);
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

// A digit that has been prepared before: that of a link, or an example.
function take(pixels) {
  strokes = [];
  photo = make("canvas", { width: SIZE, height: SIZE });
  paint(photo, bytes(pixels));
  context.imageSmoothingEnabled = false;
  redraw();
  return prepare(photo, pixels);
}

function showLinked() {
  if (props.value && !strokes.length && !photo) take(props.value);
}

view.querySelector(".example").addEventListener("click", async () => {
  const answer = await askServer(server.example({}), "Try again.");
  if (answer.error) return say(answer.error, true);
  take(answer.pixels);
});

redraw();
show("");
showLinked();
watch("value", showLinked);
