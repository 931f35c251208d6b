/** The keys of a state document: relative paths inside the revision's directory. */
import type { StateLimits } from './state-limits.ts';

/** Directories of the trail that Pantavisor writes itself. */
const OWN_DIRECTORIES = new Set(['.pvr', '.pv']);

const encoder = new TextEncoder();

// One code unit is at most three bytes, so most keys need no encoding.
const isLongerThan = (text: string, bytes: number): boolean =>
  text.length * 3 > bytes && encoder.encode(text).length > bytes;

const SAFE = /^(?!\/)(?!.*\/$)(?!.*\/\/)(?!(?:.*\/)?\.\.?(?:\/|$))[^\\\p{Cc}]+$/su;

/** A path that stays below the directory it is joined to, and names something in it. */
export const isRelativePath = (path: string): boolean => SAFE.test(path) && path.isWellFormed();

// Nearly every key is like this; the limits cannot be exceeded by one so short.
const ORDINARY = /^(?:[A-Za-z0-9_][\w.@+-]*\/)*[A-Za-z0-9_][\w.@+-]*$/;
const ORDINARY_LENGTH = 100;

const isOrdinary = (key: string, { pathBytes, pathSegments, segmentBytes }: StateLimits): boolean =>
  key.length <= Math.min(ORDINARY_LENGTH, pathBytes, segmentBytes, pathSegments * 2) && ORDINARY.test(key);

/** What is wrong with a key, as what was expected; undefined: nothing. */
export const keyFault = (key: string, limits: StateLimits): string | undefined => {
  if (isOrdinary(key, limits)) return undefined;
  if (isLongerThan(key, limits.pathBytes)) return `a path of at most ${limits.pathBytes} bytes`;
  if (!isRelativePath(key)) {
    return 'a relative path without "..", ".", empty segments, backslashes and control characters';
  }
  const segments = key.split('/');
  if (segments.length > limits.pathSegments) return `a path of at most ${limits.pathSegments} segments`;
  if (segments.some((segment) => isLongerThan(segment, limits.segmentBytes))) {
    return `path segments of at most ${limits.segmentBytes} bytes`;
  }
  if (OWN_DIRECTORIES.has(segments[0] ?? '')) return 'a path outside the directories .pvr and .pv of the revision';
  return undefined;
};

/**
 * Keys that no longer matter once the document was received: signatures and the client tools' own notes. They are
 * part of the document, but are not installed and change nothing on the device.
 */
export const isSkippedKey = (key: string): boolean =>
  key.startsWith('_sigs/') || key.endsWith('/src.json') || key.endsWith('/build.json');

/** The first path component, without a leading `_config/`: who owns the entry; undefined for a file at the root. */
export const ownerOf = (key: string): string | undefined => {
  const start = key.startsWith('_config/') ? '_config/'.length : 0;
  const end = key.indexOf('/', start);
  return end === -1 ? undefined : key.slice(start, end);
};
