import { channel } from 'node:diagnostics_channel';

/** What coordinators and participants do, one after the other: each write to a log, and each message. */
const DONE_BY = {
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

/** Who does a step. */
export type Role = keyof typeof DONE_BY;

/** A step, by who does it. */
export type StepName<R extends Role = Role> = (typeof DONE_BY)[R][number];

/** A point of the protocol at which a process may die. */
export interface ProtocolPoint {
  readonly role: Role;
  readonly step: StepName;
  /** Whether it is about to be done or has just been done. */
  readonly moment: 'before' | 'after';
}

/** What is published at each point. */
export interface TransactionEvent extends ProtocolPoint {
  readonly transactionId: string;
  /** The name of the coordinator or participant that does it. */
  readonly name: string;
}

/** The `node:diagnostics_channel` on which every {@link TransactionEvent} is published, synchronously. */
export const TRANSACTIONS_CHANNEL = 'rondo.transactions';

/** Every point of the protocol, so that a test can break off at each. */
export const PROTOCOL_POINTS: readonly ProtocolPoint[] = [
  ...DONE_BY.coordinator.flatMap((step) => around('coordinator', step)),
  ...DONE_BY.participant.flatMap((step) => around('participant', step)),
];

function around(role: Role, step: StepName): readonly ProtocolPoint[] {
  return [
    { role, step, moment: 'before' },
    { role, step, moment: 'after' },
  ];
}

const points = channel(TRANSACTIONS_CHANNEL);

/** Tells of one point. */
export function announce(event: TransactionEvent): void {
  if (points.hasSubscribers) points.publish(event);
}

/** Does a step and tells of it, before it and, where it succeeded, after it. */
export type Perform<R extends Role> = <T>(step: StepName<R>, work: () => Promise<T>) => Promise<T>;

/** What does the steps of one transaction. */
export function performer<R extends Role>(role: R, who: Pick<TransactionEvent, 'transactionId' | 'name'>): Perform<R> {
  return async (step, work) => {
    announce({ role, step, moment: 'before', ...who });
    const result = await work();
    announce({ role, step, moment: 'after', ...who });
    return result;
  };
}
