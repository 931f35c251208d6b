/** Objects whose keys are names that people choose. */
import { z } from 'zod';
import { expectationOf } from '../kinds/expectation.ts';
import { MAX_PROBLEMS } from './problem.ts';

// For the JSON Schema: zod cannot look through a transformation.
const elements = new WeakMap<object, z.ZodType>();

/** The element schema of a named map; undefined: another schema. */
export const elementOf = (schema: object): z.ZodType | undefined => elements.get(schema);

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/**
 * An object as a Map in document order. zod's own record drops a key named `__proto__`; here it is a name like any
 * other. `fault` says what is expected of a name that is not acceptable.
 */
export const namedMap = <T extends z.ZodType>(
  element: T,
  fault: (name: string) => string | undefined = () => undefined,
) => {
  const schema = z
    .custom<Record<string, unknown>>(isObject, { error: 'an object' })
    .transform((object, context): ReadonlyMap<string, z.output<T>> => {
      const map = new Map<string, z.output<T>>();
      for (const [name, input] of Object.entries(object)) {
        if (context.issues.length > MAX_PROBLEMS) break;
        const expected = fault(name);
        if (expected !== undefined) {
          context.issues.push({ code: 'custom', input: name, path: [name], message: `a name that is ${expected}` });
        }
        const parsed = element.safeParse(input, { error: expectationOf });
        if (parsed.success) map.set(name, parsed.data);
        else context.issues.push(...parsed.error.issues.map((issue) => issueBelow(name, issue, input)));
      }
      return map;
    });
  elements.set(schema, element);
  return schema;
};

const issueBelow = (name: string, { path, message }: z.core.$ZodIssue, input: unknown): z.core.$ZodRawIssue => ({
  code: 'custom',
  input,
  path: [name, ...path],
  message,
});
