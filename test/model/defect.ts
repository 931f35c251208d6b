/** Whether a revision on the storage is all there. */
import { EMPTY_STATE } from '../../runtime/store/trails/layout.ts';
import { STATES } from './machine.ts';
import { type Tree, textAt } from './tree.ts';

/** What of a revision is missing or another's, so that a boot of it would fail. */
export const defectOf = (tree: Tree, revision: string): string | undefined => {
  const state = STATES[revision];
  const document = state?.toText() ?? (revision === '0' ? EMPTY_STATE : undefined);
  if (document === undefined) return `${revision} was never proposed`;
  if (textAt(tree, `trails/${revision}/.pvr/json`) !== document) return `the document of ${revision} is not its own`;
  for (const [key, value] of Object.entries(state?.toValue() ?? {})) {
    if (key.startsWith('#')) continue;
    const isObject = typeof value === 'string';
    const found = textAt(tree, `trails/${revision}/${key}`);
    if (found === undefined) return `${revision} lacks ${key}`;
    if (isObject && found !== textAt(tree, `objects/${value}`)) return `${key} of ${revision} is another object`;
  }
  return undefined;
};
