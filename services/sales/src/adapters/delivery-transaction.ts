import { DeliverProjectRequest, DeliverProjectResponse } from '@rondo/contracts/projects/v1/delivery';
import { ProjectServiceDefinition } from '@rondo/contracts/projects/v1/projects';
import { DatabaseUnavailable, type Queries } from '@rondo/database';
import { currentScope } from '@rondo/rpc/call';
import { type Clock, type Random, sleep } from '@rondo/rpc/clock';
import { RpcError, Status } from '@rondo/rpc/status';
import { type Completion, type Coordinator, part } from '@rondo/transactions';
import type { DeliveryPlan } from '../domain/delivery.js';
import { ConcurrentChange, DeliveryRefused, Unavailable } from '../domain/errors.js';
import { nameOf, parseName } from '../domain/names.js';
import type { Deliveries, Stores } from '../domain/ports.js';
import { PASSING } from './peers.js';
import { toStoreError } from './database.js';
import { createTurns } from './semaphore.js';

/** The kind of transaction that accepts a quote; its subject is the quote. */
export const ACCEPT_QUOTE = 'accept-quote';

const DELIVER = { request: DeliverProjectRequest, result: DeliverProjectResponse };
/** What passes is tried again for so long, each time in a transaction of its own. */
const PATIENCE_MS = 3_000;
/** An attempt that takes longer is aborted; one more begins only where its caller waits that long. */
const ATTEMPT_MS = 2_000;
/**
 * Most want the same weeks of the team, which each holds until it is decided. Those that would only wait there wait here, where
 * their time isn't running yet; a replica of more would have them expire when many come.
 */
const AT_ONCE = 4;
const FIRST_PAUSE_MS = 50;
const MAX_PAUSE_MS = 500;

/** What deliveries are made with. */
interface DeliveriesOptions {
  readonly coordinator: Pick<Coordinator, 'run'>;
  readonly storesOver: (queries: Queries) => Stores;
  /** Told after a decision that there are changes to pass on. */
  readonly onDecided: () => void;
  readonly clock: Clock;
  readonly random: Random;
}

/** Deliveries by two-phase commit: project management prepares its part, `work` is done in the transaction that decides. */
export function createDeliveries({ coordinator, storesOver, onDecided, clock, random }: DeliveriesOptions): Deliveries {
  const once = async (plan: DeliveryPlan, work: (stores: Stores) => Promise<void>): Promise<void> => {
    await coordinator.run({
      kind: ACCEPT_QUOTE,
      subject: nameOf('quote', plan.quoteId),
      participants: [part(ProjectServiceDefinition, DELIVER, toRequest(plan))],
      local: (transaction) => work(storesOver(transaction)),
      timeoutMs: ATTEMPT_MS,
    });
    onDecided();
  };
  const turns = createTurns(AT_ONCE);
  return {
    async deliver(plan, work) {
      const { signal, limit } = currentScope() ?? {};
      let endsAt = (limit?.endsAt ?? Infinity) - ATTEMPT_MS;
      for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(2 * pauseMs, MAX_PAUSE_MS)) {
        try {
          return await turns(() => once(plan, work), signal);
        } catch (error) {
          // From the first fault on: whoever had to wait for a turn isn't to give up at once.
          if (pauseMs === FIRST_PAUSE_MS) endsAt = Math.min(endsAt, clock.now() + PATIENCE_MS);
          if (!isPassing(error) || clock.now() + pauseMs > endsAt) throw inDomainWords(error, plan);
        }
        await sleep(clock, (pauseMs * (1 + random.next())) / 2, signal);
      }
    },
  };
}

/** Records the project of a quote whose delivery has been confirmed. */
export function recordDelivery(storesOver: (queries: Queries) => Stores): Completion {
  return async (transaction, { subject }) => {
    const quoteId = parseName('quote', subject);
    if (quoteId === undefined) throw new Error(`"${subject}" names no quote`);
    await storesOver(transaction).orders.recordProject(quoteId, `projects/${quoteId}`);
  };
}

/** A project takes the id of its quote: project management itself has at most one of it. */
function toRequest({ quoteId, title, tasks }: DeliveryPlan) {
  return DeliverProjectRequest.fromPartial({ projectId: quoteId, project: { title }, tasks: [...tasks] });
}

function isPassing(error: unknown): boolean {
  return error instanceof DatabaseUnavailable || (error instanceof RpcError && PASSING.has(error.code));
}

function inDomainWords(error: unknown, { quoteId }: DeliveryPlan): unknown {
  if (!(error instanceof RpcError)) return toStoreError(error);
  if (error.code === Status.FAILED_PRECONDITION) return new DeliveryRefused(quoteId, error);
  if (error.code === Status.ABORTED) return new ConcurrentChange(error);
  // Of an earlier version, while the services are replaced one after another.
  const isOld = error.code === Status.UNIMPLEMENTED;
  return isOld || PASSING.has(error.code) ? new Unavailable('project management', error) : error;
}
