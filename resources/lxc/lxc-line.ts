/** Lines of an LXC configuration file, read as LXC reads them. */

export interface Line {
  readonly raw: string;
  readonly key: string;
  readonly value: string;
}

const unquoted = (value: string): string => {
  const [quote] = value;
  return value.length > 1 && (quote === '"' || quote === "'") && value.endsWith(quote) ? value.slice(1, -1) : value;
};

/** `key = value`, blanks around both dropped, one pair of quotes removed; LXC ignores lines without a key. */
export const lineOf = (raw: string): Line => {
  const equals = raw.indexOf('=');
  const key = raw.slice(0, Math.max(equals, 0)).trim();
  if (key === '' || key.startsWith('#')) return { raw, key: '', value: '' };
  return { raw, key, value: unquoted(raw.slice(equals + 1).trim()) };
};

export const parse = (text: string): readonly Line[] => text.split('\n').map(lineOf);
export const setting = (key: string, value: string | number): Line => lineOf(`${key} = ${value}`);

/** The value in force: the last one of a single-valued key. */
export const lxcValue = (text: string, key: string): string | undefined =>
  parse(text).findLast((line) => line.key === key && line.value !== '')?.value;

/**
 * Upper directories of overlays that LXC mounts: of the root (`overlayfs:<lower>…:<upper>`) and of mount entries.
 * If one is deleted, the container goes on without its root.
 */
export const overlayUppers = (text: string): readonly string[] => {
  const root = lxcValue(text, 'lxc.rootfs.path') ?? '';
  const layers = isOverlay(root) ? root.split(':') : [];
  const entries = parse(text).filter(({ key }) => key === 'lxc.mount.entry');
  const uppers = entries.flatMap(({ value }) => /(?:^|[\s,])upperdir=([^\s,]+)/.exec(value)?.[1] ?? []);
  return [...layers.slice(2).slice(-1), ...uppers];
};

export const isOverlay = (rootPath: string): boolean => /^overlay(fs)?:/.test(rootPath);
