import type { OperatorMark } from '@rondo/contracts/rondo/registry/v1/registry';
import { addressOf, standingOf } from '../registry/index.js';
import { formatAge, formatTable, type Paint, printable } from '../terminal/index.js';
import { describeMark, type Entry, remarksOn } from './remarks.js';

/** What people are shown of the registry. */
export interface Shown {
  readonly entries: readonly Entry[];
  /** The cordoned ones that aren't registered. */
  readonly absent: readonly OperatorMark[];
}

/** The instances as a table; columns that say nothing of any of them are left out. */
export function formatEntries(entries: readonly Entry[], nowMs: number): string {
  const versioned = entries.some(({ instance }) => instance.version !== '');
  const checked = entries.some(({ check }) => check !== undefined);
  const row = (cells: readonly string[], { check, version }: { check: string; version: string }, services: string) => {
    return [...cells, ...(checked ? [check] : []), ...(versioned ? [version] : []), services];
  };
  return formatTable([
    row(['INSTANCE', 'ADDRESS', 'ZONE', 'STATUS', 'AGE'], { check: 'CHECK', version: 'VERSION' }, 'SERVICES'),
    ...entries.map(({ instance, check }) => {
      const { instanceId, zone, registerTime, version, services } = instance;
      const age = registerTime === undefined ? '-' : formatAge(nowMs - registerTime.getTime());
      const cells = [instanceId, addressOf(instance), zone || '-', statusCell({ instance }, nowMs), age];
      return row(cells, { check: check?.state ?? '-', version: version || '-' }, [...services].sort().join(', '));
    }),
  ]);
}

/** Whoever's lease ran out may be dead, whatever it said last. */
function statusCell({ instance }: Pick<Entry, 'instance'>, nowMs: number): string {
  const { lapseTime } = instance;
  const standing = standingOf(instance);
  if (lapseTime === undefined || standing === 'CORDONED') return standing;
  return `LAPSED ${formatAge(nowMs - lapseTime.getTime())} ago`;
}

/** What is to be said below the table; empty where all is well. */
export function formatRemarks({ entries, absent }: Shown, nowMs: number, paint: Paint): string {
  const remarks = entries.flatMap((entry) => remarksOn(entry, nowMs));
  const marks = absent.map((mark) => `${mark.instanceId} is ${describeMark(mark, nowMs)}, and not registered`);
  const lines = [...remarks, ...marks].map((line) => `${paint('yellow', printable(line))}\n`);
  return lines.length === 0 ? '' : `\n${lines.join('')}`;
}
