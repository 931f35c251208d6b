/**
 * Whose record it is: a sender is known by its credentials, and what a message says about that counts only from root
 * on the host, whose helpers speak for others. Everybody else is who it is.
 */

/** The other end of a connection. undefined: it cannot be told, or it is a user of the host without rights. */
export type Sender = 'host' | { readonly container: string } | undefined;

export const OWN = 'pantavisor';
const UNKNOWN = 'unknown-platform';
const UNKNOWN_SOURCE = 'unknown-app';
const MAX_PLATFORM_BYTES = 63;
const MAX_SOURCE_BYTES = 200;

/** What queues, limits and counts are kept by. */
export const platformOfSender = (sender: Sender): string => (sender === 'host' ? OWN : (sender?.container ?? UNKNOWN));

const cut = (text: string, maxBytes: number): string => {
  const bytes = Buffer.from(text);
  if (bytes.length <= maxBytes) return text;
  let end = maxBytes;
  while (end > 0 && ((bytes[end] ?? 0) & 0xc0) === 0x80) end -= 1; // not in the middle of a character
  return bytes.toString('utf8', 0, end);
};

/** One path component, or nothing that could be used as one. */
const platformNamed = (name: string): string | undefined => {
  const plain = cut(name.replace(/\p{Cc}/gu, '_'), MAX_PLATFORM_BYTES);
  return plain === '' || plain === '.' || plain === '..' || plain.includes('/') ? undefined : plain;
};

const sourceNamed = (name: string): string => {
  const plain = cut(name.replace(/\p{Cc}/gu, '_'), MAX_SOURCE_BYTES);
  const parts = plain.split('/').filter((part) => part !== '' && part !== '.' && part !== '..');
  if (parts.length === 0) return UNKNOWN_SOURCE;
  return `${plain.startsWith('/') ? '/' : ''}${parts.join('/')}`;
};

/** Where a record belongs; the fields are those of a LogRecord. */
export interface Origin {
  readonly platform: string;
  readonly source: string;
  readonly isOwn: boolean;
}

/** @param named what the message says; `_pv_` is Pantavisor's name for itself. */
export const originOf = (sender: Sender, named: { readonly platform?: string; readonly source: string }): Origin => {
  const source = sourceNamed(named.source);
  if (sender !== 'host') return { platform: platformOfSender(sender), source, isOwn: false };
  const platform = named.platform === undefined || named.platform === '_pv_' ? OWN : platformNamed(named.platform);
  return { platform: platform ?? OWN, source, isOwn: platform?.startsWith(OWN) ?? true };
};
