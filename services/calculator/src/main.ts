import { runService } from '@rondo/service';
import { telemetry } from '@rondo/telemetry';
import { createApp } from './app.js';

await runService({ name: 'calculator', port: 50051, plugins: [telemetry], createApp });
