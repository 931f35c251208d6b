/** The volumes of one container, in mount order: root-volume, volumes, storage. */

import type { VolumeSource, VolumeSpec } from '../kinds/volume.ts';
import { objectPath, trailPath, volumePath } from '../paths.ts';
import { type Ref, refOf } from '../ref.ts';
import type { CompileContext } from './compile-context.ts';
import type { DiskCatalog } from './compile-disks.ts';
import type { ContainerManifests } from './container-manifests.ts';
import { pathOf, problemAt, type Report, type Segment } from './problem.ts';
import type { StateDocument } from './state.ts';
import type { StorageEntry } from './storage-manifest.ts';
import { parseVolumeName, type VolumeName } from './volume-name.ts';

export interface CompiledVolume {
  readonly ref: Ref<'volume'>;
  readonly spec: VolumeSpec;
}

/** What the volumes of all containers are compiled from. */
export interface VolumeInput {
  readonly document: StateDocument;
  readonly disks: DiskCatalog;
  readonly context: CompileContext;
  readonly report: Report;
}

type Draft = Omit<VolumeSpec, 'owner' | 'order' | 'target'> & { readonly name: string; readonly path: string };

export const compileVolumes = (container: ContainerManifests, input: VolumeInput): readonly CompiledVolume[] => {
  const drafts = [...imageDrafts(container, input), ...storageDrafts(container, input)];
  const owner = refOf('container', container.name);
  return withoutOverlaps(drafts, input.report).map(({ name, path: _, ...draft }, order) => ({
    ref: refOf('volume', `${container.name}/${name}`),
    spec: { owner, order, target: volumePath(input.context.paths, container.name, name), ...draft },
  }));
};

const imageDrafts = ({ key, name, run }: ContainerManifests, input: VolumeInput): readonly Draft[] => {
  const root = run['root-volume'];
  const named: readonly (readonly [text: string, ...segments: Segment[]])[] = [
    ...(root === undefined ? [] : [[root, 'root-volume'] as const]),
    ...(run.volumes ?? []).map((text, index) => [text, 'volumes', index] as const),
  ];
  return named.flatMap(([text, ...segments]) => {
    const volume = parseVolumeName(text);
    const source = volume === undefined ? undefined : sourceOf(name, volume, input);
    const path = pathOf(key, segments);
    if (volume === undefined || source === undefined) {
      const missing = JSON.stringify(`${name}/${volume?.file ?? text}${volume?.extension === 'data' ? '/' : ''}`);
      input.report.problems.push(problemAt(path, text, `a file of the state, but it has no key ${missing}`));
      return [];
    }
    return [{ name: volume.file, path, source, ...unsupportedHandler(volume, input.context) }];
  });
};

const sourceOf = (owner: string, volume: VolumeName, { document, context }: VolumeInput): VolumeSource | undefined => {
  const key = `${owner}/${volume.file}`;
  const path = `${trailPath(context.paths, context.revision)}/${key}`;
  if (volume.extension === 'data') return document.directories.has(key) ? { type: 'tree', path } : undefined;
  const entry = document.entries.get(key);
  if (entry?.type !== 'object') return undefined;
  if (volume.extension === 'bind') return { type: 'file', path };
  return { type: 'image', image: objectPath(context.paths, entry.id), filesystem: volume.extension };
};

const unsupportedHandler = (
  { handler }: VolumeName,
  { verityHandlers }: CompileContext,
): Pick<Draft, 'unsupported'> => {
  if (handler === undefined || !verityHandlers) return {};
  const what = handler === 'dm' ? 'dm-verity' : `handler ${handler}`;
  return { unsupported: `${what}: not supported yet` };
};

const storageDrafts = ({ key, name: owner, run }: ContainerManifests, input: VolumeInput): readonly Draft[] =>
  [...(run.storage ?? [])].flatMap(([name, entry]) => {
    const path = pathOf(key, ['storage', name]);
    if (entry.persistence === undefined) {
      const hint = 'without it there is no such volume';
      input.report.warnings.push(problemAt(`${path}.persistence`, undefined, 'permanent, revision or boot', hint));
      return [];
    }
    return [{ name, path, ...storageSource(`${owner}/${name}`, entry.persistence, entry.disk, input) }];
  });

const storageSource = (
  volume: string,
  persistence: NonNullable<StorageEntry['persistence']>,
  diskName: string | undefined,
  { disks, context: { paths, revision } }: VolumeInput,
): Pick<VolumeSpec, 'source' | 'disk' | 'unsupported'> => {
  const disk = diskName === undefined ? disks.fallback : disks.byName.get(diskName);
  const isMissing = diskName !== undefined && disk?.use.type !== 'mount';
  const base = disk?.use.type === 'mount' ? disk.use.target : `${paths.storage}/disks`;
  return {
    source: placeOnDisk(volume, persistence, base, revision, disk !== undefined),
    ...(disk === undefined || isMissing ? {} : { disk: refOf('disk', disk.name) }),
    ...(isMissing
      ? {
          unsupported: `needs disk ${diskName}, which ${disk === undefined ? 'the state does not declare' : 'is swap'}`,
        }
      : {}),
  };
};

const placeOnDisk = (
  volume: string,
  persistence: NonNullable<StorageEntry['persistence']>,
  base: string,
  revision: string,
  isOnDisk: boolean,
): VolumeSource => {
  switch (persistence) {
    case 'permanent':
      return { type: 'directory', path: `${base}/perm/${volume}` };
    case 'revision':
      return { type: 'directory', path: `${base}/rev/${revision}/${volume}` };
    case 'boot':
      return isOnDisk ? { type: 'scratch', path: `${base}/boot/${volume}` } : { type: 'tmpfs' };
    default:
      return persistence satisfies never;
  }
};

/** Two volumes cannot share a mount point, and one inside another would depend on the order of mounting. */
const withoutOverlaps = (drafts: readonly Draft[], report: Report): readonly Draft[] => {
  const byName = new Map<string, Draft>();
  const unique = drafts.filter((draft) => {
    const twin = byName.get(draft.name);
    if (twin === undefined) byName.set(draft.name, draft);
    else reportTwin(draft, twin, report);
    return twin === undefined;
  });
  for (const { name, path } of unique) {
    for (let end = name.indexOf('/'); end !== -1; end = name.indexOf('/', end + 1)) {
      const outer = byName.get(name.slice(0, end));
      if (outer !== undefined)
        report.problems.push(problemAt(path, name, `a volume that does not lie in ${outer.path}`));
    }
  }
  return unique;
};

const reportTwin = ({ name, path, source }: Draft, twin: Draft, report: Report): void => {
  if (source.type === 'image' && twin.source.type === 'image') {
    report.warnings.push(problemAt(path, name, `another file than ${twin.path}`, 'it is mounted once'));
  } else report.problems.push(problemAt(path, name, `another name than that of ${twin.path}`));
};
