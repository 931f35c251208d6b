/** The status listener: the page for people and the documents it is made of. Read-only, and open to whoever reaches it. */

import type { Endpoint } from '../http/operation.ts';
import { documented, readOnlyEndpoints } from './control-endpoints.ts';
import { planOfNow } from './plan-endpoints.ts';
import type { ApiDeps } from './ports.ts';
import { STATUS_PAGE, STATUS_PAGE_POLICY } from './status-page.ts';
import type { StatusSource } from './status-source.ts';

const PAGE_HEADERS = {
  'Content-Type': 'text/html; charset=utf-8',
  'Cache-Control': 'no-store',
  'Content-Security-Policy': STATUS_PAGE_POLICY,
  'X-Content-Type-Options': 'nosniff',
};

export const pageEndpoints = (deps: ApiDeps, status: StatusSource): readonly Endpoint[] =>
  documented([
    ...readOnlyEndpoints(deps, status),
    { path: '/plan', role: 'mgmt', methods: planOfNow(deps) },
    {
      path: '/',
      role: 'mgmt',
      methods: {
        GET: {
          summary: 'The status for people',
          answers: { 200: { type: 'text/html' } },
          handle: () => ({ status: 200, headers: PAGE_HEADERS, body: STATUS_PAGE }),
        },
      },
    },
  ]);

/** A browser may ask for the head of what it may get. */
export const methodOnPage = (method: string): string => (method === 'HEAD' ? 'GET' : method);

/** Whoever reaches the listener is as good as the host: there is nothing to change here. */
export const forEverybody = (deps: ApiDeps): ApiDeps => ({ ...deps, identify: () => ({ caller: 'host', pid: 0 }) });
