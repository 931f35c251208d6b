/** SIGTERM until everything is down. */
import type { Section } from '../figure.ts';
import { measured, withDevice } from './rig.ts';

export const shutdown: Section = {
  name: 'shutdown',
  title: 'Shutdown',
  method: 'SIGTERM to the daemon until its process has ended, with containers that end at once when they are asked to.',
  run: (context) =>
    withDevice(context, 2, async (device) => {
      const values = await measured(context, context.rounds, async () => {
        const daemon = await device.start();
        await daemon.started(2);
        return daemon.stop();
      });
      return [{ name: 'shutdown, 2 containers', unit: 'ms', goal: 1000, values }];
    }),
};
