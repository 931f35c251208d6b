/** A control socket with a few endpoints of one's choice. */
import { listenerFor } from '../../../runtime/api/control-handler.ts';
import { isControlHost } from '../../../runtime/http/host-header.ts';
import type { Endpoint } from '../../../runtime/http/operation.ts';
import { apiServer, closeServer } from '../../../runtime/http/server.ts';
import { listenOnSocket } from '../../../runtime/http/unix-listener.ts';
import { container, type FakeDevice, fakeDevice, snapshotOf } from './fixture.ts';
import { type Answer, ask } from './wire.ts';

export interface Served {
  readonly device: FakeDevice;
  readonly path: string;
  ask(method: string, url: string, body?: string): Promise<Answer>;
  stop(): Promise<void>;
}

/** `sdk` is a container with role mgmt, `web` is one without. */
export const serve = async (endpoints: readonly Endpoint[]): Promise<Served> => {
  const device = fakeDevice(snapshotOf([container('sdk'), container('web', { roles: [] })]));
  const server = apiServer(listenerFor(endpoints, device.deps), isControlHost);
  await listenOnSocket(server, device.deps.socketPath, device.deps.files);
  return {
    device,
    path: device.deps.socketPath,
    ask: (method, url, body) => ask(device.deps.socketPath, method, url, body),
    stop: async () => {
      await closeServer(server);
      device.remove();
    },
  };
};
