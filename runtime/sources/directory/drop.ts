/** A file in the watched directory, and how far it was looked at. */
import type { FileStat, Files } from '../../host/host.ts';
import type { Hold } from '../../store/objects/objects.ts';
import { type DropName, dropNameOf } from './drop-name.ts';
import type { State } from './examine-drop.ts';

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
  readonly sequence: number;
  phase: Phase;
  /** Set once it is known what it becomes. */
  revision?: string;
  hash?: string;
  /** What it brought and no revision names yet. */
  hold?: Hold;
  /** How often the device refused to deal with it. */
  refusals: number;
  /** Nothing more will be reported about it, as far as is known. */
  isFinal: boolean;
}

const isSame = (a: FileStat, b: FileStat): boolean =>
  a.device === b.device && a.inode === b.inode && a.sizeBytes === b.sizeBytes && a.modifiedMs === b.modifiedMs;

/**
 * The drops that lie there now: known ones as they are, new and changed ones unseen. Several new ones at once count
 * in the order of their modification times.
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
      if (earlier !== undefined && isSame(earlier.stat, stat)) return [name.file, earlier];
      return [
        name.file,
        { ...name, stat, sequence: nextSequence(), phase: { is: 'unseen' }, refusals: 0, isFinal: false },
      ];
    }),
  );
};
