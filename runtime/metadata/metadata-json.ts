/** A map of metadata as one JSON object. Pure. */

/** Values that are JSON objects or arrays are part of the document as they are; anything else is text. */
const valueJson = (value: string): string => {
  if (!/^\s*[[{]/.test(value)) return JSON.stringify(value);
  try {
    JSON.parse(value);
    return value;
  } catch {
    return JSON.stringify(value); // it only began like JSON
  }
};

/** `{"k":v,…}` in the given order, without blanks of our own. Empty values are left out. */
export const metadataJson = (entries: readonly (readonly [key: string, value: string])[]): string =>
  `{${entries
    .filter(([, value]) => value !== '')
    .map(([key, value]) => `${JSON.stringify(key)}:${valueJson(value)}`)
    .join(',')}}`;
