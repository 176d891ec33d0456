() => {
  // What the page does around each of its events, beside the callback in Python. The one state: while an event is under
  // way the result view is `aria-busy`, and its `data-origin` names what was used: a "button", a "choice" of a radio, a
  // "cell" of another tab, or the "map". Once it is no longer busy, controls, address bar and result agree.
  const view = () => document.querySelector("#result .result");
  let underWay = 1; // the page opens with the event of its link
  let opening = true;
  let tab = "muddle"; // the first, which the address leaves out

  function begin(origin, values) {
    underWay += 1;
    view().dataset.origin = origin;
    view().setAttribute("aria-busy", "true");
    return values;
  }

  function succeed(result) {
    if (result.tab) tab = result.tab; // that the event opens, perhaps in a moment
    showInAddressBar(result.query);
    opening = false;
    const origin = end();
    if (origin === "button" || origin === "cell") scrollToResult(origin === "cell");
  }

  // The error has been shown in a sentence; the result from before stays.
  function fail() {
    const waiting = view().querySelector(".waiting");
    if (waiting) waiting.textContent = "The first muddle did not come. Choose a digit in the settings to try again.";
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

  // Show recipe and tab in the address bar, as a step of the browser's history if they differ from what is there.
  // Parameters of others stay; the page around a Space is told too.
  function showInAddressBar(query) {
    const address = new URL(location.href);
    for (const key of [...__KEYS__, "tab", ...(opening ? [] : ["mine"])]) address.searchParams.delete(key);
    for (const [key, value] of new URLSearchParams(query)) address.searchParams.set(key, value);
    if (tab !== "muddle") address.searchParams.set("tab", tab);
    if (address.href === location.href) return;
    if (opening) history.replaceState(null, "", address);
    else history.pushState(null, "", address);
    const { search } = address;
    if (window.parent !== window) window.parent.postMessage({ queryString: search.slice(1) }, "https://huggingface.co");
  }

  // A tab has been opened; while an event is under way, the address changes with its result.
  function openTab(name) {
    tab = name;
    if (!underWay) showInAddressBar(view().dataset.muddle ?? "");
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

  window.muddleEvents = { begin, succeed, fail, balanceFor, openTab };
}
