// https://hl7.org/fhir/R4/search.html#uri

/** A URL is below another when it is the same or continues it after a slash. */
const below = (one, other) => one === other || one.startsWith(other.endsWith("/") ? other : `${other}/`);

export function uri(values, wanted, modifier) {
  return values.some(({ value }) => {
    if (modifier === "below") return below(value, wanted);
    if (modifier === "above") return below(wanted, value);
    return value === wanted;
  });
}
