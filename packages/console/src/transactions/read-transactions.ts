import { listOf, recordOf } from '../calls/connect.js';
import type { JsonRecord } from '../calls/use-stream.js';
import { type Silent, takeSilent } from '../ui/silent.js';
import { figureAt, textAt } from '../ui/text.js';

/** A transaction or a saga. */
export interface Work {
  readonly id: string;
  /** What it is about, such as `accept-quote quotes/7`. */
  readonly about: string;
  /** Such as `COMMITTING`, or the state of a saga and its step. */
  readonly state: string;
  readonly waitsFor: string;
  /** In RFC 3339; empty if it isn't known. */
  readonly since: string;
  readonly attempts: number;
}

/** A transaction or a saga, and what was seen of it. */
export interface Seen {
  readonly work: Work;
  /** Its states, as they were seen. */
  readonly steps: readonly { readonly unixMs: number; readonly state: string }[];
  readonly isOpen: boolean;
}

/** What instances have told. */
export interface Transactions {
  readonly byInstance: ReadonlyMap<string, JsonRecord>;
  /** By id, those that are open and those that were. */
  readonly seen: ReadonlyMap<string, Seen>;
  readonly silent: Silent;
}

/** More of those that have ended aren't kept. */
const MAX_ENDED = 50;

/** Takes an event of `WatchTransactions`. */
export function takeTransactions(before: Transactions | undefined, { told, silent }: JsonRecord): Transactions {
  const byInstance = new Map(before?.byInstance);
  const all = listOf(told).map(recordOf);
  for (const one of all) byInstance.set(textAt(one, 'instanceId'), one);
  const open = openIn([...byInstance.values()]);
  const unixMs = Date.now();
  const seen = new Map<string, Seen>();
  for (const [id, work] of open) {
    const steps = before?.seen.get(id)?.steps ?? [];
    const isNew = steps.at(-1)?.state !== work.state;
    seen.set(id, { work, steps: isNew ? [...steps, { unixMs, state: work.state }] : steps, isOpen: true });
  }
  const ended = [...(before?.seen ?? [])].filter(([id]) => !open.has(id)).slice(-MAX_ENDED);
  for (const [id, { work, steps, isOpen }] of ended)
    seen.set(id, { work, steps: isOpen ? [...steps, { unixMs, state: 'ended' }] : steps, isOpen: false });
  const ids = all.map((one) => textAt(one, 'instanceId'));
  return { byInstance, seen, silent: takeSilent(before?.silent, silent, ids) };
}

/** Replicas of a service tell the same: what has one id is one. */
function openIn(instances: readonly JsonRecord[]): ReadonlyMap<string, Work> {
  const open = new Map<string, Work>();
  for (const branch of instances.flatMap(({ inDoubt, participant }) => branchesOf(inDoubt, participant)))
    open.set(branch.id, branch);
  const listed = (name: string) => instances.flatMap((one) => listOf(one[name])).map(recordOf);
  for (const transaction of listed('transactions').map(transactionOf)) open.set(transaction.id, transaction);
  for (const saga of listed('sagas').map(sagaOf)) open.set(saga.id, saga);
  return open;
}

const idOf = (transaction: JsonRecord[string] | undefined) => textAt(recordOf(transaction), 'id');

/** Branches whose coordinator doesn't list their transaction. */
function branchesOf(
  inDoubt: JsonRecord[string] | undefined,
  participant: JsonRecord[string] | undefined,
): readonly Work[] {
  return listOf(inDoubt)
    .map(recordOf)
    .map((branch) => ({
      id: idOf(branch['transaction']),
      about: `a branch in ${textAt({ participant: participant ?? '' }, 'participant')}`,
      state: 'IN DOUBT',
      waitsFor: `the decision of ${textAt(recordOf(branch['transaction']), 'coordinator')}, and holds its locks until then`,
      since: textAt(branch, 'prepareTime'),
      attempts: 0,
    }));
}

const commonOf = (json: JsonRecord) => ({
  about: `${textAt(json, 'kind')} ${textAt(json, 'subject')}`,
  since: textAt(json, 'createTime'),
  attempts: figureAt(json, 'attempts'),
});

function transactionOf(json: JsonRecord): Work {
  const id = idOf(json['ref']);
  const state = textAt(json, 'state').replace('TRANSACTION_STATE_', '');
  const left = listOf(json['participants'])
    .map(recordOf)
    .filter(({ outcome = 'BRANCH_OUTCOME_UNSPECIFIED' }) => outcome === 'BRANCH_OUTCOME_UNSPECIFIED')
    .map((one) => [textAt(one, 'service'), textAt(one, 'error')].filter((text) => text !== '').join(': '));
  const waitsFor: Readonly<Record<string, string>> = {
    PREPARING: `the votes of ${left.join(', ')}, until ${textAt(json, 'expireTime')}`,
    CONFLICT: `an operator: correct the data, then rondo tx resolve ${id}`,
  };
  return {
    id,
    ...commonOf(json),
    state,
    waitsFor: waitsFor[state] ?? (left.length > 0 ? `the answer of ${left.join('; ')}` : ''),
  };
}

function sagaOf(json: JsonRecord): Work {
  const id = textAt(json, 'id');
  const state = textAt(json, 'state').replace('SAGA_STATE_', '');
  const error = textAt(json, 'error');
  const retry = state === 'PARKED' ? [`an operator: rondo tx resolve ${id} --retry`] : [];
  const waitsFor = [...retry, ...(error === '' ? [] : [error])].join('; ');
  return { id, ...commonOf(json), state: `${state} ${textAt(json, 'step')}`, waitsFor };
}
