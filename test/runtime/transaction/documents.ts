/** Parts of states with signatures as pvr makes them; nobody verifies these, so the signature itself is a word. */

export type Texts = Readonly<Record<string, string>>;

export const partsFrom = (texts: Texts): ReadonlyMap<string, string> => new Map(Object.entries(texts));

const encoded = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');

/** The text of a signature's value. */
export const signatureOf = (include: readonly string[], exclude: readonly string[] = []): string =>
  JSON.stringify({
    '#spec': 'pvs@2',
    protected: encoded({ alg: 'ES256', typ: 'PVS', pvs: { include, exclude } }),
    signature: 'c2lnbmVk',
  });

/** As `pvr sig add --part <name>` makes it. */
export const defaultSignature = (name: string): string =>
  signatureOf([`${name}/**`, `_config/${name}/**`], [`${name}/src.json`, `_sigs/${name}.json`]);

export const SPEC: Texts = { '#spec': '"pantavisor-service-system@1"' };

/** An app with its configuration and its signature. */
export const signedApp = (name: string, version = '1'): Texts => ({
  [`${name}/run.json`]: `{"name":"${name}", "v":${version}}`,
  [`${name}/src.json`]: `{"v":${version}}`,
  [`_config/${name}/etc/${name}.json`]: `[${version}]`,
  [`_sigs/${name}.json`]: defaultSignature(name),
});

export const unsignedApp = (name: string, version = '1'): Texts => ({
  [`${name}/run.json`]: `{"name":"${name}", "v":${version}}`,
  [`${name}/root.squashfs`]: `"${version.repeat(64).slice(0, 64)}"`,
});
