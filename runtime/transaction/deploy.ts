/**
 * `deploy`: the state of a local transaction as a directory, the way a trail looks.
 *
 * It is made beside the directory and takes its place by two renames. Cut off between them, `<directory>.bak` is all
 * there is; the next deploy begins with putting it back.
 */
import { basename, dirname } from 'node:path';
import { type Entry, fileTextOf, parseState, type StateDocument } from '../../resources/state-format/state.ts';
import { sha256 } from '../store/objects/hash.ts';
import type { Transaction } from './transaction.ts';
import { NOTHING_BEGUN } from './transaction.ts';
import { EXIT, TransactionError } from './transaction-error.ts';

/** What a boot loader finds below `.pv`, by the key of bsp/run.json that names it. */
const BOOT_FILES: Readonly<Record<string, string>> = {
  fit: 'pantavisor.fit',
  pantavisor: 'pv-initrd.img',
  initrd: 'pv-initrd.img',
  kernel: 'pv-kernel.img',
  linux: 'pv-kernel.img',
  fdt: 'pv-fdt.dtb',
};
const CONFIG_LIMIT = 1024 * 1024;

/** @param directory absolute. @returns warnings. @throws TransactionError */
export const deploy = async (transaction: Transaction, directory: string): Promise<readonly string[]> => {
  const { files, workspace } = transaction;
  const record = await workspace.active();
  if (record === undefined) throw new TransactionError(EXIT.nothingToShow, NOTHING_BEGUN);
  if (record.objects === undefined)
    throw new TransactionError(
      EXIT.failed,
      'it is a remote transaction: commit it, or begin one with an object directory',
    );
  const bytes = await workspace.document();
  const parsed = parseState(bytes, sha256);
  if (!parsed.ok) throw new TransactionError(EXIT.failed, parsed.problems.map(({ message }) => message).join('\n'));

  const [backup, fresh] = [`${directory}.bak`, `${dirname(directory)}/.${basename(directory)}.pvtx`];
  if ((await files.stat(directory)) === undefined && (await files.stat(backup)) !== undefined)
    await files.rename(backup, directory);
  await files.remove(backup);
  await files.remove(fresh);
  await files.makeDirectory(`${fresh}/.pvr`, 0o755);
  const config = await files.read(`${directory}/.pvr/config`, CONFIG_LIMIT);
  await files.write(`${fresh}/.pvr/config`, config ?? `{"ObjectsDir": ${JSON.stringify(record.objects)}}`, 0o600);
  await files.write(`${fresh}/.pvr/json`, bytes, 0o600);
  const place: Place = { files, objects: record.objects, directory: fresh };
  for (const [key, entry] of parsed.document.entries) if (key !== '#spec') await checkOut(place, key, entry);
  const warnings = await linkBootFiles(place, parsed.document);
  if ((await files.stat(directory)) !== undefined) await files.rename(directory, backup);
  await files.rename(fresh, directory);
  await files.remove(backup);
  await workspace.setRecord({ ...record, status: 'deployed' });
  return warnings;
};

interface Place extends Pick<Transaction, 'files'> {
  readonly objects: string;
  readonly directory: string;
}

const checkOut = async ({ files, objects, directory }: Place, key: string, entry: Entry): Promise<void> => {
  const path = `${directory}/${key}`;
  await files.makeDirectory(dirname(path), 0o755);
  if (entry.type === 'json') return files.write(path, fileTextOf(entry), 0o644);
  const object = `${objects}/${entry.id}`;
  if ((await files.stat(object))?.type !== 'file')
    throw new TransactionError(EXIT.failed, `${key}: there is no object ${object}`);
  await files.link(object, path);
};

const linkBootFiles = async ({ files, directory }: Place, { entries }: StateDocument): Promise<readonly string[]> => {
  const warnings: string[] = [];
  const run = entries.get('bsp/run.json');
  await files.makeDirectory(`${directory}/.pv`, 0o755);
  const named = run?.type === 'json' && typeof run.value === 'object' ? Object.entries(run.value ?? {}) : [];
  for (const [key, name] of named) {
    const link = Object.hasOwn(BOOT_FILES, key) ? BOOT_FILES[key] : undefined;
    if (link === undefined || typeof name !== 'string') continue;
    // A key of the state, so that nothing outside of it is ever linked.
    if (entries.has(`bsp/${name}`)) await files.link(`${directory}/bsp/${name}`, `${directory}/.pv/${link}`);
    else warnings.push(`cannot bsp file does not exist. continuing anyway ... (${directory}/bsp/${name})`);
  }
  return warnings;
};
