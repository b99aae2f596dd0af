import type { ComponentChildren } from 'preact';
import { useStream } from '../calls/use-stream.js';
import { Table } from '../page/table.js';
import { Badge, Empty, ErrorText, View } from '../ui/parts.js';
import { formatDate, formatTime } from '../ui/text.js';
import { type Party, type Seen, takeTransactions } from './read-transactions.js';

/** An operator has to act, or a participant holds locks until it learns the decision. */
const [STUCK, HELD] = [/conflict|parked/, /doubt/];
const toneOf = ({ work: { state }, isOpen }: Seen) =>
  !isOpen ? 'good' : STUCK.test(state) ? 'fault' : HELD.test(state) ? 'warn' : '';

/** The transactions and sagas that aren't finished, and those that have ended while the page looked. */
export function TransactionsPage() {
  const request = { kinds: ['WORK_KIND_TRANSACTIONS' as const] };
  const stream = useStream({ method: 'watchWork', request, take: takeTransactions });
  const seen = [...(stream.data?.seen.values() ?? [])];
  const all = seen.sort((one, other) => (one.work.since < other.work.since ? -1 : 1));
  const ended = all.filter(({ isOpen }) => !isOpen).reverse();
  return (
    <View title="Transactions" connection={stream.connection} silent={stream.data?.silent}>
      <Works
        rows={all.filter(({ isOpen }) => isOpen)}
        empty={
          <Empty
            of={stream.data}
            what="No transaction and no saga is open"
            hint="One that lasts longer than two seconds appears here, with what it waits for."
          />
        }
      />
      <Works title="Ended while you looked" rows={ended} empty={null} />
      <p class="quiet">
        Each step of one that has ended is in its trace:{' '}
        <a href="#/traces/?name=transaction+log-finished">the last transactions</a>.
      </p>
    </View>
  );
}

/** Who has committed, and who holds a prepared branch. */
const Parties = ({ parties }: { readonly parties: readonly Party[] }) => (
  <ul class="parties">
    {parties.map(({ name, tone, state }) => (
      <li key={name}>
        {name} <Badge tone={tone}>{state}</Badge>
      </li>
    ))}
  </ul>
);

interface WorksProps {
  readonly title?: string;
  readonly rows: readonly Seen[];
  readonly empty: ComponentChildren;
}

const Works = (props: WorksProps) => (
  <Table
    {...props}
    keyOf={({ work }) => work.id}
    isFailed={({ work }) => STUCK.test(work.state)}
    columns={[
      [
        'About',
        ({ work: { about, id } }) => (
          <>
            {about} <small>{id}</small>
          </>
        ),
      ],
      ['State', (one) => <Badge tone={toneOf(one)}>{one.isOpen ? one.work.state : 'ended'}</Badge>],
      ['Participants', ({ work, isOpen }) => isOpen && work.parties.length > 0 && <Parties parties={work.parties} />],
      ['Waits for', ({ work, isOpen }) => isOpen && <ErrorText>{work.waitsFor}</ErrorText>],
      ['Attempts', ({ work }) => work.attempts, 'number'],
      ['Since', ({ work }) => formatDate(work.since)],
      ['Seen', ({ steps }) => steps.map(({ unixMs, state }) => `${formatTime(unixMs)} ${state}`).join(' → ')],
    ]}
  />
);
