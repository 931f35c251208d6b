/** SIGTERM until everything is down. */
import type { Section } from '../figure.ts';
import { watchMarks } from '../marks.ts';
import { measured, withDevice } from './rig.ts';

export const shutdown: Section = {
  name: 'shutdown',
  title: 'Shutdown',
  method: 'SIGTERM to the daemon until its process has ended, with containers that end at once when they are asked to.',
  run: (context) =>
    withDevice(context, 2, async (device) => {
      const marks = watchMarks(device.marks);
      const values = await measured(context, context.rounds, async () => {
        const daemon = await device.start();
        await daemon.started(2);
        // Before that, an init does not listen for the signal yet, and would have to be killed after its grace.
        await marks.left(2);
        return daemon.stop();
      }).finally(() => marks.close());
      return [{ name: 'shutdown, 2 containers', unit: 'ms', goal: 1000, values }];
    }),
};
