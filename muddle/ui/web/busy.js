(...values) => {
  // While a new result is on its way the old one is shown paler.
  document.querySelector("#result .result")?.setAttribute("aria-busy", "true");
  return values;
}
