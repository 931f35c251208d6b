/**
 * Containers on Linux: one detached `lxc-start -F` per container, followed through LXC's monitor FIFO and command
 * sockets.
 *
 * In: configurations and names. Out: states, pids, and how each container ended. Containers do not depend on the
 * daemon: it can be killed and another one, given the same lxcpath, finds them, with the ends that happened meanwhile.
 * Must never poll, decide whether a container should run, or touch containers of another lxcpath.
 */
import { mkdir, rmdir } from 'node:fs/promises';
import { constants } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { initWords } from '../../../../resources/lxc/lxc-command.ts';
import { MAX_LXC_CONFIG_BYTES } from '../../../../resources/lxc/lxc-config.ts';
import { lxcValue } from '../../../../resources/lxc/lxc-line.ts';
import { rootfsMountOf } from '../../../../resources/lxc/lxc-place.ts';
import { type ContainerState, type Containers, DeviceError } from '../../host.ts';
import { attempt, hasCode } from '../files/file-errors.ts';
import { linuxFiles } from '../files/linux-files.ts';
import { containerOfPid } from '../peer/peer.ts';
import { type Cgroups, linuxCgroups } from './cgroups.ts';
import { askMonitor, COMMAND, LXC_STATES, type LxcState } from './command-socket.ts';
import { haltSignal, listens } from './lxc-halt.ts';
import { checkedName, fifoDirectory, isContainerName, lockDirectory, lockFile } from './lxc-names.ts';
import { spawnMonitor } from './lxc-start.ts';
import type { MonitorLife } from './monitor-life.ts';
import { type MonitorLives, openMonitorLives } from './monitor-lives.ts';
import { killMonitor, sendSignal, wakeMonitor } from './process-signals.ts';

/** More at a time do not start sooner, and keep the event loop longer. */
const STARTS_IN_FLIGHT = 4;
const COMMAND_TIMEOUT_MS = 5_000;
/** Between the end of a monitor's socket and its own. */
const MONITOR_LIMIT_MS = 2_000;

/** It becomes socket names, lines of configuration and directories below /run/lxc. */
const checkedLxcPath = (lxcPath: string): string => {
  const parts = lxcPath.split('/').slice(1);
  const isPlain = lxcPath.startsWith('/') && parts.every((part) => part !== '' && part !== '.' && part !== '..');
  if (isPlain && !/[\0\n]/.test(lxcPath)) return lxcPath;
  throw new DeviceError('lxc.path', JSON.stringify(lxcPath), 'EINVAL', 'expected an absolute, resolved path');
};

/** Lets `max` pieces of work run at a time, in the order of asking. */
const inFlight = (max: number) => {
  let running = 0;
  const waiting: (() => void)[] = [];
  return async <T>(work: () => Promise<T>): Promise<T> => {
    if (running >= max) await new Promise<void>((resolve) => waiting.push(resolve));
    else running += 1;
    try {
      return await work();
    } finally {
      const next = waiting.shift();
      if (next === undefined) running -= 1;
      else next();
    }
  };
};

const stateOf = (state: LxcState | undefined): ContainerState['state'] => {
  if (state === 'FROZEN') return 'FROZEN';
  return state === 'STOPPED' || state === 'STOPPING' || state === 'ABORTING' ? 'STOPPING' : 'RUNNING';
};

class LinuxContainers implements Containers {
  readonly #lxcPath: string;
  readonly #cgroups: Cgroups;
  readonly #lives: MonitorLives;
  readonly #monitors = new Set<Promise<void>>();
  readonly #inFlight = inFlight(STARTS_IN_FLIGHT);
  readonly #starts = new Map<string, Promise<number>>();
  readonly exits: Containers['exits'];
  readonly changes: Containers['changes'];

  constructor(lxcPath: string, cgroups: Cgroups, lives: MonitorLives) {
    this.#lxcPath = lxcPath;
    this.#cgroups = cgroups;
    this.#lives = lives;
    this.exits = lives.exits;
    this.changes = lives.changes;
  }

