/** Running a revision that is installed already, because an operator says so: `LOCAL_RUN`, `LOCAL_RUN_COMMIT`, `MAKE_FACTORY`. */
import { filter, firstValueFrom } from 'rxjs';
import { isUpdating } from '../../reconcilers/desired/arbitration.ts';
import { type Identity, UPDATE, type UpdateStatus } from '../../resources/kinds/update.ts';
import type { Paths } from '../../resources/paths.ts';
import { MESSAGE, progressOf } from '../../resources/progress.ts';
import type { Outcome, Requester } from '../../resources/proposal.ts';
import { resourceIn, type Snapshot } from '../../resources/snapshot.ts';
import { DeviceError, type Host } from '../host/host.ts';
import type { ProposalPort } from '../sources/source.ts';
import { Rejection } from '../store/rejection.ts';
import { usesOf } from '../store/space/objects-in-use.ts';
import { isRevision } from '../store/trails/revision.ts';
import type { Device } from './device.ts';
import type { Revision } from './revisions.ts';

export interface LocalRun {
  /**
   * Resolves when the device has taken it up. What failed before is tried again.
   * @param by whose wish it is; default: the operator's.
   * @throws Rejection when it cannot be run. @throws DeviceError
   */
  run(revision: string, byReboot: boolean, by?: Requester): Promise<void>;
  /**
   * Makes revision 0 what another revision is (`''`: the one that runs), and runs it.
   * @throws Rejection, before anything was changed. @throws DeviceError
   */
  makeFactory(revision: string): Promise<void>;
}

const OPERATOR: Requester = { source: 'control socket', from: 'the operator' };
const FACTORY = '0';
/** For the loop to notice a proposal; whatever keeps it from that keeps no command waiting. */
const NOTICE_LIMIT_MS = 5_000;

export interface LocalRunOptions {
  readonly device: Device;
  readonly host: Host;
  readonly paths: Paths;
  readonly onProblem: (subject: string, message: string) => void;
  readonly onBug: (error: unknown) => void;
}

export const localRun = ({ device, host, paths, onProblem, onBug }: LocalRunOptions): LocalRun => {
  const { loop, store, revisions } = device;

  /** The update tells what becomes of what it has begun with; of what was replaced before that nobody else would. */
  const told = ({ revision }: Identity, outcome: Outcome): void => {
    if (outcome.is !== 'superseded') return;
    store.setProgress(revision, progressOf('CANCELLED', MESSAGE.superseded)).catch((error: unknown) => {
      if (error instanceof DeviceError) onProblem(revision, error.message);
      else onBug(error);
    });
  };
  const ports: Readonly<Record<Requester['source'], ProposalPort>> = {
    'control socket': device.arbiter.portFor({ name: 'control socket', told }),
    push: device.arbiter.portFor({ name: 'push', told }),
  };

  const load = async (revision: string): Promise<Revision> => {
    if (!isRevision(revision) || (await store.hash(revision)) === undefined)
      throw new Rejection(`${MESSAGE.noState}: there is no revision ${JSON.stringify(revision)}`);
    try {
      return await revisions.load(revision);
    } catch (error) {
      if (error instanceof Rejection) await store.setProgress(revision, progressOf('WONTGO', MESSAGE.badState));
      throw error;
    }
  };

  const isNoticed = (snapshot: Snapshot): boolean => {
    const { spec, status } = resourceIn(snapshot, UPDATE);
    return isUpdating(spec, status);
  };

  const noticed = async (): Promise<void> => {
    const limit = Promise.withResolvers<void>();
    const cancel = host.clock.schedule(host.clock.nowMs() + NOTICE_LIMIT_MS, limit.resolve);
    await Promise.race([firstValueFrom(loop.snapshots.pipe(filter(isNoticed))), limit.promise]);
    cancel();
  };

  const run = async (revision: string, byReboot: boolean, by = OPERATOR): Promise<void> => {
    const { hash } = await load(revision);
    const { committed, lifeline } = committedOf(loop.latest());
    if (committed.revision === revision && committed.hash === hash) {
      if (!byReboot && lifeline !== undefined && lifeline.stage !== 'verifying')
        throw new Rejection(
          `${revision} is held back after a rollback: ${lifeline.reason}; run another revision, or reboot to try this one again`,
        );
      if (byReboot) await device.reboot(`to run ${revision} from its start`);
      return;
    }
    const document = await store.document(revision);
    // With it goes what is known of its failure: the operator asks for it again.
    if (document !== undefined) await store.propose(revision, document);
    const spec = { revision, hash, insisted: true as const, ...(byReboot ? { byReboot: true as const } : {}) };
    const outcome = ports[by.source].propose(spec, by.from);
    if (outcome.is === 'refused') throw new Rejection(outcome.reason);
    loop.look(UPDATE);
    await noticed();
  };

  /** What the factory revision has stored is not that of the new one; what something runs on must stay. */
  const wipe = async (): Promise<void> => {
    const uses = await usesOf(host, paths);
    for (const directory of [`${paths.storage}/disks/rev/${FACTORY}`, `${paths.logs}/${FACTORY}`])
      if (!uses(directory)) await host.files.remove(directory);
  };

  return {
    run,
    makeFactory: async (given) => {
      const { committed } = committedOf(loop.latest());
      const revision = given === '' ? committed.revision : given;
      const { hash } = await load(revision);
      const document = await store.document(revision);
      if (document === undefined) throw new Rejection(`there is no revision ${revision}`);
      const isFactory = (await store.hash(FACTORY)) === hash;
      // Rollback needs the committed revision as it is.
      if (committed.revision === FACTORY && !isFactory)
        throw new Rejection(
          `revision 0 is what the device runs: run ${revision} first, then make it the factory revision`,
        );
      if (!isFactory) await wipe();
      await store.propose(FACTORY, document);
      await run(FACTORY, false);
    },
  };
};

const committedOf = (snapshot: Snapshot): UpdateStatus => {
  const { status } = resourceIn(snapshot, UPDATE);
  if (status === undefined) throw new Rejection('the storage has not been read yet: try again');
  return status;
};
