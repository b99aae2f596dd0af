import { parseArgs } from 'node:util';
import type { Command, CommandContext } from '../command.js';
import { pause } from '../deadline.js';
import type { Candidate, Completion } from '../help.js';

/** A later answer is of no use: the user has pressed Tab and waits. Milliseconds. */
const DEADLINE_MS = 1_500;

/** The candidates for the last of `words`, the words after `rondo`. There are none if they can't be found in time. */
export async function completeLine(
  words: readonly string[],
  commands: readonly Command[],
  context: CommandContext,
): Promise<Completion> {
  const [name = '', ...rest] = words;
  if (words.length < 2) return select(name, name.startsWith('-') ? overall : names(commands));
  if (name === 'help') return rest.length === 1 ? select(rest[0], names(commands)) : [];
  const command = commands.find((candidate) => candidate.name === name);
  return command === undefined ? [] : inTime(context, (bounded) => completeCommand(command, rest, bounded));
}

const overall: readonly Candidate[] = [
  { word: '--help', about: 'Lists the commands.' },
  { word: '--version', about: 'Prints the version.' },
];

function names(commands: readonly Command[]): readonly Candidate[] {
  return [
    ...commands.map(({ name, summary }) => ({ word: name, about: summary })),
    { word: 'help', about: 'Explains a command, with examples.' },
  ];
}

/** Runs `work` and cancels it after the deadline. A failure or a late answer is no candidate. */
async function inTime(
  context: CommandContext,
  work: (context: CommandContext) => Promise<Completion>,
): Promise<Completion> {
  const over = new AbortController();
  const signal = AbortSignal.any([context.signal, over.signal]);
  const found = work({ ...context, signal }).catch((): Completion => []);
  const late = pause(DEADLINE_MS, { ...context, signal }).then((): Completion => []);
  const completion = await Promise.race([found, late]);
  over.abort();
  return completion;
}

async function completeCommand(
  command: Command,
  words: readonly string[],
  context: CommandContext,
): Promise<Completion> {
  const before = words.slice(0, -1);
  const word = words.at(-1) ?? '';
  if (before.includes('--')) return completeArgument(command, { before, word }, context);
  const pending = takesValue(command, before.at(-1));
  if (pending !== undefined) return select(word, pending.complete ?? []);
  const [, joined, value = ''] = /^(--[^=]+)=(.*)$/.exec(word) ?? [];
  if (joined !== undefined) return prefixed(`${joined}=`, select(value, takesValue(command, joined)?.complete ?? []));
  return word.startsWith('-')
    ? select(word, flags(command, before))
    : completeArgument(command, { before, word }, context);
}

function takesValue({ options }: Command, flag: string | undefined) {
  const found = Object.entries(options).find(
    ([name, { short }]) => flag === `--${name}` || (short !== undefined && flag === `-${short}`),
  );
  return found?.[1].type === 'string' ? found[1] : undefined;
}

function prefixed(prefix: string, completion: Completion): Completion {
  if (typeof completion === 'string') return completion;
  return completion.map(({ word, about }) => ({ word: `${prefix}${word}`, ...(about !== undefined && { about }) }));
}

/** The options that may still be given. */
function flags({ options }: Command, before: readonly string[]): readonly Candidate[] {
  const free = Object.entries(options).filter(([name, { multiple }]) => multiple || !before.includes(`--${name}`));
  return [
    ...free.map(([name, { description }]) => ({ word: `--${name}`, about: description })),
    { word: '--help', about: 'Explains the command.' },
  ];
}

async function completeArgument(
  command: Command,
  { before, word }: { readonly before: readonly string[]; readonly word: string },
  context: CommandContext,
): Promise<Completion> {
  const { options } = command;
  const { values, positionals } = parseArgs({ args: [...before], options, allowPositionals: true, strict: false });
  const given = Object.entries(values).map(([name, value]) => [name, typeof value === 'string' ? value : undefined]);
  return select(word, await command.complete({ positionals, values: Object.fromEntries(given), word }, context));
}

function select(word = '', completion: Completion): Completion {
  return typeof completion === 'string' ? completion : completion.filter((one) => one.word.startsWith(word));
}
