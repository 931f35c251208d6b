/** What a host has to bring along to be put through the contract suite. */
import type { Observable } from 'rxjs';
import type { Host } from '../../../runtime/host/host.ts';

/** What the containers of the contract run, for `sh -c`. A simulated host knows them by name. */
export const SCRIPTS = {
  /** Ends with status 0 when asked to halt (SIGTERM). */
  polite: "trap 'exit 0' TERM; while :; do sleep 0.1; done",
  /** Has to be killed. */
  stubborn: "trap '' TERM; while :; do sleep 0.1; done",
  /** Ends by itself, with a status of its own. */
  exits7: 'sleep 0.3; exit 7',
} as const;

export type Script = keyof typeof SCRIPTS;

export interface ContractDevice {
  /** Of the first daemon; see restart(). */
  readonly host: Host;
  /** An empty directory on a file system that takes hard links and whose directories can be mount points. */
  readonly root: string;
  /** A small squashfs image, itself outside of `root`, with a file `hello` that says `hello\n`. */
  readonly image: string;
  /** An LXC configuration whose init is `sh -c SCRIPTS[script]` and whose halt signal is SIGTERM. */
  containerConfig(name: string, script: Script): string;
  /** The daemon dies without a word (SIGKILL); resolves with what the next one sees. */
  restart(): Promise<Host>;
  /** Somebody else on the same device. */
  readonly mischief: {
    unmount(target: string): Promise<void>;
    /** Kills init. */
    kill(container: string): Promise<void>;
    killMonitor(container: string): Promise<void>;
    freeze(container: string): Promise<void>;
  };
  /** Lets the device's time pass until the predicate holds; throws after a generous limit (10 s of the device's time). */
  until(holds: () => boolean | Promise<boolean>): Promise<void>;
  /** Leaves no mount, loop device, container or file behind, whatever the test did. */
  cleanup(): Promise<void>;
}

/** The device of the current test. */
export type Device = () => ContractDevice;

/** Awaits something that takes the device's time. */
export const finish = async <T>(device: ContractDevice, work: Promise<T>): Promise<T> => {
  let settled = false;
  const settle = (): void => {
    settled = true;
  };
  work.then(settle, settle);
  await device.until(() => settled);
  return work;
};

/** Everything a subscription emits from now on. */
export const collect = <T>(source: Observable<T>): { readonly seen: readonly T[]; stop(): void } => {
  const seen: T[] = [];
  const subscription = source.subscribe((value) => seen.push(value));
  return { seen, stop: () => subscription.unsubscribe() };
};

/** How many there are once no more come in. */
export const countAtRest = async (device: ContractDevice, seen: readonly unknown[]): Promise<number> => {
  let [count, same] = [seen.length, 0];
  await device.until(() => {
    same = seen.length === count ? same + 1 : 0;
    count = seen.length;
    return same >= 5;
  });
  return count;
};
