/** A record of /dev/kmsg, `<priority>,<sequence>,<µs>,<flags>;<text>`. */

const RECORD = /^\d+,\d+,(\d+),[^;\n]*;([^\n]*)/;

/** As dmesg prints it, `[    5.123456] text`; its further lines, which are properties of devices, are left out. undefined: no record. */
export const kernelLine = (record: string): string | undefined => {
  const [, micros, text] = RECORD.exec(record) ?? [];
  if (micros === undefined || text === undefined) return undefined;
  return `[${(Number(micros) / 1e6).toFixed(6).padStart(12)}] ${text}\n`;
};
