import {
  type DeadEvent,
  EventServiceDefinition as definition,
  type Group,
} from '@rondo/contracts/rondo/events/v1/events';
import type { CallOptions, Client } from '@rondo/rpc/client';
import { type CommandContext, defineActions, type Printed, type RunContext } from '../command.js';
import { completeService, oneOfService } from '../completion/registered.js';
import { UsageError } from '../errors.js';
import { jsonOption, registryOption } from '../options.js';
import { askGroup, askService, askServices } from '../registry/groups.js';
import { formatTable } from '../terminal/table.js';
import { ageOf, printable } from '../terminal/text.js';

/** A replay may store millions of deliveries. */
const REPLAY_MS = 60_000;
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)$/i;
const TOPICS = { definition, what: 'topics' };

export const events = defineActions({
  name: 'events',
  summary: 'Shows groups of subscribers and what they could not take; tries it again, or replays.',
  details: [
    'A group has a topic and a name, such as sales.v1.OrderPlaced:deliveries. A FAILED event waits for you. A RETRIED one, which',
    'the group could not take so far, is tried again by itself. retry tries an event again now, discard gives it up. replay',
    'delivers the kept events to the group again, from a time such as 2026-03-01T09:00:00Z on, and its handlers run again. A',
    'group belongs to the identity that has registered it first: hand-over gives it to another one. remove-group removes a group',
    'with all that it has not taken; its subscribers, while they run, register it again within a minute.',
  ].join('\n'),
  options: { ...registryOption, ...jsonOption },
  examples: [
    ['events ls', 'The groups, how far behind they are, and the events that they could not take.'],
    ['events replay sales.v1.OrderPlaced:deliveries 2026-03-01T09:00:00Z', 'Delivers events to a group again.'],
    ['events hand-over sales.v1.OrderPlaced:deliveries spiffe://rondo.local/deliveries', 'Gives a group to a process.'],
  ],
  exitCodes: { FAILED: 'Refused, or a service or its NATS could not be asked; standard error says why.' },
  usual: 'ls',
  actions: {
    ls: { args: { name: '[service]' }, complete: completeService, run: ({ name }, context) => list(name, context) },
    retry: { ...oneOfService, run: (one, context) => resolve(one, 'retryEvent', context) },
    discard: { ...oneOfService, run: (one, context) => resolve(one, 'discardEvent', context) },
    replay: {
      args: { group: '<group>', from: '[time]' },
      run({ group, from }, context) {
        const fromTime = from === undefined ? undefined : new Date(TIME.test(from) ? from : Number.NaN); // Date takes 5 for a month
        if (Number.isNaN(fromTime?.getTime())) throw new UsageError(`${from} is no time, such as 2026-03-01T09:00:00Z`);
        return change(group, context, async (client, options) => {
          const { events: count } = await client.replayEvents(
            { group, fromTime },
            { ...options, timeoutMs: REPLAY_MS },
          );
          return `${count} events are delivered to ${group} again`;
        });
      },
    },
    'hand-over': {
      args: { group: '<group>', owner: '<identity>' },
      run: ({ group, owner }, context) =>
        change(group, context, async (client, options) => {
          await client.handOverGroup({ group, owner }, options);
          return `${group} belongs to ${owner}`;
        }),
    },
    'remove-group': {
      args: { group: '<group>' },
      run: ({ group }, context) =>
        change(group, context, async (client, options) => {
          await client.removeGroup({ group }, options);
          return `${group} is removed`;
        }),
    },
  },
});

async function resolve(
  { id, name }: { readonly id: string; readonly name: string | undefined },
  call: 'retryEvent' | 'discardEvent',
  context: RunContext,
): Promise<undefined> {
  if (!/^\d{1,18}$/.test(id)) throw new UsageError('name an id: rondo events ls lists them');
  const event = await askService({ ...TOPICS, name, call: (all, how) => all[call]({ id: BigInt(id) }, how) }, context);
  const done = call === 'retryEvent' ? 'tried again' : 'discarded';
  await context.stdout.write(`${printable(`${event.group} ${event.key}`)} is ${done}\n`);
}

/** Changes a group at the service that has it. */
async function change(
  name: string,
  context: RunContext,
  call: (client: Client<typeof definition>, options: CallOptions) => Promise<string>,
): Promise<undefined> {
  const { services } = await askServices({ ...TOPICS, name: undefined, call: listGroups }, context);
  const found = services.find(({ answer }) => answer.groups.some((group) => group.name === name));
  if (found === undefined) throw new UsageError(`there is no group ${name}: rondo events ls lists them`);
  await context.stdout.write(`${await askGroup(found.group, { definition, call }, context.signal)}\n`);
}

const listGroups = (client: Client<typeof definition>, options: CallOptions) => client.listGroups({}, options);

async function list(name: string | undefined, context: CommandContext): Promise<Printed> {
  const { answers, failed } = await askServices({ ...TOPICS, name, call: listGroups }, context);
  const groups = answers.flatMap((answer) => answer.groups);
  const [dead, retried] = [answers.flatMap((answer) => answer.events), answers.flatMap((answer) => answer.refused)];
  const faults = answers.filter(({ carrierFault }) => carrierFault !== '');
  for (const { topics, carrierFault } of faults) {
    const away = `what waits in NATS for ${topics.join(', ')} is not in the numbers`;
    await context.stderr.write(`rondo: ${printable(`${away}: ${carrierFault}`)}\n`);
  }
  return {
    json: { groups, events: dead, refused: retried },
    text: format({ groups, dead, retried }, context.clock.now()),
    failed: failed || faults.length > 0,
  };
}

interface Listed {
  readonly groups: readonly Group[];
  readonly dead: readonly DeadEvent[];
  readonly retried: readonly DeadEvent[];
}

function format({ groups, dead, retried }: Listed, nowMs: number): string {
  const rows = groups.map(({ name, method, waiting, running, failed, oldestTime, cut, owner }) => [
    ...[name, method, waiting, running, failed, ageOf(oldestTime, nowMs), cut, owner || '-'],
  ]);
  const rowOf = (state: string) => (event: DeadEvent) => [
    ...[event.id, event.group, event.key || '-', state, ageOf(event.publishTime, nowMs)],
    ...[event.attempts, event.refusals, event.error],
  ];
  const letters = [...dead.map(rowOf('FAILED')), ...retried.map(rowOf('RETRIED'))];
  const heading = ['GROUP', 'METHOD', 'WAITING', 'RUNNING', 'FAILED', 'OLDEST', 'CUT', 'OWNER'];
  const titles = ['EVENT', 'GROUP', 'KEY', 'STATE', 'AGE', 'TRIES', 'REFUSED', 'WHY'];
  return formatTable([heading, ...rows]) + (letters.length === 0 ? '' : `\n${formatTable([titles, ...letters])}`);
}
