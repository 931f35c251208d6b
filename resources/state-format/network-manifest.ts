/** `network` of a container, and of `device.json`. */
import { z } from 'zod';
import { NameText } from '../short-text.ts';
import { ANY, LEFT_OUT, type Leniency, REFUSED } from './manifest.ts';
import { namedMap } from './named-map.ts';

export const NetworkManifest = z
  .looseObject({
    mode: z.enum(['host', 'pool', 'none']).optional(),
    pool: NameText.optional().describe("A pool of device.json's network; implies mode pool."),
    hostname: z.string().optional(),
    ip: z.string().optional().describe('Static IPv4 address.'),
    mac: z.string().optional().describe('Static MAC address.'),
  })
  .describe('Without it the LXC configuration decides everything.');
export type NetworkManifest = z.output<typeof NetworkManifest>;

export const NETWORK_LENIENCIES: readonly Leniency[] = [{ at: ['network', 'mode'], instead: () => 'none' }];

const OCTET = '(?:25[0-5]|2[0-4]\\d|1?\\d?\\d)';
const ADDRESS = new RegExp(`^${OCTET}(?:\\.${OCTET}){3}$`);
const SUBNET = new RegExp(`^${OCTET}(?:\\.${OCTET}){3}/(?:3[0-2]|[12]?\\d)$`);

export const PoolManifest = z
  .looseObject({
    type: z.string().optional().describe('macvlan, or anything else for a bridge.'),
    bridge: z.string().optional(),
    parent: z.string().optional(),
    subnet: z.string().regex(SUBNET, { error: 'a subnet such as "10.0.5.0/24"' }),
    gateway: z.string().regex(ADDRESS, { error: 'an IPv4 address such as "10.0.5.1"' }),
    nat: z.union([z.boolean(), z.string()], { error: 'true or false' }).optional(),
  })
  .superRefine(({ type, bridge, parent }, context) => {
    const needed = type === 'macvlan' ? 'parent' : 'bridge';
    if ((needed === 'parent' ? parent : bridge) === undefined) {
      context.addIssue({ code: 'custom', path: [needed], message: 'the name of a network device' });
    }
  });

export const PoolsManifest = z.looseObject({ pools: namedMap(PoolManifest).optional() });
export type PoolsManifest = z.output<typeof PoolsManifest>;

const isObject = (value: unknown): boolean => typeof value === 'object' && value !== null && !Array.isArray(value);

/** A faulty pool is skipped; containers that need it say so. */
export const POOLS_LENIENCIES: readonly Leniency[] = [
  { at: ['pools', ANY], instead: () => LEFT_OUT },
  { at: ['pools'], instead: (value) => (isObject(value) ? REFUSED : LEFT_OUT) },
  { at: [], instead: () => LEFT_OUT },
];
