/**
 * What entries of the ledger have to look like to be believed. Another daemon may have written them: an older or a newer
 * one, or one that was cut off. Only what is used without a look is checked; more may be in them.
 */
import { z } from 'zod';
import type { Kind } from '../../resources/catalog.ts';

export type Section = Kind | 'intent';

const Exit = z.discriminatedUnion('type', [
  z.object({ type: z.literal('code'), code: z.number() }),
  z.object({ type: z.literal('signal'), signal: z.number() }),
  z.object({ type: z.literal('unknown') }),
]);

const Run = z.looseObject({
  startedAtMs: z.number(),
  initPid: z.number().optional(),
  readyAtMs: z.number().optional(),
  stopRequestedAtMs: z.number().optional(),
});

const ContainerEntry = z.looseObject({
  definition: z.string(),
  generation: z.number(),
  revision: z.string(),
  rank: z.number(),
  retries: z.number(),
  run: Run.optional(),
  uppers: z.array(z.looseObject({})).optional(),
  end: z.looseObject({ exit: Exit, atMs: z.number() }).optional(),
});

const DiskEntry = z.looseObject({
  spec: z.looseObject({
    name: z.string(),
    order: z.number(),
    source: z.looseObject({ type: z.string() }),
    use: z.looseObject({ type: z.enum(['mount', 'swap']) }),
  }),
  device: z.string().optional(),
});

const Trial = z.looseObject({
  session: z.string(),
  revision: z.string(),
  startedAtMs: z.number(),
  testedAtMs: z.number().optional(),
  commitAtMs: z.number().optional(),
  rebootFor: z.string().optional(),
  booted: z.boolean().optional(),
  untried: z.string().optional(),
});

const UPDATE_ENTRIES: Readonly<Record<string, z.ZodType>> = {
  device: Trial,
  reboot: z.looseObject({ reason: z.string() }),
  lifeline: z.looseObject({ stage: z.enum(['verifying', 'factory', 'safe']), reason: z.string() }),
};

const ENTRIES: Readonly<Record<Section, z.ZodType>> = {
  container: ContainerEntry,
  disk: DiskEntry,
  group: z.looseObject({ revision: z.string(), openedAtMs: z.number() }),
  volume: z.looseObject({}),
  intent: z.looseObject({ stopped: z.boolean(), generation: z.number() }),
  update: z.looseObject({}),
};

/** What is wrong with an entry; undefined: nothing. */
export const entryFault = (section: Section, name: string, entry: unknown): string | undefined => {
  const schema = (section === 'update' ? UPDATE_ENTRIES[name] : undefined) ?? ENTRIES[section];
  const parsed = schema.safeParse(entry);
  return parsed.success ? undefined : z.prettifyError(parsed.error);
};
