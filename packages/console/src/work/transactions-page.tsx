import { Table } from '../page/table.js';
import { Badge, Empty, ErrorText } from '../ui/parts.js';
import { formatDate } from '../ui/text.js';
import { openIn, type Unfinished } from './read-transactions.js';
import type { Work } from './watch.js';
import { WorkPage } from './work-page.js';

/** An operator has to act, or a participant holds locks until it learns the decision. */
const [STUCK, HELD] = [/conflict|parked/, /doubt/];
const toneOf = ({ state }: Unfinished) => (STUCK.test(state) ? 'fault' : HELD.test(state) ? 'warn' : '');

const oldestFirst = (work: Work | undefined) =>
  [...(work ? openIn(work).values() : [])].sort((one, other) => (one.since < other.since ? -1 : 1));

/** The transactions and sagas that aren't finished. */
export const TransactionsPage = () => (
  <WorkPage title="Transactions" kind="WORK_KIND_TRANSACTIONS">
    {(work) => (
      <>
        <Table
          rows={oldestFirst(work)}
          keyOf={({ id }) => id}
          isFailed={({ state }) => STUCK.test(state)}
          empty={
            <Empty
              of={work}
              what="No transaction and no saga is open"
              hint="One that lasts longer than two seconds appears here, with what it waits for."
            />
          }
          columns={[
            [
              'About',
              ({ about, id }) => (
                <>
                  {about} <small>{id}</small>
                </>
              ),
            ],
            ['State', (one) => <Badge tone={toneOf(one)}>{one.state}</Badge>],
            ['Participants', ({ parties }) => parties.length > 0 && <Parties parties={parties} />],
            ['Waits for', ({ waitsFor }) => <ErrorText>{waitsFor}</ErrorText>],
            ['Attempts', ({ attempts }) => attempts, 'number'],
            ['Since', ({ since }) => formatDate(since)],
          ]}
        />
        <p class="quiet">
          Each step of one that has ended is in its trace:{' '}
          <a href="#/traces/?name=transaction+log-finished">the last transactions</a>.
        </p>
      </>
    )}
  </WorkPage>
);

/** Who has committed, and who holds a prepared branch. */
const Parties = ({ parties }: Pick<Unfinished, 'parties'>) => (
  <ul class="plain">
    {parties.map(({ name, tone, state }) => (
      <li key={name}>
        {name} <Badge tone={tone}>{state}</Badge>
      </li>
    ))}
  </ul>
);
