/** `locals/pvtx-<seconds since 1970>-<first 8 of the document's sha256>-<0..999>`, as pvtx has always named revisions. */
import { sha256 } from '../store/objects/hash.ts';

const HASH_DIGITS = 8;
const VARIANTS = 1000;

export const generatedName = (document: Uint8Array, now = new Date(), random = Math.random()): string => {
  const seconds = Math.floor(now.getTime() / 1000);
  return `locals/pvtx-${seconds}-${sha256(document).slice(0, HASH_DIGITS)}-${Math.floor(random * VARIANTS)}`;
};
