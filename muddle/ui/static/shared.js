// Shared by all our components: elements, digits on canvases, numbers in words, addresses, answers of the server.
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

// A digit on a canvas. Without a description it is decoration: the text around it says what it is.
function picture(pixels, description) {
  const how = description ? { role: "img", "aria-label": description } : { "aria-hidden": "true" };
  return paint(make("canvas", { width: SIZE, height: SIZE, class: "digit-image", ...how }), pixels);
}

// The address of a PNG of a canvas, `side` pixels wide, with hard pixels.
function enlargedUrl(canvas, side) {
  const large = make("canvas", { width: side, height: side });
  const context = large.getContext("2d");
  context.imageSmoothingEnabled = false;
  context.drawImage(canvas, 0, 0, side, side);
  return large.toDataURL("image/png");
}

// "a 4", "an 8", with a space at which no line breaks.
const withArticle = (digit) => `${+digit === 8 ? "an" : "a"}\u00a0${digit}`;

// Show a muddle of the table or of a riddle in the Muddle tab: these are balanced and even, whatever is set there.
const openMuddle = (recipe) => trigger("select", { recipe: { ...recipe, strategy: "balanced", balance: 0.5 } });

// The address of the folder that serves this page, with a slash at its end.
const home = () => location.origin + location.pathname.replace(/[^/]*$/, "");

// A server function's answer; if none comes, an object with the error in a sentence, which ends in the advice.
async function askServer(promise, advice) {
  const answer = await promise.catch(() => null);
  return answer && typeof answer === "object" && !(answer instanceof Error) ? answer : { error: `The server did not answer. ${advice}` };
}

// Copy a text and say so on the button; if the browser forbids it, show the text to be copied by hand.
async function copyText(text, button) {
  button.dataset.text ??= button.textContent;
  try {
    await navigator.clipboard.writeText(text);
    button.textContent = "Copied";
    setTimeout(() => (button.textContent = button.dataset.text), 2000);
  } catch {
    let field = button.parentNode.querySelector("textarea");
    if (!field) {
      field = make("textarea", { readonly: "", rows: 4, "aria-label": "To be copied" });
      button.after(field);
    }
    field.value = text;
    field.select();
  }
}
