import { expect, test } from 'vitest';
import { openParts } from '../../../runtime/device/parts.ts';

const bench = () => {
  const log: string[] = [];
  const parts = openParts<string>((name) => log.push(`${name} is up`));
  const add = (name: string, failing?: 'start' | 'stop') =>
    parts.add(
      name,
      async () => {
        log.push(`start ${name}`);
        if (failing === 'start') throw new Error(`${name} cannot start`);
        return name;
      },
      async (part, why) => {
        log.push(`stop ${part}: ${why}`);
        if (failing === 'stop') throw new Error(`${name} cannot stop`);
      },
    );
  return { log, parts, add };
};

test('parts are started in order, and stopped in the reverse order, each once', async () => {
  const { log, parts, add } = bench();
  expect(await add('host')).toBe('host');
  await add('device');
  await parts.add('without an end', () => 1);
  await parts.stop('SIGTERM');
  await parts.stop('SIGTERM');
  expect(log).toEqual([
    'start host',
    'host is up',
    'start device',
    'device is up',
    'without an end is up',
    'stop device: SIGTERM',
    'stop host: SIGTERM',
  ]);
  expect(parts.names).toEqual(['host', 'device', 'without an end']);
});

test('a part that cannot start is not stopped; those before it can be', async () => {
  const { log, parts, add } = bench();
  await add('host');
  await expect(add('device', 'start')).rejects.toThrow('device cannot start');
  await parts.stop('why');
  expect(log).toEqual(['start host', 'host is up', 'start device', 'stop host: why']);
});

test('a part that cannot stop keeps no other from it, and is told in the end', async () => {
  const { log, parts, add } = bench();
  await add('host');
  await add('device', 'stop');
  await add('api', 'stop');
  await expect(parts.stop('why')).rejects.toThrow('api cannot stop');
  expect(log.slice(-3)).toEqual(['stop api: why', 'stop device: why', 'stop host: why']);
});
