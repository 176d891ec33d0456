(...values) => {
  // As busy.js, and the result will be brought into view; from a tab of its own, the keyboard's place goes there too.
  const result = document.querySelector("#result .result");
  if (!result) return values;
  const beside = document.querySelector("#by-digit-button[aria-selected=true], #by-drawing-button[aria-selected=true]");
  result.setAttribute("aria-busy", "true");
  if (result.dataset.asked !== "map") result.dataset.asked = beside ? "button" : "cell";
  return values;
}
