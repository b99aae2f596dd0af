import {
  type DeadEvent,
  EventServiceDefinition as definition,
  type Group,
  type ListGroupsResponse,
} from '@rondo/contracts/rondo/events/v1/events';
import type { Instance } from '@rondo/contracts/rondo/registry/v1/registry';
import type { CallOptions, Client } from '@rondo/rpc/client';
import { type CommandContext, defineCommand } from '../command.js';
import { completeService } from '../completion/registered.js';
import { UsageError } from '../errors.js';
import { ExitCode } from '../exit-code.js';
import { jsonOption, registryOption } from '../options.js';
import { askGroup, askGroups, groupsOf } from '../registry/groups.js';
import { registeredInstances } from '../registry/locate.js';
import { formatTable } from '../terminal/table.js';
import { formatAge, printable } from '../terminal/text.js';

/** A replay may store millions of deliveries. */
const REPLAY_MS = 60_000;
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)$/i;
const ACTIONS =
  'rondo events ls, retry <id>, discard <id>, replay <group> [time], hand-over <group> <identity> or remove-group <group>';

/** `rondo events`: shows groups and what they couldn't take, and lets an operator try it again, discard it, or deliver events again. */
export const events = defineCommand({
  name: 'events',
  summary: 'Shows groups of subscribers and what they could not take; tries it again, or replays.',
  usage:
    'ls [service] | retry|discard <id> [service] | replay <group> [time] | hand-over <group> <id> | remove-group <…>',
  details: [
    'A group has a topic and a name, such as sales.v1.OrderPlaced:deliveries. An event that it could not take waits for you: retry',
    'tries it again now, discard gives it up. replay delivers the kept events to the group again, from a time such as',
    '2026-03-01T09:00:00Z on, and its handlers run again. A group belongs to the identity that has registered it first: hand-over',
    'gives it to another one. remove-group removes a group with all that it has not taken; its subscribers, while they run,',
    'register it again within a minute.',
  ].join('\n'),
  options: { ...registryOption, ...jsonOption },
  maxPositionals: 3,
  examples: [
    ['events ls', 'The groups, how far behind they are, and what waits for an operator.'],
    ['events retry 17 OrderService', 'Tries to deliver an event of the service again.'],
    ['events replay sales.v1.OrderPlaced:deliveries 2026-03-01T09:00:00Z', 'Delivers events to a group again.'],
    ['events hand-over sales.v1.OrderPlaced:deliveries spiffe://rondo.local/deliveries', 'Gives a group to a process.'],
  ],
  complete: completeService,
  exitCodes: { FAILED: 'Refused, or a service or its NATS could not be asked; standard error says why.' },
  async run({ values, positionals: [action = 'ls', subject = '', last] }, context) {
    if (!['ls', 'retry', 'discard', 'replay', 'hand-over', 'remove-group'].includes(action))
      throw new UsageError(`say what to do: ${ACTIONS}`);
    if (action !== 'ls' && subject === '') throw new UsageError(`say which: ${ACTIONS}`);
    const { instances } = await registeredInstances(values.registry, context);
    const byId = action === 'retry' || action === 'discard';
    const name = byId ? last : action === 'ls' ? subject || undefined : undefined;
    const publishers = groupsOf(instances, { serving: definition.fullName, name });
    if (publishers.length === 0)
      throw new UsageError('no registered service has topics: rondo ps lists what is registered');
    if (action === 'ls') return await list(publishers, values.json, context);
    const told = byId
      ? await resolve(publishers, { action, id: subject }, context)
      : await change(publishers, { action, group: subject, last }, context);
    await context.stdout.write(`${told}\n`);
  },
});

type Publishers = readonly (readonly Instance[])[];

async function resolve(
  [publisher, another]: Publishers,
  { action, id }: { readonly action: 'retry' | 'discard'; readonly id: string },
  { signal }: CommandContext,
): Promise<string> {
  if (!/^\d{1,18}$/.test(id)) throw new UsageError('name an id: rondo events ls lists them');
  if (publisher === undefined || another !== undefined)
    throw new UsageError('several services have topics: name one after the id');
  const call = action === 'retry' ? ('retryEvent' as const) : ('discardEvent' as const);
  const event = await askGroup(
    publisher,
    { definition, call: (client, options) => client[call]({ id: BigInt(id) }, options) },
    signal,
  );
  return `${printable(`${event.group} ${event.key}`)} is ${action === 'retry' ? 'tried again' : 'discarded'}`;
}

