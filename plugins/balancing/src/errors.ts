import { OvertakenByHedge, TransportError } from '@rondo/rpc/internal';
import { defineErrors } from '@rondo/rpc/status';

/** The errors of calls that the plugin's policies refuse, end or can't make. */
export const balancingErrors = defineErrors('the client', {
  BREAKER_OPEN: {
    type: TransportError,
    domain: 'rondo',
    code: 'UNAVAILABLE',
    text: 'the breaker of {method} is open: {figuresAndLastError}; for {seconds} s, since {time}; the next call probes in {milliseconds} ms',
    cause: "Most calls of the method by this process failed or were slow, so its circuit breaker has opened. The call wasn't sent.",
    remedy: 'Look at the service that the text names: the last error is in the text, and `rondo ps --check` shows its instances. The breaker closes by itself, within a second or so after the service works again. docs/guides/failures.md#circuit-breakers-and-bulkheads has its settings.',
    effect: 'none',
  },
  BULKHEAD_FULL: {
    type: TransportError,
    domain: 'rondo',
    code: 'RESOURCE_EXHAUSTED',
    text: 'the bulkhead of {method} is full: {inFlight} calls are in flight, of {maxCalls} (max_calls), and {reason}',
    cause: "This process has as many calls of the method in flight as its bulkhead allows, and its queue is full or the call has waited in it for too long. The call wasn't sent.",
    remedy: 'Make fewer calls at once, find out why they take so long, or raise the limits: docs/guides/failures.md#circuit-breakers-and-bulkheads.',
  },
  QUORUM_OUT_OF_REACH: {
    code: 'UNAVAILABLE',
    text: 'a quorum of {quorum} is out of reach: there {areSoMany}; start more instances, or require fewer',
    cause: 'A scattered call needs more replies than there are parts.',
    remedy: 'Start more instances, or lower `require.quorum`.',
    effect: 'none',
  },
  NOT_NEEDED: {
    code: 'CANCELLED',
    text: 'the outcome was certain without this part',
    cause: 'A scattered call had as many replies as it needs, or could no longer get them, and cancelled the rest. It stands only in the outcomes of parts.',
    remedy: 'None.',
  },
  PART_FAILED: {
    code: 'INTERNAL',
    text: '{message}',
    cause: 'A function that a scattered call was given threw an error. It stands only in the outcomes of parts.',
    remedy: 'Correct the function; `error.cause` is what it threw.',
  },
  OVERTAKEN: {
    code: 'CANCELLED',
    text: 'another instance answered first',
    cause: "A hedged call was answered by an instance that had been asked before. It stands only in the call's report and log.",
    remedy: 'None.',
  },
  OVERTAKEN_BY_HEDGE: {
    type: OvertakenByHedge,
    code: 'CANCELLED',
    text: 'another instance, asked later, answered first',
    cause: "A hedged call was answered first by an instance that was asked later. It stands only in the call's report and log.",
    remedy: 'None.',
  },
});
