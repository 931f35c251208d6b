/** Request bodies: read whole, up to a limit. */
import type { IncomingMessage } from 'node:http';

/** The body as text; undefined: longer than `maxBytes`, and the rest is not kept. */
export const readBody = async (incoming: IncomingMessage, maxBytes: number): Promise<string | undefined> => {
  const parts: Buffer[] = [];
  let sizeBytes = 0;
  // Leaving the loop must not destroy the connection: the refusal goes out on it.
  for await (const part of incoming.iterator({ destroyOnReturn: false })) {
    sizeBytes += part.length;
    if (sizeBytes > maxBytes) return undefined;
    parts.push(part);
  }
  return Buffer.concat(parts).toString('utf8');
};

/** The members of a JSON object; undefined for anything else. */
export const parseObject = (text: string): Readonly<Record<string, unknown>> | undefined => {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
    return value as Record<string, unknown>; // an object, checked above
  } catch {
    return undefined; // not JSON is an answer here, and the caller words it
  }
};
