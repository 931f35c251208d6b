/**
 * The status as a stream of server-sent events: `snapshot` with the whole document, then `patch` with what changed, as
 * RFC 6902 on that document. In it resources and failures are kept by name, so that a patch names what it is about.
 * Every event has an id; a watcher who comes back with the last one it saw (`Last-Event-ID`) gets only what it missed,
 * as long as that is remembered.
 */
import type { ServerResponse } from 'node:http';
import jsonPatch, { type Operation } from 'fast-json-patch';
import { type Observable, type SchedulerLike, Subject, throttleTime } from 'rxjs';
import type { StatusView } from './status.ts';
import { type WatchDocument, watchDocumentOf } from './watch-document.ts';

export interface Watch {
  /** Tells one watcher, from the event after `lastEventId` on if that is remembered. */
  readonly stream: (outgoing: ServerResponse, lastEventId: string | undefined) => void;
}

/** Bounds what a watcher who was away can catch up with. */
const REMEMBERED = 64;
const WATCH_INTERVAL_MS = 200;

interface Change {
  readonly id: number;
  readonly text: string;
}

/** The document as it was told last, and the changes that led to it. */
class Feed {
  readonly #view: () => StatusView;
  /** Ids of another daemon mean nothing here. */
  readonly #session: string;
  readonly #changes: Change[] = [];
  readonly advanced = new Subject<void>();
  #document: WatchDocument;
  #id = 0;

  constructor(view: () => StatusView, session: string) {
    this.#view = view;
    this.#session = session;
    this.#document = watchDocumentOf(view());
  }

  get id(): number {
    return this.#id;
  }

  /** Looks at the device; a document that differs in its own time only is the same. */
  advance(): void {
    const next = watchDocumentOf(this.#view());
    const patch = jsonPatch.compare(this.#document, next);
    if (patch.every(({ path }) => path === '/time')) return;
    this.#document = next;
    this.#id += 1;
    this.#changes.push({ id: this.#id, text: this.#event(this.#id, 'patch', patch) });
    if (this.#changes.length > REMEMBERED) this.#changes.shift();
    this.advanced.next();
  }

  snapshot(): string {
    return this.#event(this.#id, 'snapshot', this.#document);
  }

  /** Every change after that one; undefined: not remembered any more. */
  since(id: number): readonly string[] | undefined {
    if (id === this.#id) return [];
    const first = this.#changes[0];
    if (first === undefined || id < first.id - 1 || id > this.#id) return undefined;
    return this.#changes.filter((change) => change.id > id).map(({ text }) => text);
  }

  idIn(lastEventId: string): number | undefined {
    const [session, id] = lastEventId.split('.');
    return session === this.#session && /^\d+$/.test(id ?? '') ? Number(id) : undefined;
  }

  #event(id: number, name: string, data: WatchDocument | Operation[]): string {
    return `id: ${this.#session}.${id}\nevent: ${name}\ndata: ${JSON.stringify(data)}\n\n`;
  }
}

export const startWatch = (
  view: () => StatusView,
  changes: Observable<unknown>,
  { session, scheduler }: { readonly session: string; readonly scheduler: SchedulerLike },
): Watch => {
  const feed = new Feed(view, session);
  // Shared by all watchers; with the last one gone nothing is computed any more.
  const followed = changes.pipe(throttleTime(WATCH_INTERVAL_MS, scheduler, { leading: true, trailing: true }));

  const stream = (outgoing: ServerResponse, lastEventId: string | undefined): void => {
    feed.advance();
    const known = lastEventId === undefined ? undefined : feed.idIn(lastEventId);
    let told = feed.id;
    outgoing.write((known === undefined ? undefined : feed.since(known))?.join('') ?? feed.snapshot());
    const tell = (): void => {
      // Who reads slowly is not sent a growing queue: the drain brings it up to date at once.
      if (outgoing.writableNeedDrain) return;
      const missed = feed.since(told);
      if (missed?.length === 0) return;
      outgoing.write(missed?.join('') ?? feed.snapshot());
      told = feed.id;
    };
    const watching = feed.advanced.subscribe(tell);
    watching.add(followed.subscribe(() => feed.advance()));
    outgoing.on('drain', tell);
    outgoing.once('close', () => watching.unsubscribe());
  };
  return { stream };
};
