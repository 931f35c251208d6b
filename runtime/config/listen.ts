/** `PV_STATUS_LISTEN`: where the read-only status page listens. */
import { ConfigError } from './error.ts';

export interface ListenAddress {
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
}

/** `host:port`, `[v6]:port` or `:port`, which is the loopback. @throws ConfigError */
export const listenAddress = (text: string): ListenAddress => {
  const [, v6, name, digits] = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]\s]*)):(\d{1,5})$/.exec(text) ?? [];
  const port = Number(digits);
  if (digits === undefined || port > 65_535)
    throw new ConfigError(
      `PV_STATUS_LISTEN is ${JSON.stringify(text)}, expected host:port, such as 127.0.0.1:12368 or [::1]:12368`,
    );
  return { host: v6 ?? (name || '127.0.0.1'), port };
};
