/**
 * Finds the endpoint of a path by Pantavisor's rules: names are never percent-decoded, `/groups/` is not
 * `/groups`, but paths with names in them ignore empty segments.
 */
import { addRoute, createRouter, findRoute } from 'rou3';

interface Place {
  readonly path: string;
}

export interface Route<E extends Place> {
  readonly endpoint: E;
  readonly parameters: Readonly<Record<string, string>>;
}

const MAX_SEGMENT_BYTES = 255;
const MAX_SEGMENTS = 10;

/** The two kinds of paths: those with names in them, and exact ones. */
export const isCustom = ({ path }: Place): boolean => path.includes('{');

const segmentsOf = (target: string): readonly string[] => target.split('/').filter((segment) => segment !== '');

const areFit = (segments: readonly string[]): boolean =>
  segments.length <= MAX_SEGMENTS && segments.every((segment) => Buffer.byteLength(segment) <= MAX_SEGMENT_BYTES);

/**
 * @returns a function that finds the endpoint of a request target; undefined: there is none. A query is ignored by exact
 * paths, and part of the name in the others.
 */
export const routesOf = <E extends Place>(endpoints: readonly E[]): ((target: string) => Route<E> | undefined) => {
  const exact = new Map(
    endpoints.filter((endpoint) => !isCustom(endpoint)).map((endpoint) => [endpoint.path, endpoint]),
  );
  const router = createRouter<E>();
  for (const endpoint of endpoints)
    if (isCustom(endpoint)) addRoute(router, '', endpoint.path.replace(/\{(\w+)\}/g, ':$1'), endpoint);
  return (target) => {
    const endpoint = exact.get(target.replace(/\?.*$/s, ''));
    if (endpoint !== undefined) return { endpoint, parameters: {} };
    const segments = segmentsOf(target);
    if (!areFit(segments)) return undefined;
    const found = findRoute(router, '', `/${segments.join('/')}`);
    return found === undefined ? undefined : { endpoint: found.data, parameters: found.params ?? {} };
  };
};
