// A client of streams.mjs, as a worker: plain grpc-js or Rondo. It checks every reply.
import { once } from 'node:events';
import { ConformanceServiceDefinition as conformance } from '@rondo/contracts/rondo/conformance/v1/conformance';
import { answerParent } from '@rondo/harness';
import { createChannel, createClient, staticResolver } from '@rondo/rpc/client';
import { connectPlain } from '../plain/client.mjs';

let run;
const connect = { plain: connectGrpcJs, rondo: connectRondo };

answerParent({
  connect({ kind, address }) {
    run = connect[kind](address);
  },
  async run({ stream, messages }) {
    const cpuBefore = process.cpuUsage();
    const startedAt = performance.now();
    await run[stream](messages);
    const seconds = (performance.now() - startedAt) / 1_000;
    const { user, system } = process.cpuUsage(cpuBefore);
    return { seconds, cpu: user + system };
  },
});

function expectEqual(found, wanted) {
  if (found !== wanted) throw new Error(`${found} where ${wanted} was expected`);
}

function connectRondo(address) {
  const channel = createChannel({ resolver: staticResolver([address]) });
  const client = createClient(conformance, { channel });
  const options = { timeoutMs: 600_000 };
  return {
    async 'server stream'(count) {
      let next = 0;
      for await (const { index } of client.serverStream({ count }, options)) {
        expectEqual(index, next);
        next += 1;
      }
      expectEqual(next, count);
    },
    async 'client stream'(count) {
      async function* requests() {
        for (let index = 0; index < count; index += 1) yield { text: String(index) };
      }
      const { texts } = await client.clientStream(requests(), options);
      expectEqual(texts.join(), String(count));
    },
    async 'ping-pong'(count) {
      let answered;
      async function* requests() {
        for (let index = 0; index < count; index += 1) {
          const answer = new Promise((resolve) => {
            answered = resolve;
          });
          yield { text: String(index) };
          await answer;
        }
      }
      let next = 0;
      for await (const { text } of client.bidiStream(requests(), options)) {
        expectEqual(text, String(next));
        next += 1;
        answered();
      }
      expectEqual(next, count);
    },
  };
}

function connectGrpcJs(address) {
  const client = connectPlain(conformance, address);
  const request = { text: '', behaviour: undefined };
  return {
    async 'server stream'(count) {
      let next = 0;
      const call = client.serverStream({ count, payloadBytes: 0, behaviour: undefined });
      call.on('data', ({ index }) => {
        if (index === next) next += 1;
        else call.destroy(new Error(`reply ${index} where ${next} was expected`));
      });
      await once(call, 'end');
      expectEqual(next, count);
    },
    'client stream': (count) =>
      new Promise((resolve, reject) => {
        const call = client.clientStream((error, reply) => {
          if (error === null && reply.texts.join() === String(count)) resolve();
          else reject(error ?? new Error(`the server counted ${reply.texts}`));
        });
        const write = async () => {
          for (let index = 0; index < count; index += 1) {
            if (!call.write({ ...request, text: String(index) })) await once(call, 'drain');
          }
          call.end();
        };
        write().catch(reject);
      }),
    async 'ping-pong'(count) {
      const call = client.bidiStream();
      let next = 0;
      call.on('data', ({ text }) => {
        if (text !== String(next)) return call.destroy(new Error(`reply ${text} where ${next} was expected`));
        next += 1;
        if (next === count) call.end();
        else call.write({ ...request, text: String(next) });
      });
      call.write({ ...request, text: '0' });
      await once(call, 'end');
      expectEqual(next, count);
    },
  };
}
