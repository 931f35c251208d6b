/** `PV_STATUS_LISTEN` and `PV_PVR_LISTEN`: where a listener is to be. */
import { ConfigError } from './config-error.ts';

export interface ListenAddress {
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
}

/** `host:port`, `[v6]:port` or `:port`, which is the loopback. @throws ConfigError */
export const listenAddress = (text: string, key = 'PV_STATUS_LISTEN'): ListenAddress => {
  const [, v6, name, digits] = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]\s]*)):(\d{1,5})$/.exec(text) ?? [];
  const port = Number(digits);
  if (digits === undefined || port > 65_535)
    throw new ConfigError(
      `${key} is ${JSON.stringify(text)}, expected host:port, such as 127.0.0.1:12368 or [::1]:12368`,
    );
  return { host: v6 ?? (name || '127.0.0.1'), port };
};
