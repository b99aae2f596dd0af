import {
  DeregisterRequest,
  type Instance,
  InstanceStatus,
  RenewRequest,
  UpdateRequest,
} from '@rondo/contracts/rondo/registry/v1/registry';
import { type Attempt, ownInstance } from './attacker.js';

type Guess = (victim: Instance) => string;

const GUESSES: Readonly<Record<string, Guess>> = {
  'of zeros': ({ incarnation }) => `${incarnation}-${'0'.repeat(32)}`,
  'made from the revision': ({ incarnation, revision }) => `${incarnation}-${revision.toString(16).padStart(32, '0')}`,
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
];

function renewing(guess: Guess): Attempt['run'] {
  return async (attacker) => {
    const victim = await attacker.victim();
    const renewal = RenewRequest.encode({ leaseId: guess(victim), instanceId: victim.instanceId }).finish();
    return (await attacker.call('Renew', renewal)).code;
  };
}

function deregistering(): Attempt['run'] {
  return async (attacker) => {
    const { instanceId, incarnation } = await attacker.victim();
    const deregistration = { leaseId: `${incarnation}-${'0'.repeat(32)}`, instanceId, sequence: 2n ** 63n - 1n };
    return (await attacker.call('Deregister', DeregisterRequest.encode(deregistration).finish())).code;
  };
}
