// What every component of ours needs: elements, digits on canvases, numbers in words, addresses.
const SIZE = 28;

function make(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  node.append(...children);
  return node;
}

function button(text, action, attributes = {}) {
  const node = make("button", { type: "button", ...attributes }, text);
  node.addEventListener("click", action);
  return node;
}

const bytes = (base64) => Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
const percent = (p) => (100 * p).toFixed(p > 0.995 || p < 0.005 ? 0 : 1).replace(/\.0$/, "") + " %";

function paint(canvas, pixels) {
  const context = canvas.getContext("2d");
  const image = context.createImageData(SIZE, SIZE);
  pixels.forEach((grey, i) => image.data.set([grey, grey, grey, 255], 4 * i));
  context.putImageData(image, 0, 0);
  return canvas;
}

// A digit on a canvas; without a description it is decoration, and what stands around it says what it is.
function picture(pixels, description) {
  const how = description ? { role: "img", "aria-label": description } : { "aria-hidden": "true" };
  return paint(make("canvas", { width: SIZE, height: SIZE, class: "digit-image", ...how }), pixels);
}

function enlarged(canvas, side) {
  const large = make("canvas", { width: side, height: side });
  const context = large.getContext("2d");
  context.imageSmoothingEnabled = false;
  context.drawImage(canvas, 0, 0, side, side);
  return large.toDataURL("image/png");
}

// "a 4", "an 8": kept on one line.
const named = (digit) => `${+digit === 8 ? "an" : "a"}\u00a0${digit}`;

// Where this page is served, whatever stands in front of it: ends in a slash.
const base = () => location.origin + location.pathname.replace(/[^/]*$/, "");

// A server function's answer; where none comes, an object with the error in a sentence.
async function answered(promise, advice) {
  const answer = await promise.catch(() => null);
  return answer && typeof answer === "object" && !(answer instanceof Error) ? answer : { error: `The server did not answer. ${advice}` };
}

// Copies a text, and says so on the button; where that is not allowed, shows it to be copied by hand.
async function copied(text, node) {
  node.dataset.text ??= node.textContent;
  try {
    await navigator.clipboard.writeText(text);
    node.textContent = "Copied";
    setTimeout(() => (node.textContent = node.dataset.text), 2000);
  } catch {
    let field = node.parentNode.querySelector("textarea");
    if (!field) {
      field = make("textarea", { readonly: "", rows: 4, "aria-label": "To be copied" });
      node.after(field);
    }
    field.value = text;
    field.select();
  }
}
