import type { Instance, OperatorMark, RefusedRegistration } from '@rondo/contracts/rondo/registry/v1/registry';
import { whyNoShare } from '@rondo/rpc/resolver';
import { isCordoned, statusOf } from '../registry/index.js';
import { formatAge } from '../terminal/index.js';
import type { Check } from './check.js';

/** An instance, and what is known of it beside what it says. */
export interface Entry {
  readonly instance: Instance;
  readonly mark: OperatorMark | undefined;
  /** Undefined where nobody asked. */
  readonly check: Check | undefined;
}

/** Why no client picks an instance, as it stands behind `isn't picked:`; undefined where clients may. */
export function notPicked({ instance, mark }: Entry, nowMs: number): string | undefined {
  if (isCordoned(instance)) return describeMark(mark, nowMs);
  const status = statusOf(instance);
  if (status === 'SERVING') return aside(instance);
  return WHY[status] ?? `it says that it is ${status}`;
}

function aside(instance: Instance): string | undefined {
  const why = whyNoShare(instance);
  return why === undefined ? undefined : `it ${why}`;
}

const WHY: Readonly<Record<string, string>> = {
  STARTING: "it is starting: what it can't serve without, such as its database, isn't there yet",
  DRAINING: 'it is draining: it finishes its calls, and stops',
};

/** `cordoned 3m ago (replacing the disk)` */
export function describeMark(mark: OperatorMark | undefined, nowMs: number): string {
  const since = mark?.setTime === undefined ? '' : ` ${formatAge(nowMs - mark.setTime.getTime())} ago`;
  return `cordoned${since}${mark === undefined || mark.reason === '' ? '' : ` (${mark.reason})`}`;
}

/** What to say of an instance below the list, a sentence each. */
export function remarksOn(entry: Entry, nowMs: number): readonly string[] {
  const { instance, check } = entry;
  const why = notPicked(entry, nowMs);
  return [
    ...(why === undefined ? [] : [`isn't picked: ${why}`]),
    ...(instance.lapseTime === undefined ? [] : [`${lapse(instance.lapseTime, nowMs)}; ${HELD_BACK}`]),
    ...(instance.lastRefused === undefined ? [] : [`${claim(instance.lastRefused, nowMs)}; ${OWN_IDS}`]),
    ...(check === undefined || check.state === 'ok' ? [] : [check.reason]),
  ].map((remark) => `${instance.instanceId} ${remark}`);
}

/** `is also claimed by a process at 127.0.0.1:50054, which the registry refused 3s ago` */
const claim = ({ address, refuseTime }: RefusedRegistration, nowMs: number) => {
  const ago = refuseTime === undefined ? '' : ` ${formatAge(nowMs - refuseTime.getTime())} ago`;
  return `is also claimed by a process at ${address}, which the registry refused${ago}`;
};

const OWN_IDS = 'give each its own RONDO_INSTANCE_ID, or stop one of them';

const HELD_BACK = 'it stays for now, as so many ran out at once that network trouble is likelier than the death of all';

const lapse = (lapseTime: Date, nowMs: number) =>
  `hasn't renewed its lease, which ran out ${formatAge(nowMs - lapseTime.getTime())} ago`;
