import {
  CoordinatorServiceDefinition,
  ParticipantServiceDefinition,
} from '@rondo/contracts/rondo/transactions/v1/transactions';
import { type Channel, createClient, type Endpoint } from '@rondo/rpc/client';
import type { Clock } from '@rondo/rpc/clock';
import { type Asker, type AskOptions, changesOf, type Questions } from './questions.js';

const serves = ({ services = [] }: Endpoint, { fullName }: { readonly fullName: string }) =>
  services.includes(fullName);

/** Tells the unfinished transactions and sagas of each instance when they change. */
export async function* watchTransactions(clock: Clock, questions: Questions, asker: Asker) {
  async function* ask(channel: Channel, options: AskOptions, endpoint: Endpoint) {
    const [{ signal }, of] = [options, { channel }];
    const coordinator =
      serves(endpoint, CoordinatorServiceDefinition) && createClient(CoordinatorServiceDefinition, of);
    const participant =
      serves(endpoint, ParticipantServiceDefinition) && createClient(ParticipantServiceDefinition, of);
    yield* changesOf({ clock, signal }, async () => {
      const [listed, started, held] = await Promise.all([
        coordinator ? coordinator.listTransactions({}, options) : undefined,
        coordinator ? coordinator.listSagas({}, options) : undefined,
        participant ? participant.listInDoubt({}, options) : undefined,
      ]);
      return {
        instanceId: endpoint.instanceId,
        transactions: listed?.transactions ?? [],
        sagas: started?.sagas ?? [],
        participant: held?.participant ?? '',
        inDoubt: held?.branches ?? [],
      };
    });
  }
  const fits = (endpoint: Endpoint) =>
    serves(endpoint, CoordinatorServiceDefinition) || serves(endpoint, ParticipantServiceDefinition);
  yield* questions.ask({ ask, fits, follows: true }, asker);
}
