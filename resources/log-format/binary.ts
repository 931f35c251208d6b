/**
 * Pantavisor's own format: int32 code, int32 length, `<level>\0<platform>\0<source>\0<data>`.
 * Numbers have the byte order of the machine; every machine that we run on is little-endian.
 */
import { levelNumbered } from './log-levels.ts';
import { type Parsed, refuse } from './message.ts';

const LOG = 0;
const COMMAND = 256;
const HEADER_BYTES = 8;

export const isBinary = (bytes: Buffer): boolean => {
  if (bytes.length < HEADER_BYTES) return false;
  const code = bytes.readInt32LE(0);
  return code === LOG || code === COMMAND;
};

/** Bytes of the whole message. The beginning of `bytes` must be binary. */
export const binaryLength = (bytes: Buffer): number => HEADER_BYTES + Math.max(0, bytes.readInt32LE(4));

/** Of a message longer than the buffer, what is there counts. */
export const parseBinary = (bytes: Buffer): Parsed => {
  if (bytes.readInt32LE(0) === COMMAND) return refuse('a command of the log server, which takes none');
  const body = bytes.subarray(HEADER_BYTES, binaryLength(bytes));
  const levelEnd = body.indexOf(0);
  const platformEnd = levelEnd < 0 ? -1 : body.indexOf(0, levelEnd + 1);
  const sourceEnd = platformEnd < 0 ? -1 : body.indexOf(0, platformEnd + 1);
  if (sourceEnd < 0) return refuse('a binary message whose level, platform and source do not end within it');
  const level = body.toString('latin1', 0, levelEnd);
  if (!/^\d{1,2}$/.test(level)) return refuse('a binary message whose level is no number');
  return {
    level: levelNumbered(Number(level)),
    platform: body.toString('utf8', levelEnd + 1, platformEnd),
    source: body.toString('utf8', platformEnd + 1, sourceEnd),
    data: body.subarray(sourceEnd + 1),
    isText: false,
  };
};
