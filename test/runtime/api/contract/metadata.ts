/** Metadata. */
import type { MetadataPort } from '../../../../runtime/api/metadata-endpoints.ts';
import { type Extra, errorOf, NO_ROOM, of, type Row, refused } from './row.ts';

const rowsOf = (name: 'user-meta' | 'device-meta', port: 'userMeta' | 'deviceMeta', words: string): readonly Row[] => {
  const with_ = (changes: Partial<MetadataPort>): Extra => ({
    given: {
      [port]: { json: async () => '{"a":{"b":1}}', put: async () => 'done', remove: async () => true, ...changes },
    },
  });
  const refusal = errorOf(`Cannot add or update ${words.toLowerCase()}`);
  const key = `/${name}/web.colour`;
  return [
    ...of(
      `GET /${name}`,
      ['there is some', `/${name}`, undefined, 200, '{"a":{"b":1}}', with_({})],
      ['the disk fails', `/${name}`, undefined, 500, errorOf(`couldn't get ${name}`), with_({ json: refused })],
    ),
    ...of(
      `PUT /${name}/{}`,
      ['set', key, 'red', 200, ''],
      ['an escape, which stays one', `/${name}/a%2Fb`, 'x', 200, ''],
      ['nothing', key, '', 400, refusal],
      ['chunked', key, 'red', 400, refusal, { chunked: true }],
      ['4096 bytes', key, 'x'.repeat(4096), 200, ''],
      ['4097 bytes', key, 'x'.repeat(4097), 507, errorOf(NO_ROOM)],
      ['the disk fails', key, 'x', 500, refusal, with_({ put: refused })],
      ['no key', `/${name}/.hidden`, 'x', 400, refusal, with_({ put: async () => 'refused' })],
    ),
    ...of(
      `DELETE /${name}/{}`,
      ['gone', key, undefined, 200, '', with_({})],
      ['there was none', key, undefined, 404, errorOf(`${words} does not exist`)],
    ),
  ];
};

export const METADATA = [
  ...rowsOf('user-meta', 'userMeta', 'User meta'),
  ...rowsOf('device-meta', 'deviceMeta', 'Device meta'),
];
