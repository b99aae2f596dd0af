import { ConformanceServiceDefinition } from '@rondo/contracts/rondo/conformance/v1/conformance';
import { standIn } from '@rondo/rpc/testing';
import { HANDLERS } from '../iterables.mjs';

/** The contract's handlers, as a service of Rondo has them. */
export const conformance = standIn(ConformanceServiceDefinition, HANDLERS);
