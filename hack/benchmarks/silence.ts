import { get } from './http.ts';

/** Asks without a pause. The function returned ends it and tells the longest time between two answers, in milliseconds. */
export function silence(socket: string): () => Promise<number> {
  let isOver = false;
  let longestMs = 0;
  const asking = (async () => {
    let answeredAtMs = performance.now();
    while (!isOver) {
      await get(socket, '/containers');
      const nowMs = performance.now();
      longestMs = Math.max(longestMs, nowMs - answeredAtMs);
      answeredAtMs = nowMs;
    }
  })();
  return async () => {
    isOver = true;
    await asking;
    return longestMs;
  };
}
