import { DeliverProjectRequest, DeliverProjectResponse } from '@rondo/contracts/projects/v1/delivery';
import { ProjectServiceDefinition } from '@rondo/contracts/projects/v1/projects';
import { DatabaseUnavailable, type Queries } from '@rondo/database';
import type { Audit, ServiceDatabase } from '@rondo/resources';
import { ConcurrentChange } from '@rondo/resources/domain';
import { toStoreError } from '@rondo/resources/sql';
import { currentScope } from '@rondo/rpc/call';
import { createBackoff, createSemaphore, sleep } from '@rondo/rpc/clock';
import { RpcError, Status } from '@rondo/rpc/status';
import { type Completion, participant, type Transactions } from '@rondo/transactions';
import type { DeliveryPlan } from './domain/delivery.js';
import { DeliveryRefused, PeerUnavailable } from './domain/errors.js';
import { orders, recordProject } from './orders.js';
import { TRANSIENT } from './peers.js';
import { quotes } from './quotes.js';

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

/**
 * Runs `work` in a distributed transaction in which project management also creates the project of `plan`: both or
 * neither. After project management has confirmed the commit, the project is recorded on the quote's order. `work` may
 * run more than once.
 *
 * @throws DeliveryRefused, Unavailable, ConcurrentChange, or what `work` throws. If it throws, nothing was changed;
 * only if the database went away during the commit may the change have been made.
 */
export type Deliver = (plan: DeliveryPlan, work: (tx: Queries) => Promise<void>) => Promise<void>;

/** The database of the service, with the audit over it. */
export type DeliveryDatabase = ServiceDatabase & { readonly audit: Pick<Audit, 'record'> };

/**
 * Creates the project of a quote by two-phase commit: project management prepares its part, and `work` runs in the
 * local transaction that records the coordinator's decision.
 */
export function createDeliver(coordinator: Pick<Transactions, 'run'>, database: DeliveryDatabase): Deliver {
  const { audit, nudge, process } = database;
  const { clock, random } = process;
  const attempt: Deliver = async (plan, work) => {
    await coordinator.run({
      kind: ACCEPT_QUOTE,
      subject: quotes.nameOf(plan.quoteId),
      participants: [participant(ProjectServiceDefinition, DELIVER, toRequest(plan))],
      async local(transaction) {
        await work(transaction);
        await audit.record(transaction);
      },
      timeoutMs: ATTEMPT_MS,
    });
    nudge();
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
export const recordDelivery: Completion = async (transaction, { subject }) => {
  const [id = ''] = quotes.idsIn(subject);
  await recordProject(transaction, id, `projects/${id}`);
};

/** The project has the id of its quote, so project management can have only one project of a quote. */
function toRequest({ quoteId, orderId, title, tasks }: DeliveryPlan) {
  const links = { quote: quotes.nameOf(quoteId), order: orders.nameOf(orderId) };
  return DeliverProjectRequest.fromPartial({ projectId: quoteId, project: { title }, tasks: [...tasks], ...links });
}

function isTransient(error: unknown): boolean {
  return error instanceof DatabaseUnavailable || (error instanceof RpcError && TRANSIENT.has(error.code));
}

function toDomainError(error: unknown, { quoteId }: DeliveryPlan): unknown {
  if (!(error instanceof RpcError)) return toStoreError(error);
  if (error.code === Status.FAILED_PRECONDITION) return new DeliveryRefused(quotes.nameOf(quoteId), error);
  if (error.code === Status.ABORTED) return new ConcurrentChange(error);
  // During a rolling upgrade, project management may still run a version without distributed transactions.
  const isEarlierVersion = error.code === Status.UNIMPLEMENTED;
  return isEarlierVersion || TRANSIENT.has(error.code) ? new PeerUnavailable('project management', error) : error;
}
