/** `bsp/run.json` and `bsp/drivers.json`. */
import { z } from 'zod';
import { ANY, LEFT_OUT, type Leniency, REFUSED } from './manifest.ts';
import { namedMap } from './named-map.ts';

const file = (description: string) => z.string().min(1, { error: 'a file name' }).optional().describe(description);

export const BspManifest = z
  .looseObject({
    fit: file('FIT image; linux, initrd, fdt and rpiab are then not read.'),
    rpiab: file('Boot image of a Raspberry Pi; linux, initrd and fdt are then not read.'),
    linux: file('Kernel.'),
    initrd: file('Initial RAM disk.'),
    fdt: file('Device tree.'),
    firmware: file('Volume for /lib/firmware.'),
    modules: file('Volume for /lib/modules/<release>.'),
    addons: z.array(z.string()).optional().describe('Further initial RAM disks.'),
    initrd_config: z.string().optional(),
  })
  .superRefine(({ fit, rpiab, linux, initrd }, context) => {
    if (fit !== undefined || rpiab !== undefined) return;
    for (const [key, value] of Object.entries({ linux, initrd })) {
      if (value !== undefined) continue;
      context.addIssue({ code: 'custom', path: [key], message: 'a file name, because neither fit nor rpiab is given' });
    }
  });
export type BspManifest = z.output<typeof BspManifest>;

/** Alias → modules with their options. */
export const DriverSection = namedMap(z.array(z.string(), { error: 'a list of modules' }));
export type DriverSection = z.output<typeof DriverSection>;

export const DRIVER_LENIENCIES: readonly Leniency[] = [
  { at: [ANY], instead: (value) => (Array.isArray(value) ? REFUSED : LEFT_OUT) },
];

/** Sections of other names are documentation, or for loaders that do not exist. */
export const isDriverSection = (name: string): boolean => name === 'all' || name.startsWith('fitconfig:');
