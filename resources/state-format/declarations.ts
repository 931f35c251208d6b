/**
 * What the whole device shares: groups, disks and network pools, from `device.json` or from `groups.json`,
 * `disks.json` and `disks_v3.json`.
 */
import { z } from 'zod';
import { DISK_LENIENCIES, DISK_TYPES, DiskManifest } from './disk-manifest.ts';
import { DEFAULT_GROUPS, GROUP_LENIENCIES, GroupManifest } from './group-manifest.ts';
import { type Leniency, type Place, readManifest, textOfPlace } from './manifest.ts';
import { POOLS_LENIENCIES, PoolsManifest } from './network-manifest.ts';
import { pathOf, problemAt, type Report } from './problem.ts';
import type { StateDocument } from './state.ts';
import { StorageManifest, storageLeniencies } from './storage-manifest.ts';

/** A manifest and where it stands. */
export interface Declared<T> {
  readonly place: Place;
  readonly manifest: T;
}

export interface Declarations {
  readonly groups: readonly Declared<GroupManifest>[];
  /** The state declares no groups: containers are distributed by the rules of runlevels. */
  readonly isRunlevelMode: boolean;
  readonly disks: readonly Declared<DiskManifest>[];
  readonly pools: NonNullable<PoolsManifest['pools']>;
  /** Pantavisor's own volumes. */
  readonly volumes: z.output<typeof StorageManifest>;
}

const DeviceObject = z.looseObject({
  groups: z.unknown().optional(),
  disks: z.unknown().optional(),
  disks_v2: z.unknown().optional(),
  disks_v3: z.unknown().optional(),
  volumes: z.unknown().optional(),
  network: z.unknown().optional(),
});

export const valueIn = (document: StateDocument, key: string): unknown => {
  const entry = document.entries.get(key);
  return entry?.type === 'object' ? entry.id : entry?.value;
};

export const readDeclarations = (
  document: StateDocument,
  defaultGroups: readonly GroupManifest[] | undefined,
  report: Report,
): Declarations => (document.entries.has('device.json') ? fromDevice : fromFiles)(document, defaultGroups, report);

const EMPTY = { isRunlevelMode: false, groups: [], disks: [], pools: new Map(), volumes: new Map() };

const fromDevice: typeof readDeclarations = (document, _, report) => {
  for (const key of ['groups.json', 'disks.json', 'disks_v3.json'].filter((key) => document.entries.has(key))) {
    report.warnings.push(
      problemAt(pathOf(key), valueIn(document, key), 'no such key beside device.json', 'it is ignored'),
    );
  }
  const device = readManifest(DeviceObject, placeOf(document, 'device.json'), [], report);
  if (device === undefined) return EMPTY;
  const part = (key: string): Place => ({ key: 'device.json', segments: [key], value: device[key] });
  const lists = ['disks', 'disks_v2', 'disks_v3'].filter((key) => key in device).map(part);
  const volumes =
    'volumes' in device ? readManifest(StorageManifest, part('volumes'), storageLeniencies(), report) : undefined;
  const network =
    'network' in device ? readManifest(PoolsManifest, part('network'), POOLS_LENIENCIES, report) : undefined;
  return {
    isRunlevelMode: false,
    // Groups that are missing altogether are refused too: with containers nobody could start them.
    groups: readGroups(part('groups'), report),
    disks: withoutRepeated(
      lists.flatMap((list) => readDisks(list, report)),
      report,
    ),
    pools: network?.pools ?? new Map(),
    volumes: volumes ?? new Map(),
  };
};

const fromFiles: typeof readDeclarations = (document, defaultGroups, report) => {
  const isRunlevelMode = !document.entries.has('groups.json');
  const lists = ['disks.json', 'disks_v3.json'].filter((key) => document.entries.has(key));
  return {
    ...EMPTY,
    isRunlevelMode,
    groups: isRunlevelMode
      ? builtIn(defaultGroups ?? DEFAULT_GROUPS)
      : readGroups(placeOf(document, 'groups.json'), report),
    disks: withoutRepeated(
      lists.flatMap((key) => readDisks(placeOf(document, key), report)),
      report,
    ),
  };
};

const builtIn = (groups: readonly GroupManifest[]): readonly Declared<GroupManifest>[] =>
  groups.map((manifest, index) => ({
    manifest,
    place: { key: 'the default groups', segments: [index], value: manifest },
  }));

export const placeOf = (document: StateDocument, key: string): Place => ({
  key,
  segments: [],
  value: valueIn(document, key),
});

const readGroups = (place: Place, report: Report): readonly Declared<GroupManifest>[] =>
  withoutRepeated(readEach(GroupManifest, place, 'a list of groups', GROUP_LENIENCIES, report), report);

const readDisks = (place: Place, report: Report): readonly Declared<DiskManifest>[] => {
  const isLenient = [place.key, ...place.segments].some((name) => String(name).startsWith('disks_v3'));
  return readEach(DiskManifest, place, 'a list of disks', DISK_LENIENCIES, report, (element) => {
    return isLenient && isUnknownType(element, report);
  });
};

/** The first of several with one name counts. */
const withoutRepeated = <T extends { readonly name: string }>(
  all: readonly Declared<T>[],
  report: Report,
): readonly Declared<T>[] => {
  const seen = new Set<string>();
  return all.filter(({ place, manifest: { name } }) => {
    const isNew = !seen.has(name);
    seen.add(name);
    if (!isNew) {
      const hint = 'the first one counts, this one is ignored';
      report.warnings.push(problemAt(textOfPlace(place, 'name'), name, 'a name of its own', hint));
    }
    return isNew;
  });
};

/** Reads a list that must not be empty, element by element. `skip`: elements that are not even looked at. */
const readEach = <T extends z.ZodType>(
  schema: T,
  list: Place,
  expected: string,
  leniencies: readonly Leniency[],
  report: Report,
  skip: (element: Place) => boolean = () => false,
): readonly Declared<z.output<T>>[] => {
  if (!Array.isArray(list.value) || list.value.length === 0) {
    report.problems.push(problemAt(textOfPlace(list), list.value, `${expected} with at least one element`));
    return [];
  }
  return list.value.flatMap((value: unknown, index) => {
    const place = { key: list.key, segments: [...list.segments, index], value };
    const manifest = skip(place) ? undefined : readManifest(schema, place, leniencies, report);
    return manifest === undefined ? [] : [{ place, manifest }];
  });
};

const Typed = z.looseObject({ type: z.unknown().optional() });

const isUnknownType = (element: Place, report: Report): boolean => {
  const type = Typed.safeParse(element.value).data?.type;
  if (DISK_TYPES.some((known) => known === type)) return false;
  report.warnings.push(
    problemAt(textOfPlace(element, 'type'), type, `one of ${DISK_TYPES.join(', ')}`, 'the disk is left out'),
  );
  return true;
};
