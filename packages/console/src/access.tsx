import type { ConsoleServiceDefinition } from '@rondo/contracts/rondo/gateway/v1/console';
import { setCredentials } from './calls/connect.js';
import { serviceOf } from './page/service.js';

/** The console's own contract. */
export const consoleService = serviceOf<typeof ConsoleServiceDefinition>('rondo.gateway.v1.ConsoleService');

/** Takes a token or an API key, until the page is reloaded or left. */
export const SignIn = ({ onDone }: { readonly onDone: () => void }) => (
  <form
    class="row"
    onSubmit={(event) => {
      event.preventDefault();
      setCredentials(String(new FormData(event.currentTarget).get('credentials')));
      onDone();
    }}
  >
    <label for="credentials">Token or API key</label>
    <input id="credentials" name="credentials" type="password" autoComplete="off" />
    <button type="submit">Use it until I leave this page</button>
  </form>
);
