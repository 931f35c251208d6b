/**
 * The JSON Schema of a state document, for editors: generated from the schemas that read it. It is a little more
 * strict than the reader, which forgives what Pantavisor always forgave.
 */
import { z } from 'zod';
import { BspManifest, DriverSection } from './bsp-manifest.ts';
import { DeviceManifest, DisksManifest, GroupsManifest } from './device-manifest.ts';
import { elementOf } from './named-map.ts';
import { RunManifest } from './run-manifest.ts';
import { ServicesManifest } from './services-manifest.ts';
import { STATE_SPEC } from './state.ts';

type JsonSchema = Record<string, unknown>;

/** An object of the store. */
const OBJECT = { type: 'string', pattern: '^[0-9a-f]{64}$', description: 'sha256 of an object.' };

export const stateJsonSchema = (): JsonSchema => ({
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  title: 'Pantavisor state',
  description: 'One revision of a device: a flat object of paths. Values are sha256 ids of objects, or inline JSON.',
  type: 'object',
  required: ['#spec'],
  properties: {
    '#spec': { const: STATE_SPEC },
    'README.md': OBJECT,
    'device.json': schemaOf(DeviceManifest),
    'groups.json': schemaOf(GroupsManifest),
    'disks.json': schemaOf(DisksManifest),
    'disks_v3.json': schemaOf(DisksManifest),
    'bsp/run.json': schemaOf(BspManifest),
    'bsp/drivers.json': driversSchema(),
  },
  patternProperties: {
    '^(?!bsp/|_)[^/]+/run\\.json$': schemaOf(RunManifest),
    '^(?!bsp/|_)[^/]+/services\\.json$': schemaOf(ServicesManifest),
    // Everything that does not end in .json is an object.
    '^(?!#spec$|_sigs/)(?!.*\\.json$).*$': OBJECT,
  },
  propertyNames: { maxLength: 1024, not: { pattern: '^/|/$|//|\\\\|(^|/)\\.\\.?(/|$)' } },
});

const schemaOf = (schema: z.ZodType): JsonSchema => {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, {
    io: 'input',
    unrepresentable: 'any',
    override: ({ zodSchema, jsonSchema }) => {
      const element = elementOf(zodSchema);
      if (element !== undefined) Object.assign(jsonSchema, { type: 'object', additionalProperties: schemaOf(element) });
    },
  });
  return rest;
};

const driversSchema = (): JsonSchema => ({
  type: 'object',
  description: 'Sections of drivers: alias and the modules it stands for.',
  properties: { all: schemaOf(DriverSection) },
  patternProperties: { '^fitconfig:': schemaOf(DriverSection) },
});
