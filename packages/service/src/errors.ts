import { CallRefused } from '@rondo/rpc/internal';
import { defineErrors } from '@rondo/rpc/status';

/** The errors of what every service has besides its own methods. */
export const serviceErrors = defineErrors('the server', {
  NOT_READY: {
    type: CallRefused,
    code: 'UNAVAILABLE',
    text: "{name} isn't ready: it waits for a dependency, which its log names; call again soon",
    cause: "The process has started, and something that it needs, such as its database, isn't there yet or is away.",
    remedy: 'None: the client retries at another instance. If it lasts, look in the log of the process for the dependency.',
    effect: 'none',
  },
  UNKNOWN_SERVICE: {
    code: 'NOT_FOUND',
    text: 'this process doesn\'t serve "{service}"; it serves {services}',
    cause: "`grpc.health.v1.Health/Check` was asked about a service that the process doesn't serve.",
    remedy: 'Ask about one that the text lists, or with an empty name about the whole process.',
  },
  REGISTRY_AWAY: {
    code: 'UNAVAILABLE',
    text: 'the registry does not answer: {reason}',
    cause: 'The process registers at a registry of another kind, and it is away or refuses.',
    remedy: 'None: the process serves on and tries again. If it lasts, check what RONDO_REGISTRY names.',
    effect: 'possible',
  },
  DISPLACED: {
    code: 'ABORTED',
    text: 'a process that started later has registered as {id}',
    cause: 'Two processes have the same instance id at a registry of another kind.',
    remedy: 'Give each process a RONDO_INSTANCE_ID of its own.',
  },
  FORGOTTEN: {
    code: 'NOT_FOUND',
    text: 'the registry has no instance {id}',
    cause: 'A registry of another kind was restarted empty, or the session of the process has expired.',
    remedy: 'None: the process registers again at once.',
  },
});
