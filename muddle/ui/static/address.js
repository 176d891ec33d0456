// The address bar: recipe and tab are in it, and each is a step of the browser's history.
export const KEYS = __KEYS__;
export const TABS = ["muddle", "draw", "guess", "pairs", "about"]; // the address leaves out the first
export const MARK = "mine"; // the key of a friend's mark

export const linkOf = (search) => new URLSearchParams(search);
export const queryOf = (fields) => `?${new URLSearchParams(Object.entries(fields).filter(([, value]) => value !== null))}`;

// The fields of a link that belong to a recipe.
export const recipeOf = (search) => Object.fromEntries([...linkOf(search)].filter(([key]) => KEYS.includes(key)));

// The tab that a link names; a drawing's is where one draws.
export function tabOf(search) {
  const name = linkOf(search).get("tab");
  if (TABS.includes(name)) return name;
  return linkOf(search).has("image") ? "draw" : TABS[0];
}

// Show what there is in the address bar. Parameters of others stay; the page around a Space is told too.
export function showInAddressBar(query, tab, change) {
  const address = new URL(location.href);
  const stale = [...KEYS, "tab", ...(change === "replaceState" ? [] : [MARK])];
  for (const key of stale) address.searchParams.delete(key);
  for (const [key, value] of linkOf(query)) address.searchParams.set(key, value);
  if (tab !== tabOf(address.search)) address.searchParams.set("tab", tab);
  if (address.href === location.href) return;
  history[change](null, "", address);
  const { search } = address;
  if (window.parent !== window) window.parent.postMessage({ queryString: search.slice(1) }, "https://huggingface.co");
}

// Open a tab as a click on it does.
export const openTab = (name) => document.getElementById(`tab-${name}-button`)?.click();
