/** `GET /buildinfo`: what this program was built from. */
import type { Endpoint } from '../http/operation.ts';

/** @param text one `name value` per line. */
export const buildInfoEndpoint = (text: string): Endpoint => ({
  path: '/buildinfo',
  role: 'mgmt',
  methods: {
    GET: {
      summary: 'What this program was built from',
      answers: { 200: { type: 'text/plain' } },
      handle: () => ({ status: 200, headers: { 'Content-Type': 'text/plain' }, body: text }),
    },
  },
});
