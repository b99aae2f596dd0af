import { BinaryWriter } from '@bufbuild/protobuf/wire';
import { scatterStream } from '@rondo/balancing/scatter';
import { CalculatorServiceDefinition, EvaluateBatchResponse } from '@rondo/contracts/calculator/v1/calculator';
import { raw } from '@rondo/rpc/call';
import type { Client } from '@rondo/rpc/client';
import type { Clock } from '@rondo/rpc/clock';
import type { Handlers } from '@rondo/rpc/server';
import { Status } from '@rondo/rpc/status';
import {
  checkFormat,
  type EncodedRequest,
  MAX_BATCH,
  MAX_PART,
  MAX_PART_BYTES,
  readRequest,
  TAGS,
} from './encoded-request.js';
import { createYieldingLoop, evaluatePart } from './evaluate-part.js';

/** The handlers of batches and their parts. */
export type Batches = Pick<Handlers<typeof CalculatorServiceDefinition, RawMethod>, RawMethod>;

/** The options of {@link createBatches}. */
interface BatchOptions {
  /** A client of all calculators. This process is one of them as soon as it is registered. */
  readonly calculators: Client<typeof PartsDefinition>;
  readonly instanceId: string;
  readonly clock: Clock;
}

/** How many parts may be in progress or unread: enough to keep about fifteen instances busy, in a few MiB. */
const AHEAD = 32;

/**
 * The statuses of a part that no other instance can take, for example because all others run an older version. This
 * process then evaluates the part itself.
 */
const UNREACHABLE: ReadonlySet<Status> = new Set([Status.UNAVAILABLE, Status.UNIMPLEMENTED]);

/**
 * Creates the handlers. This process splits the batches that it receives, and evaluates its share of all parts.
 * Parts for other processes aren't decoded: the request of a part is a piece of the batch's bytes, and the reply of
 * the batch is the part's reply plus its position.
 */
export function createBatches({ calculators, instanceId, clock }: BatchOptions): Batches {
  const yieldingLoop = createYieldingLoop(clock);
  return {
    evaluatePart: (request, { context }) => evaluatePart(request, { context, yieldingLoop }),
    async *evaluateBatch(request, { context, log }) {
      const batch = readRequest(request);
      checkFormat(batch, { most: MAX_BATCH, remedy: 'send them in several batches' });
      let alone = 0;
      // The same pieces once more: parts come back in order, so this finds the piece of each.
      const asked = split(batch);
      for await (const part of scatterStream(calculators.evaluatePart, partRequests(batch), {
        require: 'none',
        readAhead: AHEAD,
      })) {
        const { value: piece } = asked.next();
        if (piece === undefined) return;
        const { firstIndex } = piece;
        if (part.ok) yield placed(part.value, { firstIndex, instance: part.instance });
        else if (!UNREACHABLE.has(part.error.code)) throw part.error;
        else {
          alone += 1;
          yield placed(await evaluatePart(toPartRequest(batch, piece), { context, yieldingLoop }), {
            firstIndex,
            instance: instanceId,
          });
        }
      }
      if (alone > 0) {
        log.info(
          { parts: alone },
          'parts of a batch were evaluated here, because no other calculator could be reached',
        );
      }
    },
  };
}

/** Makes the encoded `EvaluateBatchResponse` from a part's encoded reply: two concatenated messages are one message. */
function placed(reply: Uint8Array, place: Pick<EvaluateBatchResponse, 'firstIndex' | 'instance'>): Uint8Array {
  return Buffer.concat([reply, EvaluateBatchResponse.encode(EvaluateBatchResponse.fromPartial(place)).finish()]);
}

/** The minimum number of parts of a batch, so that several instances share the work. */
const PARTS = 24;
/** The minimum size of a part: the cost of a call would matter for smaller ones. */
const MIN_PART = 100;

/** A piece of a batch's bytes that contains whole expressions. */
interface Piece {
  /** The position of its first expression in the batch. */
  readonly firstIndex: number;
  readonly start: number;
  readonly end: number;
}

/** Splits a batch into pieces, in order, as the caller pulls them. */
function* split({ ends }: EncodedRequest): Generator<Piece, void> {
  const most = Math.min(MAX_PART, Math.max(MIN_PART, Math.ceil(ends.length / PARTS)));
  let start = 0;
  for (let firstIndex = 0; firstIndex < ends.length; ) {
    const last = lastOf(ends, { firstIndex, start, most });
    const end = ends[last] ?? start;
    yield { firstIndex, start, end };
    firstIndex = last + 1;
    start = end;
  }
}

interface From {
  readonly firstIndex: number;
  readonly start: number;
  readonly most: number;
}

/** The last expression of a piece: at least its first one. */
function lastOf(ends: readonly number[], { firstIndex, start, most }: From): number {
  let last = firstIndex;
  while (last + 1 < firstIndex + most && (ends[last + 1] ?? Number.POSITIVE_INFINITY) - start <= MAX_PART_BYTES) {
    last += 1;
  }
  return last;
}

/**
 * Makes the encoded `EvaluatePartRequest` for a piece of a batch. The format fields follow the expressions, and are written even
 * with their default values: if a scalar field occurs twice the last value counts, and the piece may contain other values.
 */
function toPartRequest({ bytes, scale, rounding }: EncodedRequest, { firstIndex, start, end }: Piece): Uint8Array {
  const rest = new BinaryWriter();
  if (scale !== undefined) rest.uint32(TAGS.scale).int32(scale);
  rest.uint32(TAGS.rounding).int32(rounding).uint32(TAGS.first_index).int32(firstIndex);
  return Buffer.concat([bytes.subarray(start, end), rest.finish()]);
}

/** The requests for all pieces of a batch, in order, as the caller pulls them. */
function* partRequests(batch: EncodedRequest): Generator<Uint8Array, void> {
  for (const piece of split(batch)) yield toPartRequest(batch, piece);
}

/** The methods whose messages the handlers receive and return as bytes: batches and their parts. */
export const RAW_METHODS = ['evaluateBatch', 'evaluatePart'] as const;

/** One of {@link RAW_METHODS}. */
export type RawMethod = (typeof RAW_METHODS)[number];

/** The method that this process calls at all calculators, itself included: parts of batches, as bytes. */
export const PartsDefinition = {
  ...CalculatorServiceDefinition,
  methods: { evaluatePart: raw(CalculatorServiceDefinition.methods.evaluatePart) },
} as const;
