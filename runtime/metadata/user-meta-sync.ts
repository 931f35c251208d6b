/**
 * User metadata follows the Hub: its map replaces the local one, but a key that was set here survives one sync, so that
 * it is not lost before the Hub can know of it.
 */
import type { Metadata } from './metadata.ts';

export interface UserMetaSync {
  /** A key that was set on the device. */
  touched(key: string): void;
  /** @throws DeviceError */
  apply(map: Readonly<Record<string, unknown>>): Promise<void>;
}

const textOf = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value));

export const userMetaSync = (metadata: Metadata, onProblem: (message: string) => void): UserMetaSync => {
  const fresh = new Set<string>();
  /** Told once for each value that cannot be kept. */
  const told = new Set<string>();
  return {
    touched: (key) => void fresh.add(key),
    apply: async (map) => {
      for (const [key, value] of Object.entries(map)) {
        if (value === null || value === undefined || value === '') continue;
        fresh.delete(key);
        const outcome = await metadata.put(key, textOf(value));
        if (outcome !== 'done' && !told.has(key))
          onProblem(`user metadata ${JSON.stringify(key)} is not kept: ${outcome}`);
        if (outcome !== 'done') told.add(key);
      }
      for (const [key] of metadata.entries()) {
        const value = Object.hasOwn(map, key) ? map[key] : null;
        if ((value !== null && value !== '') || fresh.delete(key)) continue;
        await metadata.remove(key);
      }
    },
  };
};
