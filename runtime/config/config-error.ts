/** The configuration cannot be run with. The message names the key, its value and what to do; no stack is needed. */
export class ConfigError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'ConfigError';
  }
}
