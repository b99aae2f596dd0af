import type { WorkKind } from '@rondo/contracts/rondo/gateway/v1/console';
import type { ComponentChildren } from 'preact';
import type { Json } from '../page/json.js';
import type { Change } from '../ui/change.js';
import { Badge, View } from '../ui/parts.js';
import { useWork, type Work } from './watch.js';

interface WorkPageProps {
  readonly title: string;
  readonly kind: Json<WorkKind>;
  /** Undefined until the first instance has answered. */
  readonly children: (work: Work | undefined) => ComponentChildren;
}

/** What instances have of one kind of stored work, live. */
export function WorkPage({ title, kind, children }: WorkPageProps) {
  const { data, connection } = useWork({ kinds: [kind] });
  return (
    <View title={title} connection={connection} silent={data?.silent}>
      {children(data)}
    </View>
  );
}

/** How many calls of a method or a group wait, run and have failed, as 64-bit integers are in JSON. */
interface Counts {
  readonly waiting?: string | undefined;
  readonly running?: string | undefined;
  readonly failed?: string | undefined;
}

export const hasFailed = ({ failed = '0' }: Counts) => failed !== '0';

/** Whether stored calls are made: in a word, and how many have failed, run and wait as a bar. */
export function Lane({ of, stopped }: { readonly of: Counts; readonly stopped: string }) {
  const { waiting = '0', running = '0', failed = '0' } = of;
  if (failed === '0' && running === '0' && waiting === '0') return <Badge tone="good">up to date</Badge>;
  const [tone, state] =
    failed !== '0'
      ? (['fault', stopped] as const)
      : running !== '0'
        ? (['good', 'delivering'] as const)
        : (['warn', 'waiting'] as const);
  return (
    <>
      <Badge tone={tone}>{state}</Badge>
      <div class="lane">
        <i class="fault" style={{ flexGrow: failed }} />
        <i class="good" style={{ flexGrow: running }} />
        <i class="quiet" style={{ flexGrow: waiting }} />
      </div>
    </>
  );
}

export const failedFirst = <T,>(rows: readonly T[], isFailed: (row: T) => boolean): readonly T[] => [
  ...rows.filter(isFailed),
  ...rows.filter((row) => !isFailed(row)),
];

/** The columns of {@link Counts}. */
export const COUNTS = [
  ['Waiting', ({ waiting }: Counts) => waiting ?? 0, 'number'],
  ['Running', ({ running }: Counts) => running ?? 0, 'number'],
  ['Failed', ({ failed }: Counts) => failed ?? 0, 'number'],
] as const;

/** What can be done to a stored call that has failed or waits. */
export const changesOfCall = (
  what: string,
  act: (verb: 'retry' | 'discard') => Promise<unknown>,
): readonly Change[] => [
  { verb: 'Retry', what, text: 'It is tried now, with as many attempts as a new one.', act: () => act('retry') },
  { verb: 'Discard', what, text: 'It is removed, and an attempt that runs is cancelled.', act: () => act('discard') },
];
