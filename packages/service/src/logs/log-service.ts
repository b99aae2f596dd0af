import { LogServiceDefinition } from '@rondo/contracts/rondo/logs/v1/logs';
import { implement, type ServiceImplementation } from '@rondo/rpc/server';
import type { LogRing } from './log-ring.js';

/** Creates `rondo.logs.v1.LogService`: the last lines that this process has logged. */
export function createLogService(ring: LogRing, instanceId: string): ServiceImplementation {
  return implement(LogServiceDefinition, {
    async *readLogs(filter, { signal }) {
      for await (const { items: lines, leftOut } of ring.read(filter, signal)) yield { instanceId, lines, leftOut };
    },
  });
}
