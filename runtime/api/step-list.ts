/** `GET /steps`: written by hand, because clients match its spacing. Pure. */
import type { Step } from './ports.ts';

/** A progress file above this is shown as `{}`; clients fetch it by itself. */
const MAX_PROGRESS_BYTES = 512;

const escaped = (text: string): string =>
  text.replace(/[\u0000-\u001f"\\]/g, (char) => `\\u00${char.charCodeAt(0).toString(16).padStart(2, '0')}`);

const isObject = (text: string): boolean => {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value);
  } catch {
    return false; // torn or foreign content: shown as no progress rather than as a broken list
  }
};

const progressOf = ({ progress }: Step): string =>
  progress !== undefined && Buffer.byteLength(progress) <= MAX_PROGRESS_BYTES && isObject(progress)
    ? progress.trim()
    : '{}';

const dateOf = ({ date }: Step): string => date.toISOString().replace(/\.\d+Z$/, 'Z');

const stepOf = (step: Step): string =>
  `{"name":"${escaped(step.name)}", "date":"${dateOf(step)}", ` +
  `"commitmsg":"${escaped(step.commitMessage)}", "progress":${progressOf(step)}}`;

export const stepList = (steps: readonly Step[]): string => `[${steps.map(stepOf).join(',')}]`;
