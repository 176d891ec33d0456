// Decodes the atlas: what is under the pointer at once, and tiles when there is nothing else to do. It runs in a worker, or
// in the page where there is none. post: takes its answers. slice: milliseconds of tiles at a time.
import { mean, networks } from "./nets.js";

export function explorer(post, slice) {
  let nets = null;
  let places = []; // of the exemplars: x and y
  let coast = 0; // how far from the nearest of them there is still land
  let tiles = []; // to be decoded, the first next
  let working = false;

  function onLand(x, y) {
    for (let i = 0; i < places.length; i += 2) {
      const [dx, dy] = [places[i] - x, places[i + 1] - y];
      if (dx * dx + dy * dy < coast * coast) return true;
    }
    return false;
  }

  // What lies at a place: pixels, the teachers' first choices, the two likeliest digits and the second's share.
  function look(x, y) {
    if (!onLand(x, y)) return { sea: true };
    const code = nets.codeAt([x, y]);
    const teachers = nets.opinions(code);
    const shares = mean(teachers);
    const [first, second] = [...shares.keys()].sort((a, b) => shares[b] - shares[a]);
    const choices = teachers.map((one) => one.indexOf(Math.max(...one)));
    return { pixels: nets.decode(code), choices, first, second, doubt: shares[second] };
  }

  function work() {
    const until = performance.now() + slice;
    while (tiles.length && performance.now() < until) {
      const { key, x, y } = tiles.shift();
      post({ kind: "tile", key, last: !tiles.length, ...look(x, y) });
    }
    working = tiles.length > 0;
    if (working) setTimeout(work);
  }

  return async (asked) => {
    if (asked.kind === "load") {
      ({ places, coast } = asked);
      const answer = await fetch(asked.address).catch(() => null);
      if (!answer?.ok) return post({ kind: "failed" });
      nets = networks(await answer.arrayBuffer());
      post({ kind: "ready" });
    } else if (asked.kind === "point") {
      post({ ...asked, ...look(asked.x, asked.y) });
    } else if (asked.kind === "tiles") {
      tiles = asked.tiles; // instead of those that are no longer wanted
      if (!working && tiles.length) {
        working = true;
        setTimeout(work);
      }
    }
  };
}
