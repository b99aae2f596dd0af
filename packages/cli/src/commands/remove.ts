import type { RemovedService } from '@rondo/scaffold';
import { type CommandContext, defineCommand } from '../command.js';
import { ExitCode } from '../exit-code.js';
import { askStatus, requestLauncher } from '../launcher.js';
import { dataDirectoryOf, dataOption, jsonOption } from '../options.js';
import { firstLines, completeService, loadScaffold, serviceNamed, workOnTree } from '../scaffold.js';
import { didYouMean } from '../terminal/text.js';
import { messageOf } from '../errors.js';

/** `rondo remove service`: what `rondo new service` does, taken back. */
export const remove = defineCommand({
  name: 'remove',
  summary: 'Removes a service, with its contract and everything that names it.',
  usage: 'service <name> [--force] [--data DIR] [--json]',
  details: [
    'Contracts that something else needs stay. It refuses to remove what others call, and work that git has no copy of;',
    'where anything fails, the tree is as it was. A running system is told to stop the service first.',
  ].join('\n'),
  options: {
    force: {
      type: 'boolean',
      description: 'Also where work is lost by it, or others use its contract, which then stays.',
    },
    ...dataOption,
    ...jsonOption,
  },
  maxPositionals: 2,
  examples: [
    ['remove service greeter', 'What rondo new service greeter made, taken back.'],
    ['remove service greeter --force', 'Also with edits that were never committed.'],
  ],
  exitCodes: {
    FAILED: 'Refused, or failed: standard error says why.',
    INTERRUPTED: 'Ctrl-C: the tree is as it was.',
  },
  complete: async ({ positionals }, { repository }) => completeService(positionals, repository),
  async run({ values, positionals }, context) {
    const name = serviceNamed(positionals, 'remove');
    const { removableServices, removeService } = await loadScaffold('remove service');
    const { repository, stdout, stderr } = context;
    const dataDirectory = dataDirectoryOf(values.data, context);
    const onAgreed = () => stopProcesses(dataDirectory, name, context);
    const removed = await workOnTree(`remove service ${name}`, { json: values.json ?? false, context }, (on) => {
      refuseUnknown(name, removableServices(repository));
      return removeService({ ...on, name, force: values.force ?? false, onAgreed });
    });
    await stdout.write(values.json ? `${JSON.stringify(removed)}\n` : describe(removed));
    if (!values.json && removed.complaints !== undefined) await stderr.write(firstLines(removed.complaints));
    return ExitCode.OK;
  },
});

function refuseUnknown(name: string, known: readonly string[]): void {
  if (known.includes(name) || name === 'registry') return;
  throw new Error(`there is no service "${name}".${didYouMean(name, known)} There are: ${known.join(', ')}`);
}

/** Best effort: a system that doesn't stop it is told of, and the service goes in any case. */
async function stopProcesses(
  dataDirectory: string,
  service: string,
  { stderr, signal }: CommandContext,
): Promise<void> {
  const running = await askStatus({ dataDirectory, signal }).catch(() => undefined);
  if (running === undefined) return; // no system runs, or it is stuck
  try {
    await requestLauncher({ dataDirectory, request: { command: 'forget', service }, signal });
    await stderr.write(`The running system has stopped ${service}.\n`);
  } catch (error) {
    signal.throwIfAborted();
    await stderr.write(`The running system has not stopped ${service}: ${messageOf(error)}\n`);
  }
}

function describe({ service, contracts, kept, database, complaints }: RemovedService): string {
  return [
    `Removed services/${service}${contracts.length === 0 ? '' : ` and ${contracts.join(', ')}`}.`,
    ...kept.map((contract) => `${contract} stays: something else needs it.`),
    ...(database === undefined ? [] : [`Its database ${database} stays wherever it ran, with its data.`]),
    ...(complaints === undefined ? [] : ['The rest does not build, which has other reasons:']),
    '',
  ].join('\n');
}
