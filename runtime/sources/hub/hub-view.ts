/** The Hub for people: `sources` of the status document and `pvcontrol remote`. Pure. */
import type { SourceView } from '../../../resources/source-view.ts';
import type { ServerAddress } from './credentials.ts';
import type { HubView } from './hub-client.ts';
import { phaseOf } from './hub-state.ts';

export interface HubMode {
  readonly isEnabled: boolean;
  readonly isRemote: boolean;
  readonly verify: boolean;
  readonly server: ServerAddress;
}

const timeOf = (ms: number | undefined): string | null => (ms === undefined ? null : new Date(ms).toISOString());

export const hubView = (view: HubView | undefined, { isEnabled, isRemote, verify, server }: HubMode): SourceView => {
  const state = view?.state;
  return {
    name: 'hub',
    server: `https://${server.host}:${server.port}`,
    mode: isRemote ? 'remote' : isEnabled ? 'local' : 'off',
    state: state === undefined ? null : phaseOf(state),
    claimed: state?.claimed ?? null,
    deviceId: state?.credentials?.id ?? null,
    challenge: state?.challenge ?? null,
    online: state?.online ?? false,
    connectedSince: timeOf(view?.connectedSinceMs),
    lastContact: timeOf(view?.lastContactMs),
    nextTry: timeOf(view?.nextTryMs),
    lastError: state?.lastError ?? null,
    tlsVerified: verify,
    step: stepOf(view),
    undelivered: state?.reports.length ?? 0,
  };
};

const stepOf = (view: HubView | undefined): SourceView['step'] => {
  const update = view?.state.update;
  if (update === undefined) return null;
  const { revision, message, author, progress, retries, objects } = update;
  const bytesToGo = objects.reduce((sum, { sizeBytes, doneBytes }) => sum + Math.max(0, sizeBytes - doneBytes), 0);
  return { revision, message, author, status: progress.status, retries, bytesToGo };
};
