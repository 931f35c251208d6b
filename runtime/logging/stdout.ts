/** The outputs `stdout…`: records as lines on the daemon's own output. */
import { labelled, type Stamp } from './log-lines.ts';
import type { LogSink } from './log-sink.ts';

/** @param print resolves when it was taken. @param stamp asked at every batch. */
export const stdoutSink = (print: (text: Buffer) => Promise<void>, stamp: () => Stamp | undefined): LogSink => ({
  write: (records) => {
    const time = stamp();
    return print(Buffer.concat(records.map((record) => labelled(record, time))));
  },
  transition: () => undefined,
  stop: async () => undefined,
});
