(result) => {
  // Keeps the address bar at the link of what is shown; the page around a Space is told too. An answer equal to what is
  // shown already draws nothing, so that it is no longer awaited is said here.
  const view = document.querySelector("#result .result");
  view?.removeAttribute("aria-busy");
  if (!result || !result.query) return;
  const here = new URL(location.href);
  for (const key of __KEYS__) here.searchParams.delete(key);
  for (const [key, value] of new URLSearchParams(result.query)) here.searchParams.set(key, value);
  history.replaceState(null, "", here);
  if (window.parent !== window) window.parent.postMessage({ queryString: result.query.slice(1) }, "https://huggingface.co");
}
