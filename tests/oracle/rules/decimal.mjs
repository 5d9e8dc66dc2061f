// Decimals whose digits count: https://hl7.org/fhir/R4/search.html#number

/** `{ digits: BigInt, scale }`: digits × 10^-scale. */
export function decimal(text) {
  const match = /^([+-]?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(text);
  if (!match) return undefined;
  const [, sign, whole, fraction = "", exponent = "0"] = match;
  const digits = BigInt(whole + fraction) * (sign === "-" ? -1n : 1n);
  return { digits, scale: fraction.length - Number(exponent) };
}

/** Both with the same scale. */
function level(a, b) {
  const scale = Math.max(a.scale, b.scale);
  const at = (one) => one.digits * 10n ** BigInt(scale - one.scale);
  return [at(a), at(b), scale];
}

export function compare(a, b) {
  const [left, right] = level(a, b);
  return left < right ? -1 : left > right ? 1 : 0;
}

export function add(a, b) {
  const [left, right, scale] = level(a, b);
  return { digits: left + right, scale };
}

export const negate = (a) => ({ ...a, digits: -a.digits });
export const times = (a, b) => ({ digits: a.digits * b.digits, scale: a.scale + b.scale });
/** Half a unit of the last digit. */
export const half = (a) => ({ digits: 5n, scale: a.scale + 1 });
const magnitude = (a) => (a.digits < 0n ? negate(a) : a);

const PREFIX = /^(eq|ne|gt|lt|ge|le|sa|eb|ap)/;

export function prefixed(text) {
  const prefix = PREFIX.exec(text)?.[0];
  return prefix ? [prefix, text.slice(2)] : ["eq", text];
}

/** Whether a number answers; `undefined` where the specification leaves it to the server. */
export function number(found, prefix, wanted, unit = half(wanted)) {
  const inside = () => compare(found, add(wanted, negate(unit))) >= 0 && compare(found, add(wanted, unit)) < 0;
  switch (prefix) {
    case "eq":
      return inside();
    case "ne":
      return !inside();
    case "gt":
    case "sa":
      return compare(found, wanted) > 0;
    case "lt":
    case "eb":
      return compare(found, wanted) < 0;
    case "ge":
      return compare(found, wanted) >= 0;
    case "le":
      return compare(found, wanted) <= 0;
    default: {
      // A tenth is recommended; how the edges are rounded is not said.
      const distance = magnitude(add(found, negate(wanted)));
      const near = times(magnitude(wanted), { digits: 9n, scale: 2 });
      const far = add(add(times(magnitude(wanted), { digits: 11n, scale: 2 }), unit), unit);
      return compare(distance, near) <= 0 ? true : compare(distance, far) > 0 ? false : undefined;
    }
  }
}
