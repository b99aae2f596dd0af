import { start } from '@rondo/harness';
import type { Answer } from './answers.js';
import type { ReflectedMethod } from './reflect.js';

/** grpcurl, which knows nothing of a server but what reflection tells it. */
export interface Grpcurl {
  /** Every service that the server lists. */
  list(): Promise<readonly string[]>;
  /** A service or message as the server describes it. */
  describe(symbol: string): Promise<string>;
  /** Calls a method with one empty message. */
  call(method: ReflectedMethod): Promise<Answer>;
}

const DEADLINE_SECONDS = '10';

const run = (args: readonly string[]) => start('/bin/sh', ['-c', 'exec grpcurl "$@"', 'sh', ...args]).ended;

/** Whether it is installed. */
export const hasGrpcurl = async () => (await run(['-version'])).code === 0;

/** grpcurl with the server at `address`. */
export function grpcurl(address: string): Grpcurl {
  const ask = async (...words: readonly string[]) => {
    const { code, stdout, stderr } = await run(['-plaintext', address, ...words]);
    if (code !== 0) throw new Error(`grpcurl ${words.join(' ')}: ${stderr}`);
    return stdout;
  };
  return {
    list: async () => (await ask('list')).trim().split('\n'),
    describe: (symbol) => ask('describe', symbol),
    async call({ service, name }) {
      const options = ['-plaintext', '-format-error', '-max-time', DEADLINE_SECONDS, '-d', '{}'];
      const { code, stderr } = await run([...options, address, `${service}/${name}`]);
      return code === 0 ? { code, message: '' } : toAnswer(stderr);
    },
  };
}

/** @throws Error where it isn't a status: grpcurl itself failed. */
function toAnswer(stderr: string): Answer {
  const [text] = /\{[\s\S]*\}/.exec(stderr) ?? [];
  if (text === undefined) throw new Error(`grpcurl: ${stderr}`);
  const { code, message } = JSON.parse(text);
  return { code, message };
}
