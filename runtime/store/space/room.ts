/** How much may still be written, and what has to be refused before anything is. */
import { Rejection } from '../rejection.ts';

export interface Room {
  readonly totalBytes: number;
  readonly freeBytes: number;
  /** `PV_STORAGE_GC_RESERVED` percent of all: for progress, logs and what containers write. */
  readonly reservedBytes: number;
  /** For objects. */
  readonly availableBytes: number;
}

export const roomOf = (
  { totalBytes, freeBytes }: { readonly totalBytes: number; readonly freeBytes: number },
  reservedPercent: number,
): Room => {
  const reservedBytes = Math.floor((totalBytes * Math.min(Math.max(reservedPercent, 0), 100)) / 100);
  return { totalBytes, freeBytes, reservedBytes, availableBytes: Math.max(0, freeBytes - reservedBytes) };
};

/** Objects would not fit, even after what nobody needs was collected. The text is Pantavisor's. */
export class NoRoom extends Rejection {
  constructor(requiredBytes: number, availableBytes: number) {
    super(`Space required ${requiredBytes} B, available ${availableBytes} B`);
    this.name = 'NoRoom';
  }
}
