/** Which signal asks a container's init to end (lifecycle.md §8 (d)). */
import { readFile } from 'node:fs/promises';
import { constants } from 'node:os';

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

/** Bit n-1 of SigBlk in proc_pid_status(5) is signal n. */
const blocks = (status: string, signal: number): boolean => {
  const mask = /^SigBlk:\s*([0-9a-f]+)$/m.exec(status)?.[1];
  return mask !== undefined && ((BigInt(`0x${mask}`) >> BigInt(signal - 1)) & 1n) === 1n;
};

/** @param configured `lxc.signal.halt` of the container's file. */
export const haltSignal = async (configured: string | undefined, initPid: number): Promise<number> => {
  const wanted = configured === undefined ? undefined : signalNumber(configured);
  if (wanted !== undefined) return wanted;
  const status = await readFile(`/proc/${initPid}/status`, 'utf8');
  return blocks(status, SYSTEMD_HALT) ? SYSTEMD_HALT : constants.signals.SIGPWR;
};
