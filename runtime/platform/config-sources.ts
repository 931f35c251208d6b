/** Where a daemon, or whoever explains one, reads its configuration from. */
import { existsSync } from 'node:fs';
import { readTextFile } from '../cli/shared/text-file.ts';
import type { ConfigSources } from '../config/config.ts';
import { ConfigError } from '../config/config-error.ts';

export interface SourceOptions {
  /** `--config`. */
  readonly config?: string;
  /** `--cmdline`. */
  readonly cmdline?: string;
}

/** Read when it is there; a file that was named must be. */
const USUAL_FILE = '/etc/pantavisor.config';

export interface FoundSources {
  readonly sources: ConfigSources;
  /** What is there and could not be read. */
  readonly warnings: readonly string[];
}

/** The kernel's command line is that of the whole machine, so it is ours only where we are its init. */
const kernelWords = (): string | undefined => {
  if (process.pid !== 1) return undefined;
  const file = readTextFile('/proc/cmdline');
  return 'text' in file ? file.text : undefined;
};

/** @throws ConfigError when a file that was named is not there. */
export const findSources = ({ config, cmdline = kernelWords() }: SourceOptions): FoundSources => {
  const words = cmdline === undefined ? {} : { cmdline };
  const sources: ConfigSources = { env: process.env, readPolicy: readTextFile, ...words };
  const path = config ?? (existsSync(USUAL_FILE) ? USUAL_FILE : undefined);
  if (path === undefined) return { sources, warnings: [] };
  const file = readTextFile(path);
  if ('text' in file) return { sources: { ...sources, file: file.text, filePath: path }, warnings: [] };
  if (config !== undefined && !existsSync(config)) throw new ConfigError(`--config ${file.problem}`);
  return { sources, warnings: [`the configuration file has no effect: ${file.problem}`] };
};
