import { useStream } from '../calls/use-stream.js';
import { Connection } from '../ui/connection.js';
import { SilentInstances } from '../ui/silent.js';
import { formatTime } from '../ui/text.js';
import { type Seen, takeTransactions } from './read-transactions.js';

/** A page has a bounded number of elements, however many transactions there are. */
const MAX_ROWS = 100;

/** The transactions and sagas that aren't finished, and those that have ended while the page looked. */
export function TransactionsPage() {
  const { told, ...stream } = useStream({ method: 'WatchTransactions', request: {}, take: takeTransactions });
  const all = [...(told?.seen.values() ?? [])].sort((one, other) => (one.work.since < other.work.since ? -1 : 1));
  const open = all.filter(({ isOpen }) => isOpen);
  const ended = all.filter(({ isOpen }) => !isOpen).reverse();
  return (
    <div class="page">
      <h2>Transactions</h2>
      <Connection of={stream} />
      {open.length > 0 ? (
        <Table title="Not finished, the oldest first" rows={open} />
      ) : (
        <p>{told ? 'No transaction and no saga is open.' : 'Nothing is known yet.'}</p>
      )}
      {ended.length > 0 && <Table title="Ended while you looked" rows={ended} />}
      <p class="quiet">
        Each step of one that is over is in its trace:{' '}
        <a href="#/traces/named/transaction log-finished">the last transactions</a>.
      </p>
      {told && <SilentInstances silent={told.silent} />}
    </div>
  );
}

function Table({ title, rows }: { readonly title: string; readonly rows: readonly Seen[] }) {
  return (
    <>
      <h3>{title}</h3>
      <table>
        <thead>
          <tr>
            {['About', 'State', 'Waits for', 'Attempts', 'Since', 'Id', 'Seen'].map((name) => (
              <th key={name} scope="col">
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.slice(0, MAX_ROWS).map(({ work, steps, isOpen }) => (
            <tr key={work.id} class={/CONFLICT|PARKED/.test(work.state) ? 'failed' : undefined}>
              <th scope="row">{work.about}</th>
              <td data-title="State">{isOpen ? work.state : 'ended'}</td>
              <td data-title="Waits for">{isOpen ? work.waitsFor : ''}</td>
              <td data-title="Attempts">{work.attempts}</td>
              <td data-title="Since">{formatTime(Date.parse(work.since))}</td>
              <td data-title="Id">{work.id}</td>
              <td data-title="Seen">
                {steps.map(({ unixMs, state }) => `${formatTime(unixMs)} ${state}`).join(' → ')}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      {rows.length > MAX_ROWS && <p>and {rows.length - MAX_ROWS} more</p>}
    </>
  );
}
