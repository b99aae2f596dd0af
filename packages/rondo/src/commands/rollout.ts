import { defineActions } from '../command.js';
import { completeService } from '../completion/registered.js';
import { valued } from '../help.js';
import { addressOption, jsonOption, parseAddresses, registryOption } from '../options.js';
import { registeredInstances, registeredService } from '../registry/locate.js';
import { breaks, type ContractChange, compareWithRunning, instanceAt } from '../rollout/contracts.js';
import type { Migrations } from '../rollout/migrations.js';
import { type TriedRuns, tryRuns } from '../rollout/runs.js';
import { printable } from '../terminal/text.js';
import { loadScaffold } from '../tree-work.js';
import { builtContracts } from '../workspace/contracts.js';

export const rollout = defineActions({
  name: 'rollout',
  summary: 'Says what breaks while instances of this workspace run next to those that are registered.',
  details: [
    'It compares the contracts of the last build with those that the instances have, which it asks for them: a method or a',
    'field that is changed or gone breaks the callers of the other version; one that is new may be used once all instances have',
    'it. Jobs and events that are stored and whose requests the build misreads are counted, and so are open runs of workflows',
    'by their requests, results and signals. The functions of workflows in the build are called for up to 200 open runs of each',
    'service, by what these have recorded, without a call or a write: a run that the build would park is named with the step.',
    '',
    'With --since, the commit or tag that runs, it also checks the migrations that this workspace has beyond it: each has to',
    'let replicas of the version before go on, and none that was applied may change.',
  ].join('\n'),
  options: {
    since: valued('COMMIT', 'The commit, tag or branch of git that runs.'),
    ...addressOption,
    ...registryOption,
    ...jsonOption,
  },
  examples: [
    ['rollout check --since v0.1.0', 'Before v0.1.0 is replaced by what is built here.'],
    ['rollout check --address 127.0.0.1:50053', 'Against one pod, by kubectl port-forward.'],
  ],
  exitCodes: { OK: 'Nothing breaks.', FAILED: "Something breaks or couldn't be compared." },
  actions: {
    check: {
      args: { name: '[service]' },
      complete: completeService,
      async run({ name, since, address }, context) {
        const { findMigrations } = await loadScaffold('rollout');
        const { repository, signal, clock, doctor } = context;
        const stale = await (await doctor())?.staleBuild();
        if (stale) throw new Error(stale);
        const servers = address === undefined ? [] : parseAddresses('--address', address);
        const listing =
          address === undefined
            ? await registeredInstances(context)
            : { instances: await Promise.all(servers.map((one) => instanceAt(one, signal))), warming: false };
        const only = name === undefined ? undefined : registeredService(name, listing);
        const files = builtContracts(repository);
        const contractOf = (service: string) => files.getService(service)?.file.proto.name;
        const runs = await tryRuns(listing.instances, { repository, contractOf, only, signal });
        const asked = { clock, signal, only, messages: runs.messages };
        const contracts = await compareWithRunning(listing.instances, files, asked);
        const migrations = since === undefined ? null : await findMigrations(repository, since);
        const isSafe =
          [runs.parked, runs.notTried].every((found) => found.length === 0) &&
          contracts.every(
            ({ differences, misread, notCompared }) =>
              notCompared === null && misread.length === 0 && !differences.some(breaks),
          ) &&
          (migrations?.faults.length ?? 0) === 0;
        const found = { contracts, runs, migrations };
        const { messages: _messages, ...shown } = runs;
        return { json: { ...found, runs: shown }, text: toText(found), failed: !isSafe };
      },
    },
  },
});

interface Found {
  readonly contracts: readonly ContractChange[];
  readonly runs: TriedRuns;
  /** Null if they weren't compared. */
  readonly migrations: Migrations | null;
}

function toText({ contracts, runs, migrations }: Found): string {
  const changed = contracts.filter(({ differences, notCompared }) => differences.length > 0 || notCompared !== null);
  const lines = [
    ...changed.flatMap(describe),
    ...runs.notTried.map((why) => `not tried: ${why}`),
    ...(runs.tried === 0 ? [] : [`runs: ${runs.tried} open ones tried`]),
    ...runs.parked.map(
      ({ method, reason, runs: [first, ...others] }) =>
        `  parks: ${first}${others.length === 0 ? '' : ` and ${others.length} more`} of ${method}: ${reason}`,
    ),
    ...(changed.length > 0 ? [] : [`${contracts.length} contracts: as they run`]),
    migrations === null
      ? 'migrations: not checked, as --since names no commit that runs'
      : `migrations: ${migrations.added.join(', ') || 'none'}`,
    ...(migrations?.faults ?? []).map((fault) => `  breaks: ${fault}`),
  ];
  return lines.map((line) => `${printable(line)}\n`).join('');
}

function describe(change: ContractChange): readonly string[] {
  const { service, instances, versions, differences, misread, notCompared } = change;
  const running = versions.length === 0 ? '' : `, of ${versions.join(', ')}`;
  const added = differences.filter((one) => !breaks(one)).map(({ text }) => text);
  return [
    `${service}, at ${instances.join(', ')}${running}`,
    ...(notCompared === null ? [] : [`  not compared: ${notCompared}`]),
    ...differences.filter(breaks).map(({ kind, text }) => `  breaks: ${kind === 'removed' ? 'no ' : ''}${text}`),
    ...misread.map((text) => `  breaks: ${text}`),
    ...(added.length === 0 ? [] : [`  adds, for callers once all instances are new: ${added.join(', ')}`]),
  ];
}
