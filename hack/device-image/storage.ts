/** The storage as the factory delivers it: revision 0 installed, with its BSP, and committed in the boot variables. */
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { MESSAGE, progressOf } from '../../resources/progress.ts';
import { linuxFiles } from '../../runtime/host/linux/files/linux-files.ts';
import { linuxClock } from '../../runtime/host/linux/kernel/linux-clock.ts';
import { importTarball } from '../../runtime/sources/directory/import-tarball.ts';
import { packDirectory } from '../../runtime/store/archive/pack.ts';
import type { Bootloader } from '../../runtime/store/boot/bootloader.ts';
import { formatGrubenv } from '../../runtime/store/boot/grub.ts';
import { openStore } from '../../runtime/store/store.ts';
import { linkBootFiles } from '../../runtime/store/trails/boot-files.ts';
import { readHere } from '../../runtime/threads/state-reader.ts';

/** Where the device has it. */
const MOUNTED = '/storage';

/** While the factory revision is made, no revision is in use. */
const NO_REVISION: Bootloader = { read: async () => ({ pv_rev: '1' }), write: async () => undefined };

/** @param device a state as `pvr checkout` lays it out, with `bsp/`. @returns its document. */
export const layOutStorage = async (device: string, storage: string, scratch: string): Promise<string> => {
  const archive = join(scratch, 'factory.tar');
  await packDirectory(linuxFiles, { directory: device, output: archive });
  await linuxFiles.makeDirectory(storage, 0o755);
  const paths = {
    ...{ storage, logs: `${storage}/logs`, watch: `${storage}/incoming` },
    ...{ run: '/run', volumes: '/run', config: '/run', media: '/run', lxc: '/run' },
  };
  const store = await openStore({ files: linuxFiles, clock: linuxClock, paths, bootloader: NO_REVISION });
  await importTarball(linuxFiles, store, { archive, revision: '0' });
  const document = (await store.document('0')) ?? Buffer.alloc(0);
  const read = readHere(document, {
    paths,
    goalsTimeoutSeconds: 120,
    verityHandlers: true,
    appengine: false,
    revision: '0',
  });
  if (!read.ok) throw new Error(`the device would refuse this state:\n${read.problems.join('\n')}`);
  const { bsp, objects, files } = read.state;
  if (bsp === undefined) throw new Error('the state has no bsp/run.json');
  await store.install('0', { objects, files });
  const trail = `${storage}/trails/0`;
  await linkBootFiles(linuxFiles, trail, bsp);
  await store.setProgress('0', progressOf('DONE', MESSAGE.factory));
  await store.setDone('0');
  await store.setCurrent('0');
  writeFileSync(`${trail}/.pvr/config`, JSON.stringify({ ObjectsDir: `${MOUNTED}/objects` }));
  writeFileSync(`${storage}/boot/grubenv`, formatGrubenv(new Map([['pv_rev', '0']])));
  // A device gets an identity of its own at its first boot.
  rmSync(`${storage}/trails/.id`, { force: true });
  return document.toString();
};
