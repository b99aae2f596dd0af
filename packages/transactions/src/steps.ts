import { channel } from 'node:diagnostics_channel';
import { inSpan } from '@rondo/rpc/internal';

/** The steps of the protocol in order, by role: each write to a log, and each message. */
const STEPS = {
  coordinator: [
    'log-preparing',
    'send-prepare',
    'log-committing',
    'log-aborting',
    'send-commit',
    'send-abort',
    'log-finished',
  ],
  participant: ['operation', 'prepare', 'commit', 'abort', 'log-aborted'],
} as const;

/** The role that does a step. */
export type Role = keyof typeof STEPS;

export type StepName<R extends Role = Role> = (typeof STEPS)[R][number];

/** A point of the protocol at which a process may crash. */
export interface ProtocolPoint {
  readonly role: Role;
  readonly step: StepName;
  /** Whether the step is about to be done or has just been done. */
  readonly moment: 'before' | 'after';
}

/** The event at each point. */
export interface TransactionEvent extends ProtocolPoint {
  readonly transactionId: string;
  /** The name of the coordinator or participant. */
  readonly name: string;
}

/** The `node:diagnostics_channel` that publishes every {@link TransactionEvent}, synchronously. */
export const TRANSACTIONS_CHANNEL = 'rondo.transactions';

/** Every point of the protocol, so that a test can crash a process at each. */
export const PROTOCOL_POINTS: readonly ProtocolPoint[] = [
  ...STEPS.coordinator.flatMap((step) => around('coordinator', step)),
  ...STEPS.participant.flatMap((step) => around('participant', step)),
];

function around(role: Role, step: StepName): readonly ProtocolPoint[] {
  return [
    { role, step, moment: 'before' },
    { role, step, moment: 'after' },
  ];
}

const points = channel(TRANSACTIONS_CHANNEL);

/** Publishes one point. */
export function announce(event: TransactionEvent): void {
  if (points.hasSubscribers) points.publish(event);
}

/** Does the work of a step in a span of its own. */
export function inStep<T>(
  { role, step, transactionId, name }: Omit<TransactionEvent, 'moment'>,
  work: () => Promise<T>,
): Promise<T> {
  const attributes = {
    'rondo.transaction.id': transactionId,
    'rondo.transaction.role': role,
    'rondo.transaction.name': name,
  };
  return inSpan({ name: `transaction ${step}`, attributes }, work);
}

/** Does a step in a span of its own, and publishes an event before it and, if it succeeds, after it. */
export type Perform<R extends Role> = <T>(step: StepName<R>, work: () => Promise<T>) => Promise<T>;

/** Creates the `Perform` of one transaction. */
export function performer<R extends Role>(
  role: R,
  actor: Pick<TransactionEvent, 'transactionId' | 'name'>,
): Perform<R> {
  return (step, work) =>
    inStep({ role, step, ...actor }, async () => {
      announce({ role, step, moment: 'before', ...actor });
      const result = await work();
      announce({ role, step, moment: 'after', ...actor });
      return result;
    });
}
