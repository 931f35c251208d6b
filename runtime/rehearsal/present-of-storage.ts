/** The present of a device whose daemon does not answer: what its storage has committed, and nothing that runs. */
import { DEFAULT_INIT_MODE, isAppengine } from '../config/init-mode.ts';
import { linuxFiles } from '../host/linux/files/linux-files.ts';
import { bootBackEndOn, openBootloader } from '../store/boot/boot-back-end.ts';
import { bootRevisions } from '../store/boot/boot-revisions.ts';
import { Rejection } from '../store/rejection.ts';
import { EMPTY_STATE } from '../store/trails/layout.ts';
import { type LookUp, NOTHING_KNOWN, type Present, type RehearsalSettings } from './present.ts';
import { lookUpOn } from './present-of-running.ts';

interface Known {
  readonly present: Present;
  readonly lookUp: LookUp;
}

const settingsFor = (storage: string): RehearsalSettings => ({
  paths: {
    storage,
    run: '/run/pantavisor',
    logs: `${storage}/logs`,
    volumes: '/run/pantavisor/volumes',
    config: '/run/pantavisor/configs',
    media: '/run/pantavisor/media',
    watch: `${storage}/incoming`,
    lxc: '/run/pantavisor/lxc',
  },
  goalsTimeoutSeconds: 120,
  commitDelaySeconds: 5,
  verityHandlers: true,
  appengine: isAppengine(DEFAULT_INIT_MODE),
  rebootTransitions: true,
  lxc: {
    host: { cgroups: 'unified', firmware: false },
    logLevel: 2,
    consoleBytes: 1 << 20,
    capture: true,
    devLog: false,
  },
  zram: true,
  swap: true,
});

const presentWith = (
  settings: RehearsalSettings,
  changes: Pick<Present, 'source' | 'committed' | 'space'>,
): Present => ({
  failures: [],
  booted: false,
  pending: [],
  observed: {},
  intents: [],
  troubles: [],
  nowMs: 0,
  settings,
  ...changes,
});

/** A device that nothing was ever put on. */
export const EMPTY_DEVICE: Known = {
  present: presentWith(settingsFor('/storage'), {
    source: 'empty',
    committed: { revision: '0', document: Buffer.from(EMPTY_STATE) },
    space: undefined,
  }),
  lookUp: async () => NOTHING_KNOWN,
};

const MAX_DOCUMENT_BYTES = 64 * 1024 * 1024;

/** @throws Rejection when there is no storage of a device. */
export const presentOfStorage = async (storage: string): Promise<Known> => {
  const settings = settingsFor(storage);
  const bootloader = openBootloader(await bootBackEndOn(linuxFiles, storage), linuxFiles, storage);
  const { committed } = await bootRevisions(bootloader, () => {});
  const document = await linuxFiles.read(`${storage}/trails/${committed}/.pvr/json`, MAX_DOCUMENT_BYTES);
  if (document === undefined)
    throw new Rejection(`${storage} has no revision ${committed}: expected the storage of a device`);
  const space = await linuxFiles.space(storage);
  return {
    present: presentWith(settings, { source: 'storage', committed: { revision: committed, document }, space }),
    lookUp: lookUpOn({ files: linuxFiles }, settings.paths),
  };
};
