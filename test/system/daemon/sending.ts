/** Bodies as clients send them, whatever they are. */
import { request } from 'node:http';
import { join } from 'node:path';
import type { RealDevice } from './real-device.ts';

/** The status of the answer. */
export const put = (device: RealDevice, path: string, body: string | Uint8Array): Promise<number> =>
  new Promise((resolve, reject) => {
    const asking = request({ socketPath: join(device.run, 'pv-ctrl'), method: 'PUT', path, agent: false }, (answer) => {
      answer.resume().on('end', () => resolve(answer.statusCode ?? 0));
    });
    asking.on('error', reject).end(body);
  });
