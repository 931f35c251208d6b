/**
 * One life of a container: from the start of its monitor to the monitor's end, as seen from outside.
 *
 * ```
 *   starting ──RUNNING──> running ──exit message──> exited ──┐
 *      └──────────────────────┴───── connection closes ──────┴──> ended
 * ```
 * What happens is told by the monitor FIFO and by the connection to the command socket; nothing is polled.
 */
import type { Socket } from 'node:net';
import { type Peer, peerOf } from '../peer/peer.ts';
import { askMonitor, COMMAND, type IsMonitor, watchMonitor } from './command-socket.ts';

export class MonitorLife {
  readonly name: string;
  readonly address: string;
  phase: 'starting' | 'running' | 'exited' = 'starting';
  /** 0: not known, because init does not run yet or ended before anybody could ask. */
  initPid = 0;
  monitorPid: number | undefined;
  /** Another process listens at the monitor's address. */
  hasImpostor = false;
  readonly #running = Promise.withResolvers<boolean>();
  readonly #ended = Promise.withResolvers<void>();
  readonly #onGone: (life: MonitorLife) => void;
  readonly #isTrusted: (peer: Peer) => boolean;
  #connection: Socket | undefined;
  #asked: Promise<void> | undefined;
  #gone = false;
  #ran = false;

  /**
   * @param isTrusted whether a process may be a monitor at all
   * @param onGone called once, when the monitor is gone
   */
  constructor(name: string, address: string, isTrusted: (peer: Peer) => boolean, onGone: (life: MonitorLife) => void) {
    this.#isTrusted = isTrusted;
    this.name = name;
    this.address = address;
    this.#onGone = onGone;
  }

  /** Once its pid is known, only that process. */
  isMonitor: IsMonitor = (peer) => {
    const isIt = peer !== undefined && this.#isTrusted(peer) && (this.monitorPid ?? peer.pid) === peer.pid;
    if (!isIt) this.hasImpostor = true;
    return isIt;
  };

  /** True once init runs and its pid is known; false: it never did. */
  get running(): Promise<boolean> {
    return this.#running.promise;
  }

  get ended(): Promise<void> {
    return this.#ended.promise;
  }

  /**
   * The monitor's command socket exists. Init's pid is asked for at once: the monitor answers as soon as init runs,
   * and a moment later a short-lived init may be gone.
   */
  attach(): void {
    if (this.#connection !== undefined) return;
    const connection = watchMonitor(this.address, this.isMonitor, () => this.gone());
    connection.once('connect', () => {
      const peer = peerOf(connection);
      if (this.isMonitor(peer)) this.monitorPid ??= peer?.pid;
    });
    this.#connection = connection;
    this.#asked = this.#askInitPid();
  }

  async #askInitPid(): Promise<void> {
    try {
      // A monitor that starts its container answers when init runs; what happens meanwhile is told by the FIFO.
      this.initPid = (await askMonitor(this.address, COMMAND.getInitPid, { isMonitor: this.isMonitor })) ?? 0;
    } catch {
      // Whatever is wrong with the monitor, the connection says so; the life goes on without a known pid.
    }
  }

  started(): void {
    if (this.phase !== 'starting') return;
    this.phase = 'running';
    this.#ran = true;
    this.attach();
    this.#asked?.then(() => this.#running.resolve(true));
  }

  gone(): void {
    if (this.#gone) return;
    this.#gone = true;
    this.#connection?.destroy();
    this.#onGone(this);
  }

  /** Everything about this life has been read and told. */
  close(): void {
    if (!this.#ran) this.#running.resolve(false);
    this.#ended.resolve();
  }

  /** Lets go of it; the container goes on. */
  release(): void {
    this.#gone = true;
    this.#connection?.destroy();
  }
}
