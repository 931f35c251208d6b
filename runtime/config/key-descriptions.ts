/** What our own keys are for, in a sentence; Pantavisor's have its manual. For people. */
import type { ConfigKey } from './keys.ts';

export const ABOUT: Readonly<Partial<Record<ConfigKey, string>>> = {
  PV_UPDATER_REBOOT: 'whether changes for which Pantavisor reboots go through a reboot here, too',
  PV_STORAGE_GC_PENDING_DEFERTIME: 'seconds for which a revision that was received and did not run yet is no garbage',
  PV_WATCH_DIR: 'where states are dropped that become revisions',
  PV_STATUS_LISTEN: 'host:port of the read-only status page',
  PV_REMOTE_TLS_VERIFY: 'whether the Hub must prove who it is; 0 lets anybody on the network pretend to be it',
  PV_REMOTE_MAX_RATE: 'bytes per second that downloads from the Hub take together; 0: no limit',
  PV_PVR_LISTEN:
    'host:port where pvr and others push states and objects (docs/pushing.md); beyond loopback it needs tokens and TLS',
  PV_PVR_TOKENS:
    'directory of token files, each of root and mode 0600, with two lines: scopes=read,push,control and token=…',
  PV_PVR_TLS_CERT: 'PEM file of the certificate of PV_PVR_LISTEN, with those between it and its authority',
  PV_PVR_TLS_KEY: 'PEM file of its key, of root and mode 0600, without a passphrase',
  PV_PVR_RATE: 'requests per second that one address, and one token, may make at PV_PVR_LISTEN; ten times that at once',
};
