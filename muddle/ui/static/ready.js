() => {
  // An error has been told in a sentence; the old result still stands.
  const view = document.querySelector("#result .result");
  if (!view) return;
  view.removeAttribute("aria-busy");
  delete view.dataset.asked;
  const waiting = view.querySelector(".waiting");
  if (waiting) waiting.textContent = "The first muddle did not come. Choose a digit to try again.";
}
