import { setCredentials } from '../calls/connect.js';

/** How a page hears of changes. */
export interface Connection {
  /**
   * `over`: the stream has sent all. `refused`: asking again is of no use before a person signs in, or chooses something else.
   */
  readonly kind: 'connecting' | 'live' | 'over' | 'away' | 'refused';
  /** Why it is away or refused; empty otherwise. */
  readonly why: string;
}

interface ConnectionLineProps {
  readonly connection: Connection;
  /** Called when a person has given credentials. */
  readonly onSignIn?: () => void;
}

/** Shows whether a page is live, and asks for credentials if that helps. */
export function ConnectionLine({ connection: { kind, why }, onSignIn }: ConnectionLineProps) {
  const [look, text] = {
    connecting: ['badge', 'Connecting …'],
    live: ['badge good', 'Live'],
    over: ['', ''],
    away: ['banner warn', `Not live: ${why}. Trying again; below is what was known last.`],
    refused: ['banner warn', `This can’t be shown: ${why}.`],
  }[kind];
  return (
    <>
      <p role="status" class={look}>
        {text}
      </p>
      {kind === 'refused' && onSignIn && <SignIn onDone={onSignIn} />}
    </>
  );
}

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
