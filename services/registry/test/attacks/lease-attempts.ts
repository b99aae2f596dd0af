import {
  DeregisterRequest,
  type Instance,
  InstanceStatus,
  RenewRequest,
  SetOperatorStateRequest,
  UpdateRequest,
} from '@rondo/contracts/rondo/registry/v1/registry';
import { type Attempt, NO_VALUE, ownInstance } from './attacker.js';

type Guess = (victim: Instance) => string;

const GUESSES: Readonly<Record<string, Guess>> = {
  'of zeros': ({ incarnation }) => `${incarnation}-${'0'.repeat(32)}`,
  'with the incarnation alone': ({ incarnation }) => `${incarnation}-`,
  'made from the revision': ({ incarnation, revision }) => `${incarnation}-${revision.toString(16).padStart(32, '0')}`,
  'that is the instance id': ({ instanceId }) => instanceId,
  'of __proto__': () => '__proto__',
  'of 128 characters': () => 'f'.repeat(128),
  'of a later incarnation': ({ incarnation }) => `${incarnation + 1n}-${'0'.repeat(32)}`,
};

const GUESS_COUNT = 300;

/** Calls with a lease that isn't the attacker's. */
export const leaseAttempts: readonly Attempt[] = [
  ...Object.entries(GUESSES).map(([which, guess]) => ({
    name: `renews with a lease ${which}`,
    ends: 'NOT_FOUND',
    run: renewing(guess),
  })),
  { name: 'renews with a lease of an earlier incarnation', ends: 'ABORTED', run: renewing(() => '0-f') },
  { name: 'renews without a lease', ends: 'INVALID_ARGUMENT', run: renewing(() => '') },
  { name: 'renews with a lease of 129 characters', ends: 'INVALID_ARGUMENT', run: renewing(() => 'f'.repeat(129)) },
  {
    name: `guesses ${GUESS_COUNT} leases at once`,
    ends: 'none',
    async run(attacker) {
      const { instanceId, incarnation } = await attacker.victim();
      const guesses = Array.from({ length: GUESS_COUNT }, (_, index) => {
        const leaseId = `${incarnation}-${index.toString(16).padStart(32, '0')}`;
        return attacker.call('Renew', RenewRequest.encode({ leaseId, instanceId }).finish());
      });
      // A busy store may not answer all calls.
      return (await Promise.all(guesses)).find(({ code }) => code === 'OK')?.code ?? 'none';
    },
  },
  {
    name: 'renews the victim with a lease of its own, which is of an earlier incarnation',
    ends: 'ABORTED',
    async run(attacker) {
      const { instanceId } = await attacker.victim();
      const leaseId = await attacker.own(ownInstance());
      return (await attacker.call('Renew', RenewRequest.encode({ leaseId, instanceId }).finish())).code;
    },
  },
  {
    name: 'lets the victim drain, with a lease of its own',
    ends: 'ABORTED',
    async run(attacker) {
      const { instanceId } = await attacker.victim();
      const leaseId = await attacker.own(ownInstance());
      const drain = { leaseId, instanceId, status: InstanceStatus.INSTANCE_STATUS_DRAINING, updateMask: ['status'] };
      return (await attacker.call('Update', UpdateRequest.encode(UpdateRequest.fromPartial(drain)).finish())).code;
    },
  },
  {
    name: 'lets the victim drain, with a guessed lease and a greater sequence than the victim will send',
    ends: 'NOT_FOUND',
    async run(attacker) {
      const { instanceId, incarnation } = await attacker.victim();
      const status = InstanceStatus.INSTANCE_STATUS_DRAINING;
      const drain = { leaseId: `${incarnation}-0`, instanceId, status, updateMask: ['status'], sequence: 2n ** 62n };
      return (await attacker.call('Update', UpdateRequest.encode(UpdateRequest.fromPartial(drain)).finish())).code;
    },
  },
  ...['endpoints', 'instance_id', 'incarnation', 'services', '__proto__', 'status,endpoints'].map((path) => ({
    name: `changes its own ${path} by an update, which is not allowed`,
    ends: 'INVALID_ARGUMENT',
    run: updatingItself(path),
  })),
  { name: 'deregisters the victim with a guessed lease, which does nothing', ends: 'OK', run: deregistering() },
  {
    name: 'deregisters the victim with a lease of its own, which does nothing',
    ends: 'OK',
    async run(attacker) {
      const { instanceId } = await attacker.victim();
      const leaseId = await attacker.own(ownInstance());
      const deregistration = { leaseId, instanceId, sequence: 2n ** 63n - 1n };
      return (await attacker.call('Deregister', DeregisterRequest.encode(deregistration).finish())).code;
    },
  },
  {
    name: 'sets an unknown operator state, with a reason that is too long',
    ends: 'INVALID_ARGUMENT',
    async run(attacker) {
      const { instanceId } = await attacker.victim();
      const wish = SetOperatorStateRequest.encode({
        instanceId,
        state: NO_VALUE,
        reason: 'x'.repeat(100_000),
      }).finish();
      return (await attacker.call('SetOperatorState', wish)).code;
    },
  },
];

function renewing(guess: Guess): Attempt['run'] {
  return async (attacker) => {
    const victim = await attacker.victim();
    const renewal = RenewRequest.encode({ leaseId: guess(victim), instanceId: victim.instanceId }).finish();
    return (await attacker.call('Renew', renewal)).code;
  };
}

function updatingItself(path: string): Attempt['run'] {
  return async (attacker) => {
    const { instanceId = '', ...own } = ownInstance();
    const leaseId = await attacker.own({ instanceId, ...own });
    const update = UpdateRequest.fromPartial({ leaseId, instanceId, updateMask: path.split(',') });
    return (await attacker.call('Update', UpdateRequest.encode(update).finish())).code;
  };
}

function deregistering(): Attempt['run'] {
  return async (attacker) => {
    const { instanceId, incarnation } = await attacker.victim();
    const deregistration = { leaseId: `${incarnation}-${'0'.repeat(32)}`, instanceId, sequence: 2n ** 63n - 1n };
    return (await attacker.call('Deregister', DeregisterRequest.encode(deregistration).finish())).code;
  };
}
