/**
 * The simulated device: the host port in memory, deterministic, with a time of its own.
 *
 * In: the port's calls, mischief, faults, and how containers behave. Out: a log of what the daemon changed, as
 * sentences, and a trace of everything it asked. It is what `plan` and rehearsals run on, and the test bench:
 * crash() and restarted() replace the daemon, powerCut() the boot. It never looks at the machine it runs on: no
 * file, no clock, no timer, no chance but its seed.
 */
import type { Observable } from 'rxjs';
import type { FollowedFiles } from '../followed-files.ts';
import type { Host } from '../host.ts';
import type { LogFiles } from '../log-files.ts';
import type { Behaviour, BehaviourOf } from './behaviour.ts';
import { type Mischief, mischiefOn } from './fault-injection.ts';
import { Hardware, type SimulatedOptions } from './hardware.ts';
import { Kernel } from './kernel.ts';
import type { Faults, Operation } from './operation.ts';
import { simulatedContainers } from './simulated-containers.ts';
import { type Caller, Daemon } from './simulated-daemon.ts';
import { simulatedDisks } from './simulated-disks.ts';
import { simulatedFiles } from './simulated-files.ts';
import { simulatedFollowedFiles } from './simulated-followed-files.ts';
import { simulatedLogFiles } from './simulated-log-files.ts';
import { simulatedMounts } from './simulated-mounts.ts';

export interface SimulatedHost extends Host {
  /** What this daemon changed: `mount image objects/ab12… on volumes/web/root.squashfs`, `start web`. */
  readonly log: readonly string[];
  /** Everything this daemon asked and was told. */
  readonly trace: readonly Operation[];
  /** Asked, and not done yet. */
  readonly inFlight: readonly Operation[];
  /** The daemon's own timers. */
  readonly timers: number;
  /** This daemon is gone. */
  readonly crashed: boolean;
  /** Containers that signal READY. Kept, as a client that tries again, while nobody listens. */
  readonly ready: Observable<string>;
  /** Of the device, over all its daemons and boots. */
  faults: Faults;
  /** How a container behaves from its next start on. */
  behaviour(container: string, behaviour: Behaviour | BehaviourOf): void;
  readonly mischief: Mischief;
  /** The same device without faults, log or trace: for looking at it and preparing it. */
  readonly operator: Pick<Host, 'files' | 'mounts' | 'disks' | 'containers'>;
  /** @param root absolute; an existing directory. */
  logFiles(root: string): LogFiles;
  readonly followedFiles: FollowedFiles;

  /** Lets everything happen that needs no time. */
  settle(): Promise<void>;
  advance(ms: number): Promise<void>;
  /** From event to event. False: `limitMs` went by, or nothing will happen any more, and it does not hold. */
  runUntil(holds: () => boolean | Promise<boolean>, limitMs: number): Promise<boolean>;

  /** The daemon dies: nothing it asked for is answered any more, nor done. Containers, mounts and files stay. */
  crash(): void;
  /** The daemon asked for a reboot and is gone; powerCut() boots the device, with nothing lost. */
  readonly rebooting: boolean;
  /** The next daemon on the same boot; the one before is gone if it was not yet. */
  restarted(): SimulatedHost;
  /** Everything but the storage is lost; what was not durable may be, from the end. The device boots anew. */
  powerCut(): SimulatedHost;
}

export const simulatedHost = (options: Partial<SimulatedOptions> = {}): SimulatedHost =>
  bootOf(new Kernel(new Hardware(options)));

interface Boot {
  rebooting: boolean;
  readonly kernel: Kernel;
  current: Daemon | undefined;
}

const bootOf = (kernel: Kernel): SimulatedHost => hostOf({ kernel, current: undefined, rebooting: false });

const hostOf = (boot: Boot): SimulatedHost => {
  const { kernel } = boot;
  const daemon = new Daemon(kernel, kernel.nextDaemon(), true);
  const operator = new Daemon(kernel, 0, false);
  boot.current?.die();
  boot.current = daemon;

  return {
    ...portsOf(kernel, daemon),
    reboot: () => {
      if (daemon.alive) {
        boot.rebooting = true;
        kernel.journal.sync();
        daemon.die();
      }
      return new Promise(() => {});
    },
    get rebooting() {
      return boot.rebooting;
    },
    log: daemon.log,
    trace: daemon.trace,
    get inFlight() {
      return daemon.inFlight;
    },
    get timers() {
      return kernel.timeline.timersOf(daemon);
    },
    get crashed() {
      return !daemon.alive;
    },
    get faults() {
      return kernel.hardware.faults;
    },
    set faults(faults) {
      kernel.hardware.faults = faults;
    },
    behaviour: (container, behaviour) => {
      const of = typeof behaviour === 'function' ? behaviour : () => behaviour;
      kernel.hardware.behaviours.set(container, of);
    },
    ready: daemon.notifications({ port: 'containers', name: 'ready' }, String, (tell) => kernel.lxc.ready.listen(tell)),
    mischief: mischiefOn(kernel),
    operator: portsOf(kernel, operator),
    logFiles: (root) => simulatedLogFiles(kernel, daemon, root),
    followedFiles: simulatedFollowedFiles(kernel, daemon),
    settle: () => kernel.timeline.settle(),
    advance: (ms) => kernel.timeline.advance(ms),
    runUntil: (holds, limitMs) => kernel.timeline.runUntil(holds, limitMs),
    crash: () => daemon.die(),
    restarted: () => hostOf(boot),
    powerCut: () => {
      boot.current?.losePower();
      kernel.switchOff();
      return bootOf(new Kernel(kernel.hardware));
    },
  };
};

const portsOf = (kernel: Kernel, caller: Caller & Pick<Daemon, 'letGo'>): Omit<Host, 'reboot'> => ({
  clock: {
    nowMs: () => kernel.timeline.nowMs,
    wallTime: () => new Date(kernel.timeline.wallMs),
    schedule: (atMs, callback) => (caller.alive ? kernel.timeline.at(atMs, caller, callback) : () => {}),
    soon: (callback) =>
      kernel.timeline.soon(caller, () => {
        if (caller.alive) callback();
      }),
  },
  files: simulatedFiles(kernel, caller),
  mounts: simulatedMounts(kernel, caller),
  disks: simulatedDisks(kernel, caller),
  containers: simulatedContainers(kernel, caller),
  bootId: kernel.bootId,
  close: async () => caller.letGo(),
});
