/** Reads one drop and says what it is worth. Objects it brings are stored on the way; nothing else is changed. */
import { STATE_LIMITS } from '../../../resources/state-format/state-limits.ts';
import { DeviceError, type Files } from '../../host/host.ts';
import { type ObjectSink, readTarball, TARBALL_LIMITS } from '../../store/archive/tarball.ts';
import type { Hold } from '../../store/objects/objects.ts';
import { Rejection } from '../../store/rejection.ts';
import { NoRoom } from '../../store/space/room.ts';
import type { Store } from '../../store/store.ts';
import type { DropName } from './drop-name.ts';
import { makeRoomForTarball } from './required-room.ts';

export interface State {
  readonly bytes: Uint8Array;
  readonly hash: string;
  readonly objects: readonly { readonly path: string; readonly id: string }[];
}

/** `isComplete`: it ends where a document may end, so that more of it would not help. */
export type Judgement =
  | ({ readonly ok: true } & Omit<State, 'bytes'>)
  | { readonly ok: false; readonly problems: readonly string[]; readonly isComplete: boolean };

/** Reads a state, or tells everything that keeps it from being run here. */
export type Read = (bytes: Uint8Array) => Promise<Judgement>;

export type Finding =
  | { readonly type: 'state'; readonly state: State }
  /** `message`: of the progress; default: the state is bad. `maybePartial`: what is there could be the beginning of something good. */
  | {
      readonly type: 'broken';
      readonly maybePartial: boolean;
      readonly problems: readonly string[];
      readonly message?: string;
    }
  | { readonly type: 'gone' };

export interface ExamineOptions {
  readonly files: Files;
  readonly store: Store;
  readonly directory: string;
  readonly read: Read;
  /** What it brings is kept by this until a revision names it. */
  readonly hold: Hold;
}

/** @throws DeviceError */
export const examine = async (drop: DropName, options: ExamineOptions): Promise<Finding> => {
  try {
    const bytes = await bytesOf(drop, options);
    return bytes === undefined ? { type: 'gone' } : await judge(bytes, drop, options);
  } catch (error) {
    if (error instanceof NoRoom)
      return { type: 'broken', maybePartial: false, problems: [error.message], message: error.message };
    if (error instanceof Rejection) return { type: 'broken', maybePartial: true, problems: [error.message] };
    // Removed while it was being read.
    if (error instanceof DeviceError && error.code === 'ENOENT') return { type: 'gone' };
    throw error;
  }
};

const bytesOf = async (drop: DropName, options: ExamineOptions): Promise<Buffer | undefined> => {
  const { files, store, directory } = options;
  const path = `${directory}/${drop.file}`;
  if (drop.kind === 'tarball') {
    const { totalBytes } = await store.space();
    // Nothing that does not fit on the storage is worth unpacking.
    const limits = { ...TARBALL_LIMITS, totalBytes: Math.min(TARBALL_LIMITS.totalBytes, totalBytes) };
    await makeRoomForTarball(options, path);
    return await readTarball(files.stream(path), sinkOf(options), limits);
  }
  const size = (await files.stat(path))?.sizeBytes ?? 0;
  if (size > STATE_LIMITS.documentBytes)
    throw new Rejection(`${drop.file}: expected at most ${STATE_LIMITS.documentBytes} bytes, but it has ${size}`);
  return await files.read(path, STATE_LIMITS.documentBytes);
};

/** The store, as far as there is room in it for objects. */
const sinkOf = ({ store, hold }: ExamineOptions): ObjectSink => ({
  missingObjects: store.missingObjects,
  space: async () => ({ freeBytes: (await store.space()).availableBytes }),
  putObject: (id, content, maxBytes) => {
    hold.add([id]);
    return store.putObject(id, content, maxBytes);
  },
});

const judge = async (bytes: Buffer, drop: DropName, { read }: ExamineOptions): Promise<Finding> => {
  const judged = await read(bytes);
  if (judged.ok) return { type: 'state', state: { bytes, hash: judged.hash, objects: judged.objects } };
  const { problems, isComplete } = judged;
  return { type: 'broken', maybePartial: drop.kind === 'state' && !isComplete, problems };
};
