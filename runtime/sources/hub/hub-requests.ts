/** Requests as the Hub knows them: methods, paths, headers, bodies. Pure. */
import type { HttpRequest } from './http-client.ts';
import type { Credentials, Request } from './hub-state.ts';

/** Steps that are not over. Sent exactly so: `$`, `:` and `,` are not escaped. */
const PENDING =
  'progress.status=%7B%22$in%22:%5B%22NEW%22,%22DOWNLOADING%22,%22INPROGRESS%22,%22TESTING%22,%22QUEUED%22%5D%7D';

export interface Session {
  readonly credentials: Credentials | undefined;
  readonly token: string | undefined;
  /** `PH_FACTORY_AUTOTOK`; empty: none. */
  readonly autoToken: string;
  /** The whole map as JSON. */
  readonly deviceMeta: string;
  readonly userAgent: string;
}

type Wire = Pick<HttpRequest, 'method' | 'path' | 'headers'> & { readonly body?: string };

const JSON_TYPE = { 'Content-Type': 'application/json' } as const;

/** Everything but factory sync and downloads, which are more than one request. */
export const wireOf = (request: Exclude<Request, { kind: 'sync' | 'download' }>, session: Session): Wire => {
  const { credentials, token, autoToken, userAgent } = session;
  const id = credentials?.id ?? '';
  const open = { 'User-Agent': userAgent };
  const signed = token === undefined ? open : { ...open, Authorization: `Bearer ${token}` };
  const get = (path: string): Wire => ({ method: 'GET', path, headers: signed });
  const put = (path: string, body: string): Wire => ({
    method: 'PUT',
    path,
    headers: { ...signed, ...JSON_TYPE },
    body,
  });
  switch (request.kind) {
    case 'register': {
      const auto = autoToken === '' ? {} : { 'Pantahub-Devices-Auto-Token-V1': autoToken };
      return { method: 'POST', path: '/devices/', headers: { ...open, ...JSON_TYPE, ...auto } };
    }
    case 'login': {
      const body = JSON.stringify({ username: credentials?.prn ?? '', password: credentials?.secret ?? '' });
      return { method: 'POST', path: '/auth/login', headers: { ...open, ...JSON_TYPE }, body };
    }
    case 'device':
      return get(`/devices/${id}`);
    case 'trails':
      return get('/trails/');
    case 'steps':
      return get(`/trails/${id}/steps?${PENDING}`);
    case 'object':
      return get(`/objects/${request.id}`);
    case 'progress':
      return put(`/trails/${id}/steps/${request.report.revision}/progress`, JSON.stringify(request.report.progress));
    case 'user-meta':
      return get(`/devices/${id}/user-meta`);
    case 'device-meta':
      return put(`/devices/${id}/device-meta`, session.deviceMeta);
    default:
      return request satisfies never;
  }
};
