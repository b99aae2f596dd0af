import { SignIn } from '../access.js';
import type { Connection } from './feed.js';

interface ConnectionLineProps {
  readonly connection: Connection;
  /** Called when a person has given credentials. */
  readonly onSignIn: () => void;
}

/** Says whether a page is live, and asks for credentials if that helps. */
export function ConnectionLine({ connection: { kind, why }, onSignIn }: ConnectionLineProps) {
  const text = {
    connecting: 'Connecting …',
    live: 'Live.',
    away: `Not live: ${why}. Trying again; below is what was known last.`,
    refused: `This can’t be shown: ${why}.`,
  }[kind];
  return (
    <>
      <p role="status" class={kind === 'live' ? 'good' : kind === 'connecting' ? 'quiet' : 'warn'}>
        {text}
      </p>
      {kind === 'refused' && <SignIn onDone={onSignIn} />}
    </>
  );
}