async function change(
  publishers: Publishers,
  { action, group, last }: { readonly action: string; readonly group: string; readonly last: string | undefined },
  context: CommandContext,
): Promise<string> {
  const [from, owner = ''] = action === 'hand-over' ? [undefined, last] : [last];
  const fromTime = from === undefined ? undefined : new Date(TIME.test(from) ? from : Number.NaN); // Date takes 5 for a month
  if (Number.isNaN(fromTime?.getTime())) throw new UsageError(`${from} is no time, such as 2026-03-01T09:00:00Z`);
  const told = await askGroups(publishers, lists, context);
  const found = told.find(({ answer }) => answer.groups.some(({ name }) => name === group));
  if (found === undefined) throw new UsageError(`there is no group ${group}: rondo events ls lists them`);
  const call = async (client: Client<typeof definition>, options: CallOptions) => {
    if (action === 'remove-group') {
      await client.removeGroup({ group }, options);
      return `${group} is removed`;
    }
    if (action === 'hand-over') {
      await client.handOverGroup({ group, owner }, options);
      return `${group} belongs to ${owner}`;
    }
    const { events: count } = await client.replayEvents({ group, fromTime }, { ...options, timeoutMs: REPLAY_MS });
    return `${count} events are delivered to ${group} again`;
  };
  return await askGroup(found.group, { definition, call }, context.signal);
}

/** Asks a publisher for its groups. */
const lists = {
  definition,
  call: (client: Client<typeof definition>, options: CallOptions) => client.listGroups({}, options),
};

async function list(publishers: Publishers, json: boolean | undefined, context: CommandContext): Promise<number> {
  const { stdout, stderr, clock } = context;
  const answers = (await askGroups(publishers, lists, context)).map(({ answer }) => answer);
  const groups = answers.flatMap((answer) => answer.groups);
  const [dead, refused] = [answers.flatMap((answer) => answer.events), answers.flatMap((answer) => answer.refused)];
  if (json)
    await stdout.write(
      `${JSON.stringify({ groups: groups.map(viewGroup), events: dead.map(viewEvent), refused: refused.map(viewEvent) })}\n`,
    );
  else await stdout.write(format({ groups, events: [...dead, ...refused] }, clock.now()));
  const faults = answers.filter(({ carrierFault }) => carrierFault !== '');
  for (const { topics, carrierFault } of faults)
    await stderr.write(
      `${printable(`rondo: what waits in NATS for ${topics.join(', ')} is not in the numbers: ${carrierFault}`)}\n`,
    );
  return faults.length === 0 && answers.length === publishers.length ? ExitCode.OK : ExitCode.FAILED;
}

const viewGroup = ({ waiting, running, failed, cut, oldestTime, ...group }: Group) => ({
  ...group,
  ...{ waiting: `${waiting}`, running: `${running}`, failed: `${failed}`, cut: `${cut}` },
  oldestTime: oldestTime?.toISOString(),
});

const viewEvent = ({ id, publishTime, ...event }: DeadEvent) => ({
  ...{ ...event, id: `${id}` },
  publishTime: publishTime?.toISOString(),
});

function format({ groups, events: dead }: Pick<ListGroupsResponse, 'groups' | 'events'>, nowMs: number): string {
  const ageOf = (time: Date | undefined) => (time === undefined ? '-' : formatAge(nowMs - time.getTime()));
  const rows = groups.map(({ name, method, waiting, running, failed, oldestTime, cut, owner }) => [
    ...[name, method, `${waiting}`, `${running}`, `${failed}`, ageOf(oldestTime), `${cut}`, printable(owner) || '-'],
  ]);
  const tables = [formatTable([GROUPS, ...rows])];
  const letters = dead.map(({ id, group, key, publishTime, attempts, refusals, error }) => [
    ...[`${id}`, group, printable(key) || '-', ageOf(publishTime), `${attempts}`, `${refusals}`],
    printable(error),
  ]);
  if (letters.length > 0) tables.push(formatTable([EVENTS, ...letters]));
  return tables.join('\n');
}

const GROUPS = ['GROUP', 'METHOD', 'WAITING', 'RUNNING', 'FAILED', 'OLDEST', 'CUT', 'OWNER'];
const EVENTS = ['EVENT', 'GROUP', 'KEY', 'AGE', 'TRIES', 'REFUSED', 'WHY'];
