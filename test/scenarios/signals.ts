/** Inits of a simulated device that signal READY, as clients of whichever daemon there is. */

import type { Device } from '../../runtime/device/device.ts';
import { DeviceError } from '../../runtime/host/host.ts';
import type { SimulatedHost } from '../../runtime/host/simulated/simulated.ts';

interface Up {
  readonly host: SimulatedHost;
  readonly device: Device;
}

/** Inits whose signal has no answer yet, by container: they ask the next daemon when theirs dies over it. */
const unanswered = new WeakMap<object, Map<string, number | undefined>>();

const clientsOf = (rig: object): Map<string, number | undefined> => {
  const clients = unanswered.get(rig) ?? new Map<string, number | undefined>();
  unanswered.set(rig, clients);
  return clients;
};

/** As a client in the container: where it is refused it tries again, as long as it lives. */
const signalReady = async (up: Up, rig: object, name: string): Promise<void> => {
  const { host, device } = up;
  const clients = clientsOf(rig);
  const initPid = (await host.operator.containers.inspect(name))?.initPid;
  if (clients.get(name) !== initPid) return void clients.delete(name);
  try {
    await device.signalReady(name);
    clients.delete(name);
  } catch (error) {
    if (!(error instanceof DeviceError)) throw error;
    host.clock.schedule(host.clock.nowMs() + 1_000, () => void signalReady(up, rig, name));
  }
};

const beginSignal = async (up: Up, rig: object, name: string): Promise<void> => {
  clientsOf(rig).set(name, (await up.host.operator.containers.inspect(name))?.initPid);
  await signalReady(up, rig, name);
};

/** @param rig the same for all daemons of a device. */
export const followSignals = (up: Up, rig: object): void => {
  for (const name of clientsOf(rig).keys()) void signalReady(up, rig, name);
  up.host.ready.subscribe((name) => void beginSignal(up, rig, name));
};
