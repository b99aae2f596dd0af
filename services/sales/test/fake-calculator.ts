import { CalculatorServiceDefinition } from '@rondo/contracts/calculator/v1/calculator';
import type { ServiceImplementation } from '@rondo/rpc/server';
import { RpcError, Status } from '@rondo/rpc/status';
import { standIn } from '@rondo/rpc/testing';
import { evaluate, toPlain } from './rational.js';

const MAX_EXPRESSION_CHARACTERS = 4096;

/** A calculator that computes exactly and enforces its contract's limit. While `away` is true, its calls fail. */
export class FakeCalculator {
  away = false;
  readonly parts: (readonly string[])[] = [];
  /** Runs once, during the next call. */
  meanwhile: (() => Promise<unknown>) | undefined;

  readonly service: ServiceImplementation = standIn(CalculatorServiceDefinition, {
    evaluatePart: async ({ expressions, scale }) => {
      const { meanwhile } = this;
      this.meanwhile = undefined;
      await meanwhile?.();
      if (this.away) throw new RpcError(Status.UNAVAILABLE, 'no instance can take the call');
      if (expressions.some(({ length }) => length > MAX_EXPRESSION_CHARACTERS)) {
        throw new RpcError(Status.INVALID_ARGUMENT, 'too long');
      }
      this.parts.push(expressions);
      return { results: expressions.map((expression) => toPlain(evaluate(expression), scale)), errors: [] };
    },
  });
}
