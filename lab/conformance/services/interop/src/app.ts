import { TestServiceDefinition } from '@rondo/contracts/grpc/testing/test';
import { implement } from '@rondo/rpc/server';
import type { App } from '@rondo/service';
import { test } from './test.js';

/** Wires the service. It doesn't serve the contract's other services: the suite calls one of them and expects UNIMPLEMENTED. */
export function createApp(): App {
  return { services: [implement(TestServiceDefinition, test)] };
}
