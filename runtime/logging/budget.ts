/**
 * How much room logs may take: from `PV_LOG_DIR_MAXSIZE`,
 * `PV_LOG_HYSTERESIS_FACTOR`, `PV_LOG_ROTATE_FACTOR` and the size of the partition.
 */

export interface BudgetSettings {
  /** `PV_LOG_DIR_MAXSIZE`: `10M`, `5%`, `0` and nothing for the default. */
  readonly maxSize: string;
  readonly hysteresisFactor: number;
  readonly rotateFactor: number;
}

export interface Budget {
  /** All logs of all revisions. */
  readonly totalBytes: number;
  /** At which archives are deleted, and until which. */
  readonly highBytes: number;
  readonly lowBytes: number;
  /** At which a file is rotated. */
  readonly fileBytes: number;
  /** What is wrong with the setting; the default holds. */
  readonly problem?: string;
}

const UNITS: Readonly<Record<string, number>> = {
  '': 1,
  B: 1,
  K: 2 ** 10,
  KB: 1e3,
  M: 2 ** 20,
  MB: 1e6,
  G: 2 ** 30,
  GB: 1e9,
  T: 2 ** 40,
  TB: 1e12,
};
const DEFAULT_PERCENT = 10;
/** A page: with less, every line would rotate its file. */
const MIN_FILE_BYTES = 4096;
const HIGH = 0.9;

interface Partition {
  readonly totalBytes: number;
  readonly inMemory: boolean;
}

const defaultOf = ({ totalBytes, inMemory }: Partition): number =>
  inMemory ? totalBytes : Math.floor((totalBytes * DEFAULT_PERCENT) / 100);

/** undefined: malformed. As Pantavisor does, whatever begins with 0 is the default. */
const bytesOf = (text: string, partition: Partition): number | undefined => {
  if (text === '' || text.startsWith('0')) return defaultOf(partition);
  const [, digits, unit = ''] = /^(\d{1,15})(%|[KMGT]?B?)$/i.exec(text) ?? [];
  if (digits === undefined) return undefined;
  if (unit === '%') return (partition.totalBytes * Number(digits)) / 100;
  return Number(digits) * (UNITS[unit.toUpperCase()] ?? Number.NaN);
};

/** A factor below 1 would leave nothing, or make a gap larger than the whole. */
const factor = (value: number): number => Math.max(1, value);

export const budgetOf = (settings: BudgetSettings, partition: Partition): Budget => {
  const { maxSize, hysteresisFactor, rotateFactor } = settings;
  const asked = bytesOf(maxSize.trim(), partition);
  const fits = asked !== undefined && asked <= partition.totalBytes;
  const totalBytes = Math.floor(fits ? asked : defaultOf(partition));
  const gapBytes = Math.floor(totalBytes / factor(hysteresisFactor));
  const expected = `expected bytes such as 16M, or a share such as 5%, of the ${partition.totalBytes} bytes there are`;
  return {
    totalBytes,
    highBytes: Math.floor(totalBytes * HIGH),
    lowBytes: totalBytes - gapBytes,
    fileBytes: Math.max(MIN_FILE_BYTES, Math.floor(gapBytes / factor(rotateFactor))),
    ...(fits
      ? {}
      : { problem: `PV_LOG_DIR_MAXSIZE is ${JSON.stringify(maxSize)}, ${expected}; ${totalBytes} is used` }),
  };
};
