import { runService } from '@rondo/service';
import { telemetry } from '@rondo/telemetry';
import { nats } from '@rondo/topics-nats';
import { createApp } from './app.js';
import { variables } from './config.js';

await runService({ name: 'sales', port: 50053, variables, createApp, plugins: [nats, telemetry] });
