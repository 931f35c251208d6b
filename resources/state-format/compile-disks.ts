/** Disks as declared → disks as they are set up. */

import type { DiskSource, DiskSpec } from '../kinds/disk.ts';
import { diskPath, type Paths } from '../paths.ts';
import type { Declared } from './declarations.ts';
import type { DiskManifest } from './disk-manifest.ts';
import { textOfPlace } from './manifest.ts';
import { problemAt, type Report } from './problem.ts';

/** The disks of a state, found by name or alias. */
export interface DiskCatalog {
  readonly byName: ReadonlyMap<string, DiskSpec>;
  /** For volumes that name none. */
  readonly fallback: DiskSpec | undefined;
  /** Those that are brought up even if no volume is on them. */
  readonly always: ReadonlySet<DiskSpec>;
}

export const compileDisks = (disks: readonly Declared<DiskManifest>[], paths: Paths, report: Report): DiskCatalog => {
  const byName = new Map<string, DiskSpec>();
  const specs: { readonly manifest: DiskManifest; readonly spec: DiskSpec }[] = [];
  for (const { manifest } of disks) {
    const spec = compileDisk(manifest, specs.length, paths);
    byName.set(manifest.name, spec);
    specs.push({ manifest, spec });
  }
  addAliases(disks, byName, report);
  const isSwap = (spec: DiskSpec): boolean => spec.use.type === 'swap';
  const fallback = specs.find(({ manifest, spec }) => manifest.default === 'yes' && !isSwap(spec))?.spec;
  const always = new Set(specs.map(({ spec }) => spec).filter((spec) => isSwap(spec) || spec === fallback));
  return { byName, fallback, always };
};

const addAliases = (disks: readonly Declared<DiskManifest>[], byName: Map<string, DiskSpec>, report: Report): void => {
  for (const { manifest, place } of disks) {
    const own = byName.get(manifest.name);
    for (const [index, alias] of (manifest.aliases ?? []).entries()) {
      const other = byName.get(alias);
      if (own === undefined || other === own) continue;
      if (other === undefined) byName.set(alias, own);
      else {
        const path = textOfPlace(place, 'aliases', index);
        report.problems.push(
          problemAt(path, alias, `an alias that does not name the disk ${JSON.stringify(other.name)} already`),
        );
      }
    }
  }
};

const compileDisk = (manifest: DiskManifest, order: number, paths: Paths): DiskSpec => {
  const unsupported = gapOf(manifest);
  return {
    name: manifest.name,
    order,
    source: sourceOf(manifest, paths),
    use: useOf(manifest, paths),
    ...(unsupported === undefined ? {} : { unsupported }),
  };
};

const words = (text: string | undefined): readonly string[] =>
  text?.split(/[\s,]+/).filter((word) => word !== '') ?? [];
const blankSeparated = (text: string | undefined): readonly string[] =>
  text?.split(/\s+/).filter((word) => word !== '') ?? [];

const sourceOf = (
  { name, type, path, provision, provision_options: options }: DiskManifest,
  paths: Paths,
): DiskSource => {
  if (provision === 'zram') return { type: 'zram', settings: settingsOf(options) };
  if (type === 'swap-disk' && provision === 'file') {
    return { type: 'file', path: path ?? '', sizeBytes: sizeOf(options) ?? 0 };
  }
  if (type === 'volume-disk' && provision === undefined) {
    return { type: 'directory', path: `${paths.storage}/pv/volume-disk/${name}` };
  }
  return { type: 'block', path: path ?? '' };
};

const useOf = (manifest: DiskManifest, paths: Paths): DiskSpec['use'] => {
  const formatOptions = blankSeparated(manifest.format_options);
  if (manifest.type === 'swap-disk') {
    return { type: 'swap', formatOptions, swapOptions: blankSeparated(manifest.mount_options) };
  }
  const isFormatted = manifest.type === 'volume-disk' && manifest.provision !== undefined;
  return {
    type: 'mount',
    target: manifest.mount_target ?? diskPath(paths, manifest.name),
    ...(isFormatted && manifest.format !== undefined && manifest.format !== 'swap'
      ? { filesystem: manifest.format }
      : {}),
    formatOptions,
    mountFlags: manifest.type === 'volume-disk' ? words(manifest.mount_options) : [],
  };
};

/** Why the disk cannot be brought up as declared. */
const gapOf = ({ type, path, format, provision, provision_options: options }: DiskManifest): string | undefined => {
  if (type !== 'swap-disk' && type !== 'volume-disk') return `${type}: not supported yet`;
  if (provision === 'zram') {
    if (settingsOf(options).every(([key]) => key !== 'disksize')) return 'zram needs "provision_options": "disksize=…"';
  } else if (type === 'swap-disk' || provision !== undefined) {
    if (path === undefined) return 'a "path" is missing';
  }
  if (type === 'swap-disk' && provision === 'file' && sizeOf(options) === undefined) {
    return 'a swap file needs "provision_options": "size=…", for example "size=64M"';
  }
  if (type === 'volume-disk' && provision !== undefined && format !== 'ext3' && format !== 'ext4') {
    return 'a volume-disk with "provision" needs "format": "ext4" or "ext3"';
  }
  return undefined;
};

const settingsOf = (options: string | undefined): readonly (readonly [string, string])[] =>
  words(options).flatMap((word) => {
    const [, key, value] = /^([A-Za-z0-9_]+)=(.+)$/.exec(word) ?? [];
    return key === undefined || value === undefined ? [] : [[key, value] as const];
  });

/** Suffixes as dd(1) has them. */
const UNIT_BYTES: Readonly<Record<string, number>> = {
  '': 1,
  K: 1024,
  kB: 1000,
  M: 1024 ** 2,
  MB: 1000 ** 2,
  G: 1024 ** 3,
  GB: 1000 ** 3,
};

const sizeOf = (options: string | undefined): number | undefined => {
  const text = settingsOf(options).find(([key]) => key === 'size')?.[1] ?? '';
  const [, amount, unit = ''] = /^([1-9]\d{0,12})(|K|kB|M|MB|G|GB)$/.exec(text) ?? [];
  const bytes = Number(amount) * (UNIT_BYTES[unit] ?? Number.NaN);
  return Number.isSafeInteger(bytes) ? bytes : undefined;
};
