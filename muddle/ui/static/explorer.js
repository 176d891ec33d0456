// Decodes the atlas: what is under the pointer at once, and tiles when there is nothing else to do. It runs in a worker, or
// in the page where there is none. post: takes its answers. slice: milliseconds of tiles at a time.
import { mean, networks } from "./nets.js";

const [AROUND, STRIDE, DIVIDED] = [20, 0.03, 0.2]; // of the search for a border: steps, their width, each digit's share

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

  const look = (x, y) => (onLand(x, y) ? read(nets.codeAt([x, y])) : { sea: true });

  // The place on a border between two digits that is nearest to another, or that one itself.
  function border(x, y, pair) {
    let [place, least] = [{ x, y }, Infinity];
    for (let i = -AROUND; i <= AROUND; i++) {
      for (let j = -AROUND; j <= AROUND; j++) {
        const [u, v] = [x + i * STRIDE, y + j * STRIDE];
        const distance = i * i + j * j;
        if (distance >= least || !onLand(u, v)) continue;
        const shares = mean(nets.opinions(nets.codeAt([u, v])));
        if (pair.every((digit) => shares[digit] > DIVIDED)) [place, least] = [{ x: u, y: v }, distance];
      }
    }
    return place;
  }

  // What a code is: pixels, the teachers' first choices, the two likeliest digits and the second's share.
  function read(code) {
    const teachers = nets.opinions(code);
    const shares = mean(teachers);
    const [first, second] = [...shares.keys()].sort((a, b) => shares[b] - shares[a]);
    const choices = teachers.map((one) => one.indexOf(Math.max(...one)));
    return { code: [...code], pixels: nets.decode(code), choices, first, second, doubt: shares[second] };
  }

  function work() {
    const until = performance.now() + slice;
    while (tiles.length && performance.now() < until) {
      const tile = tiles.shift();
      post({ kind: "tile", ...tile, last: !tiles.length, ...look(tile.x, tile.y) });
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
    } else if (asked.kind === "code") {
      const [x, y] = nets.project(asked.code);
      post({ ...asked, x, y, ...read(asked.code) });
    } else if (asked.kind === "border") {
      const { x, y } = border(asked.x, asked.y, asked.pair);
      post({ kind: "border", x, y, ...look(x, y) });
    } else if (asked.kind === "strips") {
      const walk = (axis) => asked.walk.map((value) => nets.decode(asked.code.with(axis, value)));
      post({ kind: "strips", strips: asked.code.map((_, axis) => walk(axis)) });
    } else if (asked.kind === "tiles") {
      tiles = asked.tiles; // instead of those that are no longer wanted
      if (!working && tiles.length) {
        working = true;
        setTimeout(work);
      }
    }
  };
}
