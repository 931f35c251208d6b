/** `PV_LOG_LEVEL` in pino's words. */
import { modifiedOf, type Settings, valuesOf } from '../config/settings.ts';

const LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace'] as const;

/** By number, as Pantavisor counts. Its default of 0 is meant for devices; in the foreground one wants to see what happens. */
export const logLevelOf = (settings: Settings): string => {
  const { PV_LOG_LEVEL: level } = valuesOf(settings);
  if (modifiedOf(settings).PV_LOG_LEVEL === 'default') return 'info';
  return LEVELS[Math.min(Math.max(level, 0), LEVELS.length - 1)] ?? 'info';
};
