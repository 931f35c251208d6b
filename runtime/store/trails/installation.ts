/** From a document and the object store to a trail that can be run: objects verified, files in place. */
import type { Paths } from '../../../resources/paths.ts';
import type { Files } from '../../host/host.ts';
import type { Objects } from '../objects/objects.ts';
import { quarantineSource, type Source, type Trails, trailSource, verifyContent } from '../objects/verification.ts';
import type { Verified } from '../objects/verified-files.ts';
import { Rejection } from '../rejection.ts';
import { makeTrail } from './layout.ts';
import { healTrail, installTrail, type TrailContent, type TrailPlace } from './trail.ts';

export interface InstallationOptions {
  readonly files: Files;
  readonly bulkFiles: Files;
  readonly paths: Paths;
  readonly objects: Objects;
  readonly verified: Verified;
  readonly trails: Trails;
}

/** See Store for what each promises. */
export interface Installation {
  verify(content: TrailContent, sources: readonly Source[], signal?: AbortSignal): Promise<readonly string[]>;
  install(trail: string, content: TrailContent): Promise<void>;
  heal(trail: string, content: TrailContent): Promise<readonly string[]>;
}

export const installation = (options: InstallationOptions): Installation => {
  const { files, bulkFiles, paths, objects, verified, trails } = options;
  const directory = `${paths.storage}/objects`;
  const placeOf = (trail: string): TrailPlace => ({ trail, objects: directory });
  const ours = [quarantineSource(bulkFiles, objects, directory), trailSource(bulkFiles, objects, trails)];
  const idsOf = (content: TrailContent): string[] => content.objects.map(({ id }) => id);
  return {
    verify: async (content, sources, signal) => {
      const asked = signal === undefined ? {} : { signal };
      const faults = await verifyContent(content, { objects, sources: [...ours, ...sources], ...asked });
      await verified.save();
      return faults;
    },
    install: async (trail, content) => {
      const missing = await objects.missing(idsOf(content));
      if (missing.length > 0) throw new Rejection(`missing objects: ${missing.join(', ')}`);
      await makeTrail(files, paths, trail);
      await objects.linking(() => installTrail(files, placeOf(trail), content), idsOf(content));
      await verified.save();
    },
    heal: (trail, content) => objects.linking(() => healTrail(files, placeOf(trail), content), idsOf(content)),
  };
};
