import { Ajv2020 } from 'ajv/dist/2020.js';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Api, startApi } from '../../../runtime/api/api.ts';
import { controlEndpoints } from '../../../runtime/api/control.ts';
import type { Endpoint } from '../../../runtime/api/operation.ts';
import { startStatus } from '../../../runtime/api/status-source.ts';
import { container, type FakeDevice, fakeDevice, group, running, snapshotOf } from './fixture.ts';
import { ask } from './wire.ts';

const SNAPSHOT = snapshotOf([container('web', { restartPolicy: 'container' })], [group('app')], {
  observed: { 'container/web': running() },
});

interface Described {
  readonly openapi: string;
  readonly paths: Record<string, Record<string, { summary: string; responses: Record<string, unknown> }>>;
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

  it.each([
    ['/status', 'Status'],
    ['/containers', 'ContainerList'],
    ['/groups', 'GroupList'],
    ['/steps', 'StepList'],
    ['/readyz', 'Readiness'],
    ['/history', 'History'],
    ['/nowhere', 'Error'],
  ])('holds for what %s answers', async (path, schema) => {
    const ajv = new Ajv2020({ strict: false, validateFormats: false });
    ajv.addSchema({ $id: 'api', components: description.components });
    const isValid = ajv.compile({ $ref: `api#/components/schemas/${schema}` });
    isValid(JSON.parse((await ask(device.deps.socketPath, 'GET', path)).body));
    expect(isValid.errors).toBeNull();
  });
});
