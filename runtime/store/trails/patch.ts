/** From one state document to another, for machines: RFC 6902 on the documents as objects of ids and inline JSON. */
import jsonPatch, { type Operation } from 'fast-json-patch';
import type { StateDocument } from '../../../resources/state-format/state.ts';

type Document = Pick<StateDocument, 'entries'>;
export type Patch = readonly Operation[];

export const patchOf = (before: Document, after: Document): Patch => jsonPatch.compare(plain(before), plain(after));

/** Without a prototype: keys are chosen by people. */
const plain = ({ entries }: Document): object => {
  const value: Record<string, unknown> = Object.create(null);
  for (const [key, entry] of entries) value[key] = entry.type === 'object' ? entry.id : entry.value;
  return value;
};
