/** `logs` of a container: files inside it that are followed. */
import { z } from 'zod';

const Text = z.union([z.string(), z.number(), z.boolean()], { error: 'a string' });

export const LogManifest = z
  .looseObject({
    file: z.string().optional().describe('Path in the container; default /var/log/messages.'),
    name: z.string().optional().describe("Source name; default the container's name."),
    truncate: Text.optional().describe('true: emptied when it reaches maxsize.'),
    maxsize: Text.optional().describe('In bytes.'),
    lxc: z.unknown().optional(),
    console: z.unknown().optional(),
  })
  .refine((log) => Object.keys(log).length > 0, { error: 'an object with at least one key' });
export type LogManifest = z.output<typeof LogManifest>;
