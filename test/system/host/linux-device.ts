/** This machine as a device for the contract suite. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import type { Paths } from '../../../resources/paths.ts';
import type { Host } from '../../../runtime/host/host.ts';
import { linuxHost } from '../../../runtime/host/linux/linux-host.ts';
import type { ContractDevice } from '../../runtime/host/contract.ts';
import { NO_CONTAINERS } from './no-containers.ts';
import { scratch, until } from './scratch.ts';

export const pathsIn = (directory: string): Paths => ({
  storage: `${directory}/storage`,
  run: `${directory}/run`,
  logs: `${directory}/logs`,
  volumes: `${directory}/volumes`,
  config: `${directory}/config`,
  media: `${directory}/media`,
  watch: `${directory}/watch`,
  lxc: `${directory}/lxc`,
});

const makeImage = (directory: string): string => {
  mkdirSync(`${directory}/image`);
  writeFileSync(`${directory}/image/hello`, 'hello\n');
  execFileSync('mksquashfs', [`${directory}/image`, `${directory}/image.squashfs`, '-quiet', '-no-progress'], {
    stdio: 'ignore',
  });
  return `${directory}/image.squashfs`;
};

/** Frees what a failing test forgot. */
const recordingZram = (host: Host): { host: Host; free(): Promise<void> } => {
  const nodes: string[] = [];
  const { disks } = host;
  return {
    host: {
      ...host,
      disks: {
        ...disks,
        zramCreate: async (settings) => {
          const node = await disks.zramCreate(settings);
          nodes.push(node);
          return node;
        },
      },
    },
    free: async () => {
      for (const node of nodes) await disks.zramRemove(node);
    },
  };
};

export const linuxDevice = async (): Promise<ContractDevice> => {
  const base = scratch('host');
  const start = (): Promise<Host> =>
    linuxHost({ paths: pathsIn(base.root), containers: NO_CONTAINERS, restart: () => Promise.resolve() });
  const { host, free } = recordingZram(await start());
  const hosts = [host];
  mkdirSync(`${base.root}/root`);
  return {
    host,
    root: `${base.root}/root`,
    image: makeImage(base.root),
    containerConfig: () => '',
    restart: async () => {
      const next = await start();
      hosts.push(next);
      return next;
    },
    mischief: {
      unmount: async (target) => void execFileSync('umount', [target]),
      kill: async () => {},
      killMonitor: async () => {},
      freeze: async () => {},
    },
    until,
    cleanup: async () => {
      await free();
      for (const each of hosts) await each.close();
      await base.remove();
    },
  };
};
