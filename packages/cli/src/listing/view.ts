import type { RefusedRegistration } from '@rondo/contracts/rondo/registry/v1/registry';
import type { Marks } from '../registry/index.js';
import { viewInstance } from '../registry/index.js';
import { type Entry, notPicked } from './remarks.js';

/** An instance as `ps --json` prints it. */
export function viewEntry(entry: Entry, nowMs: number) {
  const { instance, mark, check } = entry;
  return {
    ...viewInstance(instance),
    cordonReason: mark?.reason ?? null,
    cordonTime: mark?.setTime?.toISOString() ?? null,
    lapseTime: instance.lapseTime?.toISOString() ?? null,
    lastRefused: viewRefused(instance.lastRefused),
    notPicked: notPicked(entry, nowMs) ?? null,
    ...(check !== undefined && { check }),
  };
}

function viewRefused(refused: RefusedRegistration | undefined) {
  if (refused === undefined) return null;
  const { incarnation, address, refuseTime } = refused;
  return { incarnation: String(incarnation), address, refuseTime: refuseTime?.toISOString() ?? null };
}

/** What operators have set, whether the instance is registered or not. */
export function viewMarks(marks: Marks, registered: ReadonlySet<string>) {
  return [...marks.values()].map(({ instanceId, reason, setTime }) => {
    return { instanceId, reason, setTime: setTime?.toISOString() ?? null, registered: registered.has(instanceId) };
  });
}
