/** A process that publishes topics, or one that subscribes: an event's effect is a row. Its parent kills and freezes it. */
import { Moved, MoverServiceDefinition, WatcherServiceDefinition } from '@rondo/contracts/rondo/conformance/v1/topics';
import { createOutcomeStore, createPool } from '@rondo/database';
import { answerParent } from '@rondo/harness';
import { currentWorkLimits, silentLogger } from '@rondo/rpc/call';
import { createChannel, staticResolver } from '@rondo/rpc/client';
import { createRouter, serve } from '@rondo/rpc/server';
import { standIn } from '@rondo/rpc/testing';
import { createTopics } from '@rondo/topics';
import { nats } from '@rondo/topics-nats';

const SERVICES = [MoverServiceDefinition];

answerParent({
  /** Delivers to the subscribers, and publishes the moves of the pieces, each in its order. */
  async publish({ url, broker, subscribers, pieces, moves }) {
    const database = createPool({ url, lockTimeoutMs: 60_000 });
    const channel = createChannel({ resolver: staticResolver(subscribers) });
    const topics = createTopics({
      database,
      topics: [Moved],
      services: SERVICES,
      channel,
      log: silentLogger,
      broker: broker && (() => ({ plugin: nats, url: broker })),
    });
    await topics.start();
    const move = (piece) =>
      database.transaction(async (transaction) => {
        const sql = 'UPDATE pieces SET moves = moves + 1 WHERE piece = $1 AND moves < $2 RETURNING moves';
        const row = await transaction.maybeOne(sql, [piece, moves]);
        if (row !== undefined) await topics.publish(transaction, Moved, { piece, move: row.moves });
        return row !== undefined;
      });
    for (const piece of pieces)
      void (async () => {
        while (await move(piece).catch(() => true)) topics.nudge();
      })();
  },
  /** Serves the subscriptions. */
  async subscribe({ url, listen }) {
    const database = createPool({ url });
    const write =
      (reader) =>
      ({ piece, move }) =>
        database.transaction(async ({ query }) => {
          await query('INSERT INTO effects (reader, piece, move) VALUES ($1, $2, $3)', [reader, piece, move]);
          return {};
        }, currentWorkLimits());
    const handlers = Object.fromEntries(['once', 'strict', 'twin', 'atLeastOnce'].map((name) => [name, write(name)]));
    const services = [standIn(WatcherServiceDefinition, handlers)];
    await serve(createRouter({ services, outcomes: createOutcomeStore(database) }), { listen });
  },
});
