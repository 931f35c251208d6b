/** Request bodies: read whole, up to a limit. */

/** The body as text; undefined: longer than `maxBytes`, and the rest is not read. */
export const readBody = async (request: Request, maxBytes: number): Promise<string | undefined> => {
  if (Number(request.headers.get('content-length') ?? 0) > maxBytes) return undefined;
  const reader = request.body?.getReader();
  const parts: Uint8Array[] = [];
  let sizeBytes = 0;
  while (reader !== undefined) {
    const { done, value } = await reader.read();
    if (done) break;
    sizeBytes += value.length;
    if (sizeBytes > maxBytes) return undefined;
    parts.push(value);
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
