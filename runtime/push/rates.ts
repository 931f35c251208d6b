/** How often somebody may do something: tokens of a bucket that fills by itself. No timers. */

export interface RateOptions {
  readonly perSecond: number;
  /** At once, after a while of quiet. */
  readonly burst: number;
  /** Monotonic. */
  readonly nowMs: () => number;
}

export interface Rate {
  /** 0: go on. Else: seconds until the next may be. */
  take(who: string): number;
  /** As `take`, without taking. */
  wait(who: string): number;
}

/** Somebody with many addresses must not cost memory. */
const MOST = 1024;

interface Bucket {
  level: number;
  atMs: number;
}

export const rateOf = ({ perSecond, burst, nowMs }: RateOptions): Rate => {
  /** In the order of their last use. */
  const buckets = new Map<string, Bucket>();
  const fullMs = (burst / perSecond) * 1000;

  const bucketOf = (who: string): Bucket => {
    const now = nowMs();
    const { level, atMs } = buckets.get(who) ?? { level: burst, atMs: now };
    const bucket = { level: Math.min(burst, level + ((now - atMs) / 1000) * perSecond), atMs: now };
    buckets.delete(who);
    buckets.set(who, bucket);
    return bucket;
  };
  /** Those that are full again are as if they had never been. */
  const forget = (): void => {
    for (const [who, { atMs }] of buckets) {
      if (buckets.size <= MOST && nowMs() - atMs < fullMs) return;
      buckets.delete(who);
    }
  };
  const secondsFor = ({ level }: Bucket): number => (level >= 1 ? 0 : Math.ceil((1 - level) / perSecond));
  return {
    wait: (who) => (buckets.has(who) ? secondsFor(bucketOf(who)) : 0),
    take: (who) => {
      const bucket = bucketOf(who);
      const seconds = secondsFor(bucket);
      if (seconds === 0) bucket.level -= 1;
      forget();
      return seconds;
    },
  };
};
