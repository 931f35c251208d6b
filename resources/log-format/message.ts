/** What one message says, before anybody asks whether its sender may say so. */
import type { LogLevel } from './log-levels.ts';

export interface Message {
  /** Only binary messages name one. */
  readonly platform?: string;
  /** As written: may hold anything. */
  readonly source: string;
  readonly level: LogLevel;
  readonly data: Buffer;
  readonly isText: boolean;
  /** Unix ms; undefined: the message has no time of its own. */
  readonly timeMs?: number;
}

/** Why a message was dropped, for the log. */
export interface Refused {
  readonly refused: string;
}

export const refuse = (refused: string): Refused => ({ refused });

export type Parsed = Message | Refused;

export const isRefused = (parsed: object): parsed is Refused => 'refused' in parsed;
