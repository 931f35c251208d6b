/**
 * URLs that are as good as a token, for one thing and a while: `pvr` brings and fetches the content of objects without
 * saying who it is. They end with the daemon that made them, and with the token they were made for.
 */
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';

export interface Signing {
  /** A path with everything that `by` needs of it. */
  sign(method: string, path: string, by: string): string;
  /** For whom it was signed; undefined: for nobody, or it is too late. */
  verify(method: string, path: string, query: URLSearchParams): string | undefined;
}

/** As long as the Hub's: objects may wait for others that are large. */
const VALID_MS = 24 * 3_600_000;

export const signing = (nowMs: () => number, key: Buffer = randomBytes(32)): Signing => {
  const sumOf = (...parts: readonly string[]): Buffer =>
    createHmac('sha256', key).update(JSON.stringify(parts)).digest();
  return {
    sign: (method, path, by) => {
      const until = String(Math.round(nowMs() + VALID_MS));
      const sum = sumOf(method, path, by, until).toString('base64url');
      return `${path}?${new URLSearchParams({ by, until, sum })}`;
    },
    verify: (method, path, query) => {
      const [by, until, sum] = ['by', 'until', 'sum'].map((name) => query.get(name) ?? '') as [string, string, string]; // three of three
      const given = Buffer.from(sum, 'base64url');
      const expected = sumOf(method, path, by, until);
      const isOurs = given.length === expected.length && timingSafeEqual(given, expected);
      return isOurs && Number(until) > nowMs() ? by : undefined;
    },
  };
};
