import { runService } from '@rondo/service';
import { telemetry } from '@rondo/telemetry';
import { createApp } from './app.js';
import { variables } from './config.js';

await runService({ name: 'project-management', port: 50052, variables, plugins: [telemetry], createApp });
