import type { DeadEvent, Group } from '@rondo/contracts/rondo/events/v1/events';
import type { Json } from '../page/json.js';
import { Table } from '../page/table.js';
import { type Change, Changes } from '../ui/change.js';
import { Empty, ErrorText, State } from '../ui/parts.js';
import { formatDate } from '../ui/text.js';
import { type At, itemsOf, type Reported, resolveWork } from './watch.js';
import { COUNTS, changesOfCall, failedFirst, hasFailed, Lane, WorkPage } from './work-page.js';

const nameOf = ({ name = '' }: Json<Group>) => name;
const idOf = ({ group = '', id = '' }: Json<DeadEvent>) => `${group} ${id}`;
const isFailed = ({ state }: { readonly state: string }) => state === 'failed';

const notDelivered = ({ events }: Reported) => [
  ...(events?.refused ?? []).map((event) => ({ ...event, state: 'retried' })),
  ...(events?.events ?? []).map((event) => ({ ...event, state: 'failed' })),
];

/** The groups that subscribe, and the events that they couldn't take. */
export const EventsPage = () => (
  <WorkPage title="Events" kind="WORK_KIND_EVENTS">
    {(work) => (
      <>
        <Table
          rows={itemsOf(work, ({ events }) => events?.groups, nameOf)}
          keyOf={nameOf}
          isFailed={hasFailed}
          empty={
            <Empty
              of={work}
              what="No group subscribes to a topic"
              hint="A method subscribes by its option subscribe: see the guide Events."
            />
          }
          columns={[
            ['Group', nameOf],
            ['State', (group) => <Lane of={group} stopped="stopped for failed keys" />],
            ['Method', ({ method }) => method],
            ...COUNTS,
            ['Waiting since', ({ oldestTime }) => formatDate(oldestTime)],
            ['Lost', ({ cut }) => cut ?? 0, 'number'],
            ['Change', (group) => <Changes of={changesOfGroup(group)} />],
          ]}
        />
        {[...new Set([...(work?.byInstance.values() ?? [])].flatMap(({ events }) => events?.carrierFault || []))].map(
          (fault) => (
            <p key={fault} class="banner warn">
              {fault}
            </p>
          ),
        )}
        <Table
          title="Not delivered, those that failed first"
          rows={failedFirst(itemsOf(work, notDelivered, idOf), isFailed)}
          keyOf={idOf}
          isFailed={isFailed}
          empty={null}
          columns={[
            ['Event', idOf],
            ['Key', ({ key }) => key],
            ['State', ({ state }) => <State of={state} />],
            ['Published', ({ publishTime }) => formatDate(publishTime)],
            ['Attempts', ({ attempts }) => attempts ?? 0, 'number'],
            ['Refusals', ({ refusals }) => refusals, 'number'],
            ['Last error', ({ error }) => <ErrorText>{error}</ErrorText>],
            ['Resolve', (event) => <Changes of={changesOfEvent(event)} />],
          ]}
        />
      </>
    )}
  </WorkPage>
);

const changesOfEvent = (event: At<Json<DeadEvent>>) =>
  changesOfCall(idOf(event), (verb) => resolveWork(event.instanceId, { [`${verb}Event`]: { id: event.id } }));

const changesOfGroup = ({ name: group = '', instanceId }: At<Json<Group>>): readonly Change[] => [
  {
    verb: 'Replay',
    what: group,
    field: { label: 'Published from, such as 2026-03-01T09:00:00Z; empty for all' },
    text: 'The events that are kept are delivered to it again, and its handlers run again.',
    act: (from) => resolveWork(instanceId, { replayEvents: { group, ...(from !== '' && { fromTime: from }) } }),
  },
  {
    verb: 'Remove',
    what: group,
    text: 'It is removed with all that it has not taken. Its subscribers register it again within a minute while they run.',
    act: () => resolveWork(instanceId, { removeGroup: { group } }),
  },
];
