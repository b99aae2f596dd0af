import { randomUUID } from 'node:crypto';
import { CalculatorServiceDefinition } from '@rondo/contracts/calculator/v1/calculator';
import {
  type CreateProjectRequest,
  type Project,
  ProjectServiceDefinition,
} from '@rondo/contracts/projects/v1/projects';
import type { ServiceImplementation } from '@rondo/rpc/server';
import { RpcError, Status } from '@rondo/rpc/status';
import { standIn } from '@rondo/rpc/testing';
import { evaluate } from './expression.js';
import { toPlain } from './rational.js';

const MAX_EXPRESSION_CHARACTERS = 4096;

/** A calculator that computes exactly and keeps its contract's limit; `away` makes it fail. */
export class FakeCalculator {
  away = false;
  readonly expressions: string[] = [];

  readonly service: ServiceImplementation = standIn(CalculatorServiceDefinition, {
    evaluate: ({ expression, scale }) => {
      if (this.away) throw new RpcError(Status.UNAVAILABLE, 'no instance can take the call');
      if (expression.length > MAX_EXPRESSION_CHARACTERS) throw new RpcError(Status.INVALID_ARGUMENT, 'too long');
      this.expressions.push(expression);
      return { result: { value: toPlain(evaluate(expression), scale) } };
    },
  });
}

/** What a project service does with the next call. */
export type Failure = 'none' | 'before' | 'after';

/** A project service that creates one project a request id; it can fail before it has created one, or after. */
export class FakeProjects {
  failure: Failure = 'none';
  readonly requests: CreateProjectRequest[] = [];
  readonly byRequestId = new Map<string, Project>();

  readonly service: ServiceImplementation = standIn(ProjectServiceDefinition, {
    createProject: (request) => {
      this.requests.push(request);
      if (this.failure === 'before') throw new RpcError(Status.UNAVAILABLE, 'the process is gone');
      const project = this.byRequestId.get(request.requestId) ?? create(request);
      this.byRequestId.set(request.requestId, project);
      if (this.failure === 'after') throw new RpcError(Status.UNAVAILABLE, 'the reply is lost');
      return project;
    },
  });
}

function create({ project }: CreateProjectRequest): Project {
  if (project === undefined) throw new RpcError(Status.INVALID_ARGUMENT, 'project: is required');
  return { ...project, name: `projects/${randomUUID()}` };
}
