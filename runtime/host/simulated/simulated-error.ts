/** What the inside of the simulated device throws; the gate turns it into a DeviceError with operation and subject. */
export class Refusal extends Error {
  readonly code: string;

  constructor(code: string, detail = '') {
    super(detail);
    this.name = 'Refusal';
    this.code = code;
  }
}

export const refuse = (code: string, detail = ''): never => {
  throw new Refusal(code, detail);
};
