import { CallRefused } from '@rondo/rpc/internal';
import { defineErrors } from '@rondo/rpc/status';

/** The errors of what every service has beside its own methods. */
export const serviceErrors = defineErrors('the server', {
  NOT_READY: {
    type: CallRefused,
    code: 'UNAVAILABLE',
    text: "{name} isn't ready: it waits for a dependency, which its log names; call again soon",
    cause: "The process has started, and something that it needs, such as its database, isn't there yet.",
    remedy: 'None: the client retries at another instance. If it lasts, look in the log of the process for the dependency.',
    effect: 'none',
  },
  UNKNOWN_SERVICE: {
    code: 'NOT_FOUND',
    text: 'this process doesn\'t serve "{service}"; it serves {services}',
    cause: "`grpc.health.v1.Health/Check` was asked about a service that the process doesn't serve.",
    remedy: 'Ask about one that the text lists, or with an empty name about the whole process.',
  },
});
