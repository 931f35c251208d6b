import { map } from 'rxjs';
import { nameOf } from '../resources/ref.ts';
import type { Reconciler } from '../resources/snapshot.ts';
import type { Controller } from '../runtime/engine/controller.ts';
import type { Host } from '../runtime/host/host.ts';

const DIRECTORY = '/run/pantavisor/lamps';
const NAME = 'hall';

export const lampController = ({ files }: Host, reconcile: Reconciler<'lamp'>): Controller<'lamp'> => ({
  kind: 'lamp',
  reconcile,
  watch: () => files.watch(DIRECTORY).pipe(map(() => NAME)),
  list: async () => (await files.list(DIRECTORY)) ?? [],
  observe: async (name) => ((await files.stat(`${DIRECTORY}/${name}`)) === undefined ? undefined : { lit: true }),
  execute: {
    'lamp.light': async ({ ref }) => {
      await files.makeDirectory(DIRECTORY, 0o755);
      await files.write(`${DIRECTORY}/${nameOf(ref)}`, '', 0o644);
    },
    'lamp.quench': ({ ref }) => files.remove(`${DIRECTORY}/${nameOf(ref)}`),
  },
});
