/** The board support package: what boots the device, and which drivers it has. */
import { BspManifest, DRIVER_LENIENCIES, DriverSection, isDriverSection } from './bsp-manifest.ts';
import { placeOf } from './declarations.ts';
import { readManifest } from './manifest.ts';
import { pathOf, problemAt, type Report } from './problem.ts';
import type { StateDocument } from './state.ts';

export interface CompiledBsp {
  /** undefined in appengine mode, and without a bsp/run.json. */
  readonly bsp?: BspManifest;
  /** Sections of bsp/drivers.json by name. */
  readonly drivers: ReadonlyMap<string, DriverSection>;
}

export const compileBsp = (document: StateDocument, appengine: boolean, report: Report): CompiledBsp => {
  const drivers = readDrivers(document, report);
  if (appengine || !document.entries.has('bsp/run.json')) return { drivers };
  const bsp = readManifest(BspManifest, placeOf(document, 'bsp/run.json'), [], report);
  return bsp === undefined ? { drivers } : { bsp, drivers };
};

const KEY = 'bsp/drivers.json';

const readDrivers = (document: StateDocument, report: Report): CompiledBsp['drivers'] => {
  const sections = new Map<string, DriverSection>();
  if (!document.entries.has(KEY)) return sections;
  const { value } = placeOf(document, KEY);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    report.problems.push(problemAt(pathOf(KEY), value, 'an object with a section "all"'));
    return sections;
  }
  for (const [name, section] of Object.entries(value).filter(([name]) => isDriverSection(name))) {
    const place = { key: KEY, segments: [name], value: section };
    const drivers = readManifest(DriverSection, place, DRIVER_LENIENCIES, report);
    if (drivers !== undefined) sections.set(name, drivers);
  }
  return sections;
};
