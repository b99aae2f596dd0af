import { ClientCompatRequest, ClientCompatResponse } from '@rondo/contracts/connectrpc/conformance/v1/client_compat';
import { type Caller, runCase } from './case.js';
import { readFrames, writeFrame } from './frames.js';

/** How many cases run at once. */
const PARALLEL = 8;

/** Runs this process as a client under test: it reads cases, has `caller` make their calls and sends the suite each outcome. */
export async function callSuite(caller: Caller): Promise<void> {
  const running = new Set<Promise<void>>();
  for await (const frame of readFrames(process.stdin)) {
    const outcome = tell(ClientCompatRequest.decode(frame), caller).finally(() => running.delete(outcome));
    running.add(outcome);
    if (running.size >= PARALLEL) await Promise.race(running);
  }
  await Promise.all(running);
}

async function tell(request: ClientCompatRequest, caller: Caller): Promise<void> {
  const response = ClientCompatResponse.fromPartial({ testName: request.testName });
  try {
    response.result = { $case: 'response', value: await runCase(request, caller) };
  } catch (error) {
    // A failure of this program, and not of the call: the suite prints it.
    const message = error instanceof Error ? error.message : String(error);
    response.result = { $case: 'error', value: { message } };
  }
  writeFrame(ClientCompatResponse.encode(response).finish());
}
