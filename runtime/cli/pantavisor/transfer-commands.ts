/** `pantavisor export`, `import`, `diff` and `gc`: offline commands on a storage directory. */
import { basename, resolve } from 'node:path';
import { type Parsed, parseState, type StateDocument } from '../../../resources/state-format/state.ts';
import { objectsOf } from '../../../resources/state-format/trail.ts';
import { loadConfig } from '../../config/config.ts';
import { linuxFiles } from '../../host/linux/files/linux-files.ts';
import { dropNameOf } from '../../sources/directory/drop-name.ts';
import { importTarball } from '../../sources/directory/import-tarball.ts';
import { meter, type OnBytes } from '../../store/archive/byte-counter.ts';
import { documentOf, exportRevision } from '../../store/archive/export.ts';
import { sha256 } from '../../store/objects/hash.ts';
import { Rejection } from '../../store/rejection.ts';
import { isRevision, localNameProblem, localRevision } from '../../store/trails/revision.ts';
import { differenceOf } from '../../store/trails/revision-difference.ts';
import { bytesText, progressBar } from '../shared/progress-bar.ts';
import { describeDifference } from './difference-text.ts';
import { openOffline } from './offline-store.ts';

interface StorageOption {
  readonly storage?: string;
}

const print = (text: string): boolean => process.stdout.write(`${text}\n`);

/** The directories of the configuration, or those below the storage that was named. */
const configOf = ({ storage }: StorageOption) =>
  loadConfig({
    env: { ...process.env, ...(storage === undefined ? {} : { PV_STORAGE_MNTPOINT: resolve(storage) }) },
  }).config;

const withProgress = async <T>(label: string, work: (onBytes: OnBytes) => Promise<T>): Promise<T> => {
  const bar = progressBar(label);
  try {
    return await work(bar.show);
  } finally {
    bar.end();
  }
};

export const exportTo = async (revision: string, file: string, options: StorageOption): Promise<void> => {
  const { storage } = configOf(options).paths;
  const { objects, sizeBytes, hash } = await withProgress(file, (onBytes) =>
    exportRevision(linuxFiles, { storage, revision, output: resolve(file), onBytes }),
  );
  print(`${file}: revision ${revision}, ${objects} objects, ${bytesText(sizeBytes)}, state ${hash}`);
};

export interface ImportOptions extends StorageOption {
  readonly name?: string;
  readonly run?: true;
}

/** `locals/<name>`, by the option or by the file. @throws Rejection */
const revisionFor = (file: string, name: string | undefined): string => {
  const drop = dropNameOf(basename(file));
  const revision = name ?? localRevision(drop?.name ?? basename(file));
  const problem = revision.startsWith('locals/') ? localNameProblem(revision.slice('locals/'.length)) : undefined;
  if (problem !== undefined || !isRevision(revision))
    throw new Rejection(
      `${revision} cannot be a revision: ${problem ?? 'expected locals/<name> or a decimal number'}; choose one with --name locals/<name>`,
    );
  return revision;
};

export const importFrom = async (file: string, options: ImportOptions): Promise<void> => {
  const revision = revisionFor(file, options.name);
  const config = configOf(options);
  if (options.run) return handOver(file, revision, config.paths.watch);
  const { store, close } = await openOffline(config);
  try {
    const { objects, added, hash } = await withProgress(file, (onBytes) =>
      importTarball(linuxFiles, store, { archive: resolve(file), revision, onBytes }),
    );
    print(`${file}: revision ${revision}, ${objects} objects, ${added} of them new, state ${hash}`);
  } finally {
    close();
  }
};

/** Whoever watches the directory imports and runs it, now or at its next start. */
const handOver = async (file: string, revision: string, watch: string): Promise<void> => {
  if (!revision.startsWith('locals/'))
    throw new Rejection(`${revision}: only local revisions are run from a file; expected --name locals/<name>`);
  const stat = await linuxFiles.stat(resolve(file));
  if (stat?.type !== 'file') throw new Rejection(`${file}: expected a tarball`);
  const target = `${watch}/${revision.slice('locals/'.length)}${/\.t(ar\.)?gz$/.test(file) ? '.tgz' : '.tar'}`;
  await linuxFiles.makeDirectory(watch, 0o755);
  await withProgress(file, async (onBytes) => {
    const progress = meter(onBytes);
    progress.expect(stat.sizeBytes);
    const content = progress.through(linuxFiles.stream(resolve(file)));
    await linuxFiles.writeStream(target, content, { mode: 0o644, maxBytes: Number.MAX_SAFE_INTEGER });
  });
  print(`${target}: the daemon makes ${revision} of it; see pvcontrol status --watch`);
};

/** Exit code as of diff(1): 0 when nothing differs, 1 when something does. */
export const diff = async (
  before: string,
  after: string,
  options: StorageOption & { readonly json?: true },
): Promise<void> => {
  const { storage } = configOf(options).paths;
  const [old, fresh] = [await stateOf(storage, before), await stateOf(storage, after)];
  const sizes = new Map<string, number>();
  for (const { id } of [old, fresh].flatMap(objectsOf)) {
    const stat = await linuxFiles.stat(`${storage}/objects/${id}`);
    if (stat !== undefined) sizes.set(id, stat.sizeBytes);
  }
  const difference = differenceOf(old, fresh, (id) => sizes.get(id));
  if (difference.patch.length > 0) process.exitCode = 1;
  print(options.json ? JSON.stringify(difference, null, 2) : describeDifference(difference));
};

const stateOf = async (storage: string, revision: string): Promise<StateDocument> => {
  const parsed: Parsed = parseState(await documentOf(linuxFiles, storage, revision), sha256);
  if (!parsed.ok) throw new Rejection(parsed.problems.map(({ message }) => `${revision}: ${message}`).join('\n'));
  return parsed.document;
};

export const gc = async (options: StorageOption): Promise<void> => {
  const { store, close } = await openOffline(configOf(options));
  try {
    const bytes = await store.collect();
    const { availableBytes, totalBytes } = await store.space();
    print(`${bytesText(bytes)} reclaimed; ${bytesText(availableBytes)} of ${bytesText(totalBytes)} available`);
  } finally {
    close();
  }
};
