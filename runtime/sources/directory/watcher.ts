/** Looks at the watched directory again and again: what is new, what is whole, which drop wins. */
import { isFinal, MESSAGE, progressOf } from '../../../resources/progress.ts';
import { type RetryDelays, retryDelayMs } from '../../engine/retry-delay.ts';
import { DeviceError } from '../../host/host.ts';
import { Rejection } from '../../store/rejection.ts';
import { NoRoom } from '../../store/space/room.ts';
import { localNameProblem, localRevision } from '../../store/trails/revision.ts';
import { type Adopt, adoption, type Missing } from './adopt-objects.ts';
import { type Drop, findDrops, type Outcome } from './drop.ts';
import { statusFileOf } from './drop-name.ts';
import { recall } from './earlier-outcome.ts';
import { examine, type State } from './examine-drop.ts';
import type { IncomingOptions, Proposal } from './incoming.ts';
import { placementOf } from './revision-placement.ts';
import type { ProgressReport, StatusFiles } from './status-file.ts';

const SETTLE_MS = 500;
/** Of a drop that the device refuses to deal with. */
const DROP_DELAYS: RetryDelays = { firstMs: 5_000, factor: 2, longestMs: 300_000 };

export interface WatchingOptions extends IncomingOptions {
  readonly statusFiles: StatusFiles;
  readonly propose: (proposal: Proposal) => void;
}

export class Watching {
  readonly #options: WatchingOptions;
  readonly #adopt: Adopt;
  #drops: Map<string, Drop> = new Map();
  #isFirstLook = true;
  #sequence = 0;
  /** The newest drop that was whole: older ones come too late. */
  #winner = -1;
  #proposed: string | undefined;

  constructor(options: WatchingOptions) {
    this.#options = options;
    this.#adopt = adoption(options.files, options.store, `${options.directory}/objects`);
  }

