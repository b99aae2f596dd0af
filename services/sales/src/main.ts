import { runService } from '@rondo/service';
import { nats } from '@rondo/topics-nats';
import { createApp } from './app.js';
import { variables } from './config.js';

await runService({ name: 'sales', port: 50053, variables, createApp, plugins: [nats] });
