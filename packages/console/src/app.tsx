import { useEffect, useState } from 'preact/hooks';
import { type Access, checkAccess, SignIn } from './access.js';
import { credentials, setCredentials } from './calls/connect.js';
import { FleetPage } from './fleet/fleet-page.js';
import { EventsPage } from './jobs/events-page.js';
import { JobsPage } from './jobs/jobs-page.js';
import { LogsPage } from './logs/logs-page.js';
import { usePlace } from './page/frame.js';
import { SettingsPage } from './settings/settings-page.js';
import { TracesPage } from './traces/traces-page.js';
import { TransactionsPage } from './transactions/transactions-page.js';
import { ContractsPage } from './try/contracts-page.js';

const PAGES = [
  ['fleet', 'Fleet'],
  ['traces', 'Traces'],
  ['logs', 'Logs'],
  ['transactions', 'Transactions'],
  ['jobs', 'Jobs'],
  ['events', 'Events'],
  ['settings', 'Settings'],
  ['methods', 'Methods'],
] as const;

/** The frame of all pages. */
export function App() {
  const at = usePlace();
  const [access, setAccess] = useState<Access>({ kind: 'unknown' });
  const [round, setRound] = useState(0);
  useEffect(() => {
    let isCurrent = true;
    void checkAccess().then((found) => isCurrent && setAccess(found));
    return () => {
      isCurrent = false;
    };
  }, [round]);
  const [page = '', ...rest] = at.join('/') === '' ? ['fleet'] : at;
  const again = () => setRound(round + 1);
  const signOut = () => {
    setCredentials('');
    again();
  };
  return (
    <>
      <header>
        <h1>Rondo</h1>
        <nav aria-label="Pages">
          {PAGES.map(([name, title]) => (
            <a key={name} href={`#/${name}`} aria-current={page === name ? 'page' : undefined}>
              {title}
            </a>
          ))}
        </nav>
        {access.kind === 'operator' && access.subject !== '' && <span>{access.subject}</span>}
        {credentials().length > 0 && (
          <button type="button" onClick={signOut}>
            Forget the credentials
          </button>
        )}
      </header>
      <main>
        {access.kind === 'refused' && (
          <section class="page" role="alert">
            <p class="warn">Instances can’t be shown or operated: {access.why}</p>
            <SignIn onDone={again} />
          </section>
        )}
        {page === 'fleet' && access.kind === 'operator' && <FleetPage path={rest} />}
        {page === 'traces' && access.kind === 'operator' && <TracesPage at={rest.join('/')} />}
        {page === 'logs' && access.kind === 'operator' && <LogsPage key={rest[0]} instance={rest[0] ?? ''} />}
        {page === 'transactions' && access.kind === 'operator' && <TransactionsPage />}
        {page === 'jobs' && access.kind === 'operator' && <JobsPage />}
        {page === 'events' && access.kind === 'operator' && <EventsPage />}
        {page === 'settings' && access.kind === 'operator' && <SettingsPage />}
        {page === 'methods' && <ContractsPage key={round} name={rest.join('/')} />}
      </main>
    </>
  );
}
