/**
 * pvcontrol's own options stand before the command, as those of the shell tool: behind it, `-v` is somebody's value.
 * How the answer is printed may be said behind it as well.
 */
import { type Command, Option } from 'commander';
import type { GlobalOptions } from './question.ts';

const FLAGS: readonly (readonly [flag: string, name: keyof GlobalOptions])[] = [
  ['--json', 'json'],
  ['--table', 'table'],
];

const leavesOf = (command: Command): readonly Command[] =>
  command.commands.length === 0 ? [command] : command.commands.flatMap(leavesOf);

/** @returns the options of the command that runs. Call it before commands are added. */
export const globalsOf = (program: Command): (() => GlobalOptions) => {
  let behind: GlobalOptions = {};
  program.enablePositionalOptions().hook('preAction', (_, command) => {
    const given: GlobalOptions = command.opts();
    behind = Object.fromEntries(FLAGS.flatMap(([, name]) => (given[name] === true ? [[name, true]] : [])));
  });
  return () => ({ ...program.opts<GlobalOptions>(), ...behind });
};

/** Call it when every command is there. */
export const acceptBehind = (program: Command): void => {
  for (const command of leavesOf(program))
    for (const [flag, name] of FLAGS)
      if (!command.options.some((option) => option.attributeName() === name))
        command.addOption(new Option(flag).hideHelp());
};
