import { useState } from 'preact/hooks';
import { recordOf, replyOf, setCredentials } from './calls/connect.js';
import { textOf } from './page/fault.js';

/** The path of a method of the console's own contract. */
export const consoleMethod = (name: string): string => `/rondo.gateway.v1.ConsoleService/${name}`;

/** What the gateway lets this person do. */
export type Access =
  | { readonly kind: 'unknown' }
  | { readonly kind: 'operator'; readonly subject: string }
  | { readonly kind: 'refused'; readonly why: string };

/** Asks whether this person may operate. */
export const checkAccess = (): Promise<Access> =>
  replyOf(consoleMethod('CheckAccess'), {}).then(
    (reply): Access => ({ kind: 'operator', subject: String(recordOf(reply)['subject'] ?? '') }),
    (cause): Access => ({ kind: 'refused', why: textOf(cause) }),
  );

/** Takes a token or an API key, for as long as the tab is open. */
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
      <button type="submit">Use it in this tab</button>
    </form>
  );
}
