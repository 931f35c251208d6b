/** The difference of two revisions as people read it. */
import type { Change, Difference, ObjectSide } from '../../store/trails/revision-difference.ts';
import { bytesText } from '../shared/progress-bar.ts';

const MARK = { added: '+', removed: '-', changed: '~' } as const;

const sideText = ({ id, sizeBytes }: ObjectSide): string =>
  `${id.slice(0, 12)} (${sizeBytes === undefined ? 'not stored' : bytesText(sizeBytes)})`;

const sidesText = ({ before, after }: Change<ObjectSide>): string =>
  [before, after].flatMap((side) => (side === undefined ? [] : [sideText(side)])).join(' -> ');

export const describeDifference = ({ containers, objects, patch, addedBytes, removedBytes }: Difference): string => {
  if (patch.length === 0) return 'the revisions are the same';
  const lines = [
    ...containers.map(({ name, change }) => `${MARK[change]} container ${name}`),
    ...objects.map((object) => `${MARK[object.change]} object ${object.name}: ${sidesText(object)}`),
    ...patch.map((operation) => `  ${JSON.stringify(operation)}`),
    `${bytesText(addedBytes)} of objects come, ${bytesText(removedBytes)} go`,
  ];
  return lines.join('\n');
};
