/** The status document as `GET /status/watch` tells it: resources and failures by name, so that a patch names what it is about. Pure. */
import { inPlace, type StatusView } from './status.ts';

export interface WatchDocument extends Omit<StatusView, 'failed' | 'resources'> {
  readonly failed: Readonly<Record<string, StatusView['failed'][number]>>;
  readonly resources: Readonly<Record<string, StatusView['resources'][number]>>;
}

export const watchDocumentOf = (view: StatusView): WatchDocument => ({
  ...view,
  failed: Object.fromEntries(view.failed.map((failure) => [failure.revision, failure])),
  resources: Object.fromEntries(view.resources.map((resource) => [resource.ref, resource])),
});

/** The view that a document was made of. */
export const viewOfDocument = ({ failed, resources, ...rest }: WatchDocument): StatusView => ({
  ...rest,
  failed: Object.values(failed),
  resources: Object.values(resources).sort(inPlace),
});
