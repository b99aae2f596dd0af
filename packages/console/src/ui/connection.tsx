import type { Stream } from '../calls/use-stream.js';

/** Says whether a page is live. */
export function Connection({ of: { connection, why } }: { readonly of: Pick<Stream<unknown>, 'connection' | 'why'> }) {
  const text = {
    connecting: 'Connecting to the gateway …',
    away: `Not live: ${why}. Trying again; below is what was known last.`,
    live: 'Live.',
    over: 'All instances were asked.',
  }[connection];
  const isGood = connection === 'live' || connection === 'over';
  return (
    <p role="status" class={isGood ? 'good' : 'warn'}>
      {text}
    </p>
  );
}
