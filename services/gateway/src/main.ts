#!/usr/bin/env node
import { runService } from '@rondo/service';
import { telemetry } from '@rondo/telemetry';
import { createApp } from './app.js';
import { variables } from './config.js';

await runService({ name: 'gateway', port: 50071, variables, plugins: [telemetry], createApp });
