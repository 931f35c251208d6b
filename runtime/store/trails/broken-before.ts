/** What was broken when a trial began: a file beside the boot variables, there only while a trial is not settled. */
import { z } from 'zod';
import type { BrokenBefore } from '../../../resources/kinds/update.ts';
import type { Files } from '../../host/host.ts';

/** A fingerprint is a hash or a spec. */
const MAX_BYTES = 1024 * 1024;

const Stored = z.record(z.templateLiteral([z.string(), '/', z.string()]), z.string());

export const brokenBeforeFile = (storage: string): string => `${storage}/boot/broken-before.json`;

export const brokenBeforeIn = (
  files: Files,
  path: string,
  onProblem: (subject: string, message: string) => void,
): {
  setBrokenBefore(broken: BrokenBefore): Promise<void>;
  brokenBefore(): Promise<BrokenBefore>;
} => ({
  setBrokenBefore: async (broken) => {
    if (Object.keys(broken).length > 0) return files.write(path, JSON.stringify(broken), 0o644);
    if ((await files.stat(path)) !== undefined) await files.remove(path);
  },
  brokenBefore: async () => {
    const stat = await files.stat(path);
    if (stat === undefined) return {};
    const text = stat.type === 'file' && stat.sizeBytes <= MAX_BYTES ? await files.read(path, MAX_BYTES) : undefined;
    const parsed = Stored.safeParse(jsonIn(text?.toString('utf8')));
    if (parsed.success) return parsed.data as BrokenBefore; // of a kind that is unknown by now: nobody asks for it
    onProblem(path, 'not a record of ours, ignored: a trial or rollback is judged by everything that is broken');
    return {};
  },
});

const jsonIn = (text: string | undefined): unknown => {
  try {
    return text === undefined ? undefined : JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined; // the schema refuses it
    throw error;
  }
};
