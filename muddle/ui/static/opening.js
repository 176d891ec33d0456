// In the page's head: the muddle of the address is on its way long before gradio's scripts have come.
{
  const link = new URLSearchParams(location.search);
  const query = __KEYS__.some((key) => link.has(key)) ? location.search : __OPENING__;
  window.muddleOpening = fetch(`page/muddle${query}`);
  window.muddleOpening.catch(() => {}); // it is awaited later
}
