/**
 * Input that cannot be used: a bad archive, a wrong checksum, a name that is no path. The message is one sentence that
 * says what was expected and what was seen. Whoever took the input shows it to the person who gave it; it never stops
 * the daemon. (The device saying no is a DeviceError instead.)
 */
export class Rejection extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'Rejection';
  }
}
