/** OpenAPI documents of endpoints, made of what is served. Loaded when one is asked for. Pure. */
import { z } from 'zod';
import project from '../../package.json' with { type: 'json' };
import type { Content, Operation, Shape } from './operation.ts';

type Json = Readonly<Record<string, unknown>>;

type Described = Omit<Operation, 'handle'>;

export interface DescribedEndpoint {
  readonly path: string;
  readonly methods: Readonly<Partial<Record<string, Described>>>;
}

export interface About {
  readonly description: string;
  readonly server: string;
  readonly schemas: Readonly<Record<string, z.ZodType>>;
  /** Who may, of one operation. */
  readonly access: (operation: Described, endpoint: DescribedEndpoint) => Json;
  /** Besides paths and schemas. */
  readonly components?: Json;
}

const schemaOf = (name: Shape): Json => ({ $ref: `#/components/schemas/${name}` });

const contentOf = ({ type, schema }: Content): Json => ({
  [type]: { schema: schema === undefined ? { type: 'string' } : schemaOf(schema) },
});

const WORDS: Readonly<Record<number, string>> = { 200: 'As asked.', 503: 'Not now.' };

const answersOf = ({ answers }: Described): Json => ({
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

const parametersOf = ({ query = {}, headers = {} }: Described): Json => {
  const described = (place: string, entries: Readonly<Record<string, string>>): readonly Json[] =>
    Object.entries(entries).map(([name, description]) => ({
      name,
      in: place,
      description,
      schema: { type: 'string' },
    }));
  const parameters = [...described('query', query), ...described('header', headers)];
  return parameters.length > 0 ? { parameters } : {};
};

const bodyOf = ({ body, content }: Described): Json => {
  const carried = content ?? (body === undefined ? undefined : { type: 'application/json', schema: body });
  return carried === undefined ? {} : { requestBody: { required: true, content: contentOf(carried) } };
};

const operationOf = (operation: Described, endpoint: DescribedEndpoint, { access }: About): Json => ({
  summary: operation.summary,
  ...access(operation, endpoint),
  ...parametersOf(operation),
  ...bodyOf(operation),
  responses: answersOf(operation),
});

const pathOf = (endpoint: DescribedEndpoint, about: About): Json => {
  const names = [...endpoint.path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
  const parameters = names.map((name) => ({ name, in: 'path', required: true, schema: { type: 'string' } }));
  const operations = Object.entries(endpoint.methods).flatMap(([method, operation]) =>
    operation === undefined ? [] : [[method.toLowerCase(), operationOf(operation, endpoint, about)]],
  );
  return { ...(names.length > 0 ? { parameters } : {}), ...Object.fromEntries(operations) };
};

/** What a schema needs by itself, such as one that contains itself, is one of the document's: there are no others in it. */
const schemasOf = ({ schemas }: About): Json =>
  Object.fromEntries(
    Object.entries(schemas).flatMap(([name, schema]) => {
      const { $schema: _, $defs = {}, ...json } = z.toJSONSchema(schema, { target: 'draft-2020-12', io: 'input' });
      const own = Object.entries($defs).map(([part, definition]) => [`${name}${part}`, definition] as const);
      const here = (value: unknown): unknown =>
        JSON.parse(JSON.stringify(value).replaceAll('"#/$defs/', `"#/components/schemas/${name}`));
      return [[name, json] as const, ...own].map(([each, value]) => [each, here(value)] as const);
    }),
  );

export const openApiOf = (endpoints: readonly DescribedEndpoint[], about: About): Json => ({
  openapi: '3.1.0',
  info: {
    title: project.name,
    version: project.version,
    description: about.description,
    license: { name: 'MIT', identifier: 'MIT' },
  },
  servers: [{ url: about.server }],
  paths: Object.fromEntries(endpoints.map((endpoint) => [endpoint.path, pathOf(endpoint, about)])),
  components: { schemas: schemasOf(about), ...about.components },
});
