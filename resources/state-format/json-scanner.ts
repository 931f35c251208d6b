/**
 * A strict JSON scanner that keeps positions: it validates, finds where each value ends, and notices keys that
 * occur twice in one object, at any depth. It builds no values: JSON.parse does that, on the text found here.
 * Linear in the size of the text; depth and number of values are limited.
 */
import type { Segment } from './problem.ts';

/** Thrown by the scanner only, caught by whoever started it. */
export class JsonSyntaxError extends Error {
  readonly offset: number;
  readonly expected: string;

  constructor(offset: number, expected: string) {
    super(`expected ${expected} at offset ${offset}`);
    this.offset = offset;
    this.expected = expected;
  }
}

export interface ScanLimits {
  readonly nesting: number;
  /** JSON values of all kinds, in the whole text. */
  readonly values: number;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const COMMA = 0x2c;
const COLON = 0x3a;
const ESCAPE = /["\\/bfnrt]|u[0-9a-fA-F]{4}/y;
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const LITERAL = /true|false|null/y;

export class JsonScanner {
  readonly #text: string;
  readonly #limits: ScanLimits;
  #at = 0;
  #values = 0;
  #path: Segment[] = [];
  /** Where a key occurs for the second time. */
  readonly duplicates: (readonly Segment[])[] = [];

  constructor(text: string, limits: ScanLimits) {
    this.#text = text;
    this.#limits = limits;
  }

  get at(): number {
    return this.#at;
  }

  /**
   * Scans a whole document that must be one object. `visit` gets every top-level key, and where its value starts
   * and ends. Throws JsonSyntaxError.
   */
  document(visit: (key: string, start: number, end: number) => void): void {
    this.#skipBlanks();
    if (this.#text.charCodeAt(this.#at) !== OPEN_BRACE) this.#fail('a JSON object: {');
    this.#members(1, visit);
    this.#skipBlanks();
    if (this.#at < this.#text.length) this.#fail('the end of the document');
  }

  #members(depth: number, visit?: (key: string, start: number, end: number) => void): void {
    const seen = new Set<string>();
    this.#enter(depth);
    if (this.#tryClose(CLOSE_BRACE)) return;
    do {
      this.#skipBlanks();
      const key = this.#key();
      this.#expect(COLON, '":" after the key');
      this.#skipBlanks();
      const start = this.#at;
      this.#path.push(key);
      if (seen.has(key)) this.duplicates.push([...this.#path]);
      seen.add(key);
      this.#value(depth);
      this.#path.pop();
      visit?.(key, start, this.#at);
    } while (this.#more(CLOSE_BRACE, '"," or "}"'));
  }

  #elements(depth: number): void {
    this.#enter(depth);
    if (this.#tryClose(CLOSE_BRACKET)) return;
    let index = 0;
    do {
      this.#skipBlanks();
      this.#path.push(index++);
      this.#value(depth);
      this.#path.pop();
    } while (this.#more(CLOSE_BRACKET, '"," or "]"'));
  }

  #value(depth: number): void {
    if (++this.#values > this.#limits.values) this.#fail(`at most ${this.#limits.values} values in the document`);
    const code = this.#text.charCodeAt(this.#at);
    if (code === QUOTE) this.#string();
    else if (code === OPEN_BRACE) this.#members(depth + 1);
    else if (code === OPEN_BRACKET) this.#elements(depth + 1);
    else if (!this.#match(LITERAL) && !this.#match(NUMBER)) this.#fail('a JSON value');
  }

  /** Steps over the opening bracket. */
  #enter(depth: number): void {
    if (depth > this.#limits.nesting) this.#fail(`at most ${this.#limits.nesting} levels of nesting`);
    this.#at++;
  }

  #tryClose(bracket: number): boolean {
    this.#skipBlanks();
    if (this.#text.charCodeAt(this.#at) !== bracket) return false;
    this.#at++;
    return true;
  }

  #more(bracket: number, expected: string): boolean {
    if (this.#tryClose(bracket)) return false;
    this.#expect(COMMA, expected);
    return true;
  }

  #key(): string {
    if (this.#text.charCodeAt(this.#at) !== QUOTE) this.#fail('a key in double quotes');
    const start = this.#at;
    const escaped = this.#string();
    return escaped ? String(JSON.parse(this.#text.slice(start, this.#at))) : this.#text.slice(start + 1, this.#at - 1);
  }

  /** Steps over a string; true when it holds escapes. */
  #string(): boolean {
    const text = this.#text;
    let escaped = false;
    let at = this.#at + 1;
    for (;;) {
      const code = text.charCodeAt(at);
      if (code === QUOTE) break;
      // Written so that the end of the text (NaN) fails too.
      if (!(code >= 0x20)) {
        this.#at = at;
        this.#fail(at < text.length ? 'no control characters in a string' : 'a closing quote');
      }
      at++;
      if (code !== BACKSLASH) continue;
      escaped = true;
      this.#at = at;
      if (!this.#match(ESCAPE)) this.#fail('an escape of JSON after "\\"');
      at = this.#at;
    }
    this.#at = at + 1;
    return escaped;
  }

  #match(pattern: RegExp): boolean {
    pattern.lastIndex = this.#at;
    if (!pattern.test(this.#text)) return false;
    this.#at = pattern.lastIndex;
    return true;
  }

  #expect(code: number, expected: string): void {
    this.#skipBlanks();
    if (this.#text.charCodeAt(this.#at) !== code) this.#fail(expected);
    this.#at++;
  }

  #skipBlanks(): void {
    for (;;) {
      const code = this.#text.charCodeAt(this.#at);
      if (code !== 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09) return;
      this.#at++;
    }
  }

  #fail(expected: string): never {
    throw new JsonSyntaxError(this.#at, expected);
  }
}
