/** One virtual machine: QEMU without KVM, a disk of its own, the console in a file, ports of the device on 127.0.0.1. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';

export const QEMU = 'qemu-system-x86_64';

export const hasQemu = (): boolean =>
  (process.env['PATH'] ?? '').split(':').some((directory) => existsSync(`${directory}/${QEMU}`));

export interface VmOptions {
  readonly disk: string;
  /** This terminal, or a socket to talk to and a file of what was said. */
  readonly console: 'stdio' | { readonly socket: string; readonly log: string };
  /** Ports of the device by ports of this machine. */
  readonly ports: Readonly<Record<number, number>>;
  readonly memoryMb?: number;
  /** QEMU's own words, added at the end. */
  readonly more?: readonly string[];
}

export const qemuWords = ({ disk, console, ports, memoryMb = 512, more = [] }: VmOptions): readonly string[] => [
  ...['-accel', 'tcg', '-cpu', 'max', '-M', 'pc', '-m', String(memoryMb), '-nographic', '-nodefaults'],
  ...(console === 'stdio'
    ? ['-serial', 'mon:stdio']
    : [
        ...[
          '-chardev',
          `socket,id=console,path=${console.socket},server=on,wait=off,logfile=${console.log},logappend=on`,
        ],
        ...['-serial', 'chardev:console'],
      ]),
  ...['-drive', `file=${disk},if=virtio,cache=writeback,format=${disk.endsWith('.qcow2') ? 'qcow2' : 'raw'}`],
  ...[
    '-netdev',
    ['user,id=net', ...Object.entries(ports).map(([here, there]) => `hostfwd=tcp:127.0.0.1:${here}-:${there}`)].join(),
  ],
  ...['-device', 'virtio-net-pci,netdev=net', '-device', 'virtio-rng-pci', ...more],
];

export interface Vm {
  readonly process: ChildProcess;
  /** As a power cut: what the guest did not sync is gone. */
  cut(): Promise<void>;
  /** Resolves when the guest switched itself off. */
  readonly ended: Promise<void>;
}

export const startVm = (options: VmOptions): Vm => {
  const process = spawn('nice', ['-n', '15', QEMU, ...qemuWords(options)], {
    stdio: options.console === 'stdio' ? 'inherit' : ['ignore', 'ignore', 'inherit'],
  });
  const ended = once(process, 'exit').then(() => undefined);
  return {
    process,
    ended,
    cut: async () => {
      process.kill('SIGKILL');
      await ended;
    },
  };
};
