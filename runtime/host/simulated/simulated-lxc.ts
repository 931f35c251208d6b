/**
 * LXC on the simulated device: monitors and inits that live on their own, whether a daemon looks or not.
 *
 *   start ──▶ STARTING ──startMs──▶ RUNNING ⇄ FROZEN
 *                │ failsToStart        │ exit, halt, kill
 *                ▼                     ▼
 *              gone ◀──────────── STOPPING ──▶ exit posted
 *
 * A killed monitor takes its container along and posts no exit.
 */
import type { Exit } from '../../../resources/kinds/container.ts';
import type { ContainerState } from '../host.ts';
import { type Behaviour, DEFAULT_BEHAVIOUR } from './behaviour.ts';
import type { FileSystem } from './file-system.ts';
import { fileAt, makeDirectory, remove, writeFile } from './inode-operations.ts';
import type { Kernel } from './kernel.ts';
import { Mailbox, Signal } from './mailbox.ts';
import { Refusal, refuse } from './simulated-error.ts';

/** What LXC needs to take a container down once its init is gone. */
const TEARDOWN_MS = 5;
const KILLED: Exit = { type: 'signal', signal: 9 };
const FIRST_PID = 1000;

/** One start of a container; its timers belong to it. */
interface Life {
  readonly behaviour: Behaviour;
  /** File systems its mount namespace holds, also after they were unmounted outside. */
  readonly held: readonly FileSystem[];
  readonly init: PromiseWithResolvers<number>;
  state: 'STARTING' | 'RUNNING' | 'STOPPING';
  pid: number | undefined;
  /** undefined: not frozen. Else what waits for the thaw. */
  frozen: (() => void)[] | undefined;
}

export class Lxc {
  readonly exits = new Mailbox<{ readonly name: string; readonly exit: Exit }>();
  readonly ready = new Mailbox<string>();
  readonly changes = new Signal<string>();
  readonly #kernel: Kernel;
  readonly #lives = new Map<string, Life>();
  readonly #attempts = new Map<string, number>();
  #lastPid = FIRST_PID;

  constructor(kernel: Kernel) {
    this.#kernel = kernel;
  }

