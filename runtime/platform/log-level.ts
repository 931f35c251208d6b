/** `PV_LOG_LEVEL` in effect, as Pantavisor counts and in pino's words. */
import { modifiedOf, type Settings, valuesOf } from '../config/settings.ts';

const LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace'] as const;
const INFO = 3;

/** 0 fatal … 5 trace. The default of 0 is meant for devices; in the foreground one wants to see what happens. */
export const logThresholdOf = (settings: Settings): number => {
  if (modifiedOf(settings).PV_LOG_LEVEL === 'default') return INFO;
  return Math.min(Math.max(valuesOf(settings).PV_LOG_LEVEL, 0), LEVELS.length - 1);
};

export const logLevelOf = (settings: Settings): string => LEVELS[logThresholdOf(settings)] ?? 'info';
