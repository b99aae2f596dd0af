import type { JsonValue } from '@bufbuild/protobuf';
import { listOf, recordOf } from '../calls/connect.js';

/** Instances that don't tell what they are asked, and why. */
export type Silent = ReadonlyMap<string, string>;

/** Takes the instances that an event names, and forgets those that have told something. */
export function takeSilent(before: Silent | undefined, silent: JsonValue | undefined, told: readonly string[]): Silent {
  const now = new Map(before);
  for (const id of told) now.delete(id);
  for (const { instanceId, reason } of listOf(silent).map(recordOf)) now.set(String(instanceId), String(reason));
  return now;
}

const MAX_LISTED = 20;

/** Names the instances that tell nothing. */
export function SilentInstances({ silent }: { readonly silent: Silent }) {
  if (silent.size === 0) return null;
  return (
    <details>
      <summary class="warn">
        {silent.size === 1 ? 'One instance tells' : `${silent.size} instances tell`} nothing
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
