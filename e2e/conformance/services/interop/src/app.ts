import { TestServiceDefinition } from '@rondo/contracts/grpc/testing/test';
import { implement } from '@rondo/rpc/server';
import type { App } from '@rondo/service';
import { test } from './test.js';

/** Wires the service. It leaves out the contract's other services: the suite calls one of them to see that it isn't there. */
export function createApp(): App {
  return { services: [implement(TestServiceDefinition, test)] };
}
