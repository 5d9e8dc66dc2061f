// BASE LOGIN PASSWORD and the flags of a suite, and dice that can be thrown again.

/** Flags have a default, whose type they take, and a sentence. */
export function parse(flags, argv = process.argv.slice(2)) {
  const options = Object.fromEntries(Object.entries(flags).map(([name, [value]]) => [name, value]));
  const positional = [];
  for (const argument of argv) {
    const flag = /^--([a-z-]+)(?:=(.*))?$/.exec(argument);
    if (!flag) positional.push(argument);
    else if (!(flag[1] in flags)) usage(flags);
    else {
      const value = flag[2] ?? "true";
      options[flag[1]] = typeof flags[flag[1]][0] === "number" ? Number(value) : value;
    }
  }
  if (positional.length !== 3) usage(flags);
  const [base, login, password] = positional;
  return { ...options, base: base.replace(/\/+$/, ""), login, password };
}

function usage(flags) {
  console.error("BASE LOGIN PASSWORD, and flags:");
  for (const [name, [value, text]] of Object.entries(flags)) console.error(`  --${name}=${value}  ${text}`);
  process.exit(2);
}

/** mulberry32: the same numbers for the same seed, on every machine. */
export function dice(seed) {
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
  const below = (limit) => Math.floor(next() * limit);
  return {
    next,
    below,
    chance: (part) => next() < part,
    one: (list) => list[below(list.length)],
    /** Up to `count` different items, in no order. */
    some(list, count) {
      const copy = [...list];
      const taken = [];
      while (taken.length < count && copy.length) taken.push(...copy.splice(below(copy.length), 1));
      return taken;
    },
  };
}
