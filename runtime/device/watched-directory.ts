/** The watched directory as a source: drops become proposals, and every drop is told what becomes of it. */
import type { Subscription } from 'rxjs';
import type { Paths } from '../../resources/paths.ts';
import type { Host } from '../host/host.ts';
import type { Judgement } from '../sources/directory/examine-drop.ts';
import { type Incoming, incoming, type Proposal } from '../sources/directory/incoming.ts';
import type { Source } from '../sources/source.ts';
import type { Reading } from '../threads/state-reader.ts';
import type { Device } from './device.ts';
import { reportOf } from './progress-report.ts';

export interface WatchedDirectoryOptions {
  readonly device: Pick<Device, 'store' | 'revisions'>;
  readonly host: Host;
  readonly paths: Paths;
  readonly onProblem: (subject: string, message: string) => void;
  readonly onBug: (error: unknown) => void;
}

const NAME = 'watched directory';

export const watchedDirectory = ({ device, host, paths, onProblem, onBug }: WatchedDirectoryOptions): Source => {
  const { store, revisions } = device;
  const directory = paths.watch.slice(paths.watch.lastIndexOf('/') + 1);
  let drops: Incoming | undefined;
  let proposals: Subscription | undefined;
  return {
    name: NAME,
    start: ({ propose, follow }) => {
      drops = incoming({
        files: host.files,
        clock: host.clock,
        store,
        directory: paths.watch,
        read: async (bytes) => judgementOf(await revisions.read(bytes, 'locals/incoming')),
        onPlaced: follow,
        onProblem,
      });
      const next = ({ file, ...spec }: Proposal): void => void propose(spec, `${directory}/${file}`);
      proposals = drops.proposals.subscribe({ next, error: onBug });
    },
    told: ({ revision }, outcome) => {
      // Among its own drops it decides by their order, and has told so already.
      if (outcome.is === 'superseded' && outcome.by.source === NAME) return;
      const report = reportOf(outcome);
      if (report !== undefined) drops?.report(revision, report).catch(onBug);
    },
    stop: () => proposals?.unsubscribe(),
  };
};

const judgementOf = (read: Reading): Judgement =>
  read.ok ? { ok: true, hash: read.state.hash, objects: read.state.objects } : read;