  configure(name: string, config: string): void {
    const { namespace } = this.#kernel;
    makeDirectory(namespace, this.#directory(name), 0o755);
    writeFile(namespace, `${this.#directory(name)}/config`, Buffer.from(config), 0o600);
  }

  /** @returns the pid of a living init, or undefined and a promise of one. */
  start(name: string): { readonly begun: boolean; readonly init: Promise<number> } {
    const life = this.#lives.get(name);
    if (life?.state === 'STOPPING') refuse('LXC_START', 'still stopping');
    if (life !== undefined) return { begun: false, init: life.init.promise };
    const config = this.#configOf(name);
    const attempt = (this.#attempts.get(name) ?? 0) + 1;
    this.#attempts.set(name, attempt);
    const behaviour = this.#kernel.hardware.behaviourOf(name, attempt, config);
    return { begun: true, init: this.#begin(name, config, behaviour).promise };
  }

  inspect(name: string): ContainerState | undefined {
    const life = this.#lives.get(name);
    return life && { state: life.frozen === undefined ? life.state : 'FROZEN', initPid: life.pid };
  }

  /** Which run it is at; undefined: none. */
  runOf(name: string): unknown {
    return this.#lives.get(name);
  }

  /** The halt signal. Lost while init does not run yet. @returns whether there was an init to get it. */
  halt(name: string): boolean {
    const life = this.#lives.get(name);
    if (life?.state !== 'RUNNING') return false;
    const { ignoresHalt, haltMs = DEFAULT_BEHAVIOUR.haltMs, haltExit = DEFAULT_BEHAVIOUR.haltExit } = life.behaviour;
    if (!ignoresHalt) this.#later(life, haltMs, () => this.#endInit(name, life, haltExit));
    return true;
  }

  /** SIGKILL reaches the frozen too. */
  kill(name: string, exit = KILLED): boolean {
    const life = this.#lives.get(name);
    if (life === undefined || life.state === 'STOPPING') return false;
    if (life.state === 'STARTING') this.#vanish(name, life, 'killed while starting');
    else this.#endInit(name, life, exit);
    return true;
  }

  killMonitor(name: string): void {
    const life = this.#lives.get(name);
    if (life !== undefined) this.#vanish(name, life, 'the monitor was killed');
  }

  freeze(name: string): void {
    const life = this.#lives.get(name);
    if (life?.state !== 'RUNNING' || life.frozen !== undefined) return;
    life.frozen = [];
    this.changes.emit(name);
  }

  /** @returns whether it was frozen. */
  unfreeze(name: string): boolean {
    const life = this.#lives.get(name);
    if (life?.frozen === undefined) return false;
    const waiting = life.frozen;
    life.frozen = undefined;
    this.changes.emit(name);
    for (const action of waiting) action();
    return true;
  }

  /** @returns whether anything was left. */
  remove(name: string): boolean {
    if (this.#lives.has(name)) refuse('EBUSY', 'still runs');
    return remove(this.#kernel.namespace, this.#directory(name));
  }

  list(): readonly string[] {
    const node = this.#kernel.namespace.find(this.#kernel.hardware.options.lxcPath)?.node;
    const configured = node?.type === 'directory' ? [...node.entries.keys()] : [];
    return [...new Set([...configured, ...this.#lives.keys()])].sort();
  }

  held(): readonly FileSystem[] {
    return [...this.#lives.values()].flatMap(({ held }) => held);
  }

  #directory(name: string): string {
    return `${this.#kernel.hardware.options.lxcPath}/${name}`;
  }

  /** @throws Refusal LXC_START, as lxc-start refuses before there is an init. */
  #configOf(name: string): string {
    const { namespace } = this.#kernel;
    const file = fileAt(namespace, `${this.#directory(name)}/config`);
    if (file === undefined) return refuse('LXC_START', 'no configuration');
    const config = file.content.toString();
    const rootfs = /^\s*lxc\.rootfs\.path\s*=\s*(.*)$/m.exec(config)?.[1] ?? '';
    // As LXC does: the writable layer is made where the volume for it is mounted; lower layers must be there.
    const upper = /^overlay/.test(rootfs) ? pathsIn(rootfs).at(-1) : undefined;
    if (upper !== undefined && namespace.find(parentOf(upper)) !== undefined) makeDirectory(namespace, upper, 0o755);
    const missing = pathsIn(rootfs).find((path) => namespace.find(path) === undefined);
    return missing === undefined ? config : refuse('LXC_START', `no root file system at ${missing}`);
  }

  #begin(name: string, config: string, behaviour: Behaviour): PromiseWithResolvers<number> {
    const init = Promise.withResolvers<number>();
    // A start that nobody waits for any more may fail unseen.
    init.promise.catch(() => {});
    const held = this.#reachableFrom(config);
    const life: Life = { behaviour, held, init, state: 'STARTING', pid: undefined, frozen: undefined };
    this.#lives.set(name, life);
    this.changes.emit(name);
    const { startMs = DEFAULT_BEHAVIOUR.startMs, failsToStart } = behaviour;
    this.#kernel.timeline.after(startMs, life, () => {
      if (failsToStart === undefined) this.#run(name, life);
      else this.#vanish(name, life, failsToStart);
    });
    return init;
  }

  #run(name: string, life: Life): void {
    this.#lastPid += 1;
    life.pid = this.#lastPid;
    life.state = 'RUNNING';
    life.init.resolve(life.pid);
    this.changes.emit(name);
    const { exitAfterMs, exit = DEFAULT_BEHAVIOUR.exit, readyAfterMs } = life.behaviour;
    if (readyAfterMs !== undefined) this.#later(life, readyAfterMs, () => this.ready.post(name));
    if (exitAfterMs !== undefined) this.#later(life, exitAfterMs, () => this.#endInit(name, life, exit));
  }

  #later(life: Life, ms: number, action: () => void): void {
    this.#kernel.timeline.after(ms, life, () => {
      if (life.frozen === undefined) action();
      else life.frozen.push(action);
    });
  }

  #endInit(name: string, life: Life, exit: Exit): void {
    if (life.state === 'STOPPING') return;
    life.state = 'STOPPING';
    life.frozen = undefined;
    life.pid = undefined;
    this.#kernel.timeline.forget(life);
    this.changes.emit(name);
    this.#kernel.timeline.after(TEARDOWN_MS, life, () => {
      this.exits.post({ name, exit });
      this.#vanish(name, life, 'ended');
    });
  }

  #vanish(name: string, life: Life, reason: string): void {
    this.#kernel.timeline.forget(life);
    this.#lives.delete(name);
    life.init.reject(new Refusal('LXC_START', reason));
    this.changes.emit(name);
  }

  #reachableFrom(config: string): readonly FileSystem[] {
    const { namespace } = this.#kernel;
    return pathsIn(config).flatMap((path) => {
      const place = namespace.find(path);
      if (place === undefined) return [];
      const inside = namespace.mounts.filter(({ target }) => target.startsWith(`${place.path}/`));
      return [place.mount.fileSystem, ...inside.map(({ fileSystem }) => fileSystem)];
    });
  }
}

const parentOf = (path: string): string => path.slice(0, path.lastIndexOf('/'));

/** Absolute paths in a configuration: `dir:/a`, `overlay:/a:/b`, `/a b none bind`. */
const pathsIn = (config: string): readonly string[] => config.match(/(?<=^|[\s:=,])\/[^\s:,]+/gm) ?? [];
