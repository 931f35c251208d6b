import { describe, expect, it } from 'vitest';
import { simulatedHost } from '../../../runtime/host/simulated/simulated.ts';
import { deliveredBy, NOTES_FILE, type Note, notesIn, openNotes } from '../../../runtime/logging/checkpoint.ts';

const bench = async () => {
  const host = simulatedHost();
  for (const directory of ['/run', '/logs']) await host.operator.files.makeDirectory(directory, 0o755);
  const read = async (path: string): Promise<string | undefined> =>
    (await host.operator.files.read(path, 1 << 20))?.toString();
  return { host, read, logs: host.logFiles('/logs'), run: host.logFiles('/run') };
};
const NOTE: Note = { path: '1/web/app', file: '?', at: 4, length: 4, source: '1:2', from: 10, to: 20 };

describe('notes', () => {
  it('are there from when they are written until they are cleared, and never two of them', async () => {
    const { run, read } = await bench();
    const notes = await openNotes(run);
    await notes.write([NOTE]);
    expect(notesIn((await read(`/run/${NOTES_FILE}`)) ?? '')).toEqual([NOTE]);
    await notes.clear();
    expect(await read(`/run/${NOTES_FILE}`)).toBe('');
    await notes.write([{ ...NOTE, to: 30 }]);
    expect(notesIn((await read(`/run/${NOTES_FILE}`)) ?? '')).toEqual([{ ...NOTE, to: 30 }]);
  });

  it('of an earlier daemon are gone when ours begin', async () => {
    const { host, run, read } = await bench();
    await host.operator.files.write(`/run/${NOTES_FILE}`, JSON.stringify([NOTE]), 0o600);
    await openNotes(run);
    expect(await read(`/run/${NOTES_FILE}`)).toBe('');
  });

  it.each(['', '[{"path":', '{}', '[1, null, {"path": "x"}]'])('say nothing when they are %j', (text) => {
    expect(notesIn(text)).toEqual([]);
  });
});

describe('a note that an earlier daemon left', () => {
  /** What becomes of a log of this content that it says 4 bytes at 4 were about to be appended to. */
  const outcomeFor = async (content: string, isSame = true) => {
    const { host, logs, read } = await bench();
    await host.operator.files.makeDirectory('/logs/1/web', 0o755);
    await host.operator.files.write('/logs/1/web/app', content, 0o644);
    const file = isSame ? ((await logs.identity(NOTE.path))?.identity ?? '') : 'another';
    const delivered = await deliveredBy(logs, JSON.stringify([{ ...NOTE, file }]));
    const positions = [await delivered('1:2', 10), await delivered('1:2', 10), await delivered('9:9', 10)];
    return { positions, content: await read('/logs/1/web/app') };
  };

  it('whose lines are in the log moves the position on, once', async () => {
    expect(await outcomeFor('beforenew!')).toEqual({ positions: [20, 10, 10], content: 'beforenew!' });
    expect(await outcomeFor('1234new!')).toEqual({ positions: [20, 10, 10], content: '1234new!' });
  });

  it('whose lines were cut off takes away what there is of them, and they are read again', async () => {
    expect(await outcomeFor('1234ne')).toEqual({ positions: [10, 10, 10], content: '1234' });
    expect(await outcomeFor('1234')).toEqual({ positions: [10, 10, 10], content: '1234' });
  });

  it('of a log that was rotated meanwhile is whole, and the new log is left alone', async () => {
    expect(await outcomeFor('new file', false)).toEqual({ positions: [20, 10, 10], content: 'new file' });
    expect(await outcomeFor('n', false)).toEqual({ positions: [20, 10, 10], content: 'n' });
  });
});
