/** Spans of time for people, in at most two units: `8s`, `3m 12s`, `2h 5m`, `4d 1h`. */
export const durationText = (seconds: number): string => {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return `${whole}s`;
  if (whole < 3600) return `${Math.floor(whole / 60)}m ${whole % 60}s`;
  if (whole < 86_400) return `${Math.floor(whole / 3600)}h ${Math.floor((whole % 3600) / 60)}m`;
  return `${Math.floor(whole / 86_400)}d ${Math.floor((whole % 86_400) / 3600)}h`;
};

/** How long ago something was. */
export const agoText = (since: string, now: Date): string => durationText((now.getTime() - Date.parse(since)) / 1000);
