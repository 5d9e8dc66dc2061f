// Codes that belong to another. Of ICD-10 the code says to which: A00.12 to A00.1, that to A00, and that to its block.

export const ICD10 = "http://hl7.org/fhir/sid/icd-10";

/** Whether a code of ICD-10 is another, or belongs to it. */
export function belongs(code, to) {
  const block = /^([A-Z]\d[0-9A-Z])-([A-Z]\d[0-9A-Z])$/.exec(to);
  if (block) return code.slice(0, 3) >= block[1] && code.slice(0, 3) <= block[2];
  return code === to || (code.startsWith(to) && (to.includes(".") || code[to.length] === "."));
}
