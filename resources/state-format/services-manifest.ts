/** What a container needs of others (`run.json` services) and offers them (`services.json`). */
import { z } from 'zod';
import { NameText } from '../short-text.ts';
import { ANY, LEFT_OUT, type Leniency } from './manifest.ts';

const Requirement = z.union(
  [
    NameText.min(1),
    z.looseObject({
      name: NameText,
      type: NameText.optional(),
      role: NameText.optional(),
      interface: NameText.optional(),
      target: NameText.optional(),
    }),
  ],
  { error: 'an object with the "name" of a service' },
);
export type Requirement = z.output<typeof Requirement>;

export const RequirementsManifest = z.looseObject({
  required: z.array(Requirement).optional().describe('Services without which the container is not started.'),
  optional: z.array(Requirement).optional(),
});

export const serviceNameOf = (requirement: Requirement): string =>
  typeof requirement === 'string' ? requirement : requirement.name;

const Export = z
  .looseObject({
    name: NameText.optional(),
    type: NameText.optional(),
    socket: NameText.optional(),
    bus: NameText.optional(),
    owns: NameText.optional().describe('A name on the hosted D-Bus.'),
    role: NameText.optional(),
    allow: z.array(NameText).optional(),
  })
  .refine(({ name, owns }) => name !== undefined || owns !== undefined, {
    error: 'an object with the "name" of a service, or the D-Bus name it "owns"',
  });
export type Export = z.output<typeof Export>;

const Exports = z.array(Export);

/** Either form: a list, or an object that holds the list. */
export const ServicesManifest = z.union([z.looseObject({ '#spec': NameText.optional(), services: Exports }), Exports]);

/** The list of `services.json`; the two forms are told apart before they are read, so that faults are told exactly. */
export const SERVICES_FORMS = {
  object: z.looseObject({ services: Exports.optional() }),
  list: Exports,
} as const;

/** A services.json never refuses a document. */
export const SERVICES_LENIENCIES = {
  object: [
    { at: ['services', ANY], instead: () => LEFT_OUT },
    { at: [], instead: () => LEFT_OUT },
  ],
  list: [
    { at: [ANY], instead: () => LEFT_OUT },
    { at: [], instead: () => LEFT_OUT },
  ],
} as const satisfies Readonly<Record<string, readonly Leniency[]>>;
