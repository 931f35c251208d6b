import { execFileSync } from 'node:child_process';
import { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import {
  addCompletion,
  COMPLETE,
  complete,
  completionScript,
  SHELLS,
} from '../../../../runtime/cli/shared/completion.ts';

const program = new Command('pv').helpCommand(false).option('-s <socket>', 'where').option('--json', 'how');
const things = program.command('things').alias('thing').helpCommand(false);
things.command('start').argument('<thing>');
things.command('list').option('--all', 'all');
const known = { thing: async () => ['web', 'work'] };
addCompletion(program, known);

describe('completion', () => {
  it.each<[string, string[], string[]]>([
    ['commands', [''], ['things', 'completion']],
    ['commands that begin so', ['th'], ['things']],
    ['commands after an option with a value', ['-s', 'things', 'comp'], ['completion']],
    ['commands of a command', ['things', ''], ['start', 'list']],
    ['commands of an alias', ['thing', 'l'], ['list']],
    ['names that the device knows', ['things', 'start', 'w'], ['web', 'work']],
    ['no second name', ['things', 'start', 'web', ''], []],
    ['options of the command and the program', ['things', 'list', '--'], ['--all', '--json', '--help']],
    ['choices', ['completion', 'z'], ['zsh']],
    ['nothing after rubbish', ['rubbish', 'more', ''], ['things', 'completion']],
  ])('offers %s', async (_name, words, expected) => {
    expect(await complete(program, words, known)).toEqual(expected);
  });

  it('offers nothing when the device does not answer', async () => {
    expect(
      await complete(program, ['things', 'start', ''], { thing: () => Promise.reject(new Error('gone')) }),
    ).toEqual([]);
  });

  it.each(SHELLS)('asks the program from %s', (shell) => {
    expect(completionScript(shell, 'pv')).toContain(`pv ${COMPLETE} -- `);
  });

  it('is a script that bash accepts and that completes', () => {
    const ask = `pv() { printf 'alpha\\nbeta\\n'; }; ${completionScript('bash', 'pv')}
COMP_WORDS=(pv al); COMP_CWORD=1; _pv_complete; echo "\${COMPREPLY[*]}"`;
    expect(execFileSync('bash', ['-c', ask], { encoding: 'utf8' })).toBe('alpha\n');
  });
});
