(...values) => {
  // As busy.js, and the result will be brought into view.
  const result = document.querySelector("#result .result");
  result?.setAttribute("aria-busy", "true");
  if (result) result.dataset.asked ??= document.querySelector("#by-digit-button[aria-selected=true], #by-drawing-button[aria-selected=true]") ? "button" : "cell";
  return values;
}
