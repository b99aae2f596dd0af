import type { ComponentChildren } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { credentials, setCredentials } from './calls/connect.js';
import { consoleService } from './calls/use-stream.js';
import { useWatch } from './calls/watch.js';
import { FleetPage } from './fleet/fleet-page.js';
import { LogsPage } from './logs/logs-page.js';
import { OverviewPage } from './overview/overview-page.js';
import { SignIn } from './page/connection-line.js';
import { Header, usePlace } from './page/frame.js';
import { SettingsPage } from './settings/settings-page.js';
import { TracesPage } from './traces/traces-page.js';
import { ContractsPage } from './try/contracts-page.js';
import { EventsPage } from './work/events-page.js';
import { JobsPage } from './work/jobs-page.js';
import { RunsPage } from './work/runs-page.js';
import { TransactionsPage } from './work/transactions-page.js';

/** By the first part of the address: the title, and what is shown at the rest of it. */
const PAGES: Readonly<Record<string, readonly [title: string, show: (rest: readonly string[]) => ComponentChildren]>> =
  {
    overview: ['Overview', ([service = '', method = '']) => <OverviewPage service={service} method={method} />],
    fleet: ['Fleet', (rest) => <FleetPage path={rest} />],
    traces: ['Traces', (rest) => <TracesPage at={rest.join('/')} />],
    logs: ['Logs', () => <LogsPage />],
    transactions: ['Transactions', () => <TransactionsPage />],
    runs: ['Runs', (rest) => <RunsPage key={rest.join('/')} name={rest.join('/')} />],
    jobs: ['Jobs', () => <JobsPage />],
    events: ['Events', () => <EventsPage />],
    settings: ['Settings', () => <SettingsPage />],
  };

type Access = Awaited<ReturnType<typeof consoleService.call<'checkAccess'>>>;

/** Asks whether this person may operate. */
async function* askAccess() {
  yield await consoleService.call('checkAccess', {});
}

/** The frame of all pages. */
export function App() {
  const at = usePlace();
  const [round, setRound] = useState(0);
  const again = () => setRound(round + 1);
  const asked = useWatch({
    open: askAccess,
    key: String(round),
    take: (_: unknown, answer: Access) => answer,
    ends: true,
  });
  const { kind, why } = asked.connection;
  const access = kind === 'refused' ? undefined : asked.data;
  const [page = '', ...rest] = at.join('/') === '' ? ['overview'] : at;
  // On a narrow screen the pages stand in one line, which scrolls.
  useEffect(
    () => document.querySelector('nav [aria-current]')?.scrollIntoView({ block: 'nearest', inline: 'center' }),
    [page],
  );
  const main = useRef<HTMLElement>(null);
  const before = useRef(at.join('/'));
  // The link that was followed is gone with its page.
  useEffect(() => {
    const hasMoved = before.current !== at.join('/');
    before.current = at.join('/');
    if (hasMoved && document.activeElement === document.body) main.current?.focus();
  }, [at]);
  const signOut = () => {
    setCredentials('');
    again();
  };
  const links = [
    ...Object.entries(PAGES).map(([name, [title]]) => [name, title] as const),
    ['methods', 'Methods'] as const,
  ];
  return (
    <div class="shell">
      <Header
        title="Rondo"
        places={links}
        at={page}
        more={access?.dashboards && <a href={access.dashboards}>Dashboards ↗</a>}
      >
        {access?.subject && <span>{access.subject}</span>}
        {credentials().length > 0 && (
          <button type="button" onClick={signOut}>
            Forget the credentials
          </button>
        )}
      </Header>
      <main ref={main} tabIndex={-1}>
        {kind === 'away' && !access && (
          <p class="page banner warn" role="status">
            Not live: {why}. Trying again.
          </p>
        )}
        {kind === 'refused' && (
          <section class="page" role="alert">
            <p class="banner warn">Instances can’t be shown or operated: {why}</p>
            <SignIn onDone={again} />
          </section>
        )}
        {access && Object.hasOwn(PAGES, page) && PAGES[page]?.[1](rest)}
        {page === 'methods' && <ContractsPage key={round} name={rest.join('/')} />}
        {links.every(([name]) => name !== page) && <a href="#/overview">There is no page “{page}”: see the overview</a>}
      </main>
    </div>
  );
}
