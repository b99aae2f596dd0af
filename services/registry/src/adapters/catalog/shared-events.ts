import type { WatchEvent } from '../../domain/watch-event.js';
import type { Slice } from './view.js';

/** By slice: the event that was made of it last. */
const events = new WeakMap<Slice, WatchEvent>();

/**
 * The event for a slice that a view gives to all who lack the same: `made`, or the one made before it where both say the
 * same. Whoever translates and encodes events then does so once, however many watch.
 */
export function shared(slice: Slice, made: WatchEvent): WatchEvent {
  const before = events.get(slice);
  if (before !== undefined && saysTheSame(before, made)) return before;
  events.set(slice, made);
  return made;
}

/** Of two events made of one slice. */
function saysTheSame(one: WatchEvent, other: WatchEvent): boolean {
  return one.kind === other.kind && one.warming === other.warming && revisionOf(one) === revisionOf(other);
}

function revisionOf(event: WatchEvent): bigint | undefined {
  return event.kind === 'snapshot-part' ? undefined : event.position.revision;
}
