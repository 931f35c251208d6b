/** A file in the watched directory, and how far it was looked at. */
import type { FileStat, Files } from '../../host/host.ts';
import type { Hold } from '../../store/objects/objects.ts';
import { type DropName, dropNameOf } from './drop-name.ts';
import type { State } from './examine-drop.ts';
import type { ProgressReport } from './status-file.ts';

/** What became of content that lay under a drop's name before. It holds for that content only. */
export interface Outcome {
  readonly hash: string;
  readonly revision: string | undefined;
  readonly isFinal: boolean;
  /** How it ended, where nobody could write that beside the drop. */
  readonly untold?: ProgressReport | undefined;
  /** Where it stands among the drops; undefined: as if it were new. */
  readonly sequence?: number;
}

/**
 *   unseen ──► waiting ──► judged        whole; its objects arrive
 *     │  └───► judged                    broken for good, or known
 *     ├──────► settling ──► judged       half-written, or broken: time tells
 *     └──────► refused  ──► unseen       the device said no
 * A file that changes begins anew as another drop.
 */
export type Phase =
  | { readonly is: 'unseen' }
  | { readonly is: 'settling'; readonly atMs: number }
  | { readonly is: 'waiting'; readonly state: State }
  | { readonly is: 'refused'; readonly atMs: number }
  | { readonly is: 'judged' };

export interface Drop extends DropName {
  readonly stat: FileStat;
  /** Later drops have larger numbers. */
  sequence: number;
  phase: Phase;
  /** Set once it is known what it becomes. */
  revision?: string;
  hash?: string;
  /** What it brought and no revision names yet. */
  hold?: Hold;
  /** Set while only its content can tell whether it is another drop: it was written to, or nobody knows. */
  earlier?: Outcome;
  /** How often the device refused to deal with it. */
  refusals: number;
  /** Nothing more will be reported about it, as far as is known. */
  isFinal: boolean;
}

const looksSame = (a: FileStat, b: FileStat): boolean =>
  a.device === b.device && a.inode === b.inode && a.sizeBytes === b.sizeBytes && a.modifiedMs === b.modifiedMs;

const outcomeOf = ({ phase, hash, revision, isFinal, sequence }: Drop): Outcome | undefined =>
  phase.is === 'judged' && hash !== undefined ? { hash, revision, isFinal, sequence } : undefined;

/**
 * The drops that lie there now: known ones as they are, new and changed ones unseen. Several new ones at once count
 * in the order of their modification times. A file that was written to and given its old size and time back (`cp -p`,
 * rsync, reproducible archives) is looked at again: what it is, its content says.
 */
export const findDrops = async (
  files: Files,
  directory: string,
  known: ReadonlyMap<string, Drop>,
  nextSequence: () => number,
): Promise<Map<string, Drop>> => {
  const names = ((await files.list(directory)) ?? []).flatMap((file) => dropNameOf(file) ?? []);
  const present: { readonly name: DropName; readonly stat: FileStat }[] = [];
  for (const name of names) {
    const stat = await files.stat(`${directory}/${name.file}`);
    if (stat !== undefined && stat.type !== 'directory') present.push({ name, stat });
  }
  present.sort((a, b) => a.stat.modifiedMs - b.stat.modifiedMs);
  return new Map(
    present.map(({ name, stat }) => {
      const earlier = known.get(name.file);
      const isLike = earlier !== undefined && looksSame(earlier.stat, stat);
      if (isLike && earlier.stat.changedMs === stat.changedMs) return [name.file, earlier];
      const outcome = isLike ? outcomeOf(earlier) : undefined;
      return [
        name.file,
        {
          ...name,
          stat,
          sequence: nextSequence(),
          phase: { is: 'unseen' },
          refusals: 0,
          isFinal: false,
          ...(outcome !== undefined && { earlier: outcome }),
        },
      ];
    }),
  );
};
