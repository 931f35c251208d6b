/** What a token allows. */
export const SCOPES = ['read', 'push', 'control'] as const;
/** read: look. push: bring objects and revisions. control: have them run. */
export type Scope = (typeof SCOPES)[number];

/** Who a request is from. */
export interface Client {
  /** Of the token; `anybody` where none is asked for. */
  readonly name: string;
  readonly scopes: ReadonlySet<Scope>;
}

export const ANYBODY: Client = { name: 'anybody', scopes: new Set(SCOPES) };
