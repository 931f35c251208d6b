/** Objects. */
import type { ApiDeps } from '../../../../runtime/api/ports.ts';
import { type Extra, errorOf, NO_ROOM, of, refused } from './row.ts';

export const OBJECT = 'a'.repeat(64);

const objects = (changes: Partial<ApiDeps['objects']>): Extra => ({
  given: {
    objects: { list: async () => [], read: async () => undefined, put: async () => 'stored', ...changes },
  },
});
const PUT_OBJECT = `/objects/${OBJECT}`;
const BAD_NAME = errorOf('Request has bad object name');

export const OBJECTS = [
  ...of(
    'GET /objects',
    ['there are none', '/objects', undefined, 200, '[]'],
    [
      'there is one',
      '/objects',
      undefined,
      200,
      `[{"sha256":"${OBJECT}","size":"12"}]`,
      objects({ list: async () => [{ id: OBJECT, sizeBytes: 12 }] }),
    ],
    ['the disk fails', '/objects', undefined, 500, errorOf("couldn't get device objects"), objects({ list: refused })],
  ),
  ...of(
    'PUT /objects/{}',
    ['stored', PUT_OBJECT, 'x', 200, ''],
    ['chunked', PUT_OBJECT, 'x', 200, '', { chunked: true }],
    ['it is there, and the body is empty', PUT_OBJECT, '', 200, ''],
    ['a short name', '/objects/abc', 'x', 400, BAD_NAME],
    [
      'another content',
      PUT_OBJECT,
      'x',
      422,
      errorOf('Object has bad checksum'),
      { ...objects({ put: async () => 'bad checksum' }), head: 'http/1.1 422 unprocessable content\r\n' },
    ],
    [
      'no room',
      PUT_OBJECT,
      'x',
      507,
      errorOf(NO_ROOM),
      { ...objects({ put: async () => 'no room' }), head: 'http/1.1 507 insufficient storage\r\n' },
    ],
    ['the disk fails', PUT_OBJECT, 'x', 500, errorOf('Upload error'), objects({ put: refused })],
  ),
  ...of(
    'GET /objects/{}',
    [
      'it is there',
      PUT_OBJECT,
      undefined,
      200,
      '3\r\nabc\r\n0\r\n\r\n',
      {
        ...objects({ read: async () => ReadableStream.from([Buffer.from('abc')]) }),
        head: 'content-type: application/octet-stream',
      },
    ],
    ['it is not there', PUT_OBJECT, undefined, 400, BAD_NAME],
    ['a short name', '/objects/abc', undefined, 400, BAD_NAME],
    ['the disk fails', PUT_OBJECT, undefined, 500, errorOf('Object allocation error'), objects({ read: refused })],
  ),
];
