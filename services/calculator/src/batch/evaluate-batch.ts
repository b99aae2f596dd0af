import { type CalculatorServiceDefinition, EvaluateBatchResponse } from '@rondo/contracts/calculator/v1/calculator';
import { type Client, scatterStream } from '@rondo/rpc/client';
import type { Clock } from '@rondo/rpc/clock';
import type { Handlers } from '@rondo/rpc/server';
import { Status } from '@rondo/rpc/status';
import type { PartsDefinition, UnreadMethod } from './contract.js';
import { readRequest } from './encoded-request.js';
import { evaluatePart } from './evaluate-part.js';
import { checked, MAX_BATCH } from './limits.js';
import { partRequests, split, toPartRequest } from './split.js';
import { createTurns } from './turns.js';

/** The handlers of batches and their parts. */
export type Batches = Pick<Handlers<typeof CalculatorServiceDefinition, UnreadMethod>, UnreadMethod>;

/** What they are made from. */
export interface BatchOptions {
  /** All calculators; this process is one of them as soon as it is registered. */
  readonly calculators: Client<typeof PartsDefinition>;
  readonly instanceId: string;
  readonly clock: Clock;
}

/** Parts in work or not read yet: so many keep some fifteen instances busy, and are a few MiB. */
const AHEAD = 32;

/** With this a part fails that nobody is there for, be it that all others are of an older version: it is done here. */
const NOBODY: ReadonlySet<Status> = new Set([Status.UNAVAILABLE, Status.UNIMPLEMENTED]);

/**
 * Makes the handlers of batches: this process splits those that it is asked for, and does its parts of all. What goes to
 * others and comes back isn't decoded on the way: a part's request is a piece of the batch's, and the batch's reply is
 * the part's with its place.
 */
export function createBatches({ calculators, instanceId, clock }: BatchOptions): Batches {
  const turns = createTurns(clock);
  return {
    evaluatePart: (request, { limit }) => evaluatePart(request, { limit, turns }),
    async *evaluateBatch(request, { limit, log }) {
      const batch = readRequest(request);
      checked(batch, { most: MAX_BATCH, remedy: 'send them in several batches' });
      let alone = 0;
      // The same pieces once more: what is asked for in each part that comes back, as they do so in order.
      const asked = split(batch);
      for await (const part of scatterStream(calculators.evaluatePart, partRequests(batch), {
        require: 'none',
        ahead: AHEAD,
      })) {
        const { value: piece } = asked.next();
        if (piece === undefined) return;
        const { firstIndex } = piece;
        if (part.ok) yield placed(part.value, { firstIndex, instance: part.instance });
        else if (!NOBODY.has(part.error.code)) throw part.error;
        else {
          alone += 1;
          yield placed(await evaluatePart(toPartRequest(batch, piece), { limit, turns }), {
            firstIndex,
            instance: instanceId,
          });
        }
      }
      if (alone > 0) {
        log.info({ parts: alone }, 'parts of a batch were done here, as no calculator could be reached');
      }
    },
  };
}

/** The encoded `EvaluateBatchResponse` for a part's encoded reply: two messages one after the other are one. */
function placed(reply: Uint8Array, place: Pick<EvaluateBatchResponse, 'firstIndex' | 'instance'>): Uint8Array {
  return Buffer.concat([reply, EvaluateBatchResponse.encode(EvaluateBatchResponse.fromPartial(place)).finish()]);
}
