import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Command, commandEndpoints, OPERATIONS } from '../../../runtime/api/command-endpoints.ts';
import { type Served, serve } from './serve.ts';

const error = (status: number, message: string) => ({ status, body: JSON.stringify({ Error: message }) });
const BAD_FORMAT = error(400, 'Command has bad format');
const UPDATING = error(503, 'Cannot do this operation while update is ongoing');

let served: Served;
let begun: Command[];
const device = { updating: false, shell: true, busy: false };

beforeEach(async () => {
  begun = [];
  Object.assign(device, { updating: false, shell: true, busy: false });
  served = await serve(
    commandEndpoints({
      isUpdating: () => device.updating,
      hasDebugShell: () => device.shell,
      hub: () => 'disabled',
      begin: (command) => {
        if (device.busy) return false;
        begun.push(command);
        return true;
      },
      attempt: (command) => {
        if (device.busy) return undefined;
        begun.push(command);
        return Promise.resolve(command.payload === 'locals/none' ? 'there is no such revision' : undefined);
      },
    }),
  );
});
afterEach(() => served.stop());

const post = (body: string) => served.ask('POST', '/commands', body);
const order = (op: unknown, payload: unknown = '') => post(JSON.stringify({ op, payload }));

describe('POST /commands', () => {
  it.each(OPERATIONS.filter((op) => !['UPDATE_METADATA', 'GO_REMOTE', 'UNCLAIM'].includes(op)))(
    'accepts %s',
    async (operation) => {
      expect(await order(operation, 'x')).toMatchObject({ status: 200, body: '' });
      expect(begun).toEqual([{ operation, payload: 'x' }]);
    },
  );

  it.each([
    ['REBOOT', 'REBOOT_DEVICE'],
    ['LOCAL_RUN', 'LOCAL_RUN'],
    ['LOCAL_RUN_', 'LOCAL_RUN_COMMIT'],
    ['LOCAL', 'LOCAL_RUN'],
    ['T', 'TRY_ONCE'],
  ])('takes %s for %s', async (op, operation) => {
    await order(op);
    expect(begun).toEqual([{ operation, payload: '' }]);
  });

  it.each(['LOCAL_RUN', 'LOCAL_RUN_COMMIT', 'MAKE_FACTORY'])('says why %s is refused', async (operation) => {
    expect(await order(operation, 'locals/none')).toMatchObject(error(409, 'there is no such revision'));
  });

  it.each<[string, unknown, string]>([
    ['a number', 5, '5'],
    ['null', null, 'null'],
    ['an object', { a: 1 }, '{"a":1}'],
  ])('takes %s for text', async (_name, payload, text) => {
    await order('LOCAL_RUN', payload);
    expect(begun).toEqual([{ operation: 'LOCAL_RUN', payload: text }]);
  });

  it.each([
    ['nothing', ''],
    ['no JSON', '{"op":"RUN_GC"'],
    ['no object', '["RUN_GC",""]'],
    ['no op', '{"payload":""}'],
    ['an op that is no text', '{"op":1,"payload":""}'],
    ['an empty op', '{"op":"","payload":""}'],
    ['an unknown op', '{"op":"EXPLODE","payload":""}'],
    ['an op in lower case', '{"op":"run_gc","payload":""}'],
    ['more than an op', '{"op":"RUN_GCX","payload":""}'],
    ['no payload', '{"op":"RUN_GC"}'],
  ])('refuses %s', async (_name, body) => {
    expect(await post(body)).toMatchObject(BAD_FORMAT);
    expect(begun).toEqual([]);
  });

  it('refuses more than 4096 bytes, by one answer', async () => {
    const body = JSON.stringify({ op: 'RUN_GC', payload: 'x'.repeat(4096) });
    expect(await post(body)).toMatchObject(error(507, 'Not enough disk space available'));
    expect(await post(body.replace('x'.repeat(4096), 'x'.repeat(4096 - 28)))).toMatchObject({ status: 200 });
  });

  it.each(['REBOOT_DEVICE', 'POWEROFF_DEVICE', 'LOCAL_RUN', 'LOCAL_RUN_COMMIT', 'MAKE_FACTORY', 'UNCLAIM'])(
    'has %s wait for the end of an update',
    async (op) => {
      device.updating = true;
      const answer = await order(op);
      expect(answer).toMatchObject(UPDATING);
      expect(answer.head).toContain('Retry-After: 600');
    },
  );

  it.each(['RUN_GC', 'ENABLE_SSH', 'DEFER_REBOOT', 'TRY_ONCE'])('accepts %s during an update', async (op) => {
    device.updating = true;
    expect((await order(op)).status).toBe(200);
  });

  it.each([
    ['UPDATE_METADATA', 'Cannot do this operation while on local mode'],
    ['GO_REMOTE', 'Cannot do this operation when remote mode is disabled by config'],
  ])('refuses %s: there is no hub', async (op, message) => {
    device.updating = true;
    device.busy = true;
    expect(await order(op)).toMatchObject(error(409, message));
  });

  it('refuses to defer a reboot without a debug shell', async () => {
    device.shell = false;
    const message = 'Cannot do this operation when debug shell is not active';
    expect(await order('DEFER_REBOOT', '60')).toMatchObject(error(409, message));
  });

  it('has nothing to unclaim, and no body to say it', async () => {
    device.busy = true;
    const { status, head, body } = await order('UNCLAIM');
    expect([status, body]).toEqual([204, '']);
    expect(head.toLowerCase()).not.toMatch(/content-length|content-type|transfer-encoding/);
  });

  it('takes one command at a time', async () => {
    device.busy = true;
    const answer = await order('RUN_GC');
    expect(answer).toMatchObject(error(503, 'A command is already in progress. Try again'));
    expect(answer.head).toContain('Retry-After: 120');
  });

  it('is for managers only', async () => {
    served.device.caller = { container: 'web' };
    expect(await order('RUN_GC')).toMatchObject(error(403, 'Request not sent from a mgmt platform'));
  });
});
