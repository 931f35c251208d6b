/** Names of revisions as clients write them: `web` is `locals/web`, `7` and `current` are not. */
import { distinctName } from '../sources/directory/revision-placement.ts';
import { isRevision, localRevision } from '../store/trails/revision.ts';
import type { StatesPort } from './push-port.ts';

type Parameters = Readonly<Record<string, string>>;

/** Of what names may have in them, this alone is encoded by some clients. */
const plain = (name: string): string => name.replace(/%2B/gi, '+');

const ofHub = (name: string): boolean => /^\d+$/.test(name) && isRevision(name);

/** The revision that a path means; undefined: there can be none. */
export const revisionIn = ({ revision, local }: Parameters, { running }: Pick<StatesPort, 'running'>) => {
  if (revision === 'current') return usable(running());
  const name = plain(revision ?? local ?? '');
  return usable(revision !== undefined && ofHub(name) ? name : localRevision(name));
};

const usable = (revision: string | undefined): string | undefined =>
  revision !== undefined && isRevision(revision) ? revision : undefined;

/** The local revision that a path or a parameter names; undefined: it cannot be one. */
export const localRevisionIn = (name: string): string | undefined => {
  const bare = plain(name).replace(/^locals\//, '');
  return ofHub(bare) || bare === 'current' ? undefined : usable(localRevision(bare));
};

/** A name for content that began as another revision. */
export const derivedName = (revision: string, hash: string): string => {
  const base = revision.replace(/^locals\//, '').replace(/-[0-9a-f]{8}$/, '');
  return localRevision(distinctName(ofHub(base) ? `rev-${base}` : base, hash));
};
