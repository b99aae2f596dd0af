import type { ConsoleServiceDefinition } from '@rondo/contracts/rondo/gateway/v1/console';
import { useState } from 'preact/hooks';
import { setCredentials } from './calls/connect.js';
import { CallFault, textOf } from './page/fault.js';
import { serviceOf } from './page/service.js';

/** The console's own contract. */
export const consoleService = serviceOf<typeof ConsoleServiceDefinition>('rondo.gateway.v1.ConsoleService');

/** What the gateway lets this person do. */
export type Access =
  | { readonly kind: 'unknown' }
  | { readonly kind: 'operator'; readonly subject: string; readonly dashboards: string }
  /** `away`: the gateway doesn't answer, and asking again may help. */
  | { readonly kind: 'refused' | 'away'; readonly why: string };

const AWAY = new Set(['unavailable', 'deadline_exceeded', 'internal', 'canceled']);
const isAway = (cause: unknown) => cause instanceof CallFault && AWAY.has(cause.code);

/** Asks whether this person may operate. */
export const checkAccess = (): Promise<Access> =>
  consoleService.call('checkAccess', {}).then(
    ({ subject = '', dashboards = '' }): Access => ({ kind: 'operator', subject, dashboards }),
    (cause): Access => ({ kind: isAway(cause) ? 'away' : 'refused', why: textOf(cause) }),
  );

/** Takes a token or an API key, until the page is reloaded or left. */
export function SignIn({ onDone }: { readonly onDone: () => void }) {
  const [given, setGiven] = useState('');
  return (
    <form
      class="row"
      onSubmit={(event) => {
        event.preventDefault();
        setCredentials(given);
        onDone();
      }}
    >
      <label for="credentials">Token or API key</label>
      <input
        id="credentials"
        type="password"
        autoComplete="off"
        value={given}
        onInput={({ currentTarget }) => setGiven(currentTarget.value)}
      />
      <button type="submit">Use it until I leave this page</button>
    </form>
  );
}
