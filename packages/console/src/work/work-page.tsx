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

/** Whether stored calls are made. */
export function Lane({ of, stopped }: { readonly of: Counts; readonly stopped: string }) {
  const { waiting = '0', running = '0' } = of;
  if (hasFailed(of)) return <Badge tone="fault">{stopped}</Badge>;
  if (running !== '0') return <Badge tone="good">delivering</Badge>;
  return waiting === '0' ? <Badge tone="good">up to date</Badge> : <Badge tone="warn">waiting</Badge>;
}

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
