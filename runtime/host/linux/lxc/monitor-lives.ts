/**
 * The lives of all containers below one lxcpath: begun by us, by an earlier daemon, or by somebody's hand.
 *
 * In: messages of the monitor FIFO, connections that close. Out: which monitors live, the stream of exits and the
 * stream of names to look at again. A container that ends is told of in this order: its exit, then (when its monitor
 * is gone and its cgroups are clear) its name as changed.
 */
import { type FSWatcher, readFileSync, watch } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { Observable, Subject } from 'rxjs';
import type { Exit } from '../../../../resources/kinds/container.ts';
import { DeviceError } from '../../host.ts';
import { hasCode } from '../files/file-errors.ts';
import { linuxFiles } from '../files/linux-files.ts';
import type { Cgroups } from './cgroups.ts';
import { askMonitor, COMMAND, LXC_STATES } from './command-socket.ts';
import { commandAddress, isContainerName } from './lxc-names.ts';
import { type MonitorFifo, type MonitorMessage, openMonitorFifo } from './monitor-fifo.ts';
import { endHolders, ensureHolder } from './monitor-holder.ts';
import { MonitorLife } from './monitor-life.ts';
import { monitorTrust } from './monitor-trust.ts';
import { wakeMonitor } from './process-signals.ts';

export interface ContainerExit {
  readonly name: string;
  readonly exit: Exit;
}

export interface MonitorLives {
  readonly exits: Observable<ContainerExit>;
  readonly changes: Observable<string>;
  get(name: string): MonitorLife | undefined;
  names(): readonly string[];
  /** A monitor is about to be started. */
  begin(name: string): MonitorLife;
  /** Tells watchers to look at a container again. */
  touch(name: string): void;
  /** @returns whether nothing lives any more, and nothing is left to tell. */
  close(): Promise<boolean>;
}

/** How long an adopted monitor may take to say what it does; longer means that init does not run yet. */
const ADOPTION_TIMEOUT_MS = 2_000;

/** Names whose monitor listens, from the kernel's list of unix sockets (where `@` stands for the leading NUL). */
const listening = async (lxcPath: string): Promise<readonly string[]> => {
  const sockets = readFileSync('/proc/net/unix', 'utf8')
    .split('\n')
    .map((line) => /\s(@.*)$/.exec(line)?.[1] ?? '');
  const plain = sockets.flatMap((path) => {
    const name = path.startsWith(`@${lxcPath}/`) && path.endsWith('/command') ? path.split('/').at(-2) : undefined;
    return name === undefined ? [] : [name];
  });
  // The address of a long lxcpath is a hash, which only the name leads to.
  const present = new Set(sockets);
  const configured = (await linuxFiles.list(lxcPath)) ?? [];
  const hashed = configured.filter((name) => present.has(`@${commandAddress(lxcPath, name).slice(1)}`));
  return [...new Set([...plain, ...hashed])].filter(isContainerName);
};

/** Exits wait for their first listener: some are known before anybody can listen. */
class Exits extends Observable<ContainerExit> {
  readonly #told = new Subject<ContainerExit>();
  readonly #waiting: ContainerExit[] = [];

