import { type AuditEvent, AuditServiceDefinition } from '@rondo/contracts/rondo/audit/v1/audit';
import type { CallOptions, Client } from '@rondo/rpc/client';
import { statusName } from '@rondo/rpc/internal';
import { statusFromCode } from '@rondo/rpc/status';
import { defineCommand } from '../command.js';
import { completeService } from '../completion/registered.js';
import { UsageError } from '../errors.js';
import { valued } from '../help.js';
import { jsonOption, positiveInteger, registryOption } from '../options.js';
import { askGroups, groupsOf } from '../registry/groups.js';
import { registeredInstances } from '../registry/locate.js';
import { formatTable } from '../terminal/table.js';

const DEFAULT_LIMIT = 50;
const MAX_LIMIT = 10_000;

/** `rondo audit`: shows who did what. */
export const audit = defineCommand({
  name: 'audit',
  summary: 'Shows who did what at the services, and what was refused.',
  usage: '[service] [--filter FILTER] [--limit N] [--json]',
  details: [
    'It asks an instance of each service that keeps an audit, and prints the newest events first. WHO is the person or program',
    'on whose behalf the call was made, or the process that called for itself. OUTCOME is OK for what took effect; any other call',
    'was refused. A service keeps an audit while RONDO_AUDIT is on. With RONDO_AUTH=on reading it needs a token with the scope',
    'audit.read, in RONDO_TOKEN.',
  ].join('\n'),
  options: {
    filter: valued('FILTER', 'Only these: by subject, issuer, process, method, resource, code or create_time.'),
    limit: valued('N', `The most events, 1 to ${MAX_LIMIT}; ${DEFAULT_LIMIT} by default.`),
    ...registryOption,
    ...jsonOption,
  },
  maxPositionals: 1,
  examples: [
    ['audit sales', 'The last events of sales.'],
    [`audit --filter 'subject = "ada" AND code != 0'`, 'What ada was refused.'],
    [`audit --filter 'resource = "orders/4f2a"' --json`, 'The history of an order, for a script.'],
  ],
  complete: completeService,
  exitCodes: { FAILED: 'A service could not be asked; standard error says why.' },
  async run({ values, positionals: [name] }, context) {
    const limit = positiveInteger('limit', values.limit, MAX_LIMIT) ?? DEFAULT_LIMIT;
    const query = { filter: values.filter ?? '', limit };
    const { instances } = await registeredInstances(values.registry, context);
    const groups = groupsOf(instances, { serving: AuditServiceDefinition.fullName, name });
    if (groups.length === 0) throw new UsageError(nothingAudited(name));
    const told = await askGroups(groups, eventsOf(query), context);
    const events = told.flatMap(({ answer }) => answer);
    const newest = events.sort((a, b) => timeOf(b) - timeOf(a)).slice(0, limit);
    return { json: { events: newest.map(viewOf) }, text: format(newest), failed: told.length < groups.length };
  },
});

function nothingAudited(name: string | undefined): string {
  const which = name === undefined ? 'no registered service' : `no registered service that "${name}" means`;
  return `${which} has an audit: rondo ps lists what is registered`;
}

/** An event and the instance that told it. */
interface ToldEvent {
  readonly event: AuditEvent;
  readonly instanceId: string;
}

const PAGE_SIZE = 100;

/** Asks an instance for its events, the newest first. */
const eventsOf = ({ filter, limit }: { readonly filter: string; readonly limit: number }) => ({
  definition: AuditServiceDefinition,
  async call(
    client: Client<typeof AuditServiceDefinition>,
    options: CallOptions,
    instanceId: string,
  ): Promise<readonly ToldEvent[]> {
    const found: ToldEvent[] = [];
    let pageToken = '';
    do {
      const pageSize = Math.min(PAGE_SIZE, limit - found.length);
      const page = await client.listAuditEvents({ filter, pageSize, pageToken }, options);
      for (const event of page.events) found.push({ event, instanceId });
      pageToken = page.nextPageToken;
    } while (pageToken !== '' && found.length < limit);
    return found;
  },
});

const timeOf = ({ event }: ToldEvent): number => event.createTime?.getTime() ?? 0;

const outcomeOf = ({ event }: ToldEvent): string => statusName(statusFromCode(event.code));

function viewOf(told: ToldEvent) {
  const { sequence, createTime, subject, issuer, process, actors, method, resource, traceId } = told.event;
  const who = { subject, issuer, process, actors };
  const time = createTime?.toISOString() ?? null;
  return {
    time,
    ...who,
    method,
    resource,
    outcome: outcomeOf(told),
    traceId,
    instanceId: told.instanceId,
    sequence: `${sequence}`,
  };
}

function format(events: readonly ToldEvent[]): string {
  if (events.length === 0) return 'no events\n';
  const rows = events.map((told) => {
    const { createTime, subject, process, method, resource, traceId } = told.event;
    const time = createTime?.toISOString() ?? '-';
    return [time, subject || process || '-', outcomeOf(told), method.slice(1), resource || '-', traceId];
  });
  return formatTable([['TIME', 'WHO', 'OUTCOME', 'METHOD', 'RESOURCE', 'TRACE'], ...rows]);
}
