import { didYouMean } from '@rondo/rpc/internal';
import { defineCommand, type RunContext } from '../command.js';
import { flag } from '../help.js';
import { askProcesses, requestLauncher } from '../launcher.js';
import { dataOption, jsonOption } from '../options.js';
import { openRuns } from '../rollout/runs.js';
import type { RemovedService, Tree } from '../scaffold/index.js';
import { completeService, loadScaffold, printMade, serviceNamed, workOnTree } from '../tree-work.js';
import { messageOf } from '../workspace/errors.js';
import { changeServices, pluginServices } from './add.js';

export const remove = defineCommand({
  name: 'remove',
  summary: 'Removes a service, with its contract and everything that belongs to it, or a plugin from services.',
  details: [
    'Contracts that other services need stay. The command is refused if other services call this one, if git has no copy of',
    "everything here, or if the service's workflows have runs that haven't ended in the system that runs. That system stops the",
    'service first. If a step fails, the commands of git that take it back are printed. A plugin is taken out of package.json',
    'and src/main.ts, as rondo add has written it.',
  ].join('\n'),
  options: {
    force: flag(
      "Remove it even if work is lost, if its runs haven't ended, or if others use its contract, which then stays.",
    ),
    'dry-run': flag('Say what would be removed, and change nothing.'),
    ...pluginServices,
    ...dataOption,
    ...jsonOption,
  },
  args: { plugin: '[service | plugin]', given: '[name]' },
  examples: [
    ['remove service greeter', 'Undoes rondo new service greeter.'],
    ['remove service greeter --dry-run', 'Says what would go.'],
    ['remove registry-consul', 'Undoes rondo add registry-consul.'],
  ],
  exitCodes: { INTERRUPTED: 'Ctrl-C ended the command, which printed how git takes back what was changed.' },
  complete: async ({ positionals }, { repository }) => completeService(positionals, repository),
  async run({ plugin, given, service: services, force, 'dry-run': dryRun }, context) {
    const { followServices, pluginNames, removableServices, removeService } = await loadScaffold('remove');
    if (plugin !== undefined && pluginNames.includes(plugin.replace('@rondo/', ''))) {
      const names = given === undefined ? [plugin] : [plugin, given];
      return changeServices({ change: 'remove', names, services, force }, context);
    }
    const name = serviceNamed([plugin, given], 'remove');
    const { repository } = context;
    const onAgreed = () => stopProcesses(name, context);
    const known = removableServices(repository);
    if (!known.includes(name) && name !== 'registry')
      throw new Error(`there is no service "${name}".${didYouMean(name, known)} There are: ${known.join(', ')}`);
    const runs = name === 'registry' ? [] : await openRuns(name, context);
    const [first, ...more] = runs ?? [];
    if (!force && first !== undefined) {
      // Nothing goes on with these runs without the service.
      const named = more.length === 0 ? first.name : `${first.name} and ${more.length} more`;
      throw new Error(
        `${named} of ${name} would never end: wait for ${more.length === 0 ? 'it' : 'them'}, or cancel each, by rondo runs cancel NAME; --force removes the service all the same`,
      );
    }
    const work = async (tree: Tree) => {
      const removed = await removeService({ ...tree, name, force, dryRun, onAgreed });
      if (!dryRun) followServices(repository);
      return removed;
    };
    const removed = await workOnTree({ command: 'remove service', force: force || dryRun, quiet: true }, context, work);
    await printMade(removed, `${describe(removed, dryRun)}${runs?.length === 0 ? '' : LEFT}`, context);
    return undefined;
  },
});

const LEFT =
  'Runs of its workflows that haven’t ended stay in its database, and nothing goes on with them: to let them end, take the service back by git, and see rondo runs ls.\n';

/** Best effort: if the running system doesn't stop the service, a line says so, and the service is removed all the same. */
async function stopProcesses(service: string, { dataDirectory, stderr, signal }: RunContext): Promise<void> {
  const running = await askProcesses({ dataDirectory, signal }).catch(() => undefined);
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
