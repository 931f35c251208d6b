/** How large a state document may be; beyond that it is refused before it can cost memory or time. */
export interface StateLimits {
  readonly documentBytes: number;
  readonly keys: number;
  readonly nesting: number;
  /** JSON values of all kinds, in the whole document; as many faults can be in one list, and zod spreads them. */
  readonly values: number;
  /** Of a key, in bytes; PATH_MAX is 4096 and the trail's own path comes before. */
  readonly pathBytes: number;
  readonly pathSegments: number;
  /** Between two slashes, in bytes: NAME_MAX. */
  readonly segmentBytes: number;
}

export const STATE_LIMITS: StateLimits = {
  documentBytes: 8 * 1024 * 1024,
  keys: 20_000,
  nesting: 64,
  values: 80_000,
  pathBytes: 1024,
  pathSegments: 32,
  segmentBytes: 255,
};
