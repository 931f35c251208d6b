/**
 * Finds the endpoint of a path by Pantavisor's rules (ctrl-api.md §2): names are never percent-decoded, `/groups/` is not
 * `/groups`, but paths with names in them ignore empty segments.
 */
import { addRoute, createRouter, findRoute } from 'rou3';
import type { Endpoint } from './operation.ts';

export interface Route {
  readonly endpoint: Endpoint;
  readonly parameters: Readonly<Record<string, string>>;
}

const MAX_SEGMENT_BYTES = 255;

/** The two kinds of paths: those with names in them, and exact ones. */
export const isCustom = ({ path }: Endpoint): boolean => path.includes('{');

/** @returns a function that finds the endpoint of a path without its query; undefined: there is none. */
export const routesOf = (endpoints: readonly Endpoint[]): ((path: string) => Route | undefined) => {
  const router = createRouter<Endpoint>();
  for (const endpoint of endpoints) addRoute(router, '', endpoint.path.replace(/\{(\w+)\}/g, ':$1'), endpoint);
  return (path) => {
    const segments = path.split('/').filter((segment) => segment !== '');
    if (segments.some((segment) => Buffer.byteLength(segment) > MAX_SEGMENT_BYTES)) return undefined;
    const found = findRoute(router, '', `/${segments.join('/')}`);
    if (found === undefined || (!isCustom(found.data) && found.data.path !== path)) return undefined;
    return { endpoint: found.data, parameters: found.params ?? {} };
  };
};
