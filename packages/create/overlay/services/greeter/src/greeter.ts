import type { GreeterServiceDefinition } from '@{{name}}/contracts/greeter/v1/greeter';
import type { Handlers } from '@rondo/rpc/server';

/** The handlers of `greeter.v1.GreeterService`. */
export const greeter: Handlers<typeof GreeterServiceDefinition> = {
  echo: ({ text }) => ({ text }),
  async *count({ to }) {
    for (let number = 1; number <= to; number += 1) yield { number };
  },
};
