import type { OperatorMark } from '@rondo/contracts/rondo/registry/v1/registry';
import { CANARY_LABEL } from '@rondo/rpc/resolver';
import { addressOf, standingOf } from '../registry/index.js';
import { formatAge, formatTable, type Look, type Paint, printable, type Style } from '../terminal/index.js';
import { describeMark, type Entry, remarksOn } from './remarks.js';

/** What people are shown of the registry. */
export interface Shown {
  readonly entries: readonly Entry[];
  /** The cordoned ones that aren't registered. */
  readonly absent: readonly OperatorMark[];
}

/** The instances as a table; columns that say nothing of any of them are left out. */
export function formatEntries(entries: readonly Entry[], nowMs: number, { paint, width }: Look): string {
  const extra = EXTRA.filter(({ of }) => entries.some((entry) => of(entry) !== undefined));
  const heading = ['INSTANCE', 'ADDRESS', 'ZONE', 'STATUS', 'AGE', ...extra.map(({ title }) => title), 'SERVICES'];
  const rows = entries.map((entry) => {
    const { instanceId, zone, registerTime, services } = entry.instance;
    const age = registerTime === undefined ? '-' : formatAge(nowMs - registerTime.getTime());
    const cells = [instanceId, addressOf(entry.instance), zone || '-', statusCell(entry, nowMs), age];
    return [...cells, ...extra.map(({ of }) => of(entry) ?? '-'), [...services].sort().join(', ')];
  });
  return formatTable([heading, ...rows], {
    width,
    style: (text, { row, column }) => {
      if (row === 0) return paint('bold', text);
      return column === STATUS ? paint(STATUS_STYLES[text] ?? 'yellow', text) : text;
    },
  });
}

const STATUS = 3;
const STATUS_STYLES: Readonly<Record<string, Style>> = { SERVING: 'green', DRAINING: 'dim' };

/** A column that stands there where it says something of any. */
interface ExtraColumn {
  readonly title: string;
  readonly of: (entry: Entry) => string | undefined;
}

/** The weight that the registry fills in. */
const USUAL_WEIGHT = 100;

const EXTRA: readonly ExtraColumn[] = [
  { title: 'CHECK', of: ({ check }) => check?.state },
  { title: 'VERSION', of: ({ instance }) => instance.version || undefined },
  { title: 'CANARY', of: ({ instance }) => instance.metadata[CANARY_LABEL] },
  {
    title: 'WEIGHT',
    of: ({ instance: { weight } }) => (weight === 0 || weight === USUAL_WEIGHT ? undefined : String(weight)),
  },
];

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
