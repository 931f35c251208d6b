/** Installed revisions as `GET /steps` shows them. */
import { type Paths, trailPath } from '../../resources/paths.ts';
import type { Step } from '../api/ports.ts';
import type { Files } from '../host/host.ts';
import type { Store } from '../store/store.ts';
import { isRevision } from '../store/trails/revision.ts';

/** Pantavisor shows no more of it. */
const COMMIT_MESSAGE_LIMIT = 512;

/** Names come from clients: what is no revision has no progress. */
export const progressText = async (store: Store, revision: string): Promise<string | undefined> => {
  const progress = isRevision(revision) ? await store.progress(revision) : undefined;
  return progress === undefined ? undefined : JSON.stringify(progress);
};

export const stepsOf = async (store: Store, files: Files, paths: Paths): Promise<readonly Step[]> => {
  const steps: Step[] = [];
  for (const name of await store.revisions()) {
    const trail = trailPath(paths, name);
    const stat = await files.stat(trail);
    const message = await files.stat(`${trail}/.pv/commitmsg`);
    const small = message !== undefined && message.sizeBytes <= COMMIT_MESSAGE_LIMIT;
    steps.push({
      name,
      date: new Date(stat?.modifiedMs ?? 0),
      commitMessage: small
        ? ((await files.read(`${trail}/.pv/commitmsg`, COMMIT_MESSAGE_LIMIT))?.toString() ?? '')
        : '',
      progress: await progressText(store, name),
    });
  }
  return steps;
};
