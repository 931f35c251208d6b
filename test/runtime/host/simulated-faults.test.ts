import { describe, expect, it } from 'vitest';
import { DeviceError } from '../../../runtime/host/host.ts';
import type { Delivery, Operation } from '../../../runtime/host/simulated/operation.ts';
import { seededFaults } from '../../../runtime/host/simulated/seeded-faults.ts';
import { simulatedHost } from '../../../runtime/host/simulated/simulated.ts';

describe('a fault', () => {
  it('before an operation means that it did not happen, after it that it did', async () => {
    const refusal = new DeviceError('write', 'file', 'EIO');
    const isWrite = (operation: Operation): DeviceError | undefined =>
      operation.name === 'write' ? refusal : undefined;
    for (const [when, there] of [
      ['before', false],
      ['after', true],
    ] as const) {
      const host = simulatedHost({ faults: { [when]: isWrite } });
      await expect(host.files.write('/storage/file', '', 0o600)).rejects.toBe(refusal);
      expect((await host.files.stat('/storage/file')) !== undefined).toBe(there);
    }
  });

  it('is asked for at every operation, reads too, with what it is about', async () => {
    const asked: string[] = [];
    const host = simulatedHost({
      faults: {
        before: ({ port, name, subject, index, daemon }) => {
          asked.push(`${index} ${daemon} ${port}.${name} ${subject}`);
          return undefined;
        },
      },
    });
    await host.files.stat('/storage');
    await host.restarted().containers.inspect('web');
    expect(asked).toEqual(['0 1 files.stat /storage', '1 2 containers.inspect web']);
  });

  it('can delay an operation or hang it', async () => {
    const done: string[] = [];
    const host = simulatedHost({
      faults: { before: ({ subject }) => (subject === '/storage/slow' ? { delayMs: 500 } : 'hang') },
    });
    for (const name of ['slow', 'stuck']) host.files.stat(`/storage/${name}`).then(() => done.push(name));
    await host.advance(499);
    expect(done).toEqual([]);
    await host.advance(1);
    expect(done).toEqual(['slow']);
    await host.advance(1_000_000);
    expect(host.inFlight).toMatchObject([{ subject: '/storage/stuck' }]);
  });

  it.each<[Delivery, number, number]>([
    ['lose', 0, 0],
    ['duplicate', 2, 2],
    [{ delayMs: 100 }, 0, 1],
  ])('can %j a notification', async (delivery, atOnce, later) => {
    const host = simulatedHost({ faults: { notification: () => delivery } });
    const heard: unknown[] = [];
    host.mounts.changes.subscribe((targets) => heard.push(targets));
    host.mischief.mountOver('/run');
    await host.settle();
    expect(heard).toHaveLength(atOnce);
    await host.advance(100);
    expect(heard).toHaveLength(later);
  });
});

describe('seeded faults', () => {
  it('refuse with codes that fit the operation, and stop when they are told to', async () => {
    const host = simulatedHost({ faults: seededFaults(3, { rate: 1, untilIndex: 20 }) });
    const codes = new Set<string>();
    for (let index = 0; index < 20; index += 1) {
      await host.containers.inspect('web').catch((error: DeviceError) => codes.add(error.code));
    }
    expect([...codes].sort()).toEqual(['ECONNREFUSED', 'EMFILE', 'TIMEOUT']);
    await expect(host.containers.inspect('web')).resolves.toBeUndefined();
  });

  it('take the codes they are given', async () => {
    const host = simulatedHost({ faults: seededFaults(3, { rate: 1, errnos: { 'files.stat': ['EPERM'] } }) });
    await expect(host.files.stat('/storage')).rejects.toMatchObject({ code: 'EPERM' });
  });

  it('happen about as often as they are said to', async () => {
    const host = simulatedHost({ faults: seededFaults(5, { rate: 0.1 }) });
    let refused = 0;
    for (let index = 0; index < 2_000; index += 1) {
      await host.files.stat('/storage').catch(() => {
        refused += 1;
      });
    }
    expect(refused).toBeGreaterThan(150);
    expect(refused).toBeLessThan(250);
  });
});
