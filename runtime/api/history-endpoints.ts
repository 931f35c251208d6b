/** Why things are as they are: `GET /explain/…` and `GET /history`. */

import { type ApiRequest, type Endpoint, look } from '../http/operation.ts';
import { document, failure, type Reply } from '../http/reply.ts';
import type { ApiDeps } from './ports.ts';

const getExplanation =
  (deps: ApiDeps) =>
  async ({ parameters }: ApiRequest): Promise<Reply> => {
    const { kind = '', owner, name = '' } = parameters;
    const explanation = await deps.explain(kind, owner === undefined ? name : `${owner}/${name}`);
    return explanation === undefined ? failure(404, 'Resource does not exist') : document(explanation);
  };

export const historyEndpoints = (deps: ApiDeps): readonly Endpoint[] => [
  look('/explain/{kind}/{name}', 'What was last done to a resource, and why', 'Explanation', getExplanation(deps)),
  look('/explain/{kind}/{owner}/{name}', 'The same for a volume of a container', 'Explanation', getExplanation(deps)),
  look('/history', 'What became of every revision, newest first', 'History', async () =>
    document(await deps.history()),
  ),
];
