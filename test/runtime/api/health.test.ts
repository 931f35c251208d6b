import { expect, it } from 'vitest';
import { stall } from '../../../resources/plan.ts';
import { EMPTY_SNAPSHOT } from '../../../resources/snapshot.ts';
import { healthy, readiness } from '../../../runtime/api/health.ts';
import { container, snapshotOf } from './fixture.ts';

const bodyOf = (reply: ReturnType<typeof readiness>): unknown => ('body' in reply ? JSON.parse(reply.body) : undefined);

it('whoever answers is alive', () => {
  expect(healthy()).toMatchObject({ status: 200, body: 'ok\n' });
});

it('a device is ready when everything is as its revision wants it', () => {
  const reply = readiness(snapshotOf([container('web')]));
  expect(reply).toMatchObject({ status: 200 });
  expect(bodyOf(reply)).toEqual({ ready: true, reasons: [] });
});

it('is not ready before a revision was read', () => {
  const reply = readiness(EMPTY_SNAPSHOT);
  expect(reply).toMatchObject({ status: 503 });
  expect(bodyOf(reply)).toEqual({ ready: false, reasons: [{ ref: null, reason: 'no revision was read yet' }] });
});

it('says what is not as it should be', () => {
  const reply = readiness(snapshotOf([container('web')], [], { plans: { 'container/web': stall('no such file') } }));
  expect(reply).toMatchObject({ status: 503 });
  expect(bodyOf(reply)).toEqual({ ready: false, reasons: [{ ref: 'container/web', reason: 'no such file' }] });
});
