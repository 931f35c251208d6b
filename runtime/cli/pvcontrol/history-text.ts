/** Explanations and the history of revisions for people. Pure. */
import Table from 'cli-table3';
import type { Explanation, Told } from '../../history/explanation.ts';
import type { RevisionRecord } from '../../history/revision-record.ts';
import { BORDERLESS } from '../shared/table.ts';

/** Reasons quote documents that anybody wrote: a terminal must not obey them. */
const plain = (text: string): string => text.replace(/\p{Cc}+/gu, ' ');

/** To the second: the order says the rest. */
const moment = (time: string): string => time.replace(/\.\d+Z$/, 'Z');

const treeOf = ({ time, sentence, because }: Told, indent = ''): readonly string[] => [
  `${moment(time)}  ${indent}${plain(sentence)}`,
  ...because.flatMap((cause) => treeOf(cause, indent === '' ? '└ ' : `  ${indent}`)),
];

/** Several lines, without a newline at the end: newest first, below each line what brought it about. */
export const renderExplanation = ({ ref, now, deeds }: Explanation): string => {
  const head = `${plain(ref)} ${plain(now)}`;
  if (deeds.length === 0) return `${head}\n\nNothing is known of what happened to it.`;
  return [head, ...deeds.map((deed) => treeOf(deed).join('\n'))].join('\n\n');
};

const seconds = (ms: number): string => `${(ms / 1000).toFixed(ms < 10_000 ? 1 : 0)} s`;

const tookOf = ({ phases }: RevisionRecord): string =>
  [
    phases.waitingMs === null ? [] : `waited ${seconds(phases.waitingMs)}`,
    phases.startingMs === null ? [] : `started ${seconds(phases.startingMs)}`,
    phases.testingMs === null ? [] : `tested ${seconds(phases.testingMs)}`,
  ]
    .flat()
    .join(', ');

/** A table, newest first. */
export const renderHistory = (records: readonly RevisionRecord[]): string => {
  if (records.length === 0) return 'No revision was tried yet.';
  const table = new Table({ ...BORDERLESS, head: ['WHEN', 'REVISION', 'OUTCOME', 'FROM', 'TOOK', 'REASON'] });
  for (const record of records) {
    const { endedAt, testedAt, triedAt, proposedAt, revision, outcome, from, reason } = record;
    const time = endedAt ?? testedAt ?? triedAt ?? proposedAt ?? '';
    table.push([moment(time), revision, outcome, from ?? '', tookOf(record), reason].map(plain));
  }
  return table.toString().replace(/ +$/gm, '');
};
