import { didYouMean } from '@rondo/rpc/internal';
import { type CommandContext, defineCommand } from '../command.js';
import { flag } from '../help.js';
import { askStatus, requestLauncher } from '../launcher.js';
import { dataDirectoryOf, dataOption, jsonOption } from '../options.js';
import type { RemovedService } from '../scaffold/index.js';
import { completeService, loadScaffold, serviceNamed, workOnTree } from '../tree-work.js';
import { messageOf } from '../workspace/errors.js';
import { excerpt } from '../workspace/steps.js';
import { changeServices, pluginServices } from './add.js';

/** `rondo remove`: undoes `rondo new service` and `rondo add`. */
export const remove = defineCommand({
  name: 'remove',
  summary: 'Removes a service, with its contract and everything that belongs to it, or a plugin from services.',
  usage: 'service <name> [--force] [--dry-run] [--data DIR] | <plugin> [--service NAME …] [--json]',
  details: [
    'Contracts that other services need stay. The command is refused if other services call this one, or if git has no copy',
    'of the work in it. A running system stops the service first. If a step fails, the tree is as it was.',
    '',
    'A plugin is taken out of package.json and src/main.ts, as rondo add has written it.',
    '',
    'With --json: {"service":…,"contracts":[…],"kept":[…]}, and complaints if the rest doesn\'t build.',
  ].join('\n'),
  options: {
    force: flag('Remove it even if work is lost, or if others use its contract, which then stays.'),
    'dry-run': flag('Say what would be removed, and change nothing.'),
    ...pluginServices,
    ...dataOption,
    ...jsonOption,
  },
  maxPositionals: 2,
  examples: [
    ['remove service greeter', 'Undoes rondo new service greeter.'],
    ['remove service greeter --force', 'Removes it even with edits that were never committed.'],
    ['remove service greeter --dry-run', 'Says what would go.'],
    ['remove registry-consul', 'Undoes rondo add registry-consul.'],
  ],
  exitCodes: {
    FAILED: 'Refused or failed; standard error says why.',
    INTERRUPTED: 'Ctrl-C ended the command: the tree is as it was.',
  },
  complete: async ({ positionals }, { repository }) => completeService(positionals, repository),
  async run({ values, positionals }, context) {
    const { followServices, pluginNames, removableServices, removeService } = await loadScaffold('remove');
    const [plugin] = positionals;
    if (plugin !== undefined && pluginNames.includes(plugin.replace('@rondo/', ''))) {
      return changeServices(
        { change: 'remove', names: positionals, services: values.service },
        values.json ?? false,
        context,
      );
    }
    const name = serviceNamed(positionals, 'remove');
    const { repository, stdout, stderr } = context;
    const dataDirectory = dataDirectoryOf(values.data, context);
    const dryRun = values['dry-run'] ?? false;
    const onAgreed = () => stopProcesses(dataDirectory, name, context);
    const removed = await workOnTree(`remove service ${name}`, { json: values.json ?? false, context }, (on) => {
      refuseUnknown(name, removableServices(repository));
      return removeService({ ...on, name, force: values.force ?? false, dryRun, onAgreed });
    });
    if (!dryRun) followServices(repository);
    await stdout.write(values.json ? `${JSON.stringify(removed)}\n` : describe(removed, dryRun));
    if (!values.json && removed.complaints !== undefined) await stderr.write(`${excerpt(removed.complaints)}\n`);
  },
});

function refuseUnknown(name: string, known: readonly string[]): void {
  if (known.includes(name) || name === 'registry') return;
  throw new Error(`there is no service "${name}".${didYouMean(name, known)} There are: ${known.join(', ')}`);
}

/** Best effort: if the running system doesn't stop the service, a line says so, and the service is removed all the same. */
async function stopProcesses(
  dataDirectory: string,
  service: string,
  { stderr, signal }: CommandContext,
): Promise<void> {
  const running = await askStatus({ dataDirectory, signal }).catch(() => undefined);
  if (running === undefined) return; // no system runs, or it is stuck
  try {
    await requestLauncher({ dataDirectory, request: { command: 'stop', service }, signal });
    await stderr.write(`The running system has stopped ${service}.\n`);
  } catch (error) {
    signal.throwIfAborted();
    await stderr.write(`The running system has not stopped ${service}: ${messageOf(error)}\n`);
  }
}

function describe({ service, contracts, kept, database, complaints }: RemovedService, dryRun: boolean): string {
  return [
    `${dryRun ? 'Would remove' : 'Removed'} services/${service}${contracts.length === 0 ? '' : ` and ${contracts.join(', ')}`}.`,
    ...kept.map((contract) => `${contract} stays: something else needs it.`),
    ...(database === undefined ? [] : [`Its database ${database} stays on its server, with its data.`]),
    ...(complaints === undefined ? [] : ['The rest does not build, for other reasons:']),
    '',
  ].join('\n');
}
