import type { SilentInstance } from '@rondo/contracts/rondo/gateway/v1/console';
import type { Json } from '../page/json.js';

/** Instances that don't answer, and why. */
export type Silent = ReadonlyMap<string, string>;

/** What instances have answered, and which of them don't. */
interface Answers {
  readonly answers?: readonly { readonly instanceId?: string | undefined }[] | undefined;
  readonly silent?: readonly Json<SilentInstance>[] | undefined;
}

/** Takes the instances that an event names, and forgets those that have answered or left. */
export function takeSilent(before: Silent | undefined, { answers = [], silent = [] }: Answers): Silent {
  const now = new Map(before);
  for (const { instanceId = '' } of answers) now.delete(instanceId);
  for (const { instanceId = '', reason = '' } of silent) {
    if (reason === '') now.delete(instanceId);
    else now.set(instanceId, reason);
  }
  return now;
}

const MAX_LISTED = 20;

/** Names the instances that don't answer. */
export function SilentInstances({ silent }: { readonly silent: Silent }) {
  if (silent.size === 0) return null;
  return (
    <details>
      <summary class="warn">
        {silent.size === 1 ? 'One instance doesn’t' : `${silent.size} instances don’t`} answer
      </summary>
      <ul>
        {[...silent].slice(0, MAX_LISTED).map(([id, reason]) => (
          <li key={id}>
            {id}: {reason}
          </li>
        ))}
        {silent.size > MAX_LISTED && <li>and {silent.size - MAX_LISTED} more</li>}
      </ul>
    </details>
  );
}
