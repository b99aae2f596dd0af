/** A saga as its row has it. */
export interface SagaRow {
  readonly id: string;
  readonly kind: string;
  readonly subject: string;
  /** JSON. */
  readonly input: unknown;
  /** JSON, by the names of steps. */
  readonly results: Readonly<Record<string, unknown>>;
  readonly state: 'running' | 'compensating' | 'done' | 'compensated';
  /** Whether it waits for an operator. */
  readonly parked: boolean;
  /** Of the definition's steps, from 0. */
  readonly step: number;
  /** How often this step has failed. */
  readonly attempts: number;
  readonly error: string;
  readonly createTime: Date;
}

/** A saga as an operator sees it. */
export interface SagaEntry extends SagaRow {
  /** Empty where this version of the service doesn't know its kind or step. */
  readonly stepName: string;
}

/** A row as SQL has it. */
export const SAGA_COLUMNS = `id, kind, subject, input, results, state, parked, step, attempts, error,
  create_time AS "createTime"`;
