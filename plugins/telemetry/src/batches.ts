import type { Counter } from '@opentelemetry/api';
import { ExportResultCode } from '@opentelemetry/core';
import type { ReadableSpan, SpanExporter } from '@opentelemetry/sdk-trace-base';
import type { Logger } from '@rondo/rpc/call';
import type { Clock, Timer } from '@rondo/rpc/clock';
import type { Exporter } from '@rondo/service';

/**
 * Sends spans in batches, one after the other. Those that find no room in the queue are lost. A loss is counted, and is a line in the
 * log, and its end another one: a collector that is away for an hour makes two. OpenTelemetry's own processor runs each export in a
 * context of its own, and on Node 20 a process that only calls would pay for that at each promise.
 *
 * Source: https://opentelemetry.io/docs/specs/otel/trace/sdk/#batching-processor
 */
export class Batches {
  readonly #exporter: SpanExporter;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #processed: Counter;
  readonly #maxQueued: number;
  readonly #batchSize: number;
  readonly #delayMs: number;
  readonly #timeoutMs: number;
  readonly #queue: ReadableSpan[] = [];
  #sending: Promise<void> | undefined;
  #timer: Timer | undefined;
  #lost = 0;

  constructor(exporter: SpanExporter, { clock, log, meter, environment }: Parameters<Exporter['openSpans']>[0]) {
    this.#exporter = exporter;
    this.#clock = clock;
    this.#log = log;
    this.#processed = meter.createCounter('otel.sdk.processor.span.processed', {
      unit: '{span}',
      description: 'The spans that have been sent, and with an error.type those that are lost.',
    });
    const bound = (name: string, otherwise: number) => Number(environment[name]) || otherwise;
    this.#maxQueued = bound('OTEL_BSP_MAX_QUEUE_SIZE', 2_048);
    this.#batchSize = Math.min(this.#maxQueued, bound('OTEL_BSP_MAX_EXPORT_BATCH_SIZE', 512));
    this.#delayMs = bound('OTEL_BSP_SCHEDULE_DELAY', 5_000);
    this.#timeoutMs = bound('OTEL_BSP_EXPORT_TIMEOUT', 30_000);
  }

  add(span: ReadableSpan): void {
    if (this.#queue.length >= this.#maxQueued) {
      this.#count(1, 'queue_full');
    } else {
      this.#queue.push(span);
      this.#goOn();
    }
  }

  /** Sends what is left. */
  async close(): Promise<void> {
    while (this.#queue.length > 0 || this.#sending !== undefined) await (this.#sending ?? this.#send());
    await this.#exporter.shutdown();
  }

  #goOn(): void {
    if (this.#sending !== undefined || this.#queue.length === 0) return;
    if (this.#queue.length >= this.#batchSize) void this.#send();
    else this.#timer ??= this.#clock.setTimer(this.#delayMs, () => void this.#send(), { keepAlive: false });
  }

  #send(): Promise<void> {
    this.#timer?.cancel();
    this.#timer = undefined;
    const spans = this.#queue.splice(0, this.#batchSize);
    this.#sending = this.#export(spans).then((fault) => {
      this.#sending = undefined;
      this.#count(spans.length, fault);
      this.#goOn();
    });
    return this.#sending;
  }

  /** The kind of the fault if the spans could not be sent. */
  #export(spans: ReadableSpan[]): Promise<string | undefined> {
    return new Promise<string | undefined>((resolve) => {
      const timer = this.#clock.setTimer(this.#timeoutMs, () => resolve('timeout'), { keepAlive: false });
      this.#exporter.export(spans, ({ code, error }) => {
        timer.cancel();
        resolve(code === ExportResultCode.SUCCESS ? undefined : (error?.name ?? 'failed'));
      });
    }).catch((error: unknown) => (error instanceof Error ? error.name : 'failed'));
  }

  #count(count: number, fault?: string): void {
    this.#processed.add(count, fault === undefined ? {} : { 'error.type': fault });
    if (fault !== undefined) {
      const lost = { reason: fault, lost: count };
      if (this.#lost === 0) this.#log.warn(lost, 'spans are lost: look at the collector, or sample less');
      this.#lost += count;
    } else if (this.#lost > 0) {
      this.#log.info({ lost: this.#lost }, 'spans are sent again');
      this.#lost = 0;
    }
  }
}
