/** The configuration, in two forms. */
import { type Endpoint, look } from '../http/operation.ts';
import { document } from '../http/reply.ts';

export interface ConfigurationPort {
  /** By old names, those keys that have one. */
  legacy(): object;
  /** Every key with its value as text and who set it. */
  list(): readonly object[];
}

export const configurationEndpoints = ({ legacy, list }: ConfigurationPort): readonly Endpoint[] => [
  look('/config', 'The configuration by its older names', 'LegacyConfig', () => document(legacy())),
  look('/config2', 'Every configuration key, its value and who set it', 'Config', () => document(list())),
];
