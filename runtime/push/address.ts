/** Where a client is, for limits and for people. */

/** The dual-stack form of an IPv4 address is that address. */
export const addressOf = (remote: string | undefined): string => (remote ?? 'nowhere').replace(/^::ffff:(?=\d+\.)/, '');

/** One that may take any address of a /64 is one. */
export const neighbourhoodOf = (address: string): string => {
  if (!address.includes(':')) return address;
  const [head = '', tail] = address.split('%', 1)[0]?.split('::') ?? [];
  const [left, right] = [head.split(':').filter(Boolean), (tail ?? '').split(':').filter(Boolean)];
  const groups = [...left, ...Array<string>(Math.max(0, 8 - left.length - right.length)).fill('0'), ...right];
  return groups.slice(0, 4).join(':');
};
