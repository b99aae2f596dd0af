/**
 * Faults by plan and over TCP, for the simulation, the outage table and the benchmarks. It is apart from
 * `@rondo/rpc/internal`, so that a running service doesn't load it.
 */

export type { FaultListener } from '../../testing/faults/listener.js';
export type { FaultNetwork, FaultNode } from '../../testing/faults/network.js';
export { carryOut, describeFault, type Fault, fromSeed, pickOne, planFaults } from '../../testing/faults/plan.js';
export { createMemoryOutcomes } from '../../testing/memory-outcomes.js';
export { startTcpProxy } from '../../testing/tcp-proxy/tcp-proxy.js';
export type { MemoryNetwork } from '../../transport/memory/network.js';
