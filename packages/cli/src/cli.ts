import { RpcError } from '@rondo/rpc/status';
import type { Command, CommandContext } from './command.js';
import { commands } from './commands/index.js';
import { ExitCode } from './exit-code.js';
import { writeFailure } from './failure.js';
import { createPaint, didYouMean, printable } from './terminal/index.js';
import { messageOf } from './thrown.js';
import { UsageError } from './usage-error.js';
import { VERSION } from './version.js';

/** Runs `rondo` with its arguments; resolves to the exit code, and says itself what went wrong. */
export async function runCli(args: readonly string[], context: CommandContext): Promise<number> {
  const [name, ...rest] = args;
  try {
    if (name === '--version' || name === '-v') return await print(`${VERSION}\n`, context);
    if (name === undefined || name === '--help' || name === '-h') return await print(overview(), context);
    if (name === 'help') return await print(rest[0] === undefined ? overview() : find(rest[0]).help, context);
    const command = find(name);
    if (wantsHelp(rest)) return await print(command.help, context);
    return await command.run(rest, context);
  } catch (error) {
    return tell(error, { args, context });
  }
}

function find(name: string): Command {
  const command = commands.find((candidate) => candidate.name === name);
  if (command !== undefined) return command;
  if (name.startsWith('-')) throw new UsageError(`${name}: options come after the command`);
  const names = [...commands.map((candidate) => candidate.name), 'help'];
  throw new UsageError(`there is no command "${name}".${didYouMean(name, names)} There are: ${names.join(', ')}`);
}

/** Behind `--` there are no options. */
function wantsHelp(args: readonly string[]): boolean {
  const end = args.indexOf('--');
  return (end === -1 ? args : args.slice(0, end)).some((arg) => arg === '--help' || arg === '-h');
}

async function print(text: string, { stdout }: CommandContext): Promise<number> {
  await stdout.write(text);
  return ExitCode.OK;
}

/** Says what went wrong, on one line where it can be. */
async function tell(
  error: unknown,
  { args, context }: { readonly args: readonly string[]; readonly context: CommandContext },
): Promise<number> {
  const { stderr, signal } = context;
  const json = args.includes('--json');
  if (signal.aborted && !(error instanceof UsageError)) return ExitCode.INTERRUPTED;
  if (error instanceof RpcError) {
    await writeFailure(error, { stderr, json });
    return ExitCode.FAILED;
  }
  const usage = error instanceof UsageError;
  const message = messageOf(error);
  if (json) await stderr.write(`${JSON.stringify({ error: { code: usage ? 'USAGE' : 'FAILED', message } })}\n`);
  else
    await stderr.write(
      `${createPaint(stderr.color)('red', 'rondo')}: ${printable(message)}\n${usage ? hint(args) : ''}`,
    );
  return usage ? ExitCode.USAGE : ExitCode.FAILED;
}

function hint([name]: readonly string[]): string {
  const command = commands.some((candidate) => candidate.name === name) ? ` ${name}` : '';
  return `See: rondo${command} --help\n`;
}

function overview(): string {
  const width = Math.max(...commands.map(({ name }) => name.length), 'help'.length);
  return [
    'rondo <command> [arguments] [options]',
    '',
    'Looks into a running Rondo, and calls its services.',
    '',
    'Commands:',
    ...commands.map(({ name, summary }) => `  ${name.padEnd(width)}  ${summary}`),
    `  ${'help'.padEnd(width)}  Explains a command, with examples: rondo help call.`,
    '',
    'The registry is looked for at --registry, else RONDO_REGISTRY, else 127.0.0.1:50050. NO_COLOR turns colours off.',
    'Exit codes: 0 done; 1 a call failed; 2 the command line is wrong; 130 Ctrl-C came before the answer.',
    '',
  ].join('\n');
}
