import { describe, expect, it } from 'vitest';
import { isUp, reconcileDisk } from '../../reconcilers/disk.ts';
import type { DiskSpec, DiskStatus } from '../../resources/kinds/disk.ts';
import { type Given, mountedRoot, planFor, sentence } from './given.ts';

const REF = 'disk/data';
const block: DiskSpec = {
  name: 'data',
  order: 0,
  source: { type: 'block', path: '/dev/sda1' },
  use: { type: 'mount', target: '/media/data', filesystem: 'ext4', formatOptions: [], mountFlags: [] },
};
const swap: DiskSpec = {
  name: 'data',
  order: 0,
  source: { type: 'file', path: '/storage/swap', sizeBytes: 1 << 20 },
  use: { type: 'swap', formatOptions: [], swapOptions: [] },
};
const statusOf = ({ source, use }: DiskSpec, overrides: Partial<DiskStatus> = {}): DiskStatus => ({
  source,
  use,
  path: '/dev/sda1',
  active: false,
  foreign: false,
  ...overrides,
});
const plan = (given: Given): string => sentence(planFor(reconcileDisk, REF, given));
const withStatus = (spec: DiskSpec, overrides: Partial<DiskStatus>): string =>
  plan({ desired: { [REF]: spec }, observed: { [REF]: statusOf(spec, overrides) } });

describe('a disk that should be up', () => {
  it('is provisioned, formatted when blank, and activated', () => {
    expect(plan({ desired: { [REF]: block } })).toBe('disk.provision: it is part of the revision');
    expect(withStatus(block, { contents: 'blank' })).toBe('disk.format: /dev/sda1 is blank');
    expect(withStatus(block, { contents: 'ext4' })).toBe('disk.activate: it is part of the revision');
    expect(withStatus(block, { active: true })).toBe('converged');
  });

  it.each(['ext3', 'crypto_LUKS', 'swap', 'vfat'])('is never formatted when it holds %s', (contents) => {
    expect(withStatus(block, { contents })).toBe(
      `stalled: /dev/sda1 holds ${contents}, expected ext4 or a blank device: a disk that holds data is never formatted`,
    );
  });

  it('is not formatted when it cannot be read', () => {
    expect(withStatus(block, {})).toBe('stalled: /dev/sda1 cannot be read');
  });

  it('is used as swap once it holds one', () => {
    expect(withStatus(swap, { contents: 'blank' })).toBe('disk.format: /dev/sda1 is blank');
    expect(withStatus(swap, { contents: 'swap' })).toBe('disk.activate: it is part of the revision');
  });

  it('does not cover a foreign mount', () => {
    expect(withStatus(block, { contents: 'ext4', foreign: true })).toMatch(/^stalled: something else is mounted/);
  });

  it('is stalled when this device cannot', () => {
    expect(plan({ desired: { [REF]: { ...block, unsupported: 'dm-crypt-caam: not supported yet' } } })).toBe(
      'stalled: dm-crypt-caam: not supported yet',
    );
  });
});

describe('a disk that nobody wants', () => {
  const observed = (overrides: Partial<DiskStatus>) => ({ [REF]: statusOf(block, overrides) });

  it('is taken down, then released', () => {
    expect(plan({ observed: observed({ active: true }) })).toBe('disk.deactivate: it is not part of the revision');
    expect(plan({ observed: observed({ active: false }) })).toBe('disk.release: it is not part of the revision');
    expect(plan({})).toBe('converged');
  });

  it('waits for the volumes on it', () => {
    const volume = mountedRoot({ type: 'bind', sources: ['/media/data/perm/web/x'] });
    expect(plan({ observed: { ...observed({ active: true }), 'volume/web/x': volume } })).toBe(
      'waiting for volume/web/x: volumes on it are still mounted',
    );
  });

  it('is taken down to be set up differently', () => {
    const given = {
      desired: { [REF]: { ...block, source: { type: 'block', path: '/dev/sdb1' } as const } },
      observed: observed({ active: true }),
    };
    expect(plan(given)).toBe('disk.deactivate: it is not part of the revision');
  });
});

it('a disk set up differently is not up', () => {
  expect(isUp({ ref: REF, spec: block, status: statusOf(block, { active: true }) })).toBe(true);
  expect(isUp({ ref: REF, spec: swap, status: statusOf(block, { active: true }) })).toBe(false);
});
