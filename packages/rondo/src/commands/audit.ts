import { type AuditEvent, AuditServiceDefinition as definition } from '@rondo/contracts/rondo/audit/v1/audit';
import { statusName } from '@rondo/rpc/internal';
import { statusFromCode } from '@rondo/rpc/status';
import { defineCommand } from '../command.js';
import { completeService } from '../completion/registered.js';
import { valued } from '../help.js';
import { jsonOption, registryOption, whole } from '../options.js';
import { askServices } from '../registry/groups.js';
import { formatTable } from '../terminal/table.js';

const PAGE_SIZE = 100;

export const audit = defineCommand({
  name: 'audit',
  summary: 'Shows who did what at the services, and what was refused.',
  details: [
    'It asks an instance of each service that keeps an audit, and prints the newest events first. WHO is the person or program',
    'on whose behalf the call was made, or the process that called for itself. OUTCOME is OK for what took effect; any other call',
    'was refused. A service keeps an audit while RONDO_AUDIT is on. With RONDO_AUTH=on reading it needs a token with the scope',
    'audit.read, in RONDO_TOKEN.',
  ].join('\n'),
  options: {
    filter: {
      ...valued('FILTER', 'Only these: by subject, issuer, process, method, resource, code or create_time.'),
      default: '',
    },
    limit: { ...whole('N', 'The most events.', 10_000), default: '50' },
    ...registryOption,
    ...jsonOption,
  },
  args: { name: '[service]' },
  examples: [
    ['audit sales', 'The last events of sales.'],
    [`audit --filter 'subject = "ada" AND code != 0'`, 'What ada was refused.'],
  ],
  complete: completeService,
  exitCodes: { FAILED: 'A service could not be asked; standard error says why.' },
  async run({ name, filter, limit }, context) {
    const asked = { definition, what: 'an audit', name };
    // The newest first.
    const { answers, failed } = await askServices(
      {
        ...asked,
        async call(client, options, instanceId) {
          const found: ReportedEvent[] = [];
          let pageToken = '';
          do {
            const pageSize = Math.min(PAGE_SIZE, limit - found.length);
            const page = await client.listAuditEvents({ filter, pageSize, pageToken }, options);
            for (const event of page.events) found.push({ ...event, instanceId });
            pageToken = page.nextPageToken;
          } while (pageToken !== '' && found.length < limit);
          return found;
        },
      },
      context,
    );
    const events = answers.flat().sort((a, b) => timeOf(b) - timeOf(a));
    const newest = events.slice(0, limit);
    return { json: { events: newest.map(viewOf) }, text: format(newest), failed };
  },
});

type ReportedEvent = AuditEvent & { readonly instanceId: string };

const timeOf = ({ createTime }: ReportedEvent): number => createTime?.getTime() ?? 0;

const outcomeOf = ({ code }: ReportedEvent): string => statusName(statusFromCode(code));

function viewOf(event: ReportedEvent) {
  const { sequence, createTime, subject, issuer, process, actors, method, resource, traceId, instanceId } = event;
  const time = createTime ?? null;
  const who = { subject, issuer, process, actors };
  return { time, ...who, method, resource, outcome: outcomeOf(event), traceId, instanceId, sequence };
}

function format(events: readonly ReportedEvent[]): string {
  if (events.length === 0) return 'no events\n';
  const rows = events.map((event) => {
    const { createTime, subject, process, method, resource, traceId } = event;
    const time = createTime?.toISOString() ?? '-';
    return [time, subject || process || '-', outcomeOf(event), method.slice(1), resource || '-', traceId];
  });
  return formatTable([['TIME', 'WHO', 'OUTCOME', 'METHOD', 'RESOURCE', 'TRACE'], ...rows]);
}
