import { describe, expect, it } from 'vitest';
import { type Ledger, openLedger, type Section } from '../../../runtime/engine/ledger.ts';
import { DeviceError } from '../../../runtime/host/host.ts';
import { type SimulatedHost, simulatedHost } from '../../../runtime/host/simulated/simulated.ts';

const DIRECTORY = '/run/ledger';
const open = (host: SimulatedHost, bootId = 'boot-1'): Promise<Ledger> => openLedger(host.files, DIRECTORY, bootId);
const content = async (host: SimulatedHost, path: string): Promise<string | undefined> =>
  (await host.operator.files.read(`${DIRECTORY}/${path}`, 1 << 20))?.toString();

describe('the ledger', () => {
  it('has what was put last, and nothing of what was removed', async () => {
    const ledger = await open(simulatedHost());
    expect(await ledger.get('volume', 'web')).toBeUndefined();
    await ledger.put('volume', 'web', { one: 1 });
    await ledger.put('volume', 'web', { one: 2 });
    expect(await ledger.get('volume', 'web')).toEqual({ one: 2 });
    await ledger.remove('volume', 'web');
    expect(await ledger.get('volume', 'web')).toBeUndefined();
  });

  it('keeps sections apart, and names every entry, whatever it is called', async () => {
    const ledger = await open(simulatedHost());
    for (const name of ['web', 'a/b', '.hidden', 'ü %']) await ledger.put('volume', name, { name });
    await ledger.put('disk', 'web', { name: 'a disk' });
    expect((await ledger.names('volume')).toSorted()).toEqual(['a/b', 'web', 'ü %']);
    expect(await ledger.get('volume', 'a/b')).toEqual({ name: 'a/b' });
    expect(await ledger.get('disk', 'web')).toEqual({ name: 'a disk' });
    expect(await ledger.names('group')).toEqual([]);
  });

  it('is found again by the next daemon of the same boot', async () => {
    const host = simulatedHost();
    await (await open(host)).put('volume', 'web', { one: 1 });
    const next = await open(host.restarted());
    expect(await next.get('volume', 'web')).toEqual({ one: 1 });
  });

  it('is empty after a boot, and stays so', async () => {
    const host = simulatedHost();
    const old = await open(host);
    await old.put('volume', 'web', { one: 1 });
    await old.put('intent', 'web', {});
    const next = await open(host.restarted(), 'boot-2');
    expect([await next.names('volume'), await next.names('intent')]).toEqual([[], []]);
    expect(await content(host, 'boot_id')).toBe('boot-2');
    await next.put('volume', 'web', { one: 2 });
    expect(await (await open(host.restarted(), 'boot-2')).get('volume', 'web')).toEqual({ one: 2 });
  });

  it('reads an entry once, and then knows it', async () => {
    const host = simulatedHost();
    await (await open(host)).put('volume', 'web', { one: 1 });
    const next = host.restarted();
    const ledger = await open(next);
    await ledger.get('volume', 'web');
    await next.operator.files.write(`${DIRECTORY}/volume/web.json`, '{"one":2}', 0o600);
    expect(await ledger.get('volume', 'web')).toEqual({ one: 1 });
  });

  it('passes over, and reports, what is none of its entries; what is put next is there', async () => {
    const host = simulatedHost();
    await open(host);
    const plant = (path: string, text: string) => host.operator.files.write(`${DIRECTORY}/${path}`, text, 0o600);
    for (const section of ['container', 'update', 'intent', 'group', 'disk'])
      await host.operator.files.makeDirectory(`${DIRECTORY}/${section}`, 0o700);
    const entries = {
      'container/half.json': '{"definition":"x"',
      'container/other.json': '{"definition":7,"generation":"now"}',
      'container/list.json': '[]',
      'container/run.json':
        '{"definition":"d","generation":0,"revision":"r","rank":0,"retries":0,"run":{"startedAtMs":"soon"}}',
      'update/device.json': 'null',
      'update/lifeline.json': '{"stage":"panic","reason":"x"}',
      'intent/web.json': '{"stopped":"yes"}',
      'group/app.json': '{"revision":"r"}',
      'disk/data.json': '{"spec":{}}',
    };
    for (const [path, text] of Object.entries(entries)) await plant(path, text);
    await plant('container/note', '');
    await plant('container/%ff.json', '{}');
    await plant('container/%zz.json', '{}');
    await host.operator.files.makeDirectory(`${DIRECTORY}/container/dir.json`, 0o700);
    const problems: string[] = [];
    const ledger = await openLedger(host.files, DIRECTORY, 'boot-1', (subject) => problems.push(subject));
    expect((await ledger.names('container')).toSorted()).toEqual(['dir', 'half', 'list', 'other', 'run']);
    for (const path of [...Object.keys(entries), 'container/dir.json']) {
      const [section, file = ''] = path.split('/');
      expect(await ledger.get(section as Section, file.replace('.json', '')), path).toBeUndefined();
      expect(problems).toContain(`${DIRECTORY}/${path}`);
    }
    const intent = { stopped: true, generation: 2 };
    await ledger.put('intent', 'web', intent);
    expect(await (await open(host.restarted())).get('intent', 'web')).toEqual(intent);
  });

  it('ends with the last word when writes of one entry overlap', async () => {
    const host = simulatedHost();
    const ledger = await open(host);
    await Promise.all([
      ledger.put('volume', 'web', { one: 1 }),
      ledger.remove('volume', 'web'),
      ledger.put('volume', 'web', { one: 3 }),
    ]);
    expect(await ledger.get('volume', 'web')).toEqual({ one: 3 });
    expect(await content(host, 'volume/web.json')).toBe('{"one":3}');
    await Promise.all([ledger.put('volume', 'web', { one: 4 }), ledger.remove('volume', 'web')]);
    expect(await ledger.get('volume', 'web')).toBeUndefined();
    expect(await content(host, 'volume/web.json')).toBeUndefined();
  });

  it('does not say that it has what it could not write', async () => {
    const host = simulatedHost();
    const ledger = await open(host);
    await ledger.put('volume', 'web', { one: 1 });
    host.faults = {
      before: ({ name }) => (name === 'write' ? new DeviceError('write', 'x', 'ENOSPC', 'full') : undefined),
    };
    await expect(ledger.put('volume', 'web', { one: 2 })).rejects.toMatchObject({ code: 'ENOSPC' });
    expect(await ledger.get('volume', 'web')).toEqual({ one: 1 });
  });
});
