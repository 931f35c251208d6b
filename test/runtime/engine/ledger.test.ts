import { describe, expect, it } from 'vitest';
import { type Ledger, openLedger } from '../../../runtime/engine/ledger.ts';
import { DeviceError } from '../../../runtime/host/host.ts';
import { type SimulatedHost, simulatedHost } from '../../../runtime/host/simulated/simulated.ts';

const DIRECTORY = '/run/ledger';
const open = (host: SimulatedHost, bootId = 'boot-1'): Promise<Ledger> => openLedger(host.files, DIRECTORY, bootId);
const content = async (host: SimulatedHost, path: string): Promise<string | undefined> =>
  (await host.operator.files.read(`${DIRECTORY}/${path}`, 1 << 20))?.toString();

describe('the ledger', () => {
  it('has what was put last, and nothing of what was removed', async () => {
    const ledger = await open(simulatedHost());
    expect(await ledger.get('container', 'web')).toBeUndefined();
    await ledger.put('container', 'web', { one: 1 });
    await ledger.put('container', 'web', { one: 2 });
    expect(await ledger.get('container', 'web')).toEqual({ one: 2 });
    await ledger.remove('container', 'web');
    expect(await ledger.get('container', 'web')).toBeUndefined();
  });

  it('keeps sections apart, and names every entry, whatever it is called', async () => {
    const ledger = await open(simulatedHost());
    for (const name of ['web', 'a/b', '.hidden', 'ü %']) await ledger.put('container', name, { name });
    await ledger.put('disk', 'web', { name: 'a disk' });
    expect((await ledger.names('container')).toSorted()).toEqual(['a/b', 'web', 'ü %']);
    expect(await ledger.get('container', 'a/b')).toEqual({ name: 'a/b' });
    expect(await ledger.get('disk', 'web')).toEqual({ name: 'a disk' });
    expect(await ledger.names('volume')).toEqual([]);
  });

  it('is found again by the next daemon of the same boot', async () => {
    const host = simulatedHost();
    await (await open(host)).put('container', 'web', { one: 1 });
    const next = await open(host.restarted());
    expect(await next.get('container', 'web')).toEqual({ one: 1 });
  });

  it('is empty after a boot, and stays so', async () => {
    const host = simulatedHost();
    const old = await open(host);
    await old.put('container', 'web', { one: 1 });
    await old.put('intent', 'web', {});
    const next = await open(host.restarted(), 'boot-2');
    expect([await next.names('container'), await next.names('intent')]).toEqual([[], []]);
    expect(await content(host, 'boot_id')).toBe('boot-2');
    await next.put('container', 'web', { one: 2 });
    expect(await (await open(host.restarted(), 'boot-2')).get('container', 'web')).toEqual({ one: 2 });
  });

  it('reads an entry once, and then knows it', async () => {
    const host = simulatedHost();
    await (await open(host)).put('container', 'web', { one: 1 });
    const next = host.restarted();
    const ledger = await open(next);
    await ledger.get('container', 'web');
    await next.operator.files.write(`${DIRECTORY}/container/web.json`, '{"one":2}', 0o600);
    expect(await ledger.get('container', 'web')).toEqual({ one: 1 });
  });

  it('says which entry cannot be read, and is not fooled by files that are none', async () => {
    const host = simulatedHost();
    const ledger = await open(host);
    await ledger.put('container', 'web', {});
    await host.operator.files.write(`${DIRECTORY}/container/db.json`, 'half {', 0o600);
    await host.operator.files.write(`${DIRECTORY}/container/.web.json`, '{}', 0o600);
    await host.operator.files.write(`${DIRECTORY}/container/note`, '', 0o600);
    expect((await ledger.names('container')).toSorted()).toEqual(['db', 'web']);
    await expect(ledger.get('container', 'db')).rejects.toMatchObject({
      code: 'EBADMSG',
      message: expect.stringContaining(`${DIRECTORY}/container/db.json`),
    });
  });

  it('ends with the last word when writes of one entry overlap', async () => {
    const host = simulatedHost();
    const ledger = await open(host);
    await Promise.all([
      ledger.put('container', 'web', { one: 1 }),
      ledger.remove('container', 'web'),
      ledger.put('container', 'web', { one: 3 }),
    ]);
    expect(await ledger.get('container', 'web')).toEqual({ one: 3 });
    expect(await content(host, 'container/web.json')).toBe('{"one":3}');
    await Promise.all([ledger.put('container', 'web', { one: 4 }), ledger.remove('container', 'web')]);
    expect(await ledger.get('container', 'web')).toBeUndefined();
    expect(await content(host, 'container/web.json')).toBeUndefined();
  });

  it('does not say that it has what it could not write', async () => {
    const host = simulatedHost();
    const ledger = await open(host);
    await ledger.put('container', 'web', { one: 1 });
    host.faults = {
      before: ({ name }) => (name === 'write' ? new DeviceError('write', 'x', 'ENOSPC', 'full') : undefined),
    };
    await expect(ledger.put('container', 'web', { one: 2 })).rejects.toMatchObject({ code: 'ENOSPC' });
    expect(await ledger.get('container', 'web')).toEqual({ one: 1 });
  });
});
