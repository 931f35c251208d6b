/** `storage` of a container, and `volumes` of `device.json`. */
import { z } from 'zod';
import { NameText } from '../short-text.ts';
import { ANY, LEFT_OUT, type Leniency, REFUSED } from './manifest.ts';
import { volumeNameFault } from './name.ts';
import { namedMap } from './named-map.ts';
import type { Segment } from './problem.ts';

export const PERSISTENCES = ['permanent', 'revision', 'boot'] as const;

export const StorageEntry = z.looseObject({
  persistence: z
    .enum(PERSISTENCES)
    .optional()
    .describe('permanent survives updates, revision survives reboots, boot neither. Absent: no volume.'),
  disk: NameText.optional().describe('Name or alias of a disk; default: the disk with "default": "yes", if any.'),
});
export type StorageEntry = z.output<typeof StorageEntry>;

export const StorageManifest = namedMap(StorageEntry, volumeNameFault);

const isObject = (value: unknown): boolean => typeof value === 'object' && value !== null && !Array.isArray(value);

const leftOutUnlessObject = (value: unknown): unknown => (isObject(value) ? REFUSED : LEFT_OUT);

export const storageLeniencies = (...at: readonly Segment[]): readonly Leniency[] => [
  // Kept rather than lost: what was meant is not known.
  { at: [...at, ANY, 'persistence'], instead: () => 'permanent' },
  { at: [...at, ANY], instead: leftOutUnlessObject },
  { at, instead: leftOutUnlessObject },
];