  async configure(name: string, config: string): Promise<void> {
    await linuxFiles.makeDirectory(this.#directory('container.configure', name), 0o755);
    await linuxFiles.write(`${this.#lxcPath}/${name}/config`, config, 0o600);
  }

  #directory(operation: string, name: string): string {
    return `${this.#lxcPath}/${checkedName(operation, name)}`;
  }

  #config = async (operation: string, name: string): Promise<string | undefined> =>
    (await linuxFiles.read(`${this.#directory(operation, name)}/config`, 2 * MAX_LXC_CONFIG_BYTES))?.toString();

  /** The pid is 0 when init ended before it could be asked for; its exit then follows or has come already. */
  start(name: string): Promise<number> {
    const running = this.#starts.get(name);
    if (running !== undefined) return running;
    const start = this.#start(name).finally(() => this.#starts.delete(name));
    this.#starts.set(name, start);
    return start;
  }

  async #start(name: string): Promise<number> {
    const config = await this.#config('container.start', name);
    if (config === undefined) throw new DeviceError('container.start', name, 'ENOENT', 'it is not configured');
    for (let life = this.#lives.get(name); life !== undefined; life = this.#lives.get(name)) {
      if ((await life.running) && life.phase === 'running') return life.initPid;
      // LXC refuses a second monitor while the first one still takes the container down.
      await life.ended;
    }
    return this.#inFlight(() => this.#launch(name, config));
  }

  async #launch(name: string, config: string): Promise<number> {
    await this.#cgroups.clear(name);
    const life = this.#lives.begin(name);
    const logFile = lxcValue(config, 'lxc.log.file');
    const start = { lxcPath: this.#lxcPath, name, logFile, initWords: initWords(config) };
    const monitor = await spawnMonitor(start).catch((error: unknown) => {
      life.gone();
      throw error;
    });
    life.monitorPid = monitor.pid;
    const ended = monitor.ended.then(() => {
      life.gone();
      this.#monitors.delete(ended);
    });
    this.#monitors.add(ended);
    if (await life.running) return life.initPid;
    await life.ended;
    throw new DeviceError('container.start', name, 'LXC_START', await monitor.reason());
  }

  async inspect(name: string): Promise<ContainerState | undefined> {
    const life = this.#lives.get(checkedName('container.inspect', name));
    if (life === undefined) return undefined;
    if (life.phase === 'starting') return { state: 'STARTING', initPid: undefined };
    // Its monitor takes it down and answers no more.
    if (life.phase === 'exited') return { state: 'STOPPING', initPid: life.initPid || undefined };
    const state = await this.#stateTold(life);
    if (state === undefined) {
      await life.ended;
      return undefined;
    }
    const told = stateOf(LXC_STATES[state]);
    const frozen = told === 'RUNNING' && (await this.#cgroups.isFrozen(name));
    return { state: frozen ? 'FROZEN' : told, initPid: life.initPid || undefined };
  }

  /** A monitor that somebody stopped by a signal goes on, and then answers. @throws DeviceError TIMEOUT */
  async #stateTold({ address, isMonitor, monitorPid }: MonitorLife): Promise<number | undefined> {
    const ask = () => askMonitor(address, COMMAND.getState, { isMonitor, timeoutMs: COMMAND_TIMEOUT_MS });
    try {
      return await ask();
    } catch (error) {
      if (!(error instanceof DeviceError) || error.code !== 'TIMEOUT' || !(await wakeMonitor(monitorPid))) throw error;
      return await ask();
    }
  }

  async halt(name: string): Promise<void> {
    const life = this.#lives.get(checkedName('container.halt', name));
    if (life?.phase !== 'running' || life.initPid === 0) return;
    await attempt('container.halt', name, async () => {
      const configured = lxcValue((await this.#config('container.halt', name)) ?? '', 'lxc.signal.halt');
      const signal = await haltSignal(configured, life.initPid);
      // Not waited for: it may never listen, and whoever asked has a limit for that.
      this.#tell(life, signal).catch((error: unknown) => {
        if (!hasCode(error, 'ENOENT', 'ESRCH')) throw error; // it has ended meanwhile
      });
      // An init that waits for what it froze would never end.
      await this.#cgroups.thawTree(name);
    });
  }

  async #tell(life: MonitorLife, signal: number): Promise<void> {
    if ((await listens(life.initPid, signal)) && (await this.#isInit(life))) sendSignal(life.initPid, signal);
  }

  /** A pid is only a number: what has it must still be in the container. */
  async #isInit({ name, initPid }: MonitorLife): Promise<boolean> {
    const caller = containerOfPid(initPid, this.#lxcPath);
    return typeof caller === 'object' && caller.container === name;
  }

  async kill(name: string): Promise<void> {
    const life = this.#lives.get(checkedName('container.kill', name));
    if (life === undefined) return;
    if (life.phase !== 'running') {
      // No init yet or no more: the monitor hangs, in a hook or a mount. The kernel ends init with it.
      await killMonitor(life.monitorPid);
      await this.#cgroups.thawTree(name);
      return;
    }
    try {
      await askMonitor(life.address, COMMAND.stop, { isMonitor: life.isMonitor, timeoutMs: COMMAND_TIMEOUT_MS });
    } catch (error) {
      if (!(error instanceof DeviceError)) throw error;
      if (life.initPid !== 0 && (await this.#isInit(life))) sendSignal(life.initPid, constants.signals.SIGKILL);
    }
    await this.#cgroups.thawTree(name);
  }

  async unfreeze(name: string): Promise<void> {
    const life = this.#lives.get(checkedName('container.unfreeze', name));
    if (life?.phase !== 'running') return;
    await this.#cgroups.thaw(name);
    // The monitor only knows of freezes that went through it, and is to know of their end.
    const value = LXC_STATES.indexOf('RUNNING');
    await askMonitor(life.address, COMMAND.serveStateClients, {
      isMonitor: life.isMonitor,
      value,
      timeoutMs: COMMAND_TIMEOUT_MS,
    });
    this.#lives.touch(name);
  }

  async remove(name: string): Promise<void> {
    const directory = this.#directory('container.remove', name);
    if (this.#lives.get(name) !== undefined) throw new DeviceError('container.remove', name, 'EBUSY', 'it still runs');
    await this.#cgroups.clear(name);
    await linuxFiles.remove(directory);
    await linuxFiles.remove(lockFile(this.#lxcPath, name));
  }

  async list(): Promise<readonly string[]> {
    const configured = ((await linuxFiles.list(this.#lxcPath)) ?? []).filter(isContainerName);
    return [...new Set([...configured, ...this.#lives.names()])].sort();
  }

  /** Containers go on. When there are none, nothing of LXC stays behind either. */
  async close(): Promise<void> {
    if (!(await this.#lives.close())) return;
    // The last that a monitor does is to make a cgroup to end in.
    if (this.#monitors.size > 0) await Promise.race([Promise.all(this.#monitors), sleep(MONITOR_LIMIT_MS)]);
    await this.#cgroups.prune();
    await linuxFiles.remove(`${fifoDirectory(this.#lxcPath)}/monitor-fifo`);
    await removeEmpty(lockDirectory(this.#lxcPath), '/run/lxc/lock');
    await removeEmpty(fifoDirectory(this.#lxcPath), '/run/lxc');
    await removeEmpty(rootfsMountOf(this.#lxcPath), this.#lxcPath);
  }
}

/** Up to, but not including, `top`; a directory that is in use or gone ends it. */
const removeEmpty = async (directory: string, top: string): Promise<void> => {
  try {
    for (let path = directory; path.startsWith(`${top}/`); path = path.slice(0, path.lastIndexOf('/')))
      await rmdir(path);
  } catch (error) {
    if (!hasCode(error, 'ENOTEMPTY', 'ENOENT', 'EBUSY')) throw error;
  }
};

/**
 * @param options.lxcPath absolute and private to this daemon; a short one keeps LXC's socket names readable.
 * @throws DeviceError when LXC's directories cannot be used.
 */
export const linuxContainers = async (options: {
  readonly lxcPath: string;
}): Promise<Containers & { close(): Promise<void> }> => {
  const lxcPath = checkedLxcPath(options.lxcPath);
  await attempt('lxc.path', lxcPath, () => mkdir(rootfsMountOf(lxcPath), { recursive: true }));
  const cgroups = linuxCgroups(lxcPath);
  return new LinuxContainers(lxcPath, cgroups, await openMonitorLives(lxcPath, cgroups));
};
