/** Which signal asks a container's init to end. */
import { readFile } from 'node:fs/promises';
import { constants } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';

/** glibc's and musl's SIGRTMIN differ by one; LXC on Debian and Yocto is linked with glibc. */
const SIGRTMIN = 34;
const SIGRTMAX = 64;
/** What systemd as init understands, and therefore blocks to read it from a descriptor. */
const SYSTEMD_HALT = SIGRTMIN + 3;

/** `SIGTERM`, `TERM`, `15`, `SIGRTMIN+3`, `RTMAX-1`; undefined: no signal. */
export const signalNumber = (text: string): number | undefined => {
  const name = text.toUpperCase().replace(/^SIG/, '');
  const [, base, offset = '0'] = /^(RTMIN|RTMAX)([+-]\d+)?$/.exec(name) ?? [];
  const number = /^\d+$/.test(name)
    ? Number(name)
    : base === undefined
      ? new Map<string, number>(Object.entries(constants.signals)).get(`SIG${name}`)
      : (base === 'RTMIN' ? SIGRTMIN : SIGRTMAX) + Number(offset);
  return number !== undefined && number > 0 && number <= SIGRTMAX ? number : undefined;
};

/** Bit n-1 of a mask in proc_pid_status(5) is signal n. */
const isIn = (mask: 'SigBlk' | 'SigCgt', status: string, signal: number): boolean => {
  const bits = new RegExp(`^${mask}:\\s*([0-9a-f]+)$`, 'm').exec(status)?.[1];
  return bits !== undefined && ((BigInt(`0x${bits}`) >> BigInt(signal - 1)) & 1n) === 1n;
};

const statusOf = (pid: number): Promise<string> => readFile(`/proc/${pid}/status`, 'utf8');

/** @param configured `lxc.signal.halt` of the container's file. */
export const haltSignal = async (configured: string | undefined, initPid: number): Promise<number> => {
  const wanted = configured === undefined ? undefined : signalNumber(configured);
  if (wanted !== undefined) return wanted;
  return isIn('SigBlk', await statusOf(initPid), SYSTEMD_HALT) ? SYSTEMD_HALT : constants.signals.SIGPWR;
};

/**
 * Whether a signal makes any difference to a process: the first one of a PID namespace is spared all that it neither
 * catches nor blocks to read it from a descriptor (pid_namespaces(7)).
 */
export const heeds = (status: string, signal: number): boolean => {
  const isFirst = /^NSpid:.*\s1$/m.test(status) && !/^NSpid:\s*1$/m.test(status);
  const isForced = signal === constants.signals.SIGKILL || signal === constants.signals.SIGSTOP;
  return !isFirst || isForced || isIn('SigCgt', status, signal) || isIn('SigBlk', status, signal);
};

const FIRST_LOOK_MS = 20;
/** Whoever does not listen by then is killed before. */
const LISTEN_LIMIT_MS = 10_000;

/**
 * Resolves to true when a signal makes a difference to init, which a container that has just been started may still be
 * about to say. The kernel tells nobody, so that it is looked at a few times, ever more seldom; false: it never did.
 */
export const listens = async (initPid: number, signal: number): Promise<boolean> => {
  for (let waitMs = FIRST_LOOK_MS; ; waitMs *= 2) {
    if (heeds(await statusOf(initPid), signal)) return true;
    if (waitMs > LISTEN_LIMIT_MS / 2) return false;
    await sleep(waitMs, undefined, { ref: false });
  }
};