  /** Writes what is known about a drop beside it. */
  async tell(drop: Drop, report: ProgressReport, problems?: readonly string[]): Promise<void> {
    const { progress, reason, waitingOn } = report;
    drop.isFinal = isFinal(progress);
    await this.#options.statusFiles.write(drop.name, {
      ...(drop.revision !== undefined && { revision: drop.revision }),
      status: progress.status,
      'status-msg': progress['status-msg'],
      progress: progress.progress,
      ...(reason !== undefined && { reason }),
      ...(waitingOn !== undefined && waitingOn.length > 0 && { waitingOn }),
      ...(problems !== undefined && { problems }),
      ...(drop.hash !== undefined && { hash: drop.hash }),
      ...(this.#options.store.identity !== undefined && { storage: this.#options.store.identity }),
      source: {
        file: drop.file,
        sizeBytes: drop.stat.sizeBytes,
        modifiedMs: drop.stat.modifiedMs,
        changedMs: drop.stat.changedMs,
      },
    });
  }

  async report(revision: string, report: ProgressReport): Promise<void> {
    for (const drop of this.#drops.values()) if (drop.revision === revision) await this.tell(drop, report);
  }

  /** @returns when to look again though nothing happened; undefined: no need. @throws DeviceError */
  async look(): Promise<number | undefined> {
    const { files, directory } = this.#options;
    const before = this.#drops;
    this.#drops = await findDrops(files, directory, before, () => this.#sequence++);
    for (const [file, drop] of before) if (this.#drops.get(file) !== drop) letGo(drop);
    if (this.#isFirstLook) for (const drop of this.#drops.values()) await this.#guarded(drop, () => this.#recall(drop));
    this.#isFirstLook = false;
    for (const drop of this.#drops.values()) await this.#guarded(drop, () => this.#open(drop));
    // Newest first: it makes the older ones superfluous.
    for (const drop of [...this.#drops.values()].sort((a, b) => b.sequence - a.sequence)) {
      const { phase } = drop;
      if (phase.is === 'waiting') await this.#guarded(drop, () => this.#complete(drop, phase.state));
    }
    const times = [...this.#drops.values()].flatMap(({ phase }) => ('atMs' in phase ? [phase.atMs] : []));
    return times.length === 0 ? undefined : Math.min(...times);
  }

  /** One drop that the device cannot deal with now must not keep others waiting. */
  async #guarded(drop: Drop, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (!(error instanceof DeviceError)) throw error;
      drop.refusals += 1;
      drop.phase = { is: 'refused', atMs: this.#options.clock.nowMs() + retryDelayMs(drop.refusals, DROP_DELAYS) };
      this.#options.onProblem?.(drop.file, error.message);
    }
  }

  async #recall(drop: Drop): Promise<void> {
    const recalled = await recall(drop, this.#options.statusFiles, this.#options.store);
    if (recalled === undefined) return;
    const { outcome, untold, isCertain } = recalled;
    if (!isCertain) {
      if (outcome !== undefined) drop.earlier = outcome;
      return;
    }
    drop.phase = { is: 'judged' };
    drop.isFinal = true;
    if (outcome !== undefined) this.#take(drop, outcome);
    if (untold !== undefined) await this.tell(drop, untold);
  }

  /** The content is what it was: so is what became of it. */
  async #resume(drop: Drop, outcome: Outcome): Promise<void> {
    delete drop.earlier;
    drop.phase = { is: 'judged' };
    this.#take(drop, outcome);
    letGo(drop);
    if (outcome.untold !== undefined) await this.tell(drop, outcome.untold);
  }

  #take(drop: Drop, { hash, revision, isFinal, sequence }: Outcome): void {
    drop.hash = hash;
    drop.isFinal = isFinal;
    if (sequence !== undefined) drop.sequence = sequence;
    if (revision === undefined) return;
    drop.revision = revision;
    this.#options.onPlaced?.({ revision, hash });
  }

  async #open(drop: Drop): Promise<void> {
    const { phase } = drop;
    const nowMs = this.#options.clock.nowMs();
    if (phase.is === 'waiting' || phase.is === 'judged' || ('atMs' in phase && phase.atMs > nowMs)) return;
    const fault = faultOf(drop);
    if (fault !== undefined) return this.#refuse(drop, [fault]);
    drop.hold ??= this.#options.store.holdObjects();
    const finding = await examine(drop, { ...this.#options, hold: drop.hold });
    if (finding.type === 'gone') this.#forget(drop);
    else if (finding.type === 'state') drop.phase = { is: 'waiting', state: finding.state };
    else if (finding.maybePartial && phase.is !== 'settling')
      drop.phase = { is: 'settling', atMs: nowMs + (this.#options.settleMs ?? SETTLE_MS) };
    else await this.#refuse(drop, finding.problems, finding.message);
  }

  #forget(drop: Drop): void {
    letGo(drop);
    this.#drops.delete(drop.file);
  }

  async #refuse(drop: Drop, problems: readonly string[], message: string = MESSAGE.badState): Promise<void> {
    drop.phase = { is: 'judged' };
    letGo(drop);
    drop.isFinal = true;
    if (statusFileOf(drop.name) === undefined) this.#options.onProblem?.(drop.file, problems.join('; '));
    const reason = problems.length === 1 ? problems[0] : `${problems.length} problems`;
    await this.tell(drop, { progress: progressOf('WONTGO', message), reason: reason ?? '' }, problems);
  }

  async #complete(drop: Drop, state: State): Promise<void> {
    if (drop.earlier?.hash === state.hash) return this.#resume(drop, drop.earlier);
    delete drop.earlier;
    drop.hash = state.hash;
    if (drop.sequence < this.#winner) return this.#supersede(drop, 'a newer drop');
    drop.hold?.add(state.objects.map(({ id }) => id));
    const waitingOn = await this.#adoptOrRefuse(drop, state);
    if (waitingOn === undefined) return;
    if (waitingOn.length > 0) {
      const progress = progressOf('QUEUED', `Waiting for ${waitingOn.length} objects`);
      return this.tell(drop, { progress, waitingOn });
    }
    await this.#place(drop, state);
  }

  /** undefined: it does not fit, and that is what it was told. */
  async #adoptOrRefuse(drop: Drop, state: State): Promise<readonly Missing[] | undefined> {
    try {
      return await this.#adopt(state);
    } catch (error) {
      if (!(error instanceof NoRoom)) throw error;
      await this.#refuse(drop, [error.message], error.message);
      return undefined;
    }
  }

  async #place(drop: Drop, state: State): Promise<void> {
    const { store, propose } = this.#options;
    const { revision, action, report } = await placementOf(drop.name, state, store);
    if (action === 'new') {
      try {
        await store.propose(revision, state.bytes);
      } catch (error) {
        if (error instanceof Rejection) return this.#refuse(drop, [error.message]);
        throw error;
      }
    }
    drop.phase = { is: 'judged' };
    drop.revision = revision;
    this.#options.onPlaced?.({ revision, hash: state.hash });
    letGo(drop);
    this.#winner = Math.max(this.#winner, drop.sequence);
    await this.tell(drop, report);
    if (action === 'failed') return;
    // What runs already need not be proposed, unless something else was since.
    const isWanted = action !== 'current' || (this.#proposed !== undefined && this.#proposed !== revision);
    if (isWanted) this.#proposed = revision;
    for (const older of this.#drops.values()) if (isReplaced(older, drop)) await this.#supersede(older, drop.file);
    if (isWanted) propose({ revision, hash: state.hash, file: drop.file });
  }

  async #supersede(drop: Drop, by: string): Promise<void> {
    drop.phase = { is: 'judged' };
    letGo(drop);
    await this.tell(drop, { progress: progressOf('CANCELLED', MESSAGE.superseded), reason: `superseded by ${by}` });
  }
}

/** A revision names what it brought, or nobody ever will. */
const letGo = (drop: Drop): void => {
  drop.hold?.release();
  delete drop.hold;
};

/** Proposed, but not at its end: nobody will report on it if it was never begun. */
const isReplaced = (older: Drop, winner: Drop): boolean =>
  older.sequence < winner.sequence &&
  older.revision !== undefined &&
  older.revision !== winner.revision &&
  !older.isFinal;

const faultOf = ({ file, name, stat }: Drop): string | undefined => {
  const fault = localNameProblem(name);
  if (fault !== undefined) return `${file} cannot become a revision ${localRevision('<name>')}: ${fault}`;
  return stat.type === 'file' ? undefined : `${file}: expected a regular file, but it is a ${stat.type}`;
};
