import { SignIn } from '../access.js';

/** How a page hears of changes. */
export interface Connection {
  /**
   * `over`: the stream has told all. `refused`: asking again is of no use before a person signs in, or chooses something else.
   */
  readonly kind: 'connecting' | 'live' | 'paused' | 'over' | 'away' | 'refused';
  /** Why it is away or refused; empty otherwise. */
  readonly why: string;
}

interface ConnectionLineProps {
  readonly connection: Connection;
  /** Called when a person has given credentials. */
  readonly onSignIn?: () => void;
}

/** Says whether a page is live, and asks for credentials if that helps. */
export function ConnectionLine({ connection: { kind, why }, onSignIn }: ConnectionLineProps) {
  const text = {
    connecting: 'Connecting …',
    live: 'Live.',
    paused: 'Paused: below is what was known then.',
    over: 'All instances were asked.',
    away: `Not live: ${why}. Trying again; below is what was known last.`,
    refused: `This can’t be shown: ${why}.`,
  }[kind];
  const look = { connecting: 'quiet', live: 'good', paused: 'quiet', over: 'good', away: 'warn', refused: 'warn' }[
    kind
  ];
  return (
    <>
      <p role="status" class={look}>
        {text}
      </p>
      {kind === 'refused' && onSignIn && <SignIn onDone={onSignIn} />}
    </>
  );
}
