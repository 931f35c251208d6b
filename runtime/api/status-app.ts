/** The status listener: the page for people and the documents it is made of. Read-only, and open to whoever reaches it. */
import { readOnlyEndpoints } from './control.ts';
import type { ApiDeps } from './deps.ts';
import { type ApiApp, addEndpoint, apiApp } from './endpoint.ts';
import { STATUS_PAGE, STATUS_PAGE_POLICY } from './status-page.ts';
import type { StatusSource } from './status-source.ts';

const PAGE_HEADERS = {
  'Content-Type': 'text/html; charset=utf-8',
  'Cache-Control': 'no-store',
  'Content-Security-Policy': STATUS_PAGE_POLICY,
  'X-Content-Type-Options': 'nosniff',
};

export const statusApp = (deps: ApiDeps, status: StatusSource): ApiApp => {
  const app = apiApp(deps.report);
  const everybody: ApiDeps = { ...deps, identify: async () => 'host' };
  for (const endpoint of readOnlyEndpoints(deps, status)) addEndpoint(app, endpoint, everybody);
  app.get('/', () => new Response(STATUS_PAGE, { headers: PAGE_HEADERS }));
  return app;
};
