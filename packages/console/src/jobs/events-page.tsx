import type { DeadEvent, Group } from '@rondo/contracts/rondo/events/v1/events';
import type { InstanceEvents } from '@rondo/contracts/rondo/gateway/v1/console';
import { useState } from 'preact/hooks';
import { consoleService } from '../access.js';
import { type EventOf, useStream } from '../calls/use-stream.js';
import type { Json } from '../page/json.js';
import { Table } from '../page/table.js';
import { Empty, Head } from '../ui/parts.js';
import { type Silent, SilentInstances, takeSilent } from '../ui/silent.js';
import { formatDate } from '../ui/text.js';
import { Ask, aboutCall, hasFailed, Lane, type Question, QuestionDialog } from './question.js';

/** The events known, by the first topic of the service: replicas of a service report the same, and the last report counts. */
interface Known {
  readonly byService: ReadonlyMap<string, Json<InstanceEvents>>;
  readonly silent: Silent;
}

function takeEvents(before: Known | undefined, event: EventOf<'watchEvents'>): Known {
  const byService = new Map(before?.byService);
  for (const one of event.told ?? []) byService.set(one.topics?.[0] ?? '', one);
  return { byService, silent: takeSilent(before?.silent, event) };
}

/** A group or an event, and an instance that changes it. */
type Shown<T> = Json<T> & { readonly instanceId: string };

const MAX_ROWS = 200;
const idOf = ({ group = '', id = '' }: Json<DeadEvent>) => `${group} ${id}`;

/** The groups that subscribe, and the events that they couldn't take. */
export function EventsPage() {
  const { told, connection } = useStream({ method: 'watchEvents', request: {}, take: takeEvents });
  const [question, ask] = useState<Question>();
  const services = [...(told?.byService.values() ?? [])];
  const groups = services.flatMap(({ groups: all = [], instanceId = '' }) =>
    all.map((one) => ({ ...one, instanceId })),
  );
  const events = services.flatMap(({ events: all = [], instanceId = '' }) =>
    all.map((one) => ({ ...one, instanceId })),
  );
  return (
    <div class="page">
      <Head title="Events" connection={connection} />
      {groups.length > 0 ? (
        <Groups rows={groups} onAsk={ask} />
      ) : (
        <Empty
          what={told ? 'No group subscribes to a topic' : 'Nothing is known yet'}
          hint="A method subscribes by its option subscribe: see the guide Events."
        />
      )}
      {services.map(
        ({ carrierFault, topics = [] }) =>
          carrierFault && (
            <p key={topics[0]} class="banner warn">
              {carrierFault}
            </p>
          ),
      )}
      {events.length > 0 && <Events rows={events} onAsk={ask} />}
      {told && <SilentInstances silent={told.silent} />}
      {question && <QuestionDialog question={question} onClose={() => ask(undefined)} />}
    </div>
  );
}

interface RowsProps<T> {
  readonly rows: readonly Shown<T>[];
  readonly onAsk: (question: Question) => void;
}

const Groups = ({ rows, onAsk }: RowsProps<Group>) => (
  <Table
    rows={rows}
    keyOf={({ name = '' }) => name}
    most={MAX_ROWS}
    isFailed={hasFailed}
    columns={[
      ['Group', ({ name }) => name],
      ['State', (group) => <Lane of={group} stopped="stopped for failed keys" />],
      ['Method', ({ method }) => method],
      ['Waiting', ({ waiting }) => waiting ?? 0, 'number'],
      ['Running', ({ running }) => running ?? 0, 'number'],
      ['Failed', ({ failed }) => failed ?? 0, 'number'],
      ['Waiting since', ({ oldestTime }) => formatDate(oldestTime)],
      ['Lost', ({ cut }) => cut ?? 0, 'number'],
      ['Change', (group) => <Ask questions={aboutGroup(group)} onAsk={onAsk} />],
    ]}
  />
);

const Events = ({ rows, onAsk }: RowsProps<DeadEvent>) => (
  <>
    <h3>Not delivered</h3>
    <Table
      rows={rows}
      keyOf={idOf}
      most={MAX_ROWS}
      columns={[
        ['Event', idOf],
        ['Key', ({ key }) => key],
        ['Published', ({ publishTime }) => formatDate(publishTime)],
        ['Attempts', ({ attempts }) => attempts ?? 0, 'number'],
        ['Last error', ({ error }) => error],
        ['Resolve', (event) => <Ask questions={aboutEvent(event)} onAsk={onAsk} />],
      ]}
    />
  </>
);

const aboutEvent = (event: Shown<DeadEvent>) =>
  aboutCall(idOf(event), (discard) => {
    const { instanceId, id = '' } = event;
    return consoleService.call('resolveEvents', { instanceId, [discard ? 'discard' : 'retry']: { id } });
  });

const aboutGroup = ({ name = '', instanceId }: Shown<Group>): readonly Question[] => [
  {
    ...{ verb: 'Replay', what: name, field: 'Published from, such as 2026-03-01T09:00:00Z; empty for all' },
    text: 'The events that are kept are delivered to it again, and its handlers run again.',
    act: (from) => {
      const replay = { group: name, ...(from !== '' && { fromTime: from }) };
      return consoleService.call('resolveEvents', { instanceId, replay });
    },
  },
  {
    ...{ verb: 'Remove', what: name },
    text: 'It is removed with all that it has not taken. Its subscribers register it again within a minute while they run.',
    act: () => consoleService.call('resolveEvents', { instanceId, remove: { group: name } }),
  },
];
