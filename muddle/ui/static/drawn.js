async (...values) => {
  // As go.js, once the pad knows what the network sees in what has just been drawn.
  const pad = document.querySelector("#pad .draw");
  await pad?.pending;
  const result = document.querySelector("#result .result");
  result?.setAttribute("aria-busy", "true");
  if (result) result.dataset.asked = "button";
  return [pad?.pixels ?? values[0], ...values.slice(1)];
}
