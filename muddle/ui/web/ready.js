() => {
  // An error has been told in a sentence; the old result still stands.
  document.querySelector("#result .result")?.removeAttribute("aria-busy");
}
