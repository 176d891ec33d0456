// The explorer beside the page, which stays free for the visitor.
import { explorer } from "./explorer.js";

const explore = explorer(postMessage, 25);
onmessage = (event) => explore(event.data);
