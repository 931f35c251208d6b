/** The OpenAPI document of the API, made of its endpoints. Loaded when it is asked for. Pure. */
import { z } from 'zod';
import project from '../../package.json' with { type: 'json' };
import type { Content, Endpoint, Method, Operation } from './operation.ts';
import { SCHEMAS, type SchemaName } from './schemas.ts';

type Json = Readonly<Record<string, unknown>>;

const DESCRIPTION =
  'HTTP on the unix socket `<run>/pv-ctrl`; what may be looked at also on `PV_STATUS_LISTEN`, read-only. ' +
  'Names in paths are never percent-decoded. On the socket an unknown path and an unsupported method are 400; ' +
  'on `PV_STATUS_LISTEN` methods other than GET and HEAD are 405.';

const schemaOf = (name: SchemaName): Json => ({ $ref: `#/components/schemas/${name}` });

const contentOf = ({ type, schema }: Content): Json => ({
  [type]: { schema: schema === undefined ? { type: 'string' } : schemaOf(schema) },
});

const WORDS: Readonly<Record<number, string>> = { 200: 'As asked.', 503: 'Not now.' };

const answersOf = ({ answers }: Operation): Json => ({
  ...Object.fromEntries(
    Object.entries(answers).map(([status, content]) => [
      status,
      { description: WORDS[Number(status)] ?? '', ...(content === 'nothing' ? {} : { content: contentOf(content) }) },
    ]),
  ),
  default: {
    description: 'Refused, with the reason.',
    content: contentOf({ type: 'application/json', schema: 'Error' }),
  },
});

const operationOf = (operation: Operation, { role }: Endpoint): Json => ({
  summary: operation.summary,
  'x-role': role,
  ...(operation.body === undefined
    ? {}
    : { requestBody: { required: true, content: { 'application/json': { schema: schemaOf(operation.body) } } } }),
  responses: answersOf(operation),
});

const pathOf = (endpoint: Endpoint): Json => {
  const names = [...endpoint.path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
  const parameters = names.map((name) => ({ name, in: 'path', required: true, schema: { type: 'string' } }));
  const operations = (Object.entries(endpoint.methods) as [Method, Operation][]).map(([method, operation]) => [
    method.toLowerCase(),
    operationOf(operation, endpoint),
  ]);
  return { ...(names.length > 0 ? { parameters } : {}), ...Object.fromEntries(operations) };
};

const schemas = (): Json =>
  Object.fromEntries(
    Object.entries(SCHEMAS).map(([name, schema]) => {
      const { $schema: _, ...json } = z.toJSONSchema(schema, { target: 'draft-2020-12', io: 'input' });
      return [name, json];
    }),
  );

export const openApiOf = (endpoints: readonly Endpoint[]): Json => ({
  openapi: '3.1.0',
  info: {
    title: project.name,
    version: project.version,
    description: DESCRIPTION,
    license: { name: 'MIT', identifier: 'MIT' },
  },
  servers: [{ url: 'http://localhost/' }],
  paths: Object.fromEntries(endpoints.map((endpoint) => [endpoint.path, pathOf(endpoint)])),
  components: { schemas: schemas() },
});
