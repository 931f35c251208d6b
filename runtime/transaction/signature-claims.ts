/** What a signature of a state document speaks for: `_sigs/<name>.json`, a flattened JWS. Pure. */
import { z } from 'zod';

const Signature = z.looseObject({ '#spec': z.literal('pvs@2'), protected: z.string(), signature: z.string() });
const Header = z.looseObject({
  pvs: z.looseObject({ include: z.array(z.string()).default([]), exclude: z.array(z.string()).default([]) }),
});

/** undefined: not JSON. */
const parse = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
};

/**
 * Beginnings of keys that a signature claims, whether it includes or excludes them: each pattern up to its first `*`
 *. Whether the signature is right does not matter here: the daemon verifies it. Whatever is no
 * signature claims nothing.
 */
export const claimsOf = (text: string): readonly string[] => {
  const signature = Signature.safeParse(parse(text));
  if (!signature.success) return [];
  const header = Header.safeParse(parse(Buffer.from(signature.data.protected, 'base64url').toString('utf8')));
  if (!header.success) return [];
  const { include, exclude } = header.data.pvs;
  return [...include, ...exclude].map((pattern) => pattern.split('*', 1)[0] ?? '');
};
