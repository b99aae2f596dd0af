import {
  CoordinatorServiceDefinition,
  ParticipantServiceDefinition,
} from '@rondo/contracts/rondo/transactions/v1/transactions';
import { type Channel, createClient, type Endpoint } from '@rondo/rpc/client';
import { type Clock, sleep } from '@rondo/rpc/clock';
import type { Asker, AskOptions, Questions } from './questions.js';

/** Their contract has no watch. */
const EVERY_MS = 2_000;

const serves = ({ services = [] }: Endpoint, { fullName }: { readonly fullName: string }) =>
  services.includes(fullName);

/** Tells the unfinished transactions and sagas of each instance when they change. */
export async function* watchTransactions(clock: Clock, questions: Questions, asker: Asker) {
  async function* ask(channel: Channel, options: AskOptions, endpoint: Endpoint) {
    const { signal } = options;
    const of = { channel };
    const coordinator =
      serves(endpoint, CoordinatorServiceDefinition) && createClient(CoordinatorServiceDefinition, of);
    const participant =
      serves(endpoint, ParticipantServiceDefinition) && createClient(ParticipantServiceDefinition, of);
    for (let before = ''; !signal.aborted; await sleep(clock, EVERY_MS, signal).catch(() => undefined)) {
      const [listed, started, held] = await Promise.all([
        coordinator ? coordinator.listTransactions({}, options) : undefined,
        coordinator ? coordinator.listSagas({}, options) : undefined,
        participant ? participant.listInDoubt({}, options) : undefined,
      ]);
      const now = {
        instanceId: endpoint.instanceId,
        transactions: listed?.transactions ?? [],
        sagas: started?.sagas ?? [],
        participant: held?.participant ?? '',
        inDoubt: held?.branches ?? [],
      };
      const text = JSON.stringify(now);
      if (text !== before) yield now;
      before = text;
    }
  }
  const fits = (endpoint: Endpoint) =>
    serves(endpoint, CoordinatorServiceDefinition) || serves(endpoint, ParticipantServiceDefinition);
  yield* questions.ask({ ask, fits, follows: true }, asker);
}
