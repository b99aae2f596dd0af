import {
  ListInstancesRequest,
  ListInstancesResponse,
  RegisterRequest,
  WatchRequest,
  WatchResponse,
} from '@rondo/contracts/rondo/registry/v1/registry';
import { type Attempt, ownInstance } from './attacker.js';

const UNREADABLE = ['INVALID_ARGUMENT', 'INTERNAL'];
const FIELD_1 = 0x0a;

/** A registration whose instance id consists of the given bytes. */
function withId(bytes: Buffer): Buffer {
  const rest = RegisterRequest.encode(RegisterRequest.fromPartial({ instance: ownInstance({ instanceId: '' }) }));
  return Buffer.concat([rest.finish(), Buffer.from([FIELD_1, bytes.length + 2, FIELD_1, bytes.length]), bytes]);
}

/** A call with its expected status; by default the status of an unreadable message. */
type Sent = readonly [method: string, message: Buffer, ends?: Attempt['ends']];

function sending(name: string, [method, message, ends = UNREADABLE]: Sent): Attempt {
  return { name: `sends ${name}`, ends, run: async (attacker) => (await attacker.call(method, message)).code };
}

const page = (part: Partial<ListInstancesRequest>) =>
  Buffer.from(ListInstancesRequest.encode(ListInstancesRequest.fromPartial(part)).finish());

/** Resumes a watch from a position that the registry never sent, and returns the kind of the first event. */
function resuming(name: string, forge: (position: { epoch: bigint; revision: bigint }) => object): Attempt {
  return {
    name: `resumes a watch from ${name}`,
    ends: 'snapshot',
    async run(attacker) {
      const listed = await attacker.call('ListInstances', page({}));
      const { position } = ListInstancesResponse.decode(listed.messages[0] ?? Buffer.alloc(0));
      const resumeFrom = { epoch: 0n, revision: 0n, ...position, ...(position && forge(position)) };
      const request = WatchRequest.encode({ service: '', resumeFrom }).finish();
      const { messages } = await attacker.call('Watch', request, { takesOne: true });
      return WatchResponse.decode(messages[0] ?? Buffer.alloc(0)).event?.$case ?? 'nothing';
    },
  };
}

/** Messages, lists and watches that the registry itself has to refuse: packages/rpc/test/requests has what every server refuses. */
export const wireAttempts: readonly Attempt[] = [
  sending('an id that is not UTF-8', ['Register', withId(Buffer.from([0xc3, 0x28, 0xff, 0xfe]))]),
  sending('nothing to Register', ['Register', Buffer.alloc(0)]),
  sending('a page token of an unknown id', ['ListInstances', page({ pageToken: 'X19wcm90b19f' }), 'OK']),
  resuming('the far future', () => ({ revision: 2n ** 63n - 1n })),
  resuming('before all time', () => ({ revision: -(2n ** 63n) })),
  resuming('another epoch', ({ epoch }) => ({ epoch: epoch + 1n })),
  resuming('an epoch of the far future', () => ({ epoch: 2n ** 63n - 1n, revision: 2n ** 63n - 1n })),
  resuming('a negative epoch', () => ({ epoch: -1n, revision: -1n })),
  {
    name: 'opens ten watches, and reads none of them',
    ends: 'OPEN',
    async run(attacker) {
      const request = WatchRequest.encode({ service: '', resumeFrom: undefined }).finish();
      const opened = await Promise.all(
        Array.from({ length: 10 }, () => attacker.call('Watch', request, { abandon: true })),
      );
      return [...new Set(opened.map(({ code }) => code))].join();
    },
  },
];
