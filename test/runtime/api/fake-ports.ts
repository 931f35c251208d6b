/** Ports of a device on which nothing is stored, for tests of something else; what they are asked for is recorded. */

import type { MetadataPort } from '../../../runtime/api/metadata-endpoints.ts';
import type { ApiDeps } from '../../../runtime/api/ports.ts';
import { metadataJson } from '../../../runtime/metadata/metadata-json.ts';

type Ports = Pick<
  ApiDeps,
  'objects' | 'installing' | 'commands' | 'userMeta' | 'deviceMeta' | 'configuration' | 'buildInfo'
>;

const fakeMetadata = (name: string, log: string[]): MetadataPort => {
  const values = new Map<string, string>();
  return {
    json: async () => metadataJson([...values].reverse()),
    put: async (key, value) => {
      log.push(`${name} ${key}=${value}`);
      values.set(key, value);
      return 'done';
    },
    remove: async (key) => values.delete(key),
  };
};

export const fakePorts = (log: string[]): Ports => {
  const objects = new Map<string, Uint8Array>();
  const states = new Map<string, Uint8Array>();
  return {
    objects: {
      list: async () => [...objects].map(([id, content]) => ({ id, sizeBytes: content.length })),
      read: async (id) => {
        const content = objects.get(id);
        return content === undefined ? undefined : ReadableStream.from([content]);
      },
      put: async (id, content) => {
        const pieces: Uint8Array[] = [];
        for await (const piece of content) pieces.push(piece);
        const whole = Buffer.concat(pieces);
        if (whole.toString() === 'too much') return 'no room';
        if (whole.toString() === 'wrong') return 'bad checksum';
        objects.set(id, whole);
        return 'stored';
      },
    },
    installing: {
      running: () => 'locals/a',
      document: async (revision) => states.get(revision),
      install: async (revision, bytes) => {
        log.push(`install ${revision}`);
        states.set(revision, bytes);
        return bytes.length === 0 ? 'unreadable' : 'installed';
      },
      setCommitMessage: async (revision, message) => {
        log.push(`${revision}: ${message}`);
        return true;
      },
    },
    commands: {
      isUpdating: () => false,
      hasDebugShell: () => true,
      hub: () => 'disabled',
      attempt: async ({ operation, payload }) => void log.push(`${operation} ${payload}`),
      begin: ({ operation, payload }) => {
        log.push(`${operation} ${payload}`);
        return true;
      },
    },
    userMeta: fakeMetadata('user-meta', log),
    deviceMeta: fakeMetadata('device-meta', log),
    configuration: {
      legacy: () => ({ 'log.level': 3 }),
      list: () => [{ key: 'PV_LOG_LEVEL', value: '3', modified: 'env' }],
    },
    buildInfo: 'pantavisor 0\n',
  };
};
