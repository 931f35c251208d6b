/** The configuration, in two forms (ctrl-api.md §12). */
import type { Endpoint } from './operation.ts';
import { document } from './reply.ts';

export interface ConfigurationPort {
  /** By old names, those keys that have one. */
  legacy(): object;
  /** Every key with its value as text and who set it. */
  list(): readonly object[];
}

const shown = (path: string, summary: string, show: () => object): Endpoint => ({
  path,
  role: 'mgmt',
  methods: { GET: { summary, answers: { 200: { type: 'application/json' } }, handle: () => document(show()) } },
});

export const configurationEndpoints = ({ legacy, list }: ConfigurationPort): readonly Endpoint[] => [
  shown('/config', 'The configuration by its older names', legacy),
  shown('/config2', 'Every configuration key, its value and who set it', list),
];