  constructor() {
    super((subscriber) => {
      const subscription = this.#told.subscribe(subscriber);
      for (const exit of this.#waiting.splice(0)) this.#told.next(exit);
      return subscription;
    });
  }

  tell(exit: ContainerExit): void {
    if (this.#told.observed) this.#told.next(exit);
    else this.#waiting.push(exit);
  }

  /** What nobody took. */
  takeBack(): readonly ContainerExit[] {
    return this.#waiting.splice(0);
  }
}

class Lives implements MonitorLives {
  readonly exits = new Exits();
  readonly #changes = new Subject<string>();
  readonly #lives = new Map<string, MonitorLife>();
  readonly #freezes = new Map<string, FSWatcher>();
  readonly #lxcPath: string;
  readonly #cgroups: Cgroups;
  #fifo: MonitorFifo | undefined;
  #sheltering: Promise<void> = Promise.resolve();

  constructor(lxcPath: string, cgroups: Cgroups) {
    this.#lxcPath = lxcPath;
    this.#cgroups = cgroups;
  }

  get changes(): Observable<string> {
    return this.#changes.asObservable();
  }

  async open(): Promise<void> {
    this.#fifo = await openMonitorFifo(this.#lxcPath, (message) => this.#hear(message));
    const holder = await ensureHolder(this.#fifo.path, this.#fifo.fd);
    // The kernel takes its time, which nobody has to wait for. Where it cannot be moved, it is as safe as the daemon.
    if (holder !== undefined) this.#sheltering = this.#cgroups.shelter(holder).catch(silent);
    await Promise.all((await listening(this.#lxcPath)).map((name) => this.#adopt(name)));
    await this.#fifo.drained();
  }

  get(name: string): MonitorLife | undefined {
    return this.#lives.get(name);
  }

  names(): readonly string[] {
    return [...this.#lives.keys()];
  }

  touch(name: string): void {
    this.#changes.next(name);
  }

  begin(name: string): MonitorLife {
    const isTrusted = monitorTrust(this.#lxcPath);
    const life = new MonitorLife(name, commandAddress(this.#lxcPath, name), isTrusted, (gone) => void this.#bury(gone));
    this.#lives.set(name, life);
    return life;
  }

  async #adopt(name: string): Promise<void> {
    const life = this.#lives.get(name) ?? this.begin(name);
    life.attach();
    const { isMonitor } = life;
    const ask = () =>
      askMonitor(life.address, COMMAND.getState, { isMonitor, timeoutMs: ADOPTION_TIMEOUT_MS }).catch(silent);
    const state = (await ask()) ?? ((await wakeMonitor(life.monitorPid)) ? await ask() : undefined);
    if (state === undefined && life.hasImpostor) await life.ended; // its connection closes
    if (state === undefined || LXC_STATES[state] === 'STARTING') return;
    life.started();
    this.#watchFreezes(name);
    // A monitor that says what it does and not which init it has must not hold up the start.
    await Promise.race([life.running, sleep(ADOPTION_TIMEOUT_MS, undefined, { ref: false })]);
  }

  #hear(message: MonitorMessage): void {
    const { name } = message;
    if (message.type === 'exit') {
      const life = this.#lives.get(name);
      if (life !== undefined) life.phase = 'exited';
      this.exits.tell({ name, exit: message.exit });
      return;
    }
    if (message.state === 'STARTING') this.#begun(name);
    if (message.state === 'RUNNING') {
      this.#lives.get(name)?.started();
      this.#watchFreezes(name);
    }
    this.touch(name);
  }

  /** From now on the monitor's socket exists, whoever started it. */
  #begun(name: string): void {
    const life = this.#lives.get(name) ?? this.begin(name);
    if (life.phase === 'exited') {
      // Started anew before the end of the former monitor was seen: the connection that closes belongs to that one.
      life.ended.then(() => this.#begun(name));
      return;
    }
    life.attach();
  }

  /** Only the v2 hierarchy tells of a freeze that did not go through LXC. */
  #watchFreezes(name: string): void {
    const file = this.#cgroups.eventsFile(name);
    if (file === undefined || this.#freezes.has(name)) return;
    try {
      const watcher = watch(file, { persistent: false }, () => this.touch(name));
      watcher.on('error', () => watcher.close());
      this.#freezes.set(name, watcher);
    } catch (error) {
      // It ended already, or its cgroups are somewhere else because it was not started by us.
      if (!hasCode(error, 'ENOENT', 'ENODEV')) throw error;
    }
  }

  async #bury(life: MonitorLife): Promise<void> {
    await this.#fifo?.drained();
    this.#freezes.get(life.name)?.close();
    this.#freezes.delete(life.name);
    // A monitor that was killed leaves its cgroups. If they cannot be cleared now, the next start will say so.
    if (life.phase !== 'exited') await this.#cgroups.clear(life.name).catch(silent);
    if (this.#lives.get(life.name) === life) this.#lives.delete(life.name);
    life.close();
    this.touch(life.name);
  }

  async close(): Promise<boolean> {
    await this.#sheltering;
    const fifo = this.#fifo;
    const isOver = this.#lives.size === 0;
    for (const watcher of this.#freezes.values()) watcher.close();
    for (const life of this.#lives.values()) life.release();
    const untold = this.exits.takeBack();
    for (const { name, exit } of untold) fifo?.giveBack(name, exit);
    if (fifo !== undefined && isOver && untold.length === 0) await endHolders(fifo.path);
    fifo?.close();
    return isOver && untold.length === 0;
  }
}

const silent = (error: unknown): undefined => {
  if (!(error instanceof DeviceError)) throw error;
};

/** @throws DeviceError when LXC's run directory cannot be used. */
export const openMonitorLives = async (lxcPath: string, cgroups: Cgroups): Promise<MonitorLives> => {
  const lives = new Lives(lxcPath, cgroups);
  await lives.open();
  return lives;
};
