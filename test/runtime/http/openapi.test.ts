import { Ajv2020 } from 'ajv/dist/2020.js';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Api, startApi } from '../../../runtime/api/api.ts';
import { controlEndpoints } from '../../../runtime/api/control-endpoints.ts';
import { startStatus } from '../../../runtime/api/status-source.ts';
import type { Endpoint } from '../../../runtime/http/operation.ts';
import type { Row } from '../api/contract/row.ts';
import { ROWS } from '../api/contract/rows.ts';
import { container, type FakeDevice, fakeDevice, group, running, snapshotOf } from '../api/fixture.ts';
import { ask } from '../api/wire.ts';

const SNAPSHOT = snapshotOf([container('web', { restartPolicy: 'container' })], [group('app')], {
  observed: { 'container/web': running() },
});

type Content = Readonly<Record<string, { readonly schema: { readonly $ref: string } | { readonly type: string } }>>;
interface Carrier {
  readonly content?: Content;
}
interface Operation {
  readonly summary: string;
  readonly requestBody?: Carrier;
  readonly responses: Readonly<Record<string, Carrier>>;
}
interface Described {
  readonly openapi: string;
  readonly paths: Record<string, Record<string, Operation>>;
  readonly components: { readonly schemas: Record<string, object> };
}

let device: FakeDevice;
let api: Api;
let endpoints: readonly Endpoint[];
let description: Described;
beforeEach(async () => {
  device = fakeDevice(SNAPSHOT);
  device.names.set('container/web', 'STARTED');
  api = await startApi(device.deps);
  const status = startStatus(device.deps);
  endpoints = controlEndpoints(device.deps, status);
  status.stop();
  description = JSON.parse((await ask(device.deps.socketPath, 'GET', '/openapi.json')).body);
});
afterEach(async () => {
  await api.stop();
  device.remove();
});

describe('the description of the API', () => {
  it('is OpenAPI 3.1 and knows every endpoint with every method', () => {
    expect(description.openapi).toBe('3.1.0');
    const described = Object.entries(description.paths).flatMap(([path, item]) =>
      Object.keys(item)
        .filter((key) => key !== 'parameters')
        .map((method) => `${method.toUpperCase()} ${path}`),
    );
    const served = endpoints.flatMap(({ path, methods }) => Object.keys(methods).map((method) => `${method} ${path}`));
    expect(described.sort()).toEqual(served.sort());
  });

  it('has a summary for each, and refers to schemas that are there', () => {
    const text = JSON.stringify(description);
    for (const [, name = ''] of text.matchAll(/#\/components\/schemas\/(\w+)/g))
      expect(description.components.schemas).toHaveProperty(name);
    for (const item of Object.values(description.paths))
      for (const [key, operation] of Object.entries(item))
        if (key !== 'parameters') expect(operation.summary).toMatch(/\w/);
  });

  it('has schemas that hold together', () => {
    const ajv = new Ajv2020({ strict: false, validateFormats: false });
    ajv.addSchema({ $id: 'api', components: description.components });
    for (const name of Object.keys(description.components.schemas))
      expect(() => ajv.compile({ $ref: `api#/components/schemas/${name}` })).not.toThrow();
  });

  it('has a schema for every document that is answered or sent', () => {
    const without = Object.entries(description.paths).flatMap(([path, item]) =>
      Object.entries(item)
        .filter(([method]) => method !== 'parameters')
        .flatMap(([method, operation]) => contentsOf(operation).map((content) => [method, path, content] as const))
        .filter(([, , { 'application/json': content }]) => content !== undefined && !('$ref' in content.schema))
        .map(([method, path]) => `${method} ${path}`),
    );
    expect(without).toEqual([]);
  });

  it('names what every request carries', () => {
    const bare = endpoints.flatMap(({ path, methods }) =>
      Object.entries(methods)
        .filter(([method, { body, content }]) => method === 'PUT' && body === undefined && content === undefined)
        .map(([method]) => `${method} ${path}`),
    );
    // What is ordered there is all in the path.
    expect(bare.filter((each) => !each.startsWith('PUT /drivers/'))).toEqual([]);
  });
});

/** Of requests and answers. */
const contentsOf = (operation: Operation): readonly Content[] =>
  [operation.requestBody, ...Object.values(operation.responses)].flatMap((carrier) =>
    carrier?.content === undefined ? [] : [carrier.content],
  );

describe('what is answered', () => {
  const schemaFor = (row: Row): string => {
    const [method = '', path = ''] = row.endpoint.split(' ');
    const [, item] =
      Object.entries(description.paths).find(([described]) => described.replace(/\{\w+\}/g, '{}') === path) ?? [];
    const responses = item?.[method.toLowerCase()]?.responses ?? {};
    const { schema } = (responses[row.status] ?? responses['default'])?.content?.['application/json'] ?? {};
    return schema !== undefined && '$ref' in schema ? schema.$ref : 'none';
  };
  const documents = ROWS.filter(({ answer }) => /^[[{]/.test(answer));

  it.each(documents.map((row) => [row.endpoint, row.when, row] as const))('%s, %s, is as described', (_1, _2, row) => {
    const ajv = new Ajv2020({ strict: false, validateFormats: false });
    ajv.addSchema({ $id: 'api', components: description.components });
    const isValid = ajv.compile({ $ref: `api${schemaFor(row)}` });
    isValid(JSON.parse(row.answer));
    expect(isValid.errors).toBeNull();
  });

  it.each([
    ['/status', 'Status'],
    ['/containers', 'ContainerList'],
    ['/groups', 'GroupList'],
    ['/steps', 'StepList'],
    ['/readyz', 'Readiness'],
    ['/history', 'History'],
    ['/nowhere', 'Error'],
  ])('at %s by a running API is as described', async (path, schema) => {
    const ajv = new Ajv2020({ strict: false, validateFormats: false });
    ajv.addSchema({ $id: 'api', components: description.components });
    const isValid = ajv.compile({ $ref: `api#/components/schemas/${schema}` });
    isValid(JSON.parse((await ask(device.deps.socketPath, 'GET', path)).body));
    expect(isValid.errors).toBeNull();
  });
});
