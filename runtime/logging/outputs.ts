/** Which output gets what: `PV_LOG_SERVER_OUTPUTS`, `PV_LOG_CAPTURE` and `PV_LOG_LEVEL`. */
import { isConsole, type LogRecord } from './log-record.ts';
import type { LogSink } from './log-sink.ts';

export interface LogOutput {
  readonly sink: LogSink;
  readonly accepts: (record: LogRecord) => boolean;
  /** Whether the sink commits the receipts of what it writes. */
  readonly commits: boolean;
}

export interface LogSinks {
  /** filetree and singlefile. */
  readonly disk: LogSink;
  readonly stdout: LogSink;
  /** What an update tells its owner; it has a record only while there is one. */
  readonly update: LogSink;
}

export interface OutputSettings {
  /** `PV_LOG_CAPTURE`: off, there is no output at all. */
  readonly capture: boolean;
  /** Tokens of `PV_LOG_SERVER_OUTPUTS`. */
  readonly tokens: readonly string[];
  /** `PV_LOG_LEVEL`: what is less urgent does not get to the disk. */
  readonly level: number;
}

const FATAL = 0;
const ERROR = 1;
const isOfRuntime = ({ source }: LogRecord): boolean => source === 'lxc/console.log' || source === 'lxc/lxc.log';

/** What stdout is to show; the daemon prints its own lines by itself unless one of these tokens has them here. */
export const showsOwn = ({ capture, tokens }: OutputSettings): boolean =>
  capture && (tokens.includes('stdout') || tokens.includes('stdout.pantavisor'));

const stdoutOf = (settings: OutputSettings): ((record: LogRecord) => boolean) | undefined => {
  const { tokens } = settings;
  const own = showsOwn(settings);
  const containers = tokens.includes('stdout') || tokens.includes('stdout.containers');
  const direct = tokens.includes('stdout_direct');
  if (!own && !containers && !direct) return undefined;
  return (record) => (record.isOwn ? own : containers || (direct && isOfRuntime(record)));
};

export const outputsOf = (settings: OutputSettings, { disk, stdout, update }: LogSinks): readonly LogOutput[] => {
  if (!settings.capture) return [];
  const { tokens, level } = settings;
  const outputs: LogOutput[] = [];
  const passes = (record: LogRecord): boolean => record.level === FATAL || record.level <= level;
  if (tokens.includes('filetree') || tokens.includes('singlefile'))
    outputs.push({ sink: disk, accepts: passes, commits: true });
  const onStdout = stdoutOf(settings);
  if (onStdout !== undefined) outputs.push({ sink: stdout, accepts: onStdout, commits: false });
  outputs.push({ sink: update, accepts: (record) => record.level <= ERROR || isConsole(record), commits: false });
  return outputs;
};
