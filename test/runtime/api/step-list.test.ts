import { expect, it } from 'vitest';
import { stepList } from '../../../runtime/api/step-list.ts';

const step = { name: '0', date: new Date('2024-05-01T10:00:00.123Z'), commitMessage: '', progress: undefined };
const progressIn = (progress: string) =>
  stepList([{ ...step, progress }])
    .slice(0, -2)
    .split('"progress":')[1];

it('has the spacing that clients match', () => {
  expect(stepList([step, { ...step, name: 'locals/a', progress: '{"status":"DONE"}\n' }])).toBe(
    '[{"name":"0", "date":"2024-05-01T10:00:00Z", "commitmsg":"", "progress":{}},' +
      '{"name":"locals/a", "date":"2024-05-01T10:00:00Z", "commitmsg":"", "progress":{"status":"DONE"}}]',
  );
});

it('is an empty list without steps', () => {
  expect(stepList([])).toBe('[]');
});

it('escapes what a commit message must not contain', () => {
  const list = stepList([{ ...step, commitMessage: 'a "b"\n\\c' }]);
  expect(list).toContain('"commitmsg":"a \\u0022b\\u0022\\u000a\\u005cc"');
  expect(JSON.parse(list)[0].commitmsg).toBe('a "b"\n\\c');
});

it.each([
  ['that is torn', '{"status":'],
  ['that is no object', '[]'],
  ['that is longer than 512 bytes', `{"logs":"${'x'.repeat(512)}"}`],
])('shows progress %s as none', (_name, progress) => {
  expect(progressIn(progress)).toBe('{}');
});
