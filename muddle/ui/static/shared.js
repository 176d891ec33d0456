// Shared by all our components: elements, digits on canvases, numbers in words, addresses, answers of the server.
export const SIZE = 28;

export function make(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  node.append(...children);
  return node;
}

export function button(text, action, attributes = {}) {
  const node = make("button", { type: "button", ...attributes }, text);
  node.addEventListener("click", action);
  return node;
}

export const bytes = (base64) => Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
export const percent = (whole) => `${whole}\u00a0%`;

// Shares that sum to 1 as whole percents that sum to 100: those with the largest remainders are rounded up.
export function wholePercents(shares) {
  const percents = shares.map((share) => Math.floor(100 * share));
  const rest = (i) => 100 * shares[i] - percents[i];
  const missing = 100 - percents.reduce((sum, part) => sum + part, 0);
  const byRest = [...shares.keys()].sort((i, j) => rest(j) - rest(i));
  for (const i of byRest.slice(0, missing)) percents[i] += 1;
  return percents;
}

export function paint(canvas, pixels) {
  const context = canvas.getContext("2d");
  const image = context.createImageData(SIZE, SIZE);
  pixels.forEach((grey, i) => image.data.set([grey, grey, grey, 255], 4 * i));
  context.putImageData(image, 0, 0);
  return canvas;
}

// A digit on a canvas. Without a description it is decoration: the text around it says what it is.
export function picture(pixels, description) {
  const how = description ? { role: "img", "aria-label": description } : { "aria-hidden": "true" };
  return paint(make("canvas", { width: SIZE, height: SIZE, class: "digit-image", ...how }), pixels);
}

// The address of a PNG of a canvas, `side` pixels wide, with hard pixels.
export function enlargedUrl(canvas, side) {
  const large = make("canvas", { width: side, height: side });
  const context = large.getContext("2d");
  context.imageSmoothingEnabled = false;
  context.drawImage(canvas, 0, 0, side, side);
  return large.toDataURL("image/png");
}

// "a 4", "an 8", with a space at which no line breaks.
export const withArticle = (digit) => `${+digit === 8 ? "an" : "a"}\u00a0${digit}`;

// What one of our components tells the others.
export const announce = (name, detail) => document.dispatchEvent(new CustomEvent(`muddle:${name}`, { detail }));
export const listen = (name, action) => document.addEventListener(`muddle:${name}`, (event) => action(event.detail));

export const pause = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));

// The element of a selector, once there is one.
export function appeared(selector) {
  const find = () => document.querySelector(selector);
  return new Promise((done) => {
    const observer = new MutationObserver(() => find() && (observer.disconnect(), done(find())));
    if (find()) done(find());
    else observer.observe(document, { subtree: true, childList: true });
  });
}

// Do something once an element is on the screen, or as near to it as the margin says.
export function whenSeen(element, action, rootMargin = "0px") {
  const observer = new IntersectionObserver((entries) => {
    if (!entries.some((entry) => entry.isIntersecting)) return; // of several changes at once the last may be another
    observer.disconnect();
    action();
  }, { rootMargin });
  observer.observe(element);
}

// The address of the folder that serves this page, with a slash at its end.
export const home = () => location.origin + location.pathname.replace(/[^/]*$/, "");

// The server's answer to our page, or an object with its error in a sentence, a code, and the seconds to wait if it is busy.
export async function read(answer) {
  try {
    const response = await answer;
    const content = await response.json();
    const wait = +response.headers.get("Retry-After");
    return response.ok ? content : { error: content.error, code: content.title, wait };
  } catch {
    return { error: "The server is not answering.", code: "offline" };
  }
}

export const ask = (path, options) => read(fetch(`${home()}page/${path}`, options));

// Copy a text and say so on the button; if the browser forbids it, show the text to be copied by hand.
export async function copyText(text, button) {
  button.dataset.text ??= button.textContent;
  try {
    await navigator.clipboard.writeText(text);
    button.textContent = "Copied";
    setTimeout(() => {
      if (button.textContent === "Copied") button.textContent = button.dataset.text; // else it has another meaning by now
    }, 2000);
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

// Short enough to be read out.
export const randomSeed = () => Math.floor(Math.random() * 1e6);
