import { useStream } from '../calls/use-stream.js';
import { Table } from '../page/table.js';
import { Badge, Empty, Head } from '../ui/parts.js';
import { SilentInstances } from '../ui/silent.js';
import { formatDate, formatTime } from '../ui/text.js';
import { type Party, type Seen, takeTransactions } from './read-transactions.js';

const MAX_ROWS = 100;
/** An operator has to act, or a participant holds locks until it learns the decision. */
const [STUCK, HELD] = [/CONFLICT|PARKED/, /DOUBT/];
const toneOf = (state: string) => (STUCK.test(state) ? 'fault' : HELD.test(state) ? 'warn' : '');

/** The transactions and sagas that aren't finished, and those that have ended while the page looked. */
export function TransactionsPage() {
  const { told, connection } = useStream({ method: 'watchTransactions', request: {}, take: takeTransactions });
  const all = [...(told?.seen.values() ?? [])].sort((one, other) => (one.work.since < other.work.since ? -1 : 1));
  const open = all.filter(({ isOpen }) => isOpen);
  const ended = all.filter(({ isOpen }) => !isOpen).reverse();
  return (
    <div class="page">
      <Head title="Transactions" connection={connection} />
      {open.length > 0 ? (
        <Works title="Not finished, the oldest first" rows={open} />
      ) : (
        <Empty
          what={told ? 'No transaction and no saga is open' : 'Nothing is known yet'}
          hint="One that lasts longer than two seconds appears here, with what it waits for."
        />
      )}
      {ended.length > 0 && <Works title="Ended while you looked" rows={ended} />}
      <p class="quiet">
        Each step of one that has ended is in its trace:{' '}
        <a href="#/traces/?name=transaction+log-finished">the last transactions</a>.
      </p>
      {told && <SilentInstances silent={told.silent} />}
    </div>
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

const Works = ({ title, rows }: { readonly title: string; readonly rows: readonly Seen[] }) => (
  <>
    <h3>{title}</h3>
    <Table
      rows={rows}
      keyOf={({ work }) => work.id}
      most={MAX_ROWS}
      isFailed={({ work }) => STUCK.test(work.state)}
      columns={[
        ['About', ({ work }) => work.about],
        [
          'State',
          ({ work, isOpen }) => (
            <Badge tone={isOpen ? toneOf(work.state) : 'good'}>{isOpen ? work.state : 'ended'}</Badge>
          ),
        ],
        ['Participants', ({ work, isOpen }) => isOpen && work.parties.length > 0 && <Parties parties={work.parties} />],
        ['Waits for', ({ work, isOpen }) => isOpen && work.waitsFor],
        ['Attempts', ({ work }) => work.attempts, 'number'],
        ['Since', ({ work }) => formatDate(work.since)],
        ['Id', ({ work }) => work.id],
        ['Seen', ({ steps }) => steps.map(({ unixMs, state }) => `${formatTime(unixMs)} ${state}`).join(' → ')],
      ]}
    />
  </>
);
