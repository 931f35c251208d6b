/** Log levels as clients and outputs write them. */

/** Most urgent first, as Pantavisor counts. */
export const LEVEL_NAMES = ['FATAL', 'ERROR', 'WARN', 'INFO', 'DEBUG', 'TRACE'] as const;

export type LogLevel = 0 | 1 | 2 | 3 | 4 | 5;

export const levelName = (level: LogLevel): string => LEVEL_NAMES[level];

/** By name, which may go on (`INFORMATION` is INFO), in any case. undefined: none, or ALL, which is a threshold only. */
export const levelNamed = (text: string): LogLevel | undefined => {
  const upper = text.toUpperCase();
  const level = LEVEL_NAMES.findIndex((name) => upper.startsWith(name));
  return level < 0 ? undefined : (level as LogLevel); // an index of that list
};

/** A number of a binary or fd message; beyond TRACE is the least urgent there is. */
export const levelNumbered = (level: number): LogLevel => Math.min(Math.max(Math.trunc(level), 0), 5) as LogLevel; // clamped

const OF_SEVERITY: readonly LogLevel[] = [0, 0, 1, 1, 2, 3, 3, 4];

/** Of a syslog priority; its facility does not matter. */
export const levelOfPriority = (priority: number): LogLevel => OF_SEVERITY[priority & 7] ?? 3;
