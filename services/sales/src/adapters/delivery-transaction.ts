import type { Audit } from '@rondo/access';
import { DeliverProjectRequest, DeliverProjectResponse } from '@rondo/contracts/projects/v1/delivery';
import { ProjectServiceDefinition } from '@rondo/contracts/projects/v1/projects';
import { DatabaseUnavailable, type Queries } from '@rondo/database';
import { ConcurrentChange } from '@rondo/resources/domain';
import { toStoreError } from '@rondo/resources/sql';
import { currentScope } from '@rondo/rpc/call';
import { type Clock, createBackoff, createSemaphore, type Random, sleep } from '@rondo/rpc/clock';
import { RpcError, Status } from '@rondo/rpc/status';
import { type Completion, type Coordinator, participant } from '@rondo/transactions';
import type { DeliveryPlan } from '../domain/delivery.js';
import { DeliveryRefused, PeerUnavailable } from '../domain/errors.js';
import { NAMES, nameOf } from '../domain/names.js';
import type { DistributedTransact, Stores } from '../domain/ports.js';
import { TRANSIENT } from './peers.js';

/** The kind of the distributed transaction that accepts a quote. Its subject is the quote's name. */
export const ACCEPT_QUOTE = 'accept-quote';

const DELIVER = { request: DeliverProjectRequest, result: DeliverProjectResponse };
/** How long transient failures are retried after the first one. Each retry is a transaction of its own. */
const OUTAGE_WAIT_MS = 3_000;
/** The timeout of an attempt. Another attempt begins only if the call has that much time left. */
const ATTEMPT_MS = 2_000;
/**
 * The most transactions that a replica runs at once. Most of them lock the same weeks of the team until they end. The
 * others wait here, before their timeout starts to run. With more permits the waiting transactions would time out under
 * load.
 */
const PERMITS = 4;
const BACKOFF = { baseMs: 50, maxMs: 500 };

/** The dependencies of {@link createDistributedTransact}. */
interface DistributedTransactOptions {
  readonly coordinator: Pick<Coordinator, 'run'>;
  readonly storesOver: (queries: Queries) => Stores;
  readonly audit: Pick<Audit, 'record'>;
  /** Called after each commit, which has changes for watchers. */
  readonly onCommitted: () => void;
  readonly clock: Clock;
  readonly random: Random;
}

/**
 * Creates the project of a quote by two-phase commit: project management prepares its part, and `work` runs in the
 * local transaction that records the coordinator's decision.
 */
export function createDistributedTransact(options: DistributedTransactOptions): DistributedTransact {
  const { coordinator, storesOver, audit, onCommitted, clock, random } = options;
  const attempt = async (plan: DeliveryPlan, work: (stores: Stores) => Promise<void>): Promise<void> => {
    await coordinator.run({
      kind: ACCEPT_QUOTE,
      subject: nameOf('quote', plan.quoteId),
      participants: [participant(ProjectServiceDefinition, DELIVER, toRequest(plan))],
      async local(transaction) {
        await work(storesOver(transaction));
        await audit.record(transaction);
      },
      timeoutMs: ATTEMPT_MS,
    });
    onCommitted();
  };
  const semaphore = createSemaphore(PERMITS);
  return async (plan, work) => {
    const { signal, context } = currentScope() ?? {};
    let endsAt = (context?.endsAt ?? Infinity) - ATTEMPT_MS;
    const backoff = createBackoff({ ...BACKOFF, random });
    let hasFailed = false;
    for (;;) {
      try {
        return await semaphore.run(() => attempt(plan, work), signal);
      } catch (error) {
        // The outage wait starts with the first failure, so that waiting for a permit doesn't count.
        if (!hasFailed) endsAt = Math.min(endsAt, clock.now() + OUTAGE_WAIT_MS);
        hasFailed = true;
        const pauseMs = backoff.nextMs();
        if (!isTransient(error) || clock.now() + pauseMs > endsAt) throw toDomainError(error, plan);
        await sleep(clock, pauseMs, signal);
      }
    }
  };
}

/** Records the project on the quote's order after project management has confirmed the commit. */
export function recordDelivery(storesOver: (queries: Queries) => Stores): Completion {
  return async (transaction, { subject }) => {
    const quoteId = NAMES.quote.parse(subject);
    if (quoteId === undefined) throw new Error(`"${subject}" isn't the name of a quote`);
    await storesOver(transaction).orders.recordProject(quoteId, `projects/${quoteId}`);
  };
}

/** The project has the id of its quote, so project management can have only one project of a quote. */
function toRequest({ quoteId, orderId, title, tasks }: DeliveryPlan) {
  const links = { quote: nameOf('quote', quoteId), order: nameOf('order', orderId) };
  return DeliverProjectRequest.fromPartial({ projectId: quoteId, project: { title }, tasks: [...tasks], ...links });
}

function isTransient(error: unknown): boolean {
  return error instanceof DatabaseUnavailable || (error instanceof RpcError && TRANSIENT.has(error.code));
}

function toDomainError(error: unknown, { quoteId }: DeliveryPlan): unknown {
  if (!(error instanceof RpcError)) return toStoreError(error);
  if (error.code === Status.FAILED_PRECONDITION) return new DeliveryRefused(quoteId, error);
  if (error.code === Status.ABORTED) return new ConcurrentChange(error);
  // During a rolling upgrade, project management may still run a version without distributed transactions.
  const isEarlierVersion = error.code === Status.UNIMPLEMENTED;
  return isEarlierVersion || TRANSIENT.has(error.code) ? new PeerUnavailable('project management', error) : error;
}
