() => {
  // What the page does around each of its events, beside the callback in Python. The one state: while an event is under
  // way the result view is `aria-busy`, and its `data-origin` names what was used: a "button", a "choice" of a radio, a
  // "cell" of another tab, or the "map". Once it is no longer busy, controls, address bar and result agree.
  const view = () => document.querySelector("#result .result");
  let underWay = 1; // the page opens with the event of its link

  function begin(origin, values) {
    underWay += 1;
    view().dataset.origin = origin;
    view().setAttribute("aria-busy", "true");
    return values;
  }

  // As begin; the pad's value is what the network sees in the last stroke, which may not have been prepared yet.
  async function beginWithDrawing([drawing, ...values]) {
    begin("button");
    const pad = document.querySelector("#pad .draw");
    await pad.preparing;
    return [pad.pixels ?? drawing, ...values];
  }

  function succeed(result) {
    showInAddressBar(result.query);
    const origin = end();
    if (origin === "button" || origin === "cell") scrollToResult(origin === "cell");
  }

  // The error has been shown in a sentence; the result from before stays.
  function fail() {
    const waiting = view().querySelector(".waiting");
    if (waiting) waiting.textContent = "The first muddle did not come. Choose a digit to try again.";
    end();
  }

  // The origin of the last event, if no other is under way.
  function end() {
    underWay -= 1;
    if (underWay) return undefined;
    const { origin } = view().dataset;
    delete view().dataset.origin;
    view().removeAttribute("aria-busy");
    return origin;
  }

  // Parameters of others stay; the page around a Space is told too.
  function showInAddressBar(query) {
    const address = new URL(location.href);
    for (const key of __KEYS__) address.searchParams.delete(key);
    for (const [key, value] of new URLSearchParams(query)) address.searchParams.set(key, value);
    history.replaceState(null, "", address);
    if (window.parent !== window) window.parent.postMessage({ queryString: query.slice(1) }, "https://huggingface.co");
  }

  async function scrollToResult(withFocus) {
    for (let i = 0; i < 30 && !view().offsetParent; i++) await new Promise(requestAnimationFrame); // its tab opens
    if (withFocus) view().focus({ preventScroll: true });
    const { top } = view().getBoundingClientRect();
    const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
    if (top < 0 || top > innerHeight * 0.5) view().scrollIntoView({ block: "start", behavior: calm ? "auto" : "smooth" });
  }

  // The balance belongs to one strategy; with another it is even, and cannot be moved.
  function balanceFor(strategy) {
    const free = strategy === "balanced";
    return { __type__: "update", interactive: free, ...(free ? {} : { value: 0.5 }) };
  }

  window.muddleEvents = { begin, beginWithDrawing, succeed, fail, balanceFor };
}
