/** The kernel's messages as they come, from /dev/kmsg: one record a read, and a wake-up when there is one. */
import { closeSync, constants, openSync, readSync } from 'node:fs';
import { DeviceError } from '../../host.ts';
import { hasCode } from '../files/file-errors.ts';
import { call } from '../kernel/libc.ts';
import type { Readiness } from '../kernel/readiness.ts';

const PATH = '/dev/kmsg';
/** CONSOLE_EXT_LOG_MAX. */
const RECORD_BYTES = 8192;
const SEEK_END = 2;

/**
 * Only what comes from now on: what the kernel said before was said to another daemon, or to none.
 * @returns how to end it. @throws DeviceError or Error when there is no such device, or no right to it.
 */
export const followKernelLog = (readiness: Readiness, onRecord: (record: string) => void): (() => void) => {
  const fd = openSync(PATH, constants.O_RDONLY | constants.O_NONBLOCK);
  call('lseek', PATH, fd, 0n, SEEK_END);
  const record = Buffer.allocUnsafeSlow(RECORD_BYTES);
  const read = (): void => {
    try {
      onRecord(record.toString('utf8', 0, readSync(fd, record, 0, RECORD_BYTES, null)));
    } catch (error) {
      // EPIPE: records were overwritten before we came; the next read gets the oldest there is.
      if (!hasCode(error, 'EAGAIN', 'EPIPE')) readiness.remove(fd);
    }
  };
  if (!readiness.add(fd, read)) throw new DeviceError('watch', PATH, 'EPERM', 'it cannot be waited for');
  return () => {
    readiness.remove(fd);
    closeSync(fd);
  };
};
