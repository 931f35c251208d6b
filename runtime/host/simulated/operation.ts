/** One call of the host port: what faults are decided on and what coverage is counted in. */
import type { DeviceError, Host } from '../host.ts';

type HostPort = keyof Pick<Host, 'files' | 'mounts' | 'disks' | 'containers'>;
/** `logs`: a port of its own, of which no device needs anything to converge. */
export type Port = HostPort | 'logs';

export interface Operation {
  readonly port: Port;
  /** The method or, for what is emitted, the observable: `write`, `bind`, `exits`. */
  readonly name: string;
  /** The path or container it is about. */
  readonly subject: string;
  /** Counts all operations of the device, over all its daemons. */
  readonly index: number;
  /** The how-manieth daemon of this boot calls, from 1. */
  readonly daemon: number;
}

/**
 * What becomes of an operation. `hang`: it never answers. `crash`: the daemon dies at this point. `tear`: the
 * daemon dies in the middle of it; some, none or all of its steps were done.
 */
export type Fault = DeviceError | 'hang' | 'crash' | 'tear' | { readonly delayMs: number };

/** What becomes of a notification. */
export type Delivery = 'lose' | 'duplicate' | { readonly delayMs: number };

/** Consulted at every operation, reads too. */
export interface Faults {
  before?(operation: Operation): Fault | undefined;
  /** Its effect took place; `tear` means `crash` here. */
  after?(operation: Operation): Fault | undefined;
  /** For `changes`, `exits`, `watch` and `swapChanges`; `subject` is what is told. */
  notification?(operation: Operation): Delivery | undefined;
}

const PORTS = {
  files: [
    'stat',
    'read',
    'stream',
    'list',
    'listing',
    'makeDirectory',
    'write',
    'writeStream',
    'append',
    'rename',
    'link',
    'symlink',
    'copyTree',
    'remove',
    'space',
    'watch',
  ],
  mounts: ['at', 'below', 'mountImage', 'bind', 'mountTmpfs', 'mountDevice', 'unmount', 'changes'],
  disks: ['contents', 'allocate', 'format', 'zramCreate', 'zramRemove', 'swaps', 'swapOn', 'swapOff', 'swapChanges'],
  containers: ['configure', 'start', 'inspect', 'halt', 'kill', 'unfreeze', 'remove', 'list', 'exits', 'changes'],
} as const satisfies { readonly [P in HostPort]: readonly (keyof Host[P])[] };

const kindOf = ({ port, name }: Pick<Operation, 'port' | 'name'>): string => `${port}.${name}`;

/** The distinct kinds of operation in a trace, sorted: `containers.start`, `files.write`, … */
export const faultPoints = (trace: readonly Operation[]): readonly string[] => [...new Set(trace.map(kindOf))].sort();

/** Every kind there is, to hold faultPoints() against. */
export const ALL_FAULT_POINTS: readonly string[] = Object.entries(PORTS)
  .flatMap(([port, names]) => names.map((name) => `${port}.${name}`))
  // No method of the port: how READY reaches the control socket.
  .concat('containers.ready')
  .sort();
