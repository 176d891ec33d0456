(...values) => {
  // While a new result is on its way the old one is shown paler.
  const result = document.querySelector("#result .result");
  result?.setAttribute("aria-busy", "true");
  delete result?.dataset.asked;
  return values;
}
