/** Shell completion: the shells ask the program itself, which answers from its own command tree. */
import type { Command } from 'commander';

/** Names that only a running device knows, by the name of the argument they are for. They get the words of the line. */
export type KnownNames = Readonly<Record<string, (words: readonly string[]) => Promise<readonly string[]>>>;

/** Hidden: completes the last of the words. */
export const COMPLETE = '__complete';

const SCRIPTS: Readonly<Record<string, (program: string) => string>> = {
  bash: (program) => `_${program}_complete() {
  local IFS=$'\\n'
  COMPREPLY=($(compgen -W "$(${program} ${COMPLETE} -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)" -- "\${COMP_WORDS[COMP_CWORD]}"))
}
complete -o default -F _${program}_complete ${program}
`,
  zsh: (program) => `#compdef ${program}
_${program}_complete() {
  local -a found
  found=("\${(@f)$(${program} ${COMPLETE} -- "\${(@)words[2,CURRENT]}" 2>/dev/null)}")
  if [[ -n "\${found[*]}" ]]; then compadd -a found; else _files; fi
}
compdef _${program}_complete ${program}
`,
  fish: (program) =>
    `complete -c ${program} -a '(${program} ${COMPLETE} -- (commandline -opc)[2..-1] (commandline -ct) 2>/dev/null)'\n`,
};

export const SHELLS: readonly string[] = Object.keys(SCRIPTS);

export const completionScript = (shell: string, program: string): string => SCRIPTS[shell]?.(program) ?? '';

interface Place {
  readonly command: Command;
  /** How many arguments of the command were given already. */
  readonly given: number;
}

/** Which command the words lead to. Options and their values are stepped over. */
const placeOf = (program: Command, words: readonly string[]): Place => {
  let command = program;
  let given = 0;
  for (let at = 0; at < words.length; at++) {
    const word = words[at] ?? '';
    if (word.startsWith('-')) {
      const option = command.options.find(({ short, long }) => word === short || word === long);
      if (option?.required === true) at++;
      continue;
    }
    const next = command.commands.find((child) => child.name() === word || child.aliases().includes(word));
    if (next === undefined) given++;
    else command = next;
  }
  return { command, given };
};

const flagsOf = (command: Command | null): readonly string[] =>
  command === null ? [] : [...command.options.flatMap(({ long }) => long ?? []), ...flagsOf(command.parent)];

const candidatesFor = async (
  program: Command,
  words: readonly string[],
  known: KnownNames,
): Promise<readonly string[]> => {
  const { command, given } = placeOf(program, words.slice(0, -1));
  const current = words.at(-1) ?? '';
  if (current.startsWith('-')) return [...flagsOf(command), '--help'];
  const children = command.createHelp().visibleCommands(command);
  if (children.length > 0) return children.map((child) => child.name());
  const argument = command.registeredArguments[given];
  if (argument === undefined) return [];
  return argument.argChoices ?? (await known[argument.name()]?.(words)) ?? [];
};

/** What the last of the words may become. Knows no answer rather than failing: this runs while somebody types. */
export const complete = async (
  program: Command,
  words: readonly string[],
  known: KnownNames = {},
): Promise<readonly string[]> => {
  const current = words.at(-1) ?? '';
  const candidates = await candidatesFor(program, words, known).catch(() => []);
  return [...new Set(candidates)].filter((candidate) => candidate.startsWith(current));
};

/** Adds `completion SHELL` and the hidden command that its scripts ask. */
export const addCompletion = (program: Command, known: KnownNames = {}): void => {
  const name = program.name();
  program
    .command('completion')
    .description('print a completion script for your shell')
    .addArgument(program.createArgument('<shell>').choices(SHELLS))
    .addHelpText(
      'after',
      `\nExamples:\n  source <(${name} completion bash)\n  ${name} completion fish > ~/.config/fish/completions/${name}.fish`,
    )
    .action((shell: string) => {
      process.stdout.write(completionScript(shell, name));
    });
  program
    .command(COMPLETE, { hidden: true })
    .argument('[words...]')
    .allowUnknownOption()
    .action(async (words: string[]) => {
      const found = await complete(program, words, known);
      process.stdout.write(found.map((word) => `${word}\n`).join(''));
    });
};
